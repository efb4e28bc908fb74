//! Builds the stack of all layers from parameters, the environment and files.

mod files;

use secrecy::SecretString;

use crate::layer::{DotEnv, conflicting_variables};
use crate::{DiscoveredFile, Env, Layer, SettingName, Stack, names};

pub use files::overlays;

/// The direct parameters of [`Settings::load`](crate::Settings::load), which override all other sources.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LoadOptions {
    direct: Vec<(SettingName, SecretString, String)>,
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
        let mut stack = Self::new()
            .with(Layer::direct(options.direct))
            .with(Layer::environment(env));
        let Some(named) = stack.text_or_problem(names::ENV_FILE) else {
            stack.add_file(DiscoveredFile::dotenv(None));
            return files::add(stack, env, env);
        };
        let path = std::path::PathBuf::from(named.value);
        let dotenv = DotEnv::read(env, &path, &named.provenance);
        stack.add_file(DiscoveredFile::dotenv(Some(env.resolve(&path))));
        if let Some(warning) = conflicting_variables(env, &dotenv) {
            stack.add_warning(warning);
        }
        let stack = stack.with(dotenv.layer());
        // The process environment overrides the file, also in substitutions (see `docs/design/decisions.md#p3`).
        files::add(stack, env, &env.clone().with_lower(dotenv.pairs()))
    }
}
