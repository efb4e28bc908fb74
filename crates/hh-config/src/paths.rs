//! Returns the directories of HoneyHive files.

use std::path::PathBuf;

use crate::Env;

/// Returns the directory of the user's HoneyHive files: `$XDG_CONFIG_HOME/honeyhive` or else
/// `~/.config/honeyhive`.
///
/// Returns `None` if neither `XDG_CONFIG_HOME` nor `HOME` is an absolute path.
#[must_use]
pub fn config_dir(env: &Env) -> Option<PathBuf> {
    base_dir(env, "XDG_CONFIG_HOME", ".config")
}

/// Returns the data directory of a local server: `$XDG_DATA_HOME/honeyhive/server` or else
/// `~/.local/share/honeyhive/server`.
///
/// Returns `None` if neither `XDG_DATA_HOME` nor `HOME` is an absolute path.
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
