//! Generates `docs/reference/errors.md`, which lists every error message for review of the wording.
//!
//! The generator parses the code of the crates and does not run it. [`names`] lists the names that identify errors.

mod names;
mod page;
mod reader;
mod sources;
mod value;

use std::path::Path;

use anyhow::Result;

/// Returns the text of the page.
pub(crate) fn page(root: &Path) -> Result<String> {
    let crates = sources::read(&root.join("crates"))?;
    let sources = sources::Sources::of(&crates);
    Ok(page::render(&sources, reader::collect(&sources)))
}

#[cfg(test)]
mod tests;
