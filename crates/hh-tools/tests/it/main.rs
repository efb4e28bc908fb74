//! The programs of this package, run as xtask runs them.

#[cfg(test)]
mod man_pages;
