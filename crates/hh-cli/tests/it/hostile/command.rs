//! A `credential_command` never runs a program of the working directory.

use std::path::Path;

use hh_testing::run_with_input;

use super::KEY;
use crate::support::{Loopback, RunOutput, TestEnv};

const OWN: &str = ".config/honeyhive/config.yaml";

/// Returns a home whose user file names this command, and a working directory of another user with many programs.
fn planted(command: &str) -> TestEnv {
    let env = TestEnv::new();
    env.write(OWN, format!("credential_command: {command}\n"));
    env.set_mode(".config", 0o755);
    env.set_mode(".config/honeyhive", 0o755);
    for name in [
        "tool",
        "bin/tool",
        "sub/bin/tool",
        "tool.sh",
        "sh",
        "..tool",
    ] {
        let path = format!("clone/{name}");
        env.write(
            &path,
            format!("#!/bin/sh\n: > {}\necho {KEY}\n", env.at("was-run")),
        );
        env.set_mode(&path, 0o755);
    }
    env
}

fn run_there(env: &TestEnv, path: &str, server: &Loopback) -> RunOutput {
    let mut command = env.command(&["project", "list", "--base-url", &server.url()]);
    let command = command.current_dir(env.path("clone"));
    run_with_input(command.env("PATH", path), "").unwrap()
}

#[test]
fn a_program_of_the_working_directory_is_never_run() {
    let names = [
        "[tool]",
        "[./tool]",
        "[bin/tool]",
        "[./bin/tool]",
        "[sub/../tool]",
        "[../clone/tool]",
        "[sh, tool.sh]",
        "[sh, ./tool.sh]",
        "[sh, -c, tool]",
        "[sh, -c, ./tool]",
        "[sh, -c, . ./tool.sh]",
    ];
    let paths = [
        "",
        ".",
        ":",
        ".:/usr/bin:/bin",
        ":/usr/bin:/bin",
        "/usr/bin:/bin:",
        "/usr/bin::/bin",
        "bin:/usr/bin:/bin",
        "./sub/bin:/bin",
        "../clone:/bin",
    ];
    let server = Loopback::start();
    for name in names {
        let env = planted(name);
        for path in paths {
            let done = run_there(&env, path, &server);
            assert_eq!(done.code, 3, "{name} {path:?}: {done:?}");
            assert!(!env.path("was-run").exists(), "{name} {path:?}: {done:?}");
        }
    }
    server.assert_untouched("there is no key");
}

#[test]
fn the_same_program_runs_by_its_absolute_path_and_from_an_absolute_entry_of_path() {
    let absolute = |env: &TestEnv| env.at("clone/tool");
    let env = planted("[tool]");
    let server = Loopback::start();
    let path = format!(".:{}", env.at("clone/bin"));
    assert_eq!(run_there(&env, &path, &server).code, 0);
    assert!(
        env.path("was-run").exists(),
        "the test can see a program that is run"
    );
    let command = format!("credential_command: [{}]\n", absolute(&env));
    env.write(OWN, command);
    assert_eq!(run_there(&env, "", &server).code, 0);
    let keys: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.bearer().map(str::to_owned))
        .collect();
    assert_eq!(keys, [Some(KEY.to_owned()), Some(KEY.to_owned())]);
}

#[test]
fn relative_arguments_are_those_of_the_folder_of_the_file() {
    let env = planted("[sh, tool.sh]");
    env.write(".config/honeyhive/tool.sh", format!("echo {KEY}\n"));
    let server = Loopback::start();
    let done = run_there(&env, "/usr/bin:/bin", &server);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!env.path("was-run").exists());
    assert_eq!(server.request().bearer(), Some(KEY));
}

#[test]
fn a_trusted_file_behind_a_link_starts_its_program_where_the_file_is() {
    let env = planted("[]");
    std::fs::remove_file(env.path(OWN)).unwrap();
    env.write("mine/honeyhive.yaml", "credential_command: [sh, tool.sh]\n");
    env.write("mine/tool.sh", format!("echo {KEY}\n"));
    let trust = ["config", "trust", &env.at("mine/honeyhive.yaml")];
    assert_eq!(env.run(&trust).code, 0);
    link(
        &env.path("mine/honeyhive.yaml"),
        &env.path("clone/honeyhive.yaml"),
    );
    let server = Loopback::start();
    let done = run_there(&env, "/usr/bin:/bin", &server);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!env.path("was-run").exists());
    assert_eq!(server.request().bearer(), Some(KEY));
}

fn link(target: &Path, at: &Path) {
    std::os::unix::fs::symlink(target, at).unwrap();
}
