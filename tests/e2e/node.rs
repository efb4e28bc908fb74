//! The directory with the official npm client.

use std::fs;
use std::path::Path;
use std::process::Command;

use hh_testing::{run, write};

use super::cache::{installed, output};
use super::support::TestDir;

const PACKAGE: &str = include_str!("node/package.json");
/// The versions that npm chose for `honeyhive@1.0.42`.
const LOCK: &str = include_str!("node/package-lock.json");

/// Runs a script of the directory `node` with variables and returns its last line, or `None` without a client.
pub(crate) fn script(place: &TestDir, name: &str, variables: &[(&str, &str)]) -> Option<String> {
    let version = output(Command::new("node").arg("--version"));
    let dir = installed("node", (LOCK, version.clone()), |dir| {
        version?;
        install(dir)
    })?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("e2e/node")
        .join(name);
    // Node searches for packages in the directory of the script.
    let script = place.path("cwd").join(name);
    fs::copy(source, &script).unwrap();
    let mut command = place.command_of("node");
    command
        .arg(script)
        .env("NODE_PATH", dir.join("node_modules"))
        .envs(variables.iter().copied());
    let done = run(&mut command);
    assert_eq!(done.code, 0, "{name}: {done:?}");
    Some(done.stdout.lines().last().unwrap().to_owned())
}

fn install(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| error.to_string())?;
    write(dir.join("package.json"), PACKAGE);
    write(dir.join("package-lock.json"), LOCK);
    let npm = [
        "ci",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
    ];
    output(Command::new("npm").args(npm).current_dir(dir))?;
    Ok(())
}
