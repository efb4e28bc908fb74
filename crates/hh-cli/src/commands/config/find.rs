//! The setting that a command is asked for.

use hh_sdk::config::{SettingName, nearest_name};

use crate::error::CliError;

/// Finds the setting that was asked for, by its name or one of its variables.
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
        Some(found) => format!("in a file it is another way to set {found}"),
        None if name == "environments" => "in a file it holds the overlays".to_owned(),
        None => match nearest_name(name) {
            Some(near) => format!("did you mean {near}?"),
            None => "see `honeyhive config list`".to_owned(),
        },
    };
    Err(CliError::usage(format!("{name} is not a setting")).with_hint(hint))
}
