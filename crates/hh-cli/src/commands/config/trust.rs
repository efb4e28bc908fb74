//! Implements `honeyhive config trust`.

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
use crate::ui::without_keys;

#[derive(Args)]
pub(crate) struct Arguments {
    /// File to trust together with its overlays (defaults to the one in the current directory)
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
        return Err(CliError::usage("no configuration file in this directory")
            .with_hint("specify the file to trust"));
    };
    let Some(list) = TrustedFiles::path(context.env()) else {
        return Err(CliError::new(
            Exit::Config,
            "cannot determine the location of the list of trusted files: neither HOME nor XDG_CONFIG_HOME is an absolute path",
        )
        .with_hint("set HOME or XDG_CONFIG_HOME to an absolute path"));
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
    context.success(&format!(
        "Trusted {} until the content changes",
        files.join(", ")
    ));
    context.printer().data(&TrustReport { trusted: files })
}

/// Returns an error unless the file is a readable project file or an overlay of one.
fn check(context: &Context, file: &Path) -> Result<(), CliError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let is_of_project = name
        .strip_prefix("honeyhive")
        .is_some_and(|rest| rest.starts_with('.'));
    if !is_of_project {
        return Err(CliError::usage(format!(
            "{} is not a project file or an overlay of one, so it cannot be trusted",
            file.display()
        ))
        .with_hint("use it with --config-file, which requires no trust"));
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
