//! Implements `honeyhive config path`.

use hh_sdk::config::{DiscoveredFile, FileState, TrustedFiles};
use serde::Serialize;

use super::layers::warn;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Column, List, Table};
use crate::ui::without_keys;

#[derive(Serialize)]
struct FileRow {
    layer: &'static str,
    path: Option<String>,
    state: &'static str,
}

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    // The path of the store requires neither its contents nor the keyring.
    let stack = context.stack();
    warn(context, stack);
    let mut files: Vec<_> = stack.files().iter().map(file).collect();
    for (layer, path) in [
        (
            "credentials",
            context.store().ok().map(|store| store.path().to_owned()),
        ),
        ("trusted files", TrustedFiles::path(context.env())),
    ] {
        let Some(path) = path else { continue };
        files.push(FileRow {
            layer,
            state: if path.exists() {
                "found"
            } else {
                FileState::Absent.as_str()
            },
            path: Some(without_keys(&path.display().to_string())),
        });
    }
    context.printer().list(&List::complete(&files), |screen| {
        let columns = [
            Column::whole("FILE"),
            Column::text("PATH"),
            Column::whole("STATE"),
        ];
        let rows = files.iter().map(|file| {
            let path = file.path.as_deref().unwrap_or("-");
            [file.layer, path, file.state]
        });
        Table::new(columns, rows).lines(screen)
    })
}

fn file(found: &DiscoveredFile) -> FileRow {
    let path = found.path.as_ref();
    FileRow {
        layer: found.source.as_str(),
        path: path.map(|path| without_keys(&path.display().to_string())),
        state: match path {
            Some(_) => found.state.as_str(),
            None => "not set",
        },
    }
}
