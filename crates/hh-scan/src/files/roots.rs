//! Finds the paths that lead to the same files.

use std::collections::HashSet;
use std::path::PathBuf;

/// The distinct paths of a scan.
pub(super) struct Roots<'a> {
    /// The paths that are in no folder of the list.
    pub(super) outer: Vec<&'a PathBuf>,
    /// The paths that are in a folder of the list.
    pub(super) inner: Vec<&'a PathBuf>,
}

impl<'a> Roots<'a> {
    /// Sorts paths, without those that lead to the same file or folder as an earlier one.
    pub(super) fn of(paths: &'a [PathBuf]) -> Self {
        let mut distinct: Vec<(&PathBuf, PathBuf)> = Vec::new();
        let mut known = HashSet::new();
        for path in paths {
            // A path that does not exist is an error later.
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            if known.insert(real.clone()) {
                distinct.push((path, real));
            }
        }
        let is_inner = |real: &PathBuf| {
            let mut folders = real.ancestors().skip(1);
            folders.any(|folder| known.contains(folder))
        };
        let (inner, outer): (Vec<_>, Vec<_>) =
            distinct.iter().partition(|(_, real)| is_inner(real));
        let paths =
            |part: Vec<&(&'a PathBuf, PathBuf)>| part.iter().map(|(path, _)| *path).collect();
        Self {
            outer: paths(outer),
            inner: paths(inner),
        }
    }
}
