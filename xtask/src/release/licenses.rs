//! Collects the licenses of all crates of other authors that a program contains.
//!
//! The texts come from the packages. `cargo about` compares each text with all known licenses, which took 17 minutes of
//! CPU time; `cargo deny` checks the licenses themselves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::release::linked;
use crate::release::targets::Target;
use crate::{files, process};

/// Beginnings of the names of license files, in lower case and in both spellings.
const NAMES: [&str; 4] = ["copying", "copyright", "licen", "notice"];

/// The license of the C library that static programs contain.
const OF_MUSL: &str = "xtask/release/musl-license";

/// Separates the sections of the document.
const RULE: &str =
    "--------------------------------------------------------------------------------";

/// Returns a list of the crates with their licenses, and each license text with the crates that contain it.
///
/// # Errors
/// Returns an error if cargo fails, or if a crate has neither a license nor a license file.
pub(crate) fn text(root: &Path, target: &Target) -> Result<String> {
    let linked = linked::crates(root, target.triple)?;
    let metadata = process::cargo(
        root,
        "metadata --format-version 1 --locked --filter-platform",
    );
    let mut metadata = metadata;
    metadata.arg(target.triple);
    let metadata: Value = serde_json::from_str(&process::output(metadata)?)
        .context("the output of `cargo metadata` is not JSON")?;
    let mut crates = Vec::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let field = |name: &str| package[name].as_str().unwrap_or_default();
        let name = format!("{} {}", field("name"), field("version"));
        // Packages of the workspace have no source.
        if package["source"].is_null() || !linked.contains(&name) {
            continue;
        }
        let folder = Path::new(field("manifest_path"))
            .parent()
            .with_context(|| format!("the package {name} has no directory"))?;
        let found = license_texts(folder)?;
        if found.is_empty() && field("license").is_empty() {
            bail!("the package {name} has no license");
        }
        crates.push(format!(
            "{name}: {} {}",
            if field("license").is_empty() {
                "see below"
            } else {
                field("license")
            },
            field("repository")
        ));
        for text in found {
            let names = texts.entry(text).or_default();
            // A package can contain a text twice.
            if names.last() != Some(&name) {
                names.push(name.clone());
            }
        }
    }
    let mut document = document(&crates, &texts);
    if target.is_static() {
        let license = files::text(&root.join(OF_MUSL))?;
        // Writing to a string cannot fail.
        let _infallible = write!(document, "\n{RULE}\n{license}");
    }
    Ok(document)
}

/// Returns the texts of the license files of a package.
fn license_texts(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for file in files::below(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        let is_code = file.extension().is_some_and(|name| name == "rs");
        if !is_code && NAMES.iter().any(|start| name.starts_with(start)) {
            let bytes = fs::read(folder.join(&file))
                .with_context(|| format!("cannot read {}", file.display()))?;
            texts.push(
                String::from_utf8_lossy(&bytes)
                    .replace("\r\n", "\n")
                    .trim()
                    .to_owned(),
            );
        }
    }
    Ok(texts)
}

fn document(crates: &[String], texts: &BTreeMap<String, Vec<String>>) -> String {
    let mut document =
        "The program honeyhive contains these crates of other authors:\n\n".to_owned();
    for line in crates {
        document.push_str(line.trim_end());
        document.push('\n');
    }
    let mut sections: Vec<_> = texts.iter().map(|(text, names)| (names, text)).collect();
    sections.sort();
    for (names, text) in sections {
        // Writing to a string cannot fail.
        let _infallible = write!(document, "\n{RULE}\n{}\n\n{text}\n", names.join(", "));
    }
    document
}
