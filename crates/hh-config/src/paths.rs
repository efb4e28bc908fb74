//! The fixed places of our files.

use std::path::PathBuf;

use crate::Env;

/// Returns the directory of the user's HoneyHive files: `$XDG_CONFIG_HOME/honeyhive`, else `~/.config/honeyhive`.
///
/// `None` when neither variable names an absolute path.
#[must_use]
pub fn config_dir(env: &Env) -> Option<PathBuf> {
    base_dir(env, "XDG_CONFIG_HOME", ".config")
}

/// Returns the directory of a local server's data: `$XDG_DATA_HOME/honeyhive/server`, else `~/.local/share/honeyhive/server`.
///
/// `None` when neither variable names an absolute path.
#[must_use]
pub fn server_dir(env: &Env) -> Option<PathBuf> {
    base_dir(env, "XDG_DATA_HOME", ".local/share").map(|dir| dir.join("server"))
}

fn base_dir(env: &Env, variable: &str, below_home: &str) -> Option<PathBuf> {
    env.path(variable)
        .filter(|dir| dir.is_absolute())
        .or_else(|| env.home().map(|home| home.join(below_home)))
        .map(|dir| dir.join("honeyhive"))
}
