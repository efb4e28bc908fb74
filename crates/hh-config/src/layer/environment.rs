//! Environment variables, as raw text: nothing is guessed from the look of a value.

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
    /// Builds the layer of the declared variables, aliases and `NAME_FILE` secrets.
    #[must_use]
    pub fn environment(env: &Env) -> Self {
        Self::of_variables(env)
    }
}

/// Two variables of different names in the environment and in a `.env` file are the same trap; one name in both is how
/// the environment wins over the file.
pub(crate) fn conflicting_variables(env: &Env, dotenv: &DotEnv<'_>) -> Option<String> {
    let (first, second) = (urls(env).next()?, urls(dotenv).next()?);
    differ(&first, &second).filter(|_| first.0 != second.0)
}
