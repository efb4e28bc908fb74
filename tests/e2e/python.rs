//! The virtual environment of the official Python clients, created once below the target directory.

use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use hh_testing::{run, write};

use super::support::{TestDir, profile_dir};

/// The versions that pip chose for `honeyhive==1.7.0`, including the plain OTLP exporter.
const REQUIREMENTS: &str = include_str!("python/requirements.txt");

/// Runs a script of the directory `python` with variables and returns its last line, or `None` without a client.
pub(crate) fn script(place: &TestDir, name: &str, variables: &[(&str, &str)]) -> Option<String> {
    let python = interpreter()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/python");
    let mut command = place.command_of(python);
    command
        .arg(script.join(name))
        .envs(variables.iter().copied());
    let done = run(&mut command);
    assert_eq!(done.code, 0, "{name}: {done:?}");
    Some(done.stdout.lines().last().unwrap().to_owned())
}

/// Returns the interpreter of the environment. Without one, prints the reason, and fails if CI is set (see
/// `docs/design/decisions.md#q3`).
fn interpreter() -> Option<PathBuf> {
    match environment() {
        Ok(dir) => Some(dir.join("bin/python")),
        Err(why) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "the official Python clients cannot be installed: {why}"
            );
            println!("skipped: the official Python clients cannot be installed: {why}");
            None
        }
    }
}

fn environment() -> Result<PathBuf, String> {
    let version = output(Command::new("python3").arg("--version"))?;
    let mut hasher = DefaultHasher::new();
    (REQUIREMENTS, version).hash(&mut hasher);
    let name = format!("venv-{:016x}", hasher.finish());
    let cache = profile_dir().parent().unwrap().join("hh-e2e");
    fs::create_dir_all(&cache).unwrap();

    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(cache.join(format!("{name}.lock")))
        .unwrap();
    lock.lock().unwrap();
    let dir = cache.join(&name);
    let complete = dir.join("complete");
    if !complete.exists() {
        // A directory of an interrupted test.
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        install(&dir)?;
        write(&complete, "");
    }
    Ok(dir)
}

fn install(dir: &Path) -> Result<(), String> {
    output(Command::new("python3").args(["-m", "venv"]).arg(dir))?;
    let list = dir.join("requirements.txt");
    write(&list, REQUIREMENTS);
    let pip = ["-m", "pip", "install", "--quiet", "--requirement"];
    output(Command::new(dir.join("bin/python")).args(pip).arg(list))?;
    Ok(())
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    let failed = |why: String| format!("{}: {why}", command.get_program().display());
    let output = output.map_err(|error| failed(error.to_string()))?;
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(failed(text(&output.stderr)))
    }
}
