//! What a file of the working directory may do that nobody trusted (see `docs/design/decisions.md#x2`).

use hh_text::Diagnostic;

use super::reader::{Guard, Reader};
use crate::{
    BaseUrl, LoadErrorKind, ProjectFilePolicy, Provenance, SettingName, substitute, value,
};

impl Reader<'_> {
    /// A secret belongs into a secret, and a file that nobody trusted gets at our own variables only.
    pub(super) fn check_use(
        &mut self,
        setting: SettingName,
        variables: &[String],
        provenance: &Provenance,
    ) -> bool {
        for variable in variables {
            if self.file.guard == Guard::Untrusted && !variable.starts_with("HH_") {
                let what = format!("{setting} uses {variable}, and only HH_ variables may be used");
                self.untrusted(&what, setting, provenance);
                return false;
            }
            if substitute::is_secret(variable) && !setting.spec().secret {
                let what = Diagnostic::new(format!(
                    "{setting} uses {variable}, which holds a secret, but {setting} is shown to people"
                ));
                let what = what.with_hint("use another variable");
                self.problem(LoadErrorKind::Invalid, what, setting, provenance);
                return false;
            }
        }
        true
    }

    pub(super) fn check_may_set(
        &mut self,
        setting: SettingName,
        text: &str,
        provenance: &Provenance,
    ) -> bool {
        if self.file.guard != Guard::Untrusted {
            return true;
        }
        let what = match setting.spec().project_file {
            ProjectFilePolicy::Allowed => return true,
            ProjectFilePolicy::OnlyHosted if is_hosted(text) => return true,
            // What is no URL at all is told as such.
            ProjectFilePolicy::OnlyHosted if BaseUrl::parse(text.trim()).is_err() => return true,
            ProjectFilePolicy::OnlyHosted => "names a server other than HoneyHive's over https",
            ProjectFilePolicy::OnlyTrue if value::boolean(text) != Some(false) => return true,
            ProjectFilePolicy::OnlyTrue => "is switched off",
            ProjectFilePolicy::Denied => "is set",
        };
        self.untrusted(&format!("{setting} {what}"), setting, provenance);
        false
    }

    pub(super) fn untrusted(&mut self, what: &str, setting: SettingName, provenance: &Provenance) {
        let path = self.path.display();
        let what = Diagnostic::new(format!(
            "{what} in a file of the working directory that is not trusted"
        ));
        let what = what.with_hint(format!(
            "read it, then run `honeyhive config trust {path}`, or name it with --config-file or HH_CONFIG_FILE"
        ));
        self.problem(LoadErrorKind::Untrusted, what, setting, provenance);
    }
}

fn is_hosted(text: &str) -> bool {
    let Ok(url) = BaseUrl::parse(text.trim()) else {
        return false;
    };
    let origin = url.origin().to_string();
    let host = origin.strip_prefix("https://").unwrap_or_default();
    host.ends_with(".honeyhive.ai")
}
