//! Builds the layer of environment variables. Values are raw text; no type is guessed from their form.

use std::ffi::OsStr;

use super::Layer;
use super::variables::Variables;
use crate::{Env, Location, Source};

impl Variables for Env {
    const SOURCE: Source = Source::Env;

    fn find(&self, variable: &str) -> Option<(&OsStr, Location)> {
        let value = self.raw(variable)?;
        Some((value, Location::Variable(variable.to_owned())))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.names()
    }

    fn env(&self) -> &Env {
        self
    }
}

impl Layer {
    /// Builds the layer of all known environment variables, including `NAME_FILE` variables, which name secret files.
    #[must_use]
    pub fn environment(env: &Env) -> Self {
        Self::of_variables(env)
    }
}
