//! From parameters and the environment to the stack of all layers: which files are read, and in whose place.

mod files;

use secrecy::SecretString;

use crate::layer::{DotEnv, conflicting_variables};
use crate::{DiscoveredFile, Env, Layer, SettingName, Stack, names};

pub use files::overlays;

/// Direct parameters, given to [`Settings::load`](crate::Settings::load).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LoadOptions {
    direct: Vec<(SettingName, SecretString, String)>,
}

impl LoadOptions {
    /// Makes options that set nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets any setting directly, as text.
    pub fn with(self, name: SettingName, value: impl Into<SecretString>) -> Self {
        self.with_place(name, value, format!("parameter {name}"))
    }

    /// Sets any setting directly, by a flag or parameter that people know as `place`.
    pub fn with_place(
        mut self,
        name: SettingName,
        value: impl Into<SecretString>,
        place: impl Into<String>,
    ) -> Self {
        self.direct.push((name, value.into(), place.into()));
        self
    }

    /// Sets the project directly.
    pub fn with_project(self, project: &str) -> Self {
        self.with(names::PROJECT, project)
    }
}

impl Stack {
    /// Builds the stack of all layers but the stored profile; what is wrong is kept in it.
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
        // The real environment wins over it (docs/design/decisions.md#p3), in substitutions as well.
        files::add(stack, env, &env.clone().with_lower(dotenv.pairs()))
    }
}
