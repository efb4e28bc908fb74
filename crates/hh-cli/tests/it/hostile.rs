//! In a working directory of another user, files send no key elsewhere, run no program and write no file.

mod command;
mod origins;
mod planted;

use std::path::Path;
use std::time::Duration;

use hh_sdk::{HoneyHiveTracer, SpanKind};
use hh_testing::run_with_input;

use crate::support::{RunOutput, TestEnv};

/// The key of the saved login.
const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";

/// Commands that are run in such a directory, in addition to a program with a tracer.
const COMMANDS: &[&[&str]] = &[
    &["auth", "whoami"],
    &["auth", "check"],
    &["project", "list"],
    &["auth", "token"],
];

/// Runs each command and a program with a tracer, in a directory of the home, with flags or variables.
fn run_all(
    env: &TestEnv,
    folder: &str,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> Vec<RunOutput> {
    let run = |mut command: std::process::Command| {
        let command = command.current_dir(env.path(folder));
        run_with_input(command.envs(variables.iter().copied()), "").unwrap()
    };
    let commands = COMMANDS.iter();
    let commands = commands.map(|command| env.command(&[command, flags].concat()));
    commands.chain([tracer_of(env)]).map(run).collect()
}

/// Returns a command that runs this test program again, as a program with a tracer.
fn tracer_of(env: &TestEnv) -> std::process::Command {
    let this = std::env::current_exe().unwrap();
    let arguments = ["hostile::tracer", "--exact", "--nocapture"];
    let mut command = env.program(this.to_str().unwrap(), &arguments);
    command.env("TRACES", "1");
    command
}

/// Does nothing in a usual run: other tests start it in separate processes, where it is a program with a tracer.
#[test]
fn tracer() {
    if std::env::var_os("TRACES").is_none() {
        return;
    }
    let tracer = match HoneyHiveTracer::builder().build() {
        Ok(tracer) => tracer,
        Err(error) => panic!("no tracer: {}", error.to_line()),
    };
    tracer.span("step", SpanKind::Tool).start().end();
    let patience = Duration::from_secs(30);
    // The response of the server does not matter here.
    tracer.shutdown_blocking(patience).ok();
}

/// Checks that everything was rejected for this reason and that stdout contains no key.
#[track_caller]
fn assert_refused(what: &str, all: &[RunOutput], why: &str) {
    for done in all {
        let is_tracer = done.stderr.contains("no tracer: ");
        let expected = if is_tracer { 101 } else { 5 };
        assert_eq!(done.code, expected, "{what}: {done:?}");
        assert!(done.stderr.contains(why), "{what}: {done:?}");
        assert!(!done.stdout.contains(&KEY[8..]), "{what}: {done:?}");
    }
    let tracers = all.iter().filter(|done| done.code == 101);
    assert_eq!(tracers.count(), 1, "{what}: {all:?}");
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
