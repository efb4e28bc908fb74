//! Tests of the programs of this package, which run them like xtask does.

#[cfg(test)]
mod man_pages;
