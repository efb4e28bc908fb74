//! Finds the settings of names in a file, and reports unknown names.

use hh_text::Diagnostic;

use super::reader::Reader;
use crate::{LoadErrorKind, Problem, Provenance, SETTINGS, SettingName, UNSUPPORTED, nearest};

/// The meaning of a name in a file.
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

/// Returns whether a name in a file sets this setting, directly or by a secret file.
pub(crate) fn is_name_of(name: &str, setting: SettingName) -> bool {
    Named::find(name).is_some_and(|named| named.setting() == setting)
}

/// Returns the name of a setting that is similar to a mistyped one, if there is one.
#[must_use]
pub fn nearest_name(typed: &str) -> Option<&'static str> {
    nearest(
        &typed.to_ascii_lowercase().replace(['-', ' '], "_"),
        all_names(),
    )
}

fn all_names() -> impl Iterator<Item = &'static str> {
    let aliases = SETTINGS.iter().flat_map(|declared| declared.aliases);
    let names = SETTINGS.iter().map(|declared| declared.name);
    names
        .chain(aliases.copied())
        .chain(["environments", "api_key_file"])
}

impl Reader<'_> {
    /// Adds the problem of an unknown name, with a hint if possible.
    pub(super) fn unknown(&mut self, name: &str, provenance: &Provenance) {
        let upper = name.to_ascii_uppercase();
        let is_variable = SettingName::of_variable(&upper)
            .or_else(|| SettingName::of_variable(&format!("HH_{upper}")));
        let unsupported = UNSUPPORTED
            .iter()
            .find(|known| known.variable.strip_prefix("HH_") == Some(&upper));
        // A mistyped line may contain the API key, so only plain names are printed.
        let is_plain = name.len() <= 32
            && !name.starts_with("hh_")
            && name
                .bytes()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b' '));
        let what = match (is_variable, unsupported) {
            // The name of a known variable is not a key.
            (Some(setting), _) if name.starts_with("hh_") => {
                Diagnostic::new(format!("unknown setting {upper}"))
                    .with_hint(format!("use the name {setting} in a file"))
            }
            (Some(setting), _) => Diagnostic::new(format!("unknown setting {name}"))
                .with_hint(format!("use the name {setting} in a file")),
            (None, Some(known)) => {
                Diagnostic::new(format!("{name} has no effect: {}", known.reason))
                    .with_hint("remove it")
            }
            (None, None) => {
                let near = nearest_name(name);
                let near = near.filter(|near| *near != name);
                let shown = if is_plain { name } else { "(name redacted)" };
                let unknown = Diagnostic::new(format!("unknown setting {shown}"));
                match near {
                    Some(near) => unknown.with_hint(format!("did you mean {near}?")),
                    None => unknown,
                }
            }
        };
        let what = what.with_prefix(format_args!("{}: ", provenance.place()));
        self.problems
            .push(Problem::new(LoadErrorKind::Conflict, what).at(provenance.clone()));
    }
}
