//! `honeyhive config path`

use hh_sdk::config::{DiscoveredFile, TrustedFiles};
use serde::Serialize;

use super::layers::warn;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::ui::without_keys;

#[derive(Serialize)]
struct FileRow {
    layer: &'static str,
    path: Option<String>,
    state: &'static str,
}

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    // Where the store is needs nothing of what is in it, and no keyring.
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
            state: if path.exists() { "there" } else { "not there" },
            path: Some(without_keys(&path.display().to_string())),
        });
    }
    if context.is_json() {
        output::json(&files)
    } else {
        let rows = files.into_iter().map(|file| {
            let path = file.path.unwrap_or_else(|| "-".to_owned());
            [file.layer.to_owned(), path, file.state.to_owned()]
        });
        output::table(["FILE", "PATH", "STATE"], rows)
    }
}

fn file(found: &DiscoveredFile) -> FileRow {
    let path = found.path.as_ref();
    FileRow {
        layer: found.source.as_str(),
        path: path.map(|path| without_keys(&path.display().to_string())),
        state: match path {
            Some(_) => found.state.as_str(),
            None => "none named",
        },
    }
}
