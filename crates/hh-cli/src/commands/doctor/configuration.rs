//! The step of the configuration: which files there are, and what is wrong with them.

use hh_sdk::config::{FileState, names};
use hh_sdk::{Connected, Layers};

use super::report::Finding;
use crate::context::Context;
use crate::exit::Exit;

/// Checks everything that is read; the settings in effect, if they can be used.
pub(super) fn check(context: &Context, layers: &Layers) -> (Finding, Option<Connected>) {
    let problems = layers.stack.problems();
    if let [first, more @ ..] = problems.as_slice() {
        let mut fix = first.hint().unwrap_or("correct it there").to_owned();
        if !more.is_empty() {
            fix.push_str("; `honeyhive config validate` lists all mistakes");
        }
        return (Finding::failed(Exit::Config, first.message(), fix), None);
    }
    match hh_sdk::load(&context.options_without_warning()) {
        Err(error) => {
            let fix = error.hint();
            let fix = fix.unwrap_or("`honeyhive config list` shows every setting and its source");
            (Finding::failed(Exit::Config, error.message(), fix), None)
        }
        Ok(connected) => {
            let base_url = &connected.settings.base_url;
            let seen = format!(
                "{}; requests go to {} ({})",
                files(layers),
                base_url.value,
                base_url.provenance
            );
            (Finding::ok(seen), Some(connected))
        }
    }
}

/// The files that were read.
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
        read.push(format!("the login \"{}\"", profile.name));
    }
    match read.as_slice() {
        [] => "no configuration file".to_owned(),
        read => read.join(", "),
    }
}

/// Where the address of the server came from, for a message.
pub(super) fn base_url_place(connected: &Connected) -> String {
    format!(
        "{} ({})",
        names::BASE_URL,
        connected.settings.base_url.provenance
    )
}
