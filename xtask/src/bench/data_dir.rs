//! Builds the server, starts it with data directories of its own, and fills their databases.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::builds::{build_tool, target};
use super::program::Program;
use crate::output::print_line;
use crate::{process, workspace};

/// Builds the server, and programs of hh-tools with their features; returns the directory that contains them.
pub(super) fn build(tools: &[(&str, &str)]) -> Result<PathBuf> {
    let root = workspace::root()?;
    process::run(process::cargo(
        &root,
        "build --release --locked --package hh-cli --bins",
    ))?;
    for (program, features) in tools {
        build_tool(&root, "--release", program, features)?;
    }
    Ok(target(&root)?.join("release"))
}

/// A data directory, and the build of the server that uses it.
pub(super) struct DataDir<'a> {
    honeyhive: &'a Path,
    home: &'a Path,
    name: String,
}

/// A running server with its data directory.
pub(super) struct Server {
    pub(super) program: Program,
    pub(super) key: String,
}

impl<'a> DataDir<'a> {
    /// Returns the data directory `name` in `home`, which the first start creates.
    pub(super) fn new(honeyhive: &'a Path, home: &'a Path, name: &str) -> Self {
        Self {
            honeyhive,
            home,
            name: name.to_owned(),
        }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.home.join(&self.name).join("honeyhive.db")
    }

    /// Starts the server on a free port and waits until it listens. The first start creates the admin key.
    pub(super) fn start(&self) -> Result<Server> {
        let data = self.home.join(&self.name);
        let key_file = self.home.join(format!("{}.key", self.name));
        let mut arguments = ["server", "start", "--bind", "127.0.0.1:0", "--data-dir"]
            .map(str::to_owned)
            .to_vec();
        arguments.push(data.display().to_string());
        if !key_file.exists() {
            arguments.extend([
                "--admin-key-file".to_owned(),
                key_file.display().to_string(),
            ]);
        }
        let program = Program::start(self.honeyhive, &arguments, self.home)?;
        let key = fs::read_to_string(&key_file).context("the server wrote no key")?;
        Ok(Server {
            program,
            key: key.trim().to_owned(),
        })
    }

    /// Inserts events with `bench-database` after a first start, which creates the schema and the key.
    pub(super) fn fill(&self, tool: &Path, events: u64) -> Result<()> {
        drop(self.start()?);
        let began = Instant::now();
        let mut fill = Command::new(tool);
        fill.arg("fill")
            .arg(self.database())
            .arg(events.to_string());
        process::run(fill)?;
        print_line(format_args!(
            "inserted {events} events in {:.0} s; the database has {} MiB",
            began.elapsed().as_secs_f64(),
            fs::metadata(self.database())?.len() >> 20
        ));
        Ok(())
    }
}
