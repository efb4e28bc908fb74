use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::process::Stdio;

use hh_testing::{ServerProcess, poll_until};

use crate::support::TestEnv;

/// Starts a server on `data`.
fn start(env: &TestEnv, flags: &[&str]) -> ServerProcess {
    let data = env.at("data");
    let start = ["server", "start", "--bind", "127.0.0.1:0", "--data-dir"];
    ServerProcess::start(&mut env.command(&[&start[..], &[&data], flags].concat()))
}

#[test]
fn the_cause_of_an_internal_error_is_printed_by_the_server_and_not_sent() {
    let mut env = TestEnv::new();
    let key_file = env.at("admin.key");
    // A signal stops the server, after which the database file contains the whole log.
    let done = start(&env, &["--admin-key-file", &key_file]).stop("TERM");
    assert_eq!(done.code, 0, "{done:?}");
    // The server reads the schema and no key.
    let mut server = start(&env, &["--log-format", "json"]);
    let database = env.path("data/honeyhive.db");
    let size = database.metadata().unwrap().len();
    let mut database = File::options().write(true).open(database).unwrap();
    database.seek(SeekFrom::Start(4096)).unwrap();
    let noise = vec![0x55; usize::try_from(size).unwrap() - 4096];
    database.write_all(&noise).unwrap();
    env.set("HH_BASE_URL", server.url());
    env.be_admin();
    let done = env.run(&["auth", "whoami"]);
    assert!(
        done.stderr.contains("500 Internal Server Error"),
        "{done:?}"
    );
    assert!(!done.stderr.contains("SQLite"), "{done:?}");
    let line: serde_json::Value =
        serde_json::from_str(&server.wait_for_line(|line| line.starts_with('{'))).unwrap();
    assert_eq!(
        (&line["level"], &line["status"]),
        (&"ERROR".into(), &500.into())
    );
    assert_eq!(
        line["cause"],
        "SQLite failed (code 11): database disk image is malformed"
    );
    let id = line["request_id"].as_str().unwrap();
    assert!(done.stderr.contains(&format!("(request {id})")), "{done:?}");
}

