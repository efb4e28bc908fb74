//! The names that a file may hold, and what is said of others.

use hh_text::Diagnostic;

use super::reader::{Reader, place_of};
use crate::{LoadErrorKind, Problem, Provenance, SETTINGS, SettingName, UNSUPPORTED, nearest};

/// What a name in a file stands for.
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

/// Tells whether a name in a file stands for this setting, or for a file that holds it.
pub(crate) fn is_name_of(name: &str, setting: SettingName) -> bool {
    Named::find(name).is_some_and(|named| named.setting() == setting)
}

/// Finds the setting whose name is nearest to a mistyped one, if one is near.
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
    pub(super) fn unknown(&mut self, name: &str, provenance: &Provenance) {
        let upper = name.to_ascii_uppercase();
        let is_variable = SettingName::of_variable(&upper)
            .or_else(|| SettingName::of_variable(&format!("HH_{upper}")));
        let unsupported = UNSUPPORTED
            .iter()
            .find(|known| known.variable.strip_prefix("HH_") == Some(&upper));
        // A mistyped line may hold the key itself, so only names that look like names are repeated.
        let is_plain = name.len() <= 32
            && !name.starts_with("hh_")
            && name
                .bytes()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b' '));
        let what = match (is_variable, unsupported) {
            // The variable's own name is no key.
            (Some(setting), _) if name.starts_with("hh_") => {
                Diagnostic::new(format!("in a file, {upper} is {setting}"))
                    .with_hint(format!("write {setting}"))
            }
            (Some(setting), _) => Diagnostic::new(format!("in a file, {name} is {setting}"))
                .with_hint(format!("write {setting}")),
            (None, Some(known)) => {
                Diagnostic::new(format!("{name} has no effect: {}", known.reason))
                    .with_hint("remove it")
            }
            (None, None) => {
                let near = nearest_name(name);
                let near = near.filter(|near| *near != name);
                let shown = if is_plain { name } else { "(name not shown)" };
                let unknown = Diagnostic::new(format!("{shown} is not a setting"));
                match near {
                    Some(near) => unknown.with_hint(format!("did you mean {near}?")),
                    None => unknown,
                }
            }
        };
        let what = what.with_prefix(format_args!("{}: ", place_of(provenance)));
        self.problems
            .push(Problem::new(LoadErrorKind::Conflict, what).at(provenance.clone()));
    }
}
