//! The virtual environments of the official Python clients.

use std::path::Path;
use std::process::Command;

use hh_testing::{run, write};

use super::cache::{installed, output};
use super::support::TestDir;

/// The versions that pip chose for `honeyhive==1.7.0` and `honeyhive-logger==0.0.11`, including the plain OTLP exporter.
pub(crate) const CLIENT: &str = include_str!("python/requirements.txt");
/// The versions that pip chose for `honeyhive-daemon==0.7.5`, which requires an older client.
pub(crate) const DAEMON: &str = include_str!("python/daemon-requirements.txt");

/// Runs a script of the directory `python` with variables and returns its last line, or `None` without a client.
pub(crate) fn script(
    place: &TestDir,
    requirements: &str,
    name: &str,
    variables: &[(&str, &str)],
) -> Option<String> {
    let version = output(Command::new("python3").arg("--version"));
    let dir = installed("venv", (requirements, version.clone()), |dir| {
        version?;
        install(dir, requirements)
    })?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/python");
    let mut command = place.command_of(dir.join("bin/python"));
    command
        .arg(script.join(name))
        .envs(variables.iter().copied());
    let done = run(&mut command);
    assert_eq!(done.code, 0, "{name}: {done:?}");
    Some(done.stdout.lines().last().unwrap().to_owned())
}

fn install(dir: &Path, requirements: &str) -> Result<(), String> {
    output(Command::new("python3").args(["-m", "venv"]).arg(dir))?;
    let list = dir.join("requirements.txt");
    write(&list, requirements);
    let pip = ["-m", "pip", "install", "--quiet", "--requirement"];
    output(Command::new(dir.join("bin/python")).args(pip).arg(list))?;
    Ok(())
}
