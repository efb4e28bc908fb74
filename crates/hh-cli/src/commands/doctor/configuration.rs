//! Implements the step of `honeyhive doctor` that checks the configuration.

use hh_sdk::config::{FileState, names};
use hh_sdk::tooling::{Layers, Resolved};

use super::report::Finding;
use crate::exit::Exit;

/// Checks all sources of settings. Returns the finding, and the resolved settings if they are valid.
pub(super) fn check(layers: Layers) -> (Finding, Option<Resolved>) {
    let problems = layers.stack.problems();
    if let [first, more @ ..] = problems.as_slice() {
        let mut fix = first.hint().unwrap_or("correct the value").to_owned();
        if !more.is_empty() {
            fix.push_str("; run `honeyhive config validate` to list all problems");
        }
        return (Finding::failed(Exit::Config, first.message(), fix), None);
    }
    let files = files(&layers);
    match layers.resolve() {
        Err(error) => {
            let fix = error.hint();
            let fix =
                fix.unwrap_or("run `honeyhive config list` to see all settings and their sources");
            (Finding::failed(Exit::Config, error.message(), fix), None)
        }
        Ok(resolved) => {
            let base_url = &resolved.settings.base_url;
            let seen = format!(
                "{files}; requests go to {} ({})",
                base_url.value, base_url.provenance
            );
            (Finding::ok(seen), Some(resolved))
        }
    }
}

/// Returns a list of the files and the profile that were read.
fn files(layers: &Layers) -> String {
    let read = layers.stack.files().iter().filter_map(|file| {
        let is_read = match file.state {
            FileState::Read | FileState::Trusted | FileState::NotTrusted => true,
            FileState::Absent
            | FileState::Unreadable
            | FileState::Unsafe
            | FileState::Ignored
            | FileState::TwoSpellings
            | _ => false,
        };
        let path = file.path.as_ref().filter(|_| is_read)?;
        let state = match file.state {
            FileState::NotTrusted => ", not trusted",
            FileState::Trusted => ", trusted",
            FileState::Read
            | FileState::Absent
            | FileState::Unreadable
            | FileState::Unsafe
            | FileState::Ignored
            | FileState::TwoSpellings
            | _ => "",
        };
        Some(format!("{} ({}{state})", path.display(), file.source))
    });
    let mut read: Vec<_> = read.collect();
    if let Some(profile) = &layers.profile {
        read.push(format!("profile \"{}\"", profile.name));
    }
    match read.as_slice() {
        [] => "no configuration file".to_owned(),
        read => read.join(", "),
    }
}

/// Returns the name of the setting `base_url` with its source, for a message.
pub(super) fn base_url_place(resolved: &Resolved) -> String {
    format!(
        "{} ({})",
        names::BASE_URL,
        resolved.settings.base_url.provenance
    )
}
