//! Reads the paths in the files of a crate, and finds the files that define the named items.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use syn::visit::{self, Visit};
use syn::{Item, ItemUse, UseTree};

use super::graph::Graph;
use crate::{files, rust};

/// The segments of a path or of the name of a module.
type Segments = Vec<String>;

/// The maximum length of a chain of re-exports.
const MOST_REEXPORTS: usize = 16;

/// The modules of a crate that have their own files.
pub(super) struct Crate {
    modules: BTreeMap<Segments, Module>,
}

/// The imports and the paths of one file.
#[derive(Default)]
struct Module {
    /// The path of each name that is imported or re-exported.
    names: BTreeMap<String, Segments>,
    /// Every path that the code uses, without paths that are only re-exported.
    paths: BTreeSet<Segments>,
}

impl Crate {
    /// Reads the files below a folder `src`.
    pub(super) fn read(src: &Path) -> Result<Self> {
        let mut modules = BTreeMap::new();
        for path in files::below(src)? {
            let Some(name) = module_of(&path) else {
                continue;
            };
            let text = files::text(&src.join(&path))?;
            let file = syn::parse_file(&text)
                .with_context(|| format!("{} is not Rust", src.join(&path).display()))?;
            let mut module = Module::default();
            Visitor(&mut module).visit_file(&file);
            modules.insert(name, module);
        }
        Ok(Self { modules })
    }

    /// Returns the modules and other crates that each module depends on.
    pub(super) fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        for (module, content) in &self.modules {
            for path in &content.paths {
                match self.absolute(module, path) {
                    Some(absolute) => {
                        let target = self.defining_module(absolute);
                        graph.add(&display_name(module), &display_name(&target));
                    }
                    None => graph.add(&display_name(module), &path[0]),
                }
            }
        }
        graph
    }

    /// Returns a path from the root of the crate; `None` for another crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Segments> {
        let mut rest = path;
        let mut base = match path.first()?.as_str() {
            "crate" => {
                rest = &rest[1..];
                Segments::new()
            }
            "self" | "super" => module.to_vec(),
            first => {
                let mut child = module.to_vec();
                child.push(first.to_owned());
                let imported = self.modules.get(module)?.names.get(first);
                match imported {
                    Some(target) if target != path => {
                        let target = self.absolute(module, target)?;
                        return Some([target.as_slice(), &rest[1..]].concat());
                    }
                    _ if self.modules.contains_key(&child) => module.to_vec(),
                    _ => return None,
                }
            }
        };
        while let Some(first) = rest.first() {
            match first.as_str() {
                "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// Follows re-exports to the module that defines what a path from the root names.
    fn defining_module(&self, path: Segments) -> Segments {
        let mut path = path;
        for _ in 0..MOST_REEXPORTS {
            let end = (0..=path.len())
                .rev()
                .find(|end| self.modules.contains_key(&path[..*end]));
            let (module, rest) = path.split_at(end.unwrap_or_default());
            let passed_on = rest
                .first()
                .and_then(|name| self.modules.get(module)?.names.get(name))
                .and_then(|target| self.absolute(module, target));
            match passed_on {
                Some(target) if target != path => {
                    path = [target.as_slice(), &rest[1..]].concat();
                }
                _ => return module.to_vec(),
            }
        }
        path
    }
}

/// Returns the name of the module in a file; `None` for tests, programs and files that are not Rust code.
fn module_of(path: &Path) -> Option<Segments> {
    let path = path.to_str()?.strip_suffix(".rs")?;
    let mut name: Segments = path.split('/').map(str::to_owned).collect();
    let is_left_out = |part: &String| matches!(part.as_str(), "tests" | "testing" | "bin");
    if name.iter().any(is_left_out) {
        return None;
    }
    if name.last()? == "mod" || name == ["lib"] || name == ["main"] {
        name.pop();
    }
    Some(name)
}

fn display_name(module: &[String]) -> String {
    if module.is_empty() {
        "lib".to_owned()
    } else {
        module.join("::")
    }
}

struct Visitor<'a>(&'a mut Module);

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !rust::is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_some() {
            return;
        }
        let is_passed_on = !matches!(item.vis, syn::Visibility::Inherited);
        let mut all = Vec::new();
        flatten(&item.tree, &Segments::new(), &mut all);
        for (name, path) in all {
            if !is_passed_on {
                self.0.paths.insert(path.clone());
            }
            if path.len() > 1 || name != path[0] {
                self.0.names.insert(name, path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // A path that begins with `::` is in another crate, even if a module has the same name.
        if path.segments.len() > 1 && path.leading_colon.is_none() {
            let segments = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            self.0.paths.insert(segments.collect());
        }
        visit::visit_path(self, path);
    }
}

/// Collects the names that a `use` tree imports, each with its path. An import with `*` counts as an import of the
/// module.
fn flatten(tree: &UseTree, before: &[String], all: &mut Vec<(String, Segments)>) {
    let with = |name: String| {
        let mut path = before.to_vec();
        path.push(name);
        path
    };
    match tree {
        UseTree::Path(tree) => flatten(&tree.tree, &with(tree.ident.to_string()), all),
        UseTree::Name(tree) if tree.ident == "self" => {
            let name = before.last().cloned().unwrap_or_default();
            all.push((name, before.to_vec()));
        }
        UseTree::Name(tree) => {
            let name = tree.ident.to_string();
            all.push((name.clone(), with(name)));
        }
        UseTree::Rename(tree) => {
            let path = if tree.ident == "self" {
                before.to_vec()
            } else {
                with(tree.ident.to_string())
            };
            all.push((tree.rename.to_string(), path));
        }
        UseTree::Glob(_) => all.push(("*".to_owned(), before.to_vec())),
        UseTree::Group(tree) => {
            for tree in &tree.items {
                flatten(tree, before, all);
            }
        }
    }
}
