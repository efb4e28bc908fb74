//! Writes the report that users can share: it contains no secrets and no personal names.

use std::io;
use std::path::Path;

use hh_sdk::auth::private_file::{Replace, write_private};
use hh_sdk::auth::{Profiles, redact};
use hh_sdk::config::{Explanation, Kind, Stack, names};
use serde::Serialize;

use super::anonymous::Anonymizer;
use super::report::{Report, Step, VERSION, system};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::json_text;

#[derive(Serialize)]
struct Bundle {
    honeyhive: &'static str,
    system: String,
    steps: Vec<Step>,
    notes: Vec<String>,
    settings: Vec<Setting>,
}

/// One setting that has a value.
#[derive(Serialize)]
struct Setting {
    name: &'static str,
    value: String,
    source: String,
}

/// Returns an error before any work if the file already exists.
pub(super) fn check(file: &Path) -> Result<(), CliError> {
    if file.symlink_metadata().is_ok() {
        return Err(failed(file, &io::ErrorKind::AlreadyExists.into()));
    }
    Ok(())
}

/// Writes the report to a new file, without secrets or personal names.
pub(super) fn write(
    file: &Path,
    context: &Context,
    stack: &Stack,
    report: &Report,
) -> Result<(), CliError> {
    let home = context.env().home();
    let people = Anonymizer::new(home.as_deref(), profiles(context, stack));
    let steps = report.steps().iter().map(|step| {
        let mut step = step.clone();
        step.seen = people.anonymize(step.anonymous.as_ref().unwrap_or(&step.seen));
        step.fix = step.fix.map(|fix| people.anonymize(&fix));
        step.identity = None;
        step
    });
    let notes = report.notes().iter().map(|note| people.anonymize(note));
    let settings = stack.explain();
    let settings = settings.iter().filter(|setting| setting.is_set());
    let bundle = Bundle {
        honeyhive: VERSION,
        system: system(),
        steps: steps.collect(),
        notes: notes.collect(),
        settings: settings.map(|found| setting(found, &people)).collect(),
    };
    let text = json_text(&bundle)? + "\n";
    write_private(file, text.as_bytes(), Replace::No).map_err(|error| failed(file, &error))
}

/// Returns the names of profiles that may occur in texts: those of the store and the selected one.
fn profiles(context: &Context, stack: &Stack) -> Vec<String> {
    let stored = context.profiles().into_iter().flat_map(Profiles::iter);
    let stored = stored.map(|entry| entry.name.clone());
    let wanted = stack.text(names::PROFILE).ok().flatten();
    stored.chain(wanted.map(|found| found.value)).collect()
}

fn failed(file: &Path, error: &io::Error) -> CliError {
    let failed = |what: &dyn std::fmt::Display| {
        let message = format!("cannot write {}: {what}", file.display());
        CliError::new(Exit::Other, message)
    };
    if error.kind() == io::ErrorKind::AlreadyExists {
        failed(&"the file already exists").with_hint("specify a new file")
    } else {
        failed(error)
    }
}

fn setting(found: &Explanation, people: &Anonymizer) -> Setting {
    let declared = found.name.spec();
    // The arguments of a command may contain a password, and free text may contain anything.
    let is_free = matches!(
        declared.kind,
        Kind::Text | Kind::List | Kind::Hosts | Kind::Map
    ) && found.name != names::NO_PROXY;
    let value = match found.value.text(redact) {
        Some(redacted) if declared.secret => redacted,
        Some(_) if is_free => "(set)".to_owned(),
        Some(text) if found.problem.is_none() => people.anonymize(&text),
        Some(_) | None => "(invalid)".to_owned(),
    };
    Setting {
        name: found.name.as_str(),
        value,
        source: people.anonymize(&found.provenance.to_string()),
    }
}
