//! Finds the setting that an argument names.

use hh_sdk::config::{SettingName, nearest_name};

use crate::error::CliError;

/// Finds a setting by its name or by one of its variables.
///
/// # Errors
///
/// A usage error if there is no such setting.
pub(super) fn find(name: &str) -> Result<SettingName, CliError> {
    let variable = name.to_ascii_uppercase();
    let of_file = variable
        .strip_suffix("_FILE")
        .and_then(SettingName::of_variable);
    if let Some(found) = SettingName::find(name)
        .or_else(|| SettingName::of_variable(&variable))
        .or_else(|| of_file.filter(|found| found.spec().secret))
    {
        return Ok(found);
    }
    let own = name.strip_suffix("_file").and_then(SettingName::find);
    let hint = match own.filter(|found| found.spec().secret) {
        Some(found) => format!("use {found}; {name} is valid only in configuration files"),
        None if name == "environments" => {
            "use it only in configuration files, where it contains the overlays".to_owned()
        }
        None => match nearest_name(name) {
            Some(near) => format!("did you mean {near}?"),
            None => "run `honeyhive config list --all` to list all settings".to_owned(),
        },
    };
    Err(CliError::usage(format!("unknown setting {name}")).with_hint(hint))
}
