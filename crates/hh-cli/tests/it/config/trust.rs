//! The settings that a file of the working directory may have, and `config trust`.

use super::{KEY, OTHER_KEY};
use crate::support::{Loopback, TestEnv};

const TRUSTED: &str = ".config/honeyhive/trusted";

fn hints_at_trust(env: &TestEnv, flags: &[&str]) -> bool {
    let done = env.run_with(&["project", "list"], flags);
    let is_reported = done.stderr.contains("untrusted project file")
        && done
            .stderr
            .contains("\n  hint: review the file and run `honeyhive config trust ");
    assert_eq!(done.code == 5, is_reported, "{done:?}");
    is_reported
}

#[test]
fn an_untrusted_project_file_cannot_send_a_key_elsewhere() {
    let server = Loopback::start();
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.write(
        "honeyhive.yaml",
        format!("project: docs\nbase_url: {}\n", server.url()),
    );
    let done = env.run(&["project", "list"]);
    insta::assert_snapshot!(env.seen_of(&done), @"
    ! error: [home]/honeyhive.yaml:2:11: an untrusted project file cannot set base_url to a server other than https://*.honeyhive.ai
    ! | hint: review the file and run `honeyhive config trust [home]/honeyhive.yaml`, or specify it with --config-file or HH_CONFIG_FILE
    exit 5
    ");
    // The commands that help to find the mistake still run.
    let done = env.run(&["config", "list"]);
    assert_eq!(done.code, 5, "{done:?}");
    assert!(done.stdout.contains("docs"), "{done:?}");
    env.assert_setting("base_url", &[], "https://api.honeyhive.ai", "default");

    insta::assert_snapshot!(env.seen(&["config", "trust"]), @"
    ! Trusted [home]/honeyhive.yaml until the content changes
    exit 0
    ");
    env.assert_setting(
        "base_url",
        &[],
        &server.url(),
        "file:[home]/honeyhive.yaml:2:11",
    );
    let done = env.run(&["project", "list"]);
    assert_eq!(done.code, 0, "{done:?}");

    // Any change of the file requires a new decision.
    env.write(
        "honeyhive.yaml",
        format!("project: docs\nbase_url: {}\n\n", server.url()),
    );
    assert!(hints_at_trust(&env, &[]));
    assert_eq!(env.run(&["config", "trust", "honeyhive.yaml"]).code, 0);
    assert!(!hints_at_trust(&env, &[]));
    let keys: Vec<_> = server.requests();
    assert_eq!(
        keys.iter()
            .filter_map(|request| request.bearer())
            .collect::<Vec<_>>(),
        [KEY, KEY]
    );
}

#[test]
fn a_file_that_was_named_needs_no_trust() {
    let server = Loopback::start();
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.write("honeyhive.yaml", format!("base_url: {}\n", server.url()));
    assert!(hints_at_trust(&env, &[]));
    assert!(!hints_at_trust(&env, &["--config-file", "honeyhive.yaml"]));
    env.set("HH_CONFIG_FILE", "honeyhive.yaml");
    assert!(!hints_at_trust(&env, &[]));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn overlays_share_the_trust_that_they_had_when_it_was_given() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_TEST_MODE", "true");
    env.write(
        "honeyhive.yaml",
        "project: docs\nenvironments:\n  dev:\n    base_url: http://127.0.0.1:9\n",
    );
    env.write("honeyhive.prod.yaml", "base_url: http://127.0.0.1:9\n");
    assert!(hints_at_trust(&env, &["--environment", "dev"]));
    assert!(hints_at_trust(&env, &["--environment", "prod"]));
    insta::assert_snapshot!(env.seen(&["config", "trust"]), @"
    ! Trusted [home]/honeyhive.yaml, [home]/honeyhive.prod.yaml until the content changes
    exit 0
    ");
    assert!(!hints_at_trust(&env, &["--environment", "dev"]));
    assert!(!hints_at_trust(&env, &["--environment", "prod"]));
    insta::assert_snapshot!(env.seen(&["config", "path", "--environment", "prod"]), @"
    FILE | PATH | STATE
    env file | - | not set
    project file | [home]/honeyhive.yaml | read, trusted
    overlay file | [home]/honeyhive.prod.yaml | read, trusted
    user file | [home]/.config/honeyhive/config.yaml | not found
    user file | [home]/.honeyhive/config.yaml | not found
    system file | /etc/honeyhive/config.yaml | not found
    credentials | [home]/.config/honeyhive/credentials.toml | not found
    trusted files | [home]/.config/honeyhive/trusted | found
    exit 0
    ");
    // A changed file and a new file each require a decision.
    env.write("honeyhive.prod.yaml", "base_url: http://127.0.0.1:99\n");
    env.write(
        "honeyhive.new.json",
        r#"{"base_url": "http://127.0.0.1:9"}"#,
    );
    assert!(hints_at_trust(&env, &["--environment", "prod"]));
    assert!(hints_at_trust(&env, &["--environment", "new"]));
    assert!(!hints_at_trust(&env, &["--environment", "dev"]));
}

/// An untrusted file may not select servers, or files and programs to read, run or write.
#[test]
fn what_only_a_trusted_file_may_set_is_refused() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_TEST_MODE", "true");
    env.write("key", OTHER_KEY);
    for text in [
        "base_url: http://127.0.0.1:9",
        "base_url: http://api.honeyhive.ai",
        "base_url: https://honeyhive.ai.example",
        "base_url: https://nothoneyhive.ai",
        "base_url: https://honeyhive.ai",
        "base_url: https://example/api.honeyhive.ai",
        "control_plane_url: https://api.cp.us.honeyhive.ai",
        "otlp_endpoint: https://api.honeyhive.ai",
        "otlp_headers: {x: abc}",
        "proxy_url: http://127.0.0.1:9",
        "proxy_username: me",
        "proxy_password: secret",
        "proxy_password_file: key",
        "http_proxy: 127.0.0.1:9",
        "https_proxy: 127.0.0.1:9",
        "no_proxy: [example]",
        "ca_bundle: ca.pem",
        "ssl_cert_path: cert.pem",
        "ssl_key_path: key.pem",
        "verify_ssl: false",
        "verify_ssl: 'off'",
        "credential_command: [echo, x]",
        "api_key_file: key",
        "ingestion_api_key_file: key",
        "log_file: log",
        "security_log: log",
        "spool_dir: spool",
        "session_name: ${HOME}",
        "project: ${USER:-docs}",
        "base_url: '${HH_X:-http://127.0.0.1:9}'",
    ] {
        env.write("honeyhive.yaml", format!("{text}\n"));
        assert!(hints_at_trust(&env, &[]), "{text}");
        let named = env.run(&["project", "list", "-q", "--config-file", "honeyhive.yaml"]);
        assert_eq!(named.code, 0, "{text}: {named:?}");
    }
    for text in [
        "base_url: https://api.honeyhive.ai",
        "base_url: https://api.eu.honeyhive.ai/",
        "base_url: https://API.HoneyHive.AI",
        "verify_ssl: true",
        "project: ${HH_X:-docs}",
        "timeout: 7",
    ] {
        env.write("honeyhive.yaml", format!("{text}\n"));
        assert!(!hints_at_trust(&env, &[]), "{text}");
    }
}

#[test]
fn a_key_in_a_project_file_is_used_with_a_one_line_warning() {
    let server = Loopback::start();
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", &server.url());
    env.write("honeyhive.yaml", format!("api_key: {KEY}\n"));
    insta::assert_snapshot!(env.seen(&["project", "list"]), @"
    NAME | ID | DESCRIPTION
    ! warning: api_key comes from [home]/honeyhive.yaml:1:10 (project file); keep that file out of version control
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["project", "list", "-q"]), @"
    NAME | ID | DESCRIPTION
    exit 0
    ");
    env.write("honeyhive.yaml", "api_key: ${HH_MY_KEY}\n");
    env.set("HH_MY_KEY", OTHER_KEY);
    insta::assert_snapshot!(env.seen(&["project", "list"]), @"
    NAME | ID | DESCRIPTION
    ! warning: api_key comes from [home]/honeyhive.yaml:1:10 with ${HH_MY_KEY} (project file)
    exit 0
    ");
    let requests = server.requests();
    let keys: Vec<_> = requests
        .iter()
        .filter_map(|request| request.bearer())
        .collect();
    assert_eq!(keys, [KEY, KEY, OTHER_KEY]);
}

#[test]
fn the_list_is_private_and_holds_path_and_hash() {
    let env = TestEnv::new();
    env.write("a/honeyhive.yaml", "project: docs\n");
    env.write("b/honeyhive.json", "{}");
    insta::assert_snapshot!(env.seen(&["config", "trust", "a/honeyhive.yaml"]), @"
    ! Trusted a/honeyhive.yaml until the content changes
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "trust", "--output", "json", "b/honeyhive.json"]), @r#"
    {
      "trusted": [
        "b/honeyhive.json"
      ]
    }
    ! Trusted b/honeyhive.json until the content changes
    exit 0
    "#);
    // The format is that of sha256sum, so that it can be checked.
    let home = env.path("").canonicalize().unwrap().display().to_string();
    let list = env
        .read(TRUSTED)
        .replace(home.trim_end_matches('/'), "[home]");
    insta::assert_snapshot!(list, @"
    0fb68e277cf2e848809364f85a0ac52d87bde61775d89b76a36bff0024afff11  [home]/a/honeyhive.yaml
    44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a  [home]/b/honeyhive.json
    ");
    assert_eq!(env.mode(TRUSTED), 0o600);
    assert_eq!(env.mode(".config/honeyhive"), 0o700);
    // A file that is trusted twice has one entry.
    assert_eq!(env.run(&["config", "trust", "a/honeyhive.yaml"]).code, 0);
    assert_eq!(env.read(TRUSTED).lines().count(), 2);
}

#[test]
fn trust_belongs_to_the_path_as_well() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_TEST_MODE", "true");
    env.write("other/honeyhive.yaml", "base_url: http://127.0.0.1:9\n");
    assert_eq!(
        env.run(&["config", "trust", "other/honeyhive.yaml"]).code,
        0
    );
    env.write("honeyhive.yaml", "base_url: http://127.0.0.1:9\n");
    assert!(hints_at_trust(&env, &[]));
}

#[test]
fn what_cannot_be_trusted_is_named() {
    let env = TestEnv::new();
    insta::assert_snapshot!(env.seen(&["config", "trust"]), @"
    ! error: no configuration file in this directory
    ! | hint: specify the file to trust
    exit 2
    ");
    insta::assert_snapshot!(env.seen(&["config", "trust", "honeyhive.missing.yaml"]), @"
    ! error: the configuration file honeyhive.missing.yaml does not exist
    exit 5
    ");
    env.write("honeyhive.dir/x", "");
    insta::assert_snapshot!(env.seen(&["config", "trust", "honeyhive.dir"]), @"
    ! error: the configuration file honeyhive.dir is a directory
    exit 5
    ");
    env.make_fifo("honeyhive.fifo.yaml");
    insta::assert_snapshot!(env.seen(&["config", "trust", "honeyhive.fifo.yaml"]), @"
    ! error: the configuration file honeyhive.fifo.yaml cannot be read: timed out after 10 s while reading the named pipe
    ! | hint: check that a program writes to the named pipe and then closes it
    exit 5
    ");
    env.write("two\nlines/honeyhive.yaml", "");
    insta::assert_snapshot!(env.seen(&["config", "trust", "two\nlines/honeyhive.yaml"]), @"
    ! error: two�lines/honeyhive.yaml cannot be trusted: its path is not one line of UTF-8 text
    ! | hint: rename the file
    exit 5
    ");
    env.write("broken/honeyhive.yaml", "project: [");
    insta::assert_snapshot!(env.seen(&["config", "trust", "broken/honeyhive.yaml"]), @"
    ! error: broken/honeyhive.yaml:1:10: invalid YAML: a bracket or a brace is not closed
    exit 5
    ");
    // Other files need no trust, and `config trust` does not cover an overlay in the same directory.
    env.write("notes.txt", "base_url: http://127.0.0.1:9\n");
    env.write("honeyhive.prod.yaml", "base_url: http://127.0.0.1:9\n");
    insta::assert_snapshot!(env.seen(&["config", "trust", "notes.txt"]), @"
    ! error: notes.txt is not a project file or an overlay of one, so it cannot be trusted
    ! | hint: use it with --config-file, which requires no trust
    exit 2
    ");
    assert!(!env.path(TRUSTED).exists());
}

#[test]
fn a_dotenv_file_cannot_choose_the_list_of_trusted_files() {
    let env = TestEnv::new();
    env.write("honeyhive.yaml", "base_url: http://127.0.0.1:9\n");
    assert_eq!(env.run(&["config", "trust"]).code, 0);
    env.write("other/honeyhive/trusted", env.read(TRUSTED));
    std::fs::remove_file(env.path(TRUSTED)).unwrap();
    let dotenv = format!("XDG_CONFIG_HOME={0}\nHOME={0}\n", env.at("other"));
    env.write("e.env", dotenv);
    let done = env.run(&["config", "get", "base_url", "--env-file", "e.env"]);
    assert_eq!(done.code, 5, "{done:?}");
    assert!(done.stderr.contains("untrusted project file"), "{done:?}");
}

#[test]
fn a_broken_list_trusts_nothing_and_is_kept() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_TEST_MODE", "true");
    env.write("honeyhive.yaml", "base_url: http://127.0.0.1:9\n");
    assert_eq!(env.run(&["config", "trust"]).code, 0);
    let list = format!("{}oops\n", env.read(TRUSTED));
    env.write(TRUSTED, &list);
    assert!(hints_at_trust(&env, &[]));
    let done = env.run(&["config", "get", "timeout"]);
    insta::assert_snapshot!(env.seen_of(&done), @"
    30
    ! warning: [home]/.config/honeyhive/trusted:2: expected a SHA-256 hash, two spaces and a path; remove the line
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "trust"]), @"
    ! error: [home]/.config/honeyhive/trusted:2: expected a SHA-256 hash, two spaces and a path
    ! | hint: remove the line
    exit 5
    ");
    assert_eq!(env.read(TRUSTED), list);
}
