//! Checks what an untrusted file of the working directory is allowed to do (see `docs/design/decisions.md#x2`).

use hh_text::Diagnostic;

use super::reader::{Guard, Reader};
use crate::layer::policy::denied;
use crate::{LoadErrorKind, Provenance, SettingName, Source, substitute};

impl Reader<'_> {
    /// Checks the variables of a value: a secret is allowed only in a secret setting, and an untrusted file can use
    /// only variables with the prefix `HH_`.
    pub(super) fn check_use(
        &mut self,
        setting: SettingName,
        variables: &[String],
        provenance: &Provenance,
    ) -> bool {
        for variable in variables {
            if self.file.guard == Guard::Untrusted && !variable.starts_with("HH_") {
                let what = format!("use {variable} in {setting} (only HH_ variables are allowed)");
                self.untrusted(&what, setting, provenance);
                return false;
            }
            if substitute::is_secret(variable) && !setting.spec().secret {
                let what = Diagnostic::new(format!(
                    "{setting} uses {variable}, which contains a secret, but {setting} is not a secret setting"
                ));
                let what = what.with_hint("use another variable");
                self.problem(LoadErrorKind::Invalid, what, setting, provenance);
                return false;
            }
        }
        true
    }

    /// Checks whether the file is allowed to set this value.
    pub(super) fn check_may_set(
        &mut self,
        setting: SettingName,
        text: &str,
        provenance: &Provenance,
    ) -> bool {
        if self.file.guard != Guard::Untrusted {
            return true;
        }
        let Some(what) = denied(setting, text) else {
            return true;
        };
        self.untrusted(&what, setting, provenance);
        false
    }

    /// Checks whether the caller named the file or it is the user's file.
    pub(super) fn check_is_own(&mut self, setting: SettingName, provenance: &Provenance) -> bool {
        let file = match (self.file.guard, self.file.source) {
            (Guard::Untrusted, _) => "an untrusted project file",
            (Guard::Trusted, _) => "a project file",
            (Guard::Named, Source::System) => "the system file",
            (Guard::Named, _) => return true,
        };
        let variable = setting.spec().variables[0];
        let what = Diagnostic::new(format!("{file} cannot set {setting}")).with_hint(format!(
            "set {variable}, or set {setting} in the user's file or in a file specified with --config-file or HH_CONFIG_FILE"
        ));
        self.problem(LoadErrorKind::Untrusted, what, setting, provenance);
        false
    }

    /// Adds the problem that the file is not allowed to do `what`, which is an infinitive.
    pub(super) fn untrusted(&mut self, what: &str, setting: SettingName, provenance: &Provenance) {
        let path = self.path.display();
        let what = Diagnostic::new(format!("an untrusted project file cannot {what}"));
        let what = what.with_hint(format!(
            "review the file and run `honeyhive config trust {path}`, or specify it with --config-file or HH_CONFIG_FILE"
        ));
        self.problem(LoadErrorKind::Untrusted, what, setting, provenance);
    }
}
