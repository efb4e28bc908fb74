//! Unusable files and variables each cause their own error, and no request is sent.

mod content;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::KEY;
use crate::support::{Loopback, TestEnv};

/// Returns an environment in which a command sends a request, and the server that would receive it.
fn ready() -> (TestEnv, Loopback) {
    let server = Loopback::start();
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_BASE_URL", &server.url());
    // The environment is valid: the same command without a mistake sends a request.
    let before = Loopback::start();
    let done = env.run(&["project", "list", "--base-url", &before.url()]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(before.request().bearer(), Some(KEY));
    (env, server)
}

/// Returns the error of a command that would send a request; `config list` must print the same error.
fn refusal(env: &TestEnv, flags: &[&str]) -> String {
    let done = env.run_with(&["project", "list"], flags);
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (5, ""),
        "{flags:?}: {done:?}"
    );
    assert!(done.stderr.lines().all(is_of_error), "{flags:?}: {done:?}");
    let list = env.run_with(&["config", "list"], flags);
    assert_eq!(list.code, 5, "{flags:?}: {list:?}");
    assert!(list.stdout.starts_with("SETTING "), "{flags:?}: {list:?}");
    let errors: Vec<_> = list
        .stderr
        .lines()
        .filter(|line| is_of_error(line))
        .collect();
    assert_eq!(errors.join("\n"), done.stderr.trim_end(), "{flags:?}");
    env.filtered(&done.stderr)
}

fn is_of_error(line: &str) -> bool {
    line.starts_with("error: ") || line.starts_with("  hint: ")
}

/// Returns the errors of configuration files, one below the other.
fn refusals(files: &[(&str, &[u8])]) -> String {
    let (env, server) = ready();
    let mut all = String::new();
    for (name, text) in files {
        env.write(name, text);
        all += &refusal(&env, &["--config-file", name]);
    }
    server.assert_untouched(&all);
    all
}

fn big() -> Vec<u8> {
    vec![b'#'; 10 * 1024 * 1024]
}

