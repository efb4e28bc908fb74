//! Builds the stack of all layers from parameters, the environment and files.

#[cfg_attr(not(feature = "files"), path = "load/without_files.rs")]
mod files;

use secrecy::SecretString;

use crate::{Env, Layer, SettingName, Stack, names};

#[cfg(feature = "files")]
pub use files::overlays;

/// The direct parameters of [`Settings::load`](crate::Settings::load), which override all other sources.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LoadOptions {
    direct: Vec<(SettingName, SecretString, String)>,
    pub(crate) layers: Vec<Layer>,
}

impl LoadOptions {
    /// Creates options without parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a setting. The value is text, in the same form as in an environment variable.
    pub fn with(self, name: SettingName, value: impl Into<SecretString>) -> Self {
        self.with_place(name, value, format!("parameter {name}"))
    }

    /// Sets a setting, as [`with`](Self::with) does. `place` is the name of the parameter in messages, such
    /// as `--base-url`.
    pub fn with_place(
        mut self,
        name: SettingName,
        value: impl Into<SecretString>,
        place: impl Into<String>,
    ) -> Self {
        self.direct.push((name, value.into(), place.into()));
        self
    }

    /// Sets the project.
    pub fn with_project(self, project: &str) -> Self {
        self.with(names::PROJECT, project)
    }
}

impl Stack {
    /// Builds the stack of all layers except the stored profile. Loading does not stop at a problem:
    /// [`Stack::problems`] returns all of them.
    #[must_use]
    pub fn load(env: &Env, options: LoadOptions) -> Self {
        // The layer that is added last has the highest precedence of its source: providers have the lowest.
        let stack = options.layers.into_iter().fold(Self::new(), Self::with);
        let stack = stack
            .with(Layer::direct(options.direct))
            .with(Layer::environment(env));
        files::add(stack, env)
    }
}