#[test]
fn a_new_database_is_created_only_on_request() {
    let env = TestEnv::new();
    let first = env.at("first.key");
    drop(start(&env, &["--admin-key-file", &first]));
    for name in ["honeyhive.db", "honeyhive.db-wal", "honeyhive.db-shm"] {
        drop(std::fs::remove_file(env.path(&format!("data/{name}"))));
    }
    let data = env.at("data");
    let command = ["server", "start", "--bind", "127.0.0.1:0", "--data-dir"];
    insta::assert_snapshot!(env.seen(&[&command[..], &[&data]].concat()), @"
    ! error: the database [home]/data/honeyhive.db is missing, although this directory contained one before
    ! | hint: restore it from a backup, or create an empty one with --new-database
    exit 5
    ");
    let second = env.at("second.key");
    let flags = ["--new-database", "--admin-key-file", &second];
    drop(start(&env, &flags));
    assert_ne!(env.read("first.key"), env.read("second.key"));
    let mut server = start(&env, &["--new-database"]);
    server.wait_for_line(|line| line.starts_with("warning: the database already exists"));
}

#[test]
fn server_health_needs_no_key_and_fails_without_a_healthy_server() {
    let mut env = TestEnv::new();
    let server = start(&env, &["--admin-key-file", &env.at("admin.key")]);
    let url = server.url().to_owned();
    let mut health = |url: &str| {
        env.set("HH_BASE_URL", url);
        env.run(&["server", "health"])
    };
    let healthy = health(&url);
    assert_eq!(
        (healthy.code, healthy.stdout),
        (0, format!("{url}: healthy\n"))
    );
    let wrong = health(&format!("{url}/other"));
    assert_eq!(wrong.code, 4);
    assert_eq!(
        wrong.stderr,
        format!(
            "error: {url}/other is not healthy: GET /other/api/v1/health returned 404\n  hint: check the log of the server; base_url comes from HH_BASE_URL (environment)\n"
        )
    );
    drop(server);
    let stopped = health(&url);
    assert_eq!(stopped.code, 4);
    assert!(stopped.stderr.contains("refused"), "{}", stopped.stderr);
}

#[test]
fn a_server_prints_an_address_that_clients_can_use() {
    for (bind, host) in [
        ("0.0.0.0:0", "127.0.0.1"),
        ("[::]:0", "[::1]"),
        (":0", "[::1]"),
        ("0", "127.0.0.1"),
        ("localhost:0", "127.0.0.1"),
        ("LOCALHOST:0", "127.0.0.1"),
        ("127.0.0.1:0", "127.0.0.1"),
        ("127.0.0.2:0", "127.0.0.2"),
        ("[::1]:0", "[::1]"),
    ] {
        let mut env = TestEnv::new();
        let (data, key) = (env.at("data"), env.at("admin.key"));
        let start = ["server", "start", "--bind", bind, "--data-dir", &data];
        let start = [&start[..], &["--admin-key-file", &key]].concat();
        let mut server = ServerProcess::start(&mut env.command(&start));
        let line = server.wait_for_line(|line| line.starts_with("To use it"));
        let expected = format!("To use it, run: export HH_BASE_URL=http://{host}:");
        assert!(line.starts_with(&expected), "{line}");
        let (_, url) = line.split_once("HH_BASE_URL=").unwrap();
        env.set("HH_BASE_URL", url);
        env.be_admin();
        let done = env.run(&["auth", "whoami"]);
        assert_eq!(done.code, 0, "{bind}: {done:?}");
        // The address in the first line of stdout.
        assert_eq!(server.url(), url, "{bind}");
    }
}

#[test]
fn an_invalid_address_is_rejected_with_the_accepted_forms() {
    let env = TestEnv::new();
    let data = env.at("data");
    let start = |bind: &str| {
        let done = env.run(&["server", "start", "--bind", bind, "--data-dir", &data]);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{bind}");
        done.stderr
    };
    insta::assert_snapshot!(start("nowhere"), @"
    error: invalid value 'nowhere' for '--bind <ADDRESS>': expected PORT or localhost:PORT (this machine only), :PORT (all interfaces) or ADDRESS:PORT, such as 192.0.2.1:8642 or [::1]:8642

    For more information, try '--help'.
    ");
    for bind in [
        "",
        "localhost",
        "127.0.0.1",
        "::1:8642",
        ":65536",
        "http://127.0.0.1:8642",
        "example.com:8642",
        "*:8642",
    ] {
        let printed = start(bind);
        assert!(
            printed.contains("expected PORT or localhost:PORT"),
            "{printed}"
        );
    }
    assert!(!env.path("data").exists());
}

#[test]
fn a_hangup_reloads_the_settings_and_a_server_survives_it() {
    let mut env = TestEnv::new();
    let mut server = start(&env, &["--admin-key-file", &env.at("admin.key")]);
    env.set("HH_BASE_URL", server.url());
    let hang_up = |server: &ServerProcess| {
        let kill = format!("kill -HUP {}", server.pid());
        let sent = env.program("sh", &["-c", &kill]).status().unwrap();
        assert!(sent.success());
    };
    env.write("data/server.yaml", "max_rotations_per_hour: 7\n");
    for _ in 0..3 {
        hang_up(&server);
        let line = server.wait_for_line(|line| line.contains("reloaded server.yaml"));
        assert!(line.contains("max_rotations_per_hour=7"), "{line}");
    }
    let retention = "retention_days: 30\nproject_retention_days:\n  absent: 3\n";
    env.write("data/server.yaml", retention);
    hang_up(&server);
    let line = server.wait_for_line(|line| line.contains("reloaded server.yaml"));
    let days = "retention_days=30 project_retention_days=1";
    assert!(line.contains(days), "{line}");
    let line = server.wait_for_line(|line| line.contains("does not exist"));
    assert!(line.contains("WARN"), "{line}");
    assert!(line.contains(r#"project="absent""#), "{line}");
    env.write("data/server.yaml", "retention_dayz: 30\n");
    hang_up(&server);
    let line = server.wait_for_line(|line| line.contains("cannot reload server.yaml"));
    assert!(line.contains("unknown setting"), "{line}");
    assert!(line.contains("retention_dayz"), "{line}");
    env.write("data/server.yaml", "max_rotations_per_hour: many\n");
    hang_up(&server);
    let line = server.wait_for_line(|line| line.contains("cannot reload server.yaml"));
    assert!(line.contains("ERROR"), "{line}");
    assert!(line.contains("invalid server configuration"), "{line}");
    assert_eq!(env.run(&["server", "health"]).code, 0);
    let done = server.stop("TERM");
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stderr.ends_with("Stopped\n"), "{done:?}");
}

/// Ends the server of a test that fails.
struct Running<'a> {
    env: &'a TestEnv,
    pid: String,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let kill = format!("kill {}", self.pid);
        drop(self.env.program("sh", &["-c", &kill]).status());
    }
}

#[test]
fn a_server_survives_the_end_of_its_terminal() {
    let env = TestEnv::new();
    let server = [
        env!("CARGO_BIN_EXE_honeyhive"),
        "server start --bind 0 --data-dir",
        &env.at("data"),
        "--admin-key-file",
        &env.at("admin.key"),
    ];
    let (log, pid_file) = (env.at("log"), env.at("pid"));
    let command = format!("echo $$ > {pid_file}; exec {} 2> {log}", server.join(" "));
    let mut terminal = env
        .program("script", &["-qec", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let wait_for = |text: &str| {
        poll_until(text, || {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            log.contains(text)
        });
    };
    wait_for("To use it");
    let running = Running {
        env: &env,
        pid: env.read("pid").trim().to_owned(),
    };
    let printed = env.read("log");
    let (_, url) = printed.trim_end().split_once("HH_BASE_URL=").unwrap();
    // The end of `script` closes the terminal, which sends SIGHUP to the server.
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    wait_for("reloaded server.yaml");
    let done = env
        .command(&["server", "health"])
        .env("HH_BASE_URL", url)
        .status();
    assert!(done.unwrap().success());
    drop(running);
    wait_for("Stopped");
}

#[test]
fn server_openapi_prints_the_document_that_servers_return() {
    let done = TestEnv::new().run(&["server", "openapi"]);
    assert_eq!(done.code, 0);
    let document: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let served: serde_json::Value = serde_json::from_str(hh_server::OPENAPI).unwrap();
    assert_eq!(document, served);
    assert_eq!(document["openapi"], "3.1.1");
}