#[test]
fn files_that_cannot_be_read() {
    let (env, server) = ready();
    env.write("dir.yaml/x", "");
    env.write("big.yaml", big());
    env.write("latin.yaml", b"# one\nproject: caf\xe9\n");
    env.write("file", "");
    symlink("nowhere", env.path("link.yaml")).unwrap();
    symlink("loop.yaml", env.path("loop.yaml")).unwrap();
    env.write("a.ini", "project=docs\n");
    let mut all = String::new();
    for name in [
        "missing.yaml",
        "dir.yaml",
        "big.yaml",
        "latin.yaml",
        "file/a.yaml",
        "link.yaml",
        "loop.yaml",
        "a.ini",
        "file",
    ] {
        all += &refusal(&env, &["--config-file", name]);
    }
    insta::assert_snapshot!(all, @"
    error: the configuration file missing.yaml (--config-file) does not exist
    error: the configuration file dir.yaml (--config-file) is a directory
    error: the configuration file big.yaml (--config-file) is larger than 1 MiB
    error: the configuration file latin.yaml (--config-file) is not UTF-8 text (line 2)
    error: the configuration file file/a.yaml (--config-file) cannot be read (Not a directory)
    error: the configuration file link.yaml (--config-file) does not exist
    error: the configuration file loop.yaml (--config-file) cannot be read (Too many levels of symbolic links)
    error: a.ini has an unknown format
      hint: use the extension .yaml, .yml, .json or .toml
    error: file has an unknown format
      hint: use the extension .yaml, .yml, .json or .toml
    ");
    server.assert_untouched(&all);
}

#[test]
fn a_file_that_the_user_may_not_read() {
    let (env, server) = ready();
    env.write("a.yaml", "project: docs\n");
    env.set_mode("a.yaml", 0o000);
    if std::fs::File::open(env.path("a.yaml")).is_ok() {
        println!("skipped: the user can read every file");
        return;
    }
    let printed = refusal(&env, &["--config-file", "a.yaml"]);
    insta::assert_snapshot!(printed, @"error: the configuration file a.yaml (--config-file) cannot be read (permission denied)");
    server.assert_untouched(&printed);
}

#[test]
fn the_variable_that_names_the_file_is_reported() {
    let (mut env, server) = ready();
    env.set("HH_CONFIG_FILE", "missing.yaml");
    insta::assert_snapshot!(refusal(&env, &[]), @"error: the configuration file missing.yaml (HH_CONFIG_FILE) does not exist");
    server.assert_untouched("a missing file");
}

#[test]
fn variables_of_the_wrong_type() {
    let (mut env, server) = ready();
    let mut all = String::new();
    for (name, value) in [
        ("HH_TIMEOUT", "soon"),
        ("HH_API_TIMEOUT", "0"),
        ("HH_DEBUG", "maybe"),
        ("HH_PROJECT", "a/b"),
        ("HH_LOG_LEVEL", "loud"),
        ("HH_OTLP_ENDPOINT", "localhost"),
        ("HH_HTTP_PROXY", "ftp://proxy.example"),
        ("HH_OTLP_HEADERS", "x=y"),
        ("HH_ENVIRONMENT", "a.b"),
    ] {
        env.set(name, value);
        all += &refusal(&env, &[]);
        env.unset(name);
    }
    insta::assert_snapshot!(all, @r#"
    error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds
    error: invalid value for timeout (HH_API_TIMEOUT): expected 1 to 300 seconds
    error: invalid value for debug (HH_DEBUG): expected true or false
    error: invalid value for project (HH_PROJECT): expected 1 to 100 characters, without / \ ? # & or control characters
    error: invalid value for log_level (HH_LOG_LEVEL): expected one of trace, debug, info, warning, warn, error, critical
    error: invalid value for otlp_endpoint (HH_OTLP_ENDPOINT): expected a URL such as http://127.0.0.1:8642
    error: invalid value for http_proxy (HH_HTTP_PROXY): expected a proxy URL such as http://proxy.example:3128
    error: invalid value for otlp_headers (HH_OTLP_HEADERS): expected a JSON object of strings, such as {"name": "text"}
    error: invalid value for environment (HH_ENVIRONMENT): expected only letters, digits, - and _
    "#);
    let output = env
        .program(env!("CARGO_BIN_EXE_honeyhive"), &["project", "list"])
        .env("HH_PROJECT", OsStr::from_bytes(b"caf\xe9"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5));
    let printed = String::from_utf8(output.stderr).unwrap();
    insta::assert_snapshot!(printed, @"
    error: the value of HH_PROJECT is not UTF-8 text
      hint: set HH_PROJECT to UTF-8 text
    ");
    server.assert_untouched(&all);
}

#[test]
fn a_key_and_the_file_that_holds_it_in_one_layer() {
    let (mut env, server) = ready();
    env.write("key", KEY);
    env.set("HH_API_KEY_FILE", "key");
    insta::assert_snapshot!(refusal(&env, &[]), @"
    error: both HH_API_KEY and HH_API_KEY_FILE are set
      hint: unset one of them
    ");
    env.unset("HH_API_KEY");
    env.unset("HH_API_KEY_FILE");
    env.write("a.env", format!("HH_API_KEY={KEY}\nHH_API_KEY_FILE=key\n"));
    insta::assert_snapshot!(refusal(&env, &["--env-file", "a.env"]), @"
    error: a.env:2: both HH_API_KEY and HH_API_KEY_FILE are set
      hint: unset one of them
    ");
    server.assert_untouched("a key and its file");
}

#[test]
fn two_spellings_of_one_file() {
    let (env, server) = ready();
    env.write("honeyhive.yaml", "project: docs\n");
    env.write("honeyhive.toml", "");
    env.write(".honeyhive/config.yml", "");
    env.write(".honeyhive/config.json", "{}");
    insta::assert_snapshot!(refusal(&env, &[]), @"
    error: both [home]/honeyhive.yaml and [home]/honeyhive.toml exist, and only one is allowed
      hint: remove one
    error: both [home]/.honeyhive/config.yml and [home]/.honeyhive/config.json exist, and only one is allowed
      hint: remove one
    ");
    env.write("own.yaml", "project: docs\nenvironments: {prod: {}}\n");
    env.write("own.dev.yaml", "");
    env.write("own.dev.json", "{}");
    env.write("own.prod.yaml", "");
    std::fs::remove_file(env.path(".honeyhive/config.yml")).unwrap();
    insta::assert_snapshot!(refusal(&env, &["--config-file", "own.yaml", "--environment", "dev"]), @"
    error: both own.dev.yaml and own.dev.json exist, and only one is allowed
      hint: remove one
    ");
    insta::assert_snapshot!(refusal(&env, &["--config-file", "own.yaml", "--environment", "prod"]), @"
    error: the environment prod has two overlays: own.prod.yaml and environments.prod in own.yaml
      hint: remove one
    ");
    server.assert_untouched("two spellings");
}

#[test]
fn an_unknown_environment_is_an_error() {
    let (env, server) = ready();
    insta::assert_snapshot!(refusal(&env, &["--environment", "staging"]), @"error: the environment staging (--environment) has no overlay: [home]/honeyhive.staging.yaml does not exist");
    env.write("honeyhive.yaml", "project: docs\n");
    insta::assert_snapshot!(refusal(&env, &["--environment", "staging"]), @"error: the environment staging (--environment) has no overlay: [home]/honeyhive.staging.yaml does not exist, and [home]/honeyhive.yaml does not define environments.staging");
    insta::assert_snapshot!(refusal(&env, &["--environment", "../staging"]), @"error: invalid value for environment (--environment): expected only letters, digits, - and _");
    server.assert_untouched("no such environment");
}

#[test]
fn invalid_lines_of_an_env_file() {
    let (env, server) = ready();
    env.write(
        "a.env",
        "HH_PROJECT=a\nHH_PROJECT=b\nHH_SOURCE 'b'\n=x\nOTHER='x\nHH_SOURCE='x\nHH_SOURCE=\"x\" y\nHH_TIMEOUT=soon\n",
    );
    insta::assert_snapshot!(refusal(&env, &["--env-file", "a.env"]), @"
    error: a.env:2: HH_PROJECT is set twice, first on line 1
      hint: remove one
    error: a.env:3: expected NAME=value
    error: a.env:6: the quote is not closed
    error: a.env:7: unexpected text after the closing quote
    error: a.env:8:12: invalid value for timeout: expected 1 to 300 seconds
    ");
    env.write("latin.env", b"HH_PROJECT=caf\xe9\n");
    env.write("dir/x", "");
    env.write("big.env", big());
    let mut all = String::new();
    for name in ["latin.env", "dir", "big.env", "missing.env", "latin.env/a"] {
        all += &refusal(&env, &["--env-file", name]);
    }
    insta::assert_snapshot!(all, @"
    error: latin.env:1: the value of HH_PROJECT is not UTF-8 text
    error: the .env file dir (--env-file) is a directory
    error: the .env file big.env (--env-file) is larger than 1 MiB
    error: the .env file missing.env (--env-file) does not exist
    error: the .env file latin.env/a (--env-file) cannot be read (Not a directory)
    ");
    server.assert_untouched(&all);
}

#[test]
fn key_files_without_a_key() {
    let (mut env, server) = ready();
    env.unset("HH_API_KEY");
    env.write("empty", " \n");
    env.write("latin", b"hh_\xe9\n");
    env.write("dir/x", "");
    env.write("big", big());
    let mut all = String::new();
    for name in ["missing", "empty", "latin", "dir", "big", "empty/x"] {
        env.unset("HH_API_KEY_FILE");
        env.set("HH_API_KEY_FILE", name);
        all += &refusal(&env, &[]);
    }
    insta::assert_snapshot!(all, @"
    error: HH_API_KEY_FILE names missing, which does not exist
    error: HH_API_KEY_FILE names empty, which is empty
    error: HH_API_KEY_FILE names latin, which is not UTF-8 text (line 1)
    error: HH_API_KEY_FILE names dir, which is a directory
    error: HH_API_KEY_FILE names big, which is larger than 64 KiB
    error: HH_API_KEY_FILE names empty/x, which cannot be read (Not a directory)
    ");
    server.assert_untouched(&all);
}

/// A file that never ends, or never begins, does not block a command.
#[test]
fn devices_sockets_and_empty_pipes_instead_of_files() {
    let (mut env, server) = ready();
    let _socket = std::os::unix::net::UnixListener::bind(env.path("socket")).unwrap();
    let mut all = String::new();
    // The standard input of these commands is an empty pipe.
    for name in ["/dev/zero", "socket", "/dev/stdin"] {
        all += &refusal(&env, &["--config-file", name]);
        all += &refusal(&env, &["--env-file", name]);
        env.unset("HH_API_KEY");
        env.set("HH_API_KEY_FILE", name);
        all += &refusal(&env, &[]);
        env.unset("HH_API_KEY_FILE");
        env.set("HH_API_KEY", KEY);
    }
    insta::assert_snapshot!(all, @"
    error: the configuration file /dev/zero (--config-file) is not a regular file
    error: the .env file /dev/zero (--env-file) is not a regular file
    error: HH_API_KEY_FILE names /dev/zero, which is not a regular file
    error: the configuration file socket (--config-file) is not a regular file
    error: the .env file socket (--env-file) is not a regular file
    error: HH_API_KEY_FILE names socket, which is not a regular file
    error: the configuration file /dev/stdin (--config-file) is an empty named pipe
      hint: check the program that writes to it; a named pipe can be read only once
    error: the .env file /dev/stdin (--env-file) is an empty named pipe
      hint: check the program that writes to it; a named pipe can be read only once
    error: HH_API_KEY_FILE names /dev/stdin, which is an empty named pipe
      hint: check the program that writes to it; a named pipe can be read only once
    ");
    server.assert_untouched(&all);
}

#[test]
fn fifos_where_files_are_looked_for() {
    let (env, server) = ready();
    env.make_fifo("honeyhive.yaml");
    env.write(".config/honeyhive/x", "");
    env.make_fifo(".config/honeyhive/config.yaml");
    let printed = refusal(&env, &[]);
    insta::assert_snapshot!(printed, @"
    error: the configuration file [home]/honeyhive.yaml is a named pipe, not a regular file
      hint: replace it with a regular file; only files that an option or a variable names can be named pipes
    error: the configuration file [home]/.config/honeyhive/config.yaml is a named pipe, not a regular file
      hint: replace it with a regular file; only files that an option or a variable names can be named pipes
    ");
    for command in [
        &["config", "trust"][..],
        &["config", "set", "timeout", "5"],
        &["config", "validate", "honeyhive.yaml"],
    ] {
        let done = env.run(command);
        assert_eq!(done.code, 5, "{command:?}: {done:?}");
    }
    // The list of trusted files and the credential store are read in the same manner.
    std::fs::remove_file(env.path("honeyhive.yaml")).unwrap();
    std::fs::remove_file(env.path(".config/honeyhive/config.yaml")).unwrap();
    env.make_fifo(".config/honeyhive/trusted");
    env.write("honeyhive.yaml", "proxy_url: http://127.0.0.1:9\n");
    let done = env.run(&["project", "list"]);
    assert_eq!(done.code, 5, "{done:?}");
    env.make_fifo(crate::support::STORE);
    let done = env.run(&["config", "list", "--profile", "work"]);
    assert_eq!(done.code, 5, "{done:?}");
    server.assert_untouched(&printed);
}
