//! Checks that the files of a crate depend on each other in one direction, and that the layers of the server are
//! respected.
//!
//! A file depends on the files that define the items that its paths name. A name is resolved through `use` to the file
//! that defines the item, so a parent module that only re-exports items of its children does not count as a dependency.
//! Tests and the contents of macros are not checked.

mod graph;
mod paths;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use self::graph::Graph;
use self::paths::Crate;

/// The modules that must not depend on certain modules or crates, with the reasons.
struct Layer {
    name: &'static str,
    /// The module that the rule applies to, including its submodules.
    module: &'static str,
    /// The modules and crates that it must not use. `http` is the name of both a module and a crate.
    may_not_use: &'static [&'static str],
}

/// The layers of the server, lowest first.
const LAYERS: [Layer; 3] = [
    Layer {
        name: "hh-server",
        module: "domain",
        may_not_use: &["auth", "store", "app", "routes", "http", "axum", "rusqlite"],
    },
    Layer {
        name: "hh-server",
        module: "auth::access",
        may_not_use: &[
            "auth::authorize",
            "auth::key_cache",
            "store",
            "app",
            "routes",
            "http",
            "axum",
        ],
    },
    Layer {
        name: "hh-server",
        module: "store",
        may_not_use: &[
            "auth::authorize",
            "auth::key_cache",
            "app",
            "routes",
            "http",
            "axum",
        ],
    },
];

/// The modules and crates that a module may use.
struct Exclusive {
    name: &'static str,
    /// A module or another crate.
    used: &'static str,
    only_by: &'static str,
}

const EXCLUSIVE: [Exclusive; 1] = [Exclusive {
    name: "hh-server",
    used: "rusqlite",
    only_by: "store::sqlite",
}];

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut members = vec![root.join("xtask")];
    let crates = root.join("crates");
    if crates.is_dir() {
        for entry in fs::read_dir(&crates).context("the folder of crates cannot be read")? {
            members.push(entry?.path());
        }
    }
    members.sort();
    for member in members.iter().filter(|member| member.join("src").is_dir()) {
        let name = member.file_name().unwrap_or_default().to_string_lossy();
        let sources = Crate::read(&member.join("src"))?;
        let graph = sources.graph();
        for cycle in graph.cycles() {
            findings.push(format!("{name}: files depend on each other: {cycle}"));
        }
        for layer in LAYERS.iter().filter(|layer| layer.name == name) {
            findings.extend(violations(layer, &graph));
        }
        for rule in EXCLUSIVE.iter().filter(|rule| rule.name == name) {
            findings.extend(uses_of_others(rule, &graph));
        }
    }
    Ok(findings)
}

fn violations(layer: &Layer, graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to) in graph
        .edges()
        .filter(|(from, _)| is_below(from, layer.module))
    {
        if layer.may_not_use.iter().any(|top| is_below(to, top)) {
            found.push(format!(
                "{}: {from} uses {to}, which the layer {} may not",
                layer.name, layer.module
            ));
        }
    }
    found
}

fn uses_of_others(rule: &Exclusive, graph: &Graph) -> Vec<String> {
    let Exclusive {
        name,
        used,
        only_by,
    } = rule;
    let edges = graph.edges();
    edges
        .filter(|(from, to)| is_below(to, used) && !is_below(from, only_by))
        .map(|(from, to)| format!("{name}: {from} uses {to}, which only {only_by} may"))
        .collect()
}

fn is_below(module: &str, top: &str) -> bool {
    module == top
        || module
            .strip_prefix(top)
            .is_some_and(|rest| rest.starts_with("::"))
}

#[cfg(test)]
mod tests;
