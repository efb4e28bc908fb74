//! The sources of the settings of the client and the tracer.

#![expect(
    deprecated,
    reason = "`with_reporter` works until it is removed, and collects the lines here"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use hh_sdk::auth::{ApiKey, FileStore, Level, Profile};
use hh_sdk::config::{Env, Source, names};
use hh_sdk::{ErrorKind, HoneyHive, HoneyHiveTracer, Options, get_config_with};
use hh_testing::IdleListener;
use tempfile::TempDir;

use crate::support::{TestServer, env_with_home};

const KEYS: [&str; 4] = [
    "hh_1111direct1111direct1111direct11",
    "hh_2222environment2222environment22",
    "hh_3333file3333file3333file3333file",
    "hh_4444stored4444stored4444stored44",
];

fn write(dir: &TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    hh_testing::write(&path, text);
    path.display().to_string()
}

fn env(home: &Path, variables: &[(&str, &str)]) -> Env {
    let variables = variables
        .iter()
        .map(|(name, value)| (*name, (*value).into()));
    let home_variable = ("HOME", home.as_os_str().to_owned());
    Env::from_pairs(variables.chain([home_variable])).with_working_dir(home)
}

fn store_key(home: &Path, key: &str, url: &str) {
    let store = FileStore::of_user(&env_with_home(home)).unwrap();
    let key = ApiKey::parse(key).unwrap();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    store.put(Profile::new("default", url, key, now)).unwrap();
}

// Features S14, S15, S32, S62.
#[tokio::test]
async fn the_environment_provides_the_key_and_the_project() {
    let server = TestServer::start().await;
    let home = tempfile::tempdir().unwrap();
    let key = server.key(Level::ReadWrite, "default").await;
    let env = env(
        home.path(),
        &[
            ("HH_API_KEY", &key),
            ("HH_BASE_URL", &server.url),
            ("HH_PROJECT", "default"),
        ],
    );
    let client = HoneyHive::builder().with_env(env).build().unwrap();
    client.whoami().await.unwrap();
    assert_eq!(client.settings().project.as_ref().unwrap().value, "default");
}

// Features S16, S27.
#[tokio::test]
async fn a_direct_parameter_reaches_the_server_and_beats_the_environment() {
    let server = TestServer::start().await;
    let home = tempfile::tempdir().unwrap();
    let env = env(
        home.path(),
        &[("HH_API_KEY", KEYS[1]), ("HH_PROJECT", "other")],
    );
    let client = HoneyHive::builder()
        .with_env(env)
        .with_base_url(&server.url)
        .with_api_key(server.admin_key.clone())
        .with_project("default")
        .build()
        .unwrap();
    client.whoami().await.unwrap();
    assert_eq!(client.settings().project.as_ref().unwrap().value, "default");
}

