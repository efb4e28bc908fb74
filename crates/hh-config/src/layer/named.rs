//! Finds the settings of names in files and figment providers, and describes unknown names.

use hh_text::Diagnostic;

use crate::{SettingName, UNSUPPORTED, nearest_name};

/// The meaning of a name.
#[derive(Clone, Copy)]
pub(super) enum Named {
    Setting(SettingName),
    SecretFile(SettingName),
}

impl Named {
    pub(super) fn find(name: &str) -> Option<Self> {
        let secret = || {
            let setting = SettingName::find(name.strip_suffix("_file")?)?;
            setting.spec().secret.then_some(Self::SecretFile(setting))
        };
        SettingName::find(name).map(Self::Setting).or_else(secret)
    }

    pub(super) fn setting(self) -> SettingName {
        match self {
            Self::Setting(setting) | Self::SecretFile(setting) => setting,
        }
    }
}

/// Describes a name that is not a setting, with a hint if possible. `place` follows the name of a setting in a hint,
/// such as ` in a file`.
pub(super) fn unknown(name: &str, place: &str) -> Diagnostic {
    let upper = name.to_ascii_uppercase();
    let is_variable = SettingName::of_variable(&upper)
        .or_else(|| SettingName::of_variable(&format!("HH_{upper}")));
    let unsupported = UNSUPPORTED
        .iter()
        .find(|known| known.variable.strip_prefix("HH_") == Some(&upper));
    match (is_variable, unsupported) {
        // The name of a known variable is not a key.
        (Some(setting), _) if name.starts_with("hh_") => {
            Diagnostic::new(format!("unknown setting {upper}"))
                .with_hint(format!("use the name {setting}{place}"))
        }
        (Some(setting), _) => Diagnostic::new(format!("unknown setting {name}"))
            .with_hint(format!("use the name {setting}{place}")),
        (None, Some(known)) => Diagnostic::new(format!("{name} has no effect: {}", known.reason))
            .with_hint("remove it"),
        (None, None) => {
            let near = nearest_name(name);
            let near = near.filter(|near| *near != name);
            let unknown = Diagnostic::new(format!("unknown setting {}", redacted(name)));
            match near {
                Some(near) => unknown.with_hint(format!("did you mean {near}?")),
                None => unknown,
            }
        }
    }
}

/// Returns a name that is safe to print. A mistyped line may contain the API key, so only plain names are printed.
pub(super) fn redacted(name: &str) -> &str {
    let is_plain = name.len() <= 32
        && !name.starts_with("hh_")
        && name
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b' '));
    if is_plain { name } else { "(name redacted)" }
}
