//! Mistakes in files, keys, settings and variables: each is named, without the content of a file.

use std::fmt::Write as _;

use crate::support::{Loopback, TestEnv};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

#[test]
fn a_syntax_error_has_a_reason_without_the_content_of_the_file() {
    let env = TestEnv::new();
    let mut all = String::new();
    for (name, text) in [
        ("a.yaml", "api_key: \"hidden-word\n"),
        ("a.yaml", "project: docs\n   source: hidden-word\n"),
        ("a.yaml", "project: docs: hidden-word\n"),
        ("a.yaml", "project: docs\n\tsource: hidden-word\n"),
        ("a.yaml", "project: [hidden-word\nsource: dev\n"),
        ("a.yaml", "project: docs]\nsource: }\n"),
        ("a.yaml", "project docs\nsource: hidden-word\n"),
        ("a.yaml", "project: 'docs' hidden-word\n"),
        ("a.yaml", "project: \"docs\\q hidden-word\"\n"),
        ("a.yaml", "project: @hidden-word\n"),
        ("a.yaml", "- project: docs\nhidden-word: x\n"),
        ("a.yaml", "project: docs\n- hidden-word\n"),
        ("a.json", "{\"project\": \"hidden-word\n"),
        ("a.json", "{\"project\": hidden-word}\n"),
        ("a.json", "{\"project\" \"hidden-word\"}\n"),
        (
            "a.json",
            "{\"project\": \"docs\" \"source\": \"hidden-word\"}\n",
        ),
        ("a.json", "{\"project\": \"hidden-word\",}\n"),
        ("a.json", "{'project': 'hidden-word'}\n"),
        ("a.json", "{\"project\": \"hidden\\-word\"}\n"),
        ("a.json", "{\"project\": [\"hidden-word\"\n"),
        ("a.json", "{\"timeout\": 01}\n"),
        ("a.json", "{\"project\": \"docs\"} hidden-word\n"),
        ("a.toml", "project = hidden-word\n"),
        ("a.toml", "project hidden-word\n"),
        ("a.toml", "project = \"hidden-word\n"),
        ("a.toml", "project = 'hidden-word\n"),
        ("a.toml", "project =\n"),
        ("a.toml", "project = \"docs\" source = \"hidden-word\"\n"),
        ("a.toml", "[environments.hidden-word\nx = 1\n"),
        ("a.toml", "project: hidden-word\n"),
        ("a.toml", "default_evaluators = [\"hidden-word\"\n"),
        ("a.toml", "project = \"hidden\\-word\"\n"),
        ("a.toml", "my project = \"hidden-word\"\n"),
    ] {
        env.write(name, text);
        let done = env.run(&["config", "validate", name]);
        assert_eq!(done.code, 5, "{text}: {done:?}");
        assert!(!format!("{done:?}").contains("hidden"), "{done:?}");
        let line = done.stderr.lines().next().unwrap();
        writeln!(all, "{text:?}\n    {line}").unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_text_that_is_not_a_key_is_named_as_what_it_is() {
    let mut env = TestEnv::new();
    let mut all = String::new();
    for text in [
        "/home/me/hidden-word",
        "~/hidden-word.key",
        "./hidden-word",
        "C:\\hidden-word",
        "hidden-word.pem",
        "your-api-key",
        "YOUR_API_KEY",
        "your-honeyhive-api-key-here",
        "<key>",
        "<your hidden-word>",
        "${HIDDEN_WORD}",
        "$HH_API_KEY",
        "{{ hidden-word }}",
        "%HH_API_KEY%",
        "changeme",
        "xxxxxxxx",
        "hh_...",
        "hh_xxxxxxxxxxxxxxxx",
        "hh_<key>",
        "hh_12345***",
        "sk-hidden-word",
        "sk-ant-hidden-word",
        "sk-proj-hidden-word",
        "ghp_hiddenword",
        "github_pat_hiddenword",
        "AKIAHIDDENWORD",
        "lsv2_pt_hiddenword",
        "eyJhbGciOiJIUzI1NiJ9.hidden-word",
        "hidden-word",
    ] {
        env.set("HH_API_KEY", text);
        let done = env.run(&["project", "list", "--base-url", "http://127.0.0.1:9"]);
        assert_eq!(done.code, 3, "{text}: {done:?}");
        assert!(!done.stderr.to_lowercase().contains("hidden"), "{done:?}");
        let shown = done
            .stderr
            .replace("error: the API key from HH_API_KEY (environment) ", "    ");
        write!(all, "{text}\n{shown}").unwrap();
    }
    env.unset("HH_API_KEY");
    env.set("HH_API_KEY_FILE", KEY);
    all += &env.run(&["project", "list"]).stderr;
    insta::assert_snapshot!(all);
}

#[test]
fn a_setting_is_validated_before_it_is_saved() {
    let env = TestEnv::new();
    for (name, value, message) in [
        ("api_key", "sk-ant-x", "begins with sk-ant-"),
        ("api_key", "your-api-key", "is a placeholder"),
        ("api_key", "/etc/key", "is the path of a file"),
        ("api_key", "hh_", "is not a complete key"),
        ("ingestion_api_key", "x", "does not begin with hh_"),
        (
            "base_url",
            "\"http://127.0.0.1:8642\"",
            "hint: remove the quotes",
        ),
        (
            "base_url",
            "'https://host.example'",
            "hint: remove the quotes",
        ),
    ] {
        let done = env.run_with_input(&["config", "set", name, "-"], value);
        assert_eq!(done.code, 5, "{name} {value}: {done:?}");
        assert!(done.stderr.contains(message), "{name} {value}: {done:?}");
        assert!(!env.path(".config/honeyhive/config.yaml").exists());
    }
    let done = env.run_with_input(&["config", "set", "api_key", "-"], KEY);
    assert_eq!(done.code, 0, "{done:?}");
    // A variable is not read yet.
    let done = env.run(&["config", "set", "ingestion_api_key", "${MY_KEY}"]);
    assert_eq!(done.code, 0, "{done:?}");
}

#[test]
fn the_version_of_the_api_in_the_base_url_gets_a_hint() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    for path in ["/v1", "/v1/"] {
        let url = format!("{}{path}", env.url());
        let done = env.run(&["project", "list", "--base-url", &url]);
        assert_eq!(done.code, 4, "{done:?}");
        assert!(
            done.stderr
                .contains("hint: remove /v1 from base_url (--base-url)"),
            "{done:?}"
        );
        let mut set = env.command(&["config", "set", "base_url", &url]);
        let set = set.env_remove("HH_BASE_URL").output().unwrap();
        let set = crate::support::RunOutput::from(set);
        assert!(
            set.stderr.contains("warning: base_url ends with /v1"),
            "{set:?}"
        );
    }
}

#[test]
fn a_server_start_names_only_the_options_that_were_given() {
    let env = TestEnv::new();
    env.write("taken.key", "mine\n");
    let start = [
        "server",
        "start",
        "--bind",
        "127.0.0.1:0",
        "--data-dir",
        "data",
    ];
    for file in ["taken.key", "missing/admin.key"] {
        let done = env.run(&[&start[..], &["--admin-key-file", file]].concat());
        assert_eq!(done.code, 5, "{done:?}");
        assert!(
            done.stderr.contains("cannot write the admin key to "),
            "{done:?}"
        );
        assert!(
            !env.path("data").exists(),
            "a data directory was left behind"
        );
    }
    assert_eq!(env.read("taken.key"), "mine\n");
    let mut first = env.command(&start);
    first.args(["--admin-key-file", "admin.key"]);
    drop(hh_testing::ServerProcess::start(&mut first).stop("TERM"));
    for (options, subject) in [
        (&["--admin", "a@example.com"][..], "--admin has"),
        (&["--admin-key-file", "taken.key"], "--admin-key-file has"),
        (
            &["--new-database", "--organization", "x"],
            "--organization and --new-database have",
        ),
    ] {
        let mut again = env.command(&[&start[..], options].concat());
        let stopped = hh_testing::ServerProcess::start(&mut again).stop("TERM");
        let warning = format!("warning: the database already exists, so {subject} no effect");
        assert!(stopped.stderr.contains(&warning), "{stopped:?}");
    }
}

#[test]
fn more_variables_of_other_programs_do_not_stop_a_command() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    for (name, value) in [
        ("OTEL_TRACES_EXPORTER", "console,none"),
        ("OTEL_TRACES_SAMPLER_ARG", "often"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_PROPAGATORS", "b3multi"),
        ("HTTP_PROXY", "socks4a://[::1]:1080"),
        ("HTTPS_PROXY", "none"),
        ("ALL_PROXY", "socks5h://user:hidden-word@proxy.invalid"),
        ("https_proxy", "pac+http://proxy.invalid/file.pac"),
        ("http_proxy", "://"),
        ("NO_PROXY", "<local>;*.corp,,::1/128"),
        ("no_proxy", "*"),
        (
            "NO_PROXY",
            "127.0.0.0/8 169.254.169.254 .svc.cluster.local.",
        ),
        ("SSL_CERT_FILE", "/nonexistent.pem"),
        ("SSL_CERT_DIR", "/nonexistent"),
        ("LESS", "-Z"),
        ("COLUMNS", "wide"),
        ("TERM", ""),
        ("TZ", "Mars/Olympus"),
        ("LC_ALL", "xx_YY.EBCDIC"),
        ("RUST_LOG", "nonsense=="),
        ("DEBUG", "*"),
        ("LOG_LEVEL", "chatty"),
        ("PROJECT", "a/b"),
        ("API_KEY", "sk-hidden-word"),
        ("HOST", "?"),
        ("PORT", "x"),
    ] {
        env.set(name, value);
        let server = Loopback::start();
        let done = env.run(&["project", "list", "--base-url", &server.url()]);
        assert_eq!(
            (done.code, done.stderr.as_str()),
            (0, ""),
            "{name}: {done:?}"
        );
        let done = env.run(&["config", "validate"]);
        assert_eq!(done.code, 0, "{name}: {done:?}");
        assert!(!format!("{done:?}").contains("hidden"), "{name}: {done:?}");
        env.unset(name);
    }
}

#[test]
fn a_home_that_cannot_be_written_is_found_before_the_key_is_sent() {
    for (variable, value, prepare) in [
        ("HOME", "file", ""),
        ("HOME", "/dev/null", ""),
        ("HOME", "file/below", ""),
        ("HOME", "loop", ""),
        ("HOME", "/proc", ""),
        ("XDG_CONFIG_HOME", "/sys", ""),
        ("XDG_CONFIG_HOME", "file", ""),
        ("XDG_CONFIG_HOME", "loop/below", ""),
        ("XDG_CONFIG_HOME", "/dev/null/x", ""),
        ("XDG_CONFIG_HOME", "other", "other/honeyhive"),
    ] {
        let mut env = TestEnv::new();
        env.write("file", "");
        std::os::unix::fs::symlink("loop", env.path("loop")).unwrap();
        if !prepare.is_empty() {
            env.write(prepare, "not a directory");
        }
        let value = if value.starts_with('/') {
            value.to_owned()
        } else {
            env.at(value)
        };
        env.set(variable, &value);
        let server = Loopback::start();
        let login = [
            "auth",
            "login",
            "--api-key-stdin",
            "--storage",
            "file",
            "--base-url",
        ];
        let done = env.run_with_input(&[&login[..], &[&server.url()]].concat(), KEY);
        assert_eq!(done.code, 5, "{variable}={value}: {done:?}");
        assert!(!done.stderr.contains("os error"), "{done:?}");
        assert!(!done.stderr.contains(&KEY[12..]), "{done:?}");
        server.assert_untouched(&format!("{variable}={value}"));
    }
}