// Features S18, S19, S20, S29.
#[tokio::test]
async fn a_named_file_in_each_format_provides_the_key() {
    let server = TestServer::start().await;
    let home = tempfile::tempdir().unwrap();
    store_key(home.path(), KEYS[3], &server.url);
    let (key, url) = (&server.admin_key, &server.url);
    for (name, text) in [
        (
            "honeyhive.yaml",
            format!("api_key: \"{key}\"\nproject: default\nbase_url: {url}\n"),
        ),
        (
            "honeyhive.json",
            format!("{{\"api_key\": \"{key}\", \"base_url\": \"{url}\"}}"),
        ),
        (
            "honeyhive.toml",
            format!("api_key = \"{key}\"\nbase_url = \"{url}\"\n"),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = write(&folder, name, &text);
        let client = HoneyHive::builder()
            .with_env(env(home.path(), &[]))
            .with_config_file(&file)
            .build()
            .unwrap();
        client.whoami().await.unwrap();
        let tracer = HoneyHiveTracer::builder().with_env(env(home.path(), &[]));
        tracer.with_config_file(&file).build().unwrap();
    }
}

// Feature S20.
#[test]
fn a_missing_file_is_an_error_of_the_constructor() {
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("honeyhive.yaml");
    let client = HoneyHive::builder().with_env(env(home.path(), &[]));
    let error = client.with_config_file(&missing).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let tracer = HoneyHiveTracer::builder().with_env(env(home.path(), &[]));
    let error = tracer.with_config_file(&missing).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let shown = error.to_string();
    assert!(
        shown.contains("does not exist") && shown.contains("honeyhive.yaml"),
        "{shown}"
    );
}

// Features S27, S28, S29, S30, S31, S84.
#[test]
fn all_combinations_of_four_sources() {
    for mask in 0_u32..16 {
        let has = |at: usize| mask & 1 << at != 0;
        let home = tempfile::tempdir().unwrap();
        let mut variables = Vec::new();
        let file = write(&home, "named.yaml", &format!("api_key: {}\n", KEYS[2]));
        if has(1) {
            variables.push(("HH_API_KEY", KEYS[1]));
        }
        if has(2) {
            variables.push(("HH_CONFIG_FILE", file.as_str()));
        }
        if has(3) {
            store_key(home.path(), KEYS[3], "https://api.honeyhive.ai");
        }
        let mut options = Options::new().with_env(env(home.path(), &variables));
        if has(0) {
            options = options.with(names::API_KEY, KEYS[0]);
        }
        let config = get_config_with(&options).unwrap();
        let labels = [
            "param".to_owned(),
            "env:HH_API_KEY".to_owned(),
            format!("file:{file}:1:10"),
            "stored".to_owned(),
        ];
        let winner = (0..4).find(|at| has(*at));
        let expected = winner.map_or("unset", |at| labels[at].as_str());
        assert_eq!(
            config.get("api_key_source"),
            Some(expected),
            "sources {mask:04b}"
        );
        let shown = winner.map(|at| format!("{}***", &KEYS[at][..8]));
        assert_eq!(
            config.get("api_key"),
            shown.as_deref(),
            "sources {mask:04b}"
        );
        // The client uses the same credential.
        let built = HoneyHive::builder()
            .with_options(options.with_reporter(|_| ()))
            .build();
        match winner {
            Some(at) => assert_eq!(
                built.unwrap().credential().unwrap().key.redacted(),
                format!("{}***", &KEYS[at][..8])
            ),
            None => assert_eq!(built.unwrap_err().kind(), ErrorKind::MissingKey),
        }
    }
}

// Features S46, S50, S54, S55.
#[test]
fn a_named_env_file_sets_exactly_what_it_holds() {
    let home = tempfile::tempdir().unwrap();
    let text = "HH_API_KEY=hh_dev_1234567890abcdef\nHH_BASE_URL=https://api-dev.honeyhive.ai\nHH_TEST_MODE=false\nHH_DEBUG=true\n";
    write(&home, ".env.development", text);
    write(&home, ".env", "HH_PROJECT=not-read\n");
    let load = |variables: &[(&str, &str)]| {
        let options = Options::new().with_env(env(home.path(), variables));
        let options = options.with(names::ENV_FILE, ".env.development");
        hh_sdk::tooling::resolve(&options).unwrap().settings
    };
    let settings = load(&[]);
    assert_eq!(
        settings.base_url.value.as_str(),
        "https://api-dev.honeyhive.ai"
    );
    assert_eq!(settings.base_url.provenance.source(), Source::DotEnv);
    assert_eq!(
        settings.api_key.unwrap().provenance.source(),
        Source::DotEnv
    );
    assert!(settings.debug.value && !settings.test_mode.value);
    assert!(
        settings.project.is_none(),
        "a .env file that is not named is not read"
    );
    // The process environment takes precedence.
    let settings = load(&[
        ("HH_BASE_URL", "https://api.honeyhive.ai"),
        ("HH_DEBUG", "off"),
    ]);
    assert_eq!(settings.base_url.provenance.source(), Source::Env);
    assert!(!settings.debug.value);
}

// Feature S56.
#[test]
fn a_mock_key_of_the_environment_is_enough_in_test_mode() {
    let listener = IdleListener::new();
    let url = listener.url();
    let home = tempfile::tempdir().unwrap();
    let env = env(
        home.path(),
        &[("HH_API_KEY", "hh_mock_key"), ("HH_BASE_URL", &url)],
    );
    let tracer = HoneyHiveTracer::builder()
        .with_env(env)
        .with_project("your-project")
        .with_test_mode(true)
        .build()
        .unwrap();
    let session = tracer.session("test").start();
    drop(session.span("step", hh_sdk::SpanKind::Tool).start());
    drop(session);
    tracer
        .shutdown_blocking(std::time::Duration::from_secs(5))
        .unwrap();
    assert!(listener.is_untouched(), "nothing connected");
}

// Features S58, S59.
#[test]
fn a_production_file_takes_the_key_from_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let text = "api_key: \"${HH_PROD_KEY}\"\nbase_url: \"https://api.honeyhive.ai\"\nproject: \"my-app-prod\"\ntest_mode: false\ndebug: false\n\nverify_ssl: true\ntimeout: 30.0\n";
    let file = write(&home, "production.yaml", text);
    let options = |variables: &[(&str, &str)]| {
        Options::new()
            .with_env(env(home.path(), variables))
            .with(names::CONFIG_FILE, file.clone())
    };
    let config = get_config_with(&options(&[("HH_PROD_KEY", KEYS[1])])).unwrap();
    assert_eq!(config.get("api_key"), Some("hh_2222e***"));
    for (name, value, place) in [
        ("api_key", "hh_2222e***", "1:10"),
        ("base_url", "https://api.honeyhive.ai", "2:11"),
        ("project", "my-app-prod", "3:10"),
        ("test_mode", "false", "4:12"),
        ("debug", "false", "5:8"),
        ("verify_ssl", "true", "7:13"),
    ] {
        assert_eq!(config.get(name), Some(value));
        assert_eq!(config.source(name).unwrap(), format!("file:{file}:{place}"));
    }
    let error = get_config_with(&options(&[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error
            .to_string()
            .contains("variable HH_PROD_KEY is not set"),
        "{error}"
    );
}

// Feature S83.
#[test]
fn get_config_shows_every_setting_and_no_key() {
    let home = tempfile::tempdir().unwrap();
    let variables = [("HH_API_KEY", KEYS[1]), ("HH_PROXY_PASSWORD", "opensesame")];
    let options = Options::new().with_env(env(home.path(), &variables));
    let config = get_config_with(&options).unwrap();
    let shown = config.to_string();
    assert!(
        shown.contains("api_key = hh_2222e*** (env:HH_API_KEY)"),
        "{shown}"
    );
    assert!(
        shown.contains("proxy_password = *** (env:HH_PROXY_PASSWORD)"),
        "{shown}"
    );
    assert!(
        shown.ends_with("api_key_source = env:HH_API_KEY"),
        "{shown}"
    );
    let debug = format!("{config:?}");
    for text in [&shown, &debug] {
        assert!(
            !text.contains(KEYS[1]) && !text.contains("opensesame"),
            "{text}"
        );
    }
    assert_eq!(config.get("timeout"), Some("30"));
    assert_eq!(config.get("nonsense"), None);
}

// Features S53, S88, S89, S90.
#[tokio::test]
async fn each_debug_switch_enables_debug_lines() {
    let server = TestServer::start().await;
    let home = tempfile::tempdir().unwrap();
    for (variables, debug, expected) in [
        (&[][..], false, false),
        (&[], true, true),
        (&[("HH_DEBUG", "true")], false, true),
        (&[("HH_DEBUG_MODE", "true")], false, true),
        (&[("HH_LOG_LEVEL", "DEBUG")], false, true),
        (&[("HH_LOG_LEVEL", "warning")], false, false),
    ] {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let options = Options::new()
            .with_env(env(home.path(), variables))
            .with_reporter(move |line| kept.lock().unwrap().push(line.to_owned()))
            .with(names::API_KEY, server.admin_key.clone())
            .with(names::BASE_URL, server.url.clone());
        let mut builder = HoneyHive::builder().with_options(options);
        if debug {
            builder = builder.with_debug(true);
        }
        builder.build().unwrap().whoami().await.unwrap();
        let lines = lines.lock().unwrap().join("\n");
        assert_eq!(
            lines.contains("debug: GET"),
            expected,
            "{variables:?}: {lines}"
        );
        assert!(!lines.contains(&server.admin_key), "{lines}");
    }
}

#[test]
fn a_log_level_above_warning_hides_warnings() {
    let home = tempfile::tempdir().unwrap();
    for (level, expected) in [("warn", true), ("error", false), ("critical", false)] {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let options = Options::new()
            .with_env(env(
                home.path(),
                &[("HH_API_KEY", "hh_short"), ("HH_LOG_LEVEL", level)],
            ))
            .with_reporter(move |line| kept.lock().unwrap().push(line.to_owned()));
        HoneyHive::builder().with_options(options).build().unwrap();
        let lines = lines.lock().unwrap();
        assert_eq!(!lines.is_empty(), expected, "{level}: {lines:?}");
    }
}
