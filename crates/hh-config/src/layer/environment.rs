//! Builds the layer of environment variables. Values are raw text; no type is guessed from their form.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::variables::{Variables, differ, urls};
use super::{DotEnv, Layer};
use crate::{Env, Location, Source};

impl Variables for Env {
    const SOURCE: Source = Source::Env;

    fn get(&self, variable: &str) -> Option<(&OsStr, Location)> {
        let value = self.get(variable)?;
        Some((value, Location::Variable(variable.to_owned())))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.names()
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.resolve(path)
    }
}

impl Layer {
    /// Builds the layer of all known environment variables, including `NAME_FILE` variables, which name secret files.
    #[must_use]
    pub fn environment(env: &Env) -> Self {
        Self::of_variables(env)
    }
}

/// Returns a warning if differently named variables of the environment and of a `.env` file name different servers.
///
/// The same variable in both is no reason for a warning: the environment takes precedence over the file.
pub(crate) fn conflicting_variables(env: &Env, dotenv: &DotEnv<'_>) -> Option<String> {
    let (first, second) = (urls(env).next()?, urls(dotenv).next()?);
    differ(&first, &second).filter(|_| first.0 != second.0)
}
