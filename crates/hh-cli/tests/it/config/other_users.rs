//! The user's own file and list of trusted files, when other users can write them.

use super::KEY;
use crate::support::{Loopback, TestEnv};

const OWN: &str = ".config/honeyhive/config.yaml";
const TRUSTED: &str = ".config/honeyhive/trusted";

/// Returns a home whose own file names this server and a program; another user may have written both.
fn planted(server: &Loopback) -> TestEnv {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.write(OWN, format!("base_url: {}\nproject: docs\n", server.url()));
    env.set_mode(".config", 0o755);
    env.set_mode(".config/honeyhive", 0o755);
    env.set_mode(OWN, 0o644);
    env
}

/// Runs the command that an error message suggests.
fn repair(env: &TestEnv, message: &str) {
    let (_, command) = message.rsplit_once("run `").unwrap();
    let (command, _) = command.split_once('`').unwrap();
    let mut shell = env.program("/bin/sh", &["-c", command]);
    let done = shell.env("PATH", "/usr/bin:/bin").status().unwrap();
    assert!(done.success(), "{command}");
}

#[test]
fn a_file_that_other_users_can_change_sends_no_key_until_it_is_repaired() {
    for (path, mode) in [
        (OWN, 0o666),
        (OWN, 0o664),
        (OWN, 0o602),
        (".config/honeyhive", 0o777),
        (".config/honeyhive", 0o1777),
        (".config/honeyhive", 0o775),
        (".config", 0o777),
    ] {
        let server = Loopback::start();
        let env = planted(&server);
        env.set_mode(path, mode);
        for command in [
            &["project", "list"][..],
            &["auth", "whoami"],
            &["event", "list"],
            &["auth", "check"],
        ] {
            let done = env.run(command);
            assert_eq!(done.code, 5, "{done:?}");
            assert!(
                done.stderr
                    .contains("can be written by other users\n  hint: run `chmod go-w "),
                "{done:?}"
            );
        }
        let message = env.run(&["project", "list"]).stderr;
        server.assert_untouched(&message);
        repair(&env, &message);
        let server = Loopback::start();
        env.write(OWN, format!("base_url: {}\n", server.url()));
        assert_eq!(env.run(&["project", "list"]).code, 0);
        assert_eq!(server.request().bearer(), Some(KEY));
    }
}

#[test]
fn a_program_named_in_a_file_that_other_users_can_change_is_not_run() {
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", "http://127.0.0.1:9");
    env.write(
        OWN,
        format!("credential_command: [touch, {}]\n", env.at("written")),
    );
    env.set_mode(".config/honeyhive", 0o755);
    env.set_mode(OWN, 0o666);
    for command in [&["auth", "token"][..], &["auth", "whoami"], &["doctor"]] {
        assert_eq!(env.run(command).code, 5);
    }
    assert!(!env.path("written").exists());
    env.set_mode(OWN, 0o644);
    env.run(&["auth", "token"]);
    assert!(
        env.path("written").exists(),
        "the test does not detect a program that runs"
    );
}

#[test]
fn commands_that_show_the_configuration_run_and_report_problems() {
    let server = Loopback::start();
    let env = planted(&server);
    env.set_mode(OWN, 0o666);
    let seen = "! error: the configuration file [home]/.config/honeyhive/config.yaml can be written by other users\n! | hint: run `chmod go-w [home]/.config/honeyhive/config.yaml`\nexit 5";
    assert_eq!(env.seen(&["project", "list"]), seen);
    assert_eq!(env.seen(&["config", "validate"]), seen);
    let list = env.run(&["config", "list"]);
    assert!(
        list.code == 5 && list.stdout.starts_with("SETTING "),
        "{list:?}"
    );
    assert!(!list.stdout.contains("docs"), "{list:?}");
    let path = env.run(&["config", "path"]);
    assert!(
        path.code == 0
            && path
                .stdout
                .contains("not used, because other users can change it"),
        "{path:?}"
    );
    let doctor = env.run(&["doctor"]);
    assert_eq!(doctor.code, 5, "{doctor:?}");
    assert!(
        doctor.stdout.contains("can be written by other users"),
        "{doctor:?}"
    );
    assert!(doctor.stdout.contains("-> run `chmod go-w"), "{doctor:?}");
    for change in [&["set", "timeout", "5"][..], &["unset", "project"]] {
        let before = env.read(OWN);
        let done = env.run(&[&["config"], change].concat());
        assert_eq!(done.code, 5, "{done:?}");
        assert_eq!(env.read(OWN), before);
    }
    server.assert_untouched("the file with its address is not used");
}

#[test]
fn a_list_of_trusted_files_that_other_users_can_change_trusts_nothing_and_is_not_added_to() {
    for (path, mode) in [
        (TRUSTED, 0o666),
        (TRUSTED, 0o664),
        (".config/honeyhive", 0o777),
    ] {
        let server = Loopback::start();
        let mut env = TestEnv::new();
        env.set("HH_API_KEY", KEY);
        env.write("honeyhive.yaml", format!("base_url: {}\n", server.url()));
        assert_eq!(env.run(&["config", "trust"]).code, 0);
        let list = env.read(TRUSTED);
        env.set_mode(path, mode);
        let done = env.run(&["project", "list"]);
        assert_eq!(done.code, 5, "{done:?}");
        assert!(done.stderr.contains("untrusted project file"), "{done:?}");
        let done = env.run(&["config", "trust"]);
        assert_eq!(done.code, 5, "{done:?}");
        assert_eq!(env.read(TRUSTED), list);
        server.assert_untouched("no file is trusted");
        repair(&env, &done.stderr);
        let list = env.run(&["config", "list"]);
        assert_eq!(list.code, 0, "{list:?}");
    }
}
