//! `honeyhive config trust`

use std::path::{Path, PathBuf};

use clap::Args;
use hh_sdk::auth::private_file::{Replace, create_private_dir, lock, write_private};
use hh_sdk::config::{FileState, LoadErrorKind, Source, Stack, TrustedFiles, overlays};
use hh_sdk::{SecurityEvent, SecurityEventKind};
use serde::Serialize;

use super::layers::result;
use crate::context::Context;
use crate::error::{CliError, of_problem};
use crate::exit::Exit;
use crate::output;
use crate::ui::without_keys;

#[derive(Args)]
pub(crate) struct Arguments {
    /// File to trust, with its overlays; else the one of this directory
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct TrustReport {
    trusted: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let layers = context.layers();
    let found = layers.stack.files().iter();
    let mut found = found.filter(|file| file.source == Source::Project);
    let found = found.find(|file| file.state != FileState::Absent);
    if let Some(FileState::TwoSpellings) = found.map(|file| file.state)
        && arguments.file.is_none()
    {
        return result(layers);
    }
    let found = found.and_then(|file| file.path.clone());
    let Some(file) = arguments.file.clone().or(found) else {
        return Err(
            CliError::usage("there is no configuration file in this directory")
                .with_hint("name the file to trust"),
        );
    };
    let Some(list) = TrustedFiles::path(context.env()) else {
        return Err(CliError::new(
            Exit::Config,
            "there is no place for the list of trusted files",
        )
        .with_hint("set HOME or XDG_CONFIG_HOME"));
    };
    check(context, &file)?;
    let security = context.security_log()?;
    let mut files = vec![file.clone()];
    files.extend(overlays(&file));
    let failed = |error: std::io::Error| {
        let message = format!("cannot write {}: {error}", list.display());
        CliError::new(Exit::Other, message)
    };
    if let Some(dir) = list.parent() {
        create_private_dir(dir).map_err(failed)?;
    }
    let _lock = lock(&list).map_err(failed)?;
    let trusted = TrustedFiles::load(context.env())?;
    let trusted = files
        .iter()
        .try_fold(trusted, |trusted, file| trusted.with(file))?;
    write_private(&list, trusted.to_text().as_bytes(), Replace::Yes).map_err(failed)?;
    let files: Vec<_> = files
        .iter()
        .map(|file| without_keys(&file.display().to_string()))
        .collect();
    let event = SecurityEvent::new(SecurityEventKind::ConfigTrusted);
    security.record(&event.with_detail(files.join(", ")));
    if context.is_json() {
        output::json(&TrustReport { trusted: files })?;
    } else {
        context.note(&format!(
            "Trusted {} with the present content; a change asks again",
            files.join(", ")
        ));
    }
    Ok(())
}

/// Only what could be a project file or an overlay of one needs trust, and only what can be read is worth it.
fn check(context: &Context, file: &Path) -> Result<(), CliError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let is_of_project = name
        .strip_prefix("honeyhive")
        .is_some_and(|rest| rest.starts_with('.'));
    if !is_of_project {
        return Err(CliError::usage(format!(
            "{} is no honeyhive.yaml and no overlay of one, so it needs no trust",
            file.display()
        ))
        .with_hint("name it with --config-file, which trusts it"));
    }
    let stack = Stack::of_file(context.env(), file);
    let unusable = stack.problems().into_iter().filter(|problem| {
        matches!(
            problem.kind(),
            LoadErrorKind::Malformed | LoadErrorKind::Unreadable
        ) && problem.setting().is_none()
    });
    CliError::of_all(
        Exit::Config,
        unusable.map(|problem| of_problem(&problem)).collect(),
    )
}
