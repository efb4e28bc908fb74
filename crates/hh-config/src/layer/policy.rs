//! Decides which settings an untrusted source in the working directory can set (see `docs/design/decisions.md#x2`).

use crate::{BaseUrl, ProjectFilePolicy, SettingName, value};

/// Returns what an untrusted source would do with this value but is not allowed to, as an infinitive.
pub(super) fn denied(setting: SettingName, text: &str) -> Option<String> {
    match setting.spec().project_file {
        ProjectFilePolicy::Allowed => None,
        ProjectFilePolicy::OnlyHosted if is_hosted(text) => None,
        // An invalid URL is reported as such later.
        ProjectFilePolicy::OnlyHosted if BaseUrl::parse(text.trim()).is_err() => None,
        ProjectFilePolicy::OnlyHosted => Some(format!(
            "set {setting} to a server other than https://*.honeyhive.ai"
        )),
        ProjectFilePolicy::OnlyTrue if value::boolean(text) != Some(false) => None,
        ProjectFilePolicy::OnlyTrue => Some(format!("disable {setting}")),
        ProjectFilePolicy::Denied => Some(format!("set {setting}")),
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
