//! The names of the declared settings; their properties are in `declared/spec.rs`, the settings in `declared/table.rs` and
//! `declared/planned.rs`.

mod planned;
mod spec;
mod table;

use std::fmt;

pub(crate) use spec::Protection;
pub use spec::{ActsOn, Declared, Kind, Place, ProjectFile, SettingName, Unsupported};
pub use table::{DECLARED, UNSUPPORTED, names};

impl SettingName {
    /// Finds a declared setting by its name or alias.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|setting| {
            let declared = setting.declared();
            declared.name == name || declared.aliases.contains(&name)
        })
    }

    /// Finds the declared setting that a variable belongs to.
    #[must_use]
    pub fn of_variable(variable: &str) -> Option<Self> {
        Self::all().find(|setting| setting.declared().variables.contains(&variable))
    }

    /// Returns every declared setting, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        // The table is far shorter than 256 entries.
        (0..=u8::MAX).take(DECLARED.len()).map(Self)
    }

    /// Returns the name as it stands in files and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.declared().name
    }

    /// Returns the entry of the table.
    #[must_use]
    pub fn declared(self) -> &'static Declared {
        &DECLARED[usize::from(self.0)]
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
