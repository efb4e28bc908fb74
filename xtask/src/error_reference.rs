//! `docs/reference/errors.md`: every error message in one page, for review of the wording.
//!
//! The code of the crates is read, not run: [`names`] lists the few names that identify errors.

mod names;
mod page;
mod reader;
mod sources;
mod value;

use std::path::Path;

use anyhow::Result;

/// Returns the page.
pub(crate) fn page(root: &Path) -> Result<String> {
    let crates = sources::read(&root.join("crates"))?;
    let sources = sources::Sources::of(&crates);
    Ok(page::render(&sources, reader::collect(&sources)))
}

#[cfg(test)]
mod tests;
