//! The names of the declared settings; their properties are in `spec/spec.rs`, the settings in `spec/table.rs` and
//! `spec/planned.rs`.

mod planned;
mod spec;
mod table;

use std::fmt;

pub(crate) use spec::Protection;
pub use spec::{
    Consumer, Kind, Placement, ProjectFilePolicy, SettingName, SettingSpec, UnsupportedVariable,
};
pub use table::{SETTINGS, UNSUPPORTED, names};

impl SettingName {
    /// Finds a declared setting by its name or alias.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|setting| {
            let declared = setting.spec();
            declared.name == name || declared.aliases.contains(&name)
        })
    }

    /// Finds the declared setting that a variable belongs to.
    #[must_use]
    pub fn of_variable(variable: &str) -> Option<Self> {
        Self::all().find(|setting| setting.spec().variables.contains(&variable))
    }

    /// Returns every declared setting, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        // The table is far shorter than 256 entries.
        (0..=u8::MAX).take(SETTINGS.len()).map(Self)
    }

    /// Returns the name as it stands in files and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// Returns the entry of the table.
    #[must_use]
    pub fn spec(self) -> &'static SettingSpec {
        &SETTINGS[usize::from(self.0)]
    }
}

impl fmt::Debug for SettingName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SettingName({})", self.as_str())
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
