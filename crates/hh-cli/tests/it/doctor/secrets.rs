//! The output of doctor contains no secrets and no user names, in any format.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;

use hh_testing::CertificateAuthority;

use super::run;
use super::site::{Site, WELL};
use crate::support::TestEnv;

const KEY: &str = "hh_C4N4RY0123456789abcdefghijklmnopqrstuv";
const INGESTION: &str = "C4N4RYingestion7Jq0C4N4RYingestion7Jq0C4N4RYingestion7Jq0abcdefgh";
const WORD: &str = "C4N4RY+password/7Jq0";
const USER: &str = "c4n4ry-user-7jq0";

/// Returns the secrets unchanged, in base64, in hex and URL-encoded.
fn forms() -> Vec<String> {
    let mut forms = Vec::new();
    for secret in [&KEY[8..], &INGESTION[..20], WORD] {
        let hex = secret.bytes().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        let url = secret.replace('+', "%2B").replace('/', "%2F");
        // For any preceding text, the base64 form of the whole contains one of these three.
        let base64 = (0..3).map(|skip| base64(&secret.as_bytes()[skip..]));
        forms.extend(base64);
        forms.extend([secret.to_owned(), url, hex.to_uppercase(), hex]);
    }
    forms
}

/// Returns the base64 form of all complete groups of three bytes.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).flat_map(|group| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift & 63) as usize]))
    });
    groups.collect()
}

fn assert_none(what: &str, text: &str, forms: &[String]) {
    for form in forms {
        assert!(!text.contains(form.as_str()), "{what} has {form}: {text}");
    }
}

/// Returns an environment with a canary in every place that has a secret.
fn planted(server: &str, proxy: &str) -> TestEnv {
    let mut env = TestEnv::new();
    let url_word = WORD.replace('+', "%2B").replace('/', "%2F");
    env.set("HH_API_KEY", KEY);
    env.set(
        "HH_INGESTION_API_KEY",
        &format!("hh_ingst_{}_{}", "a".repeat(24), &INGESTION[..64]),
    );
    env.set("HH_DATA_PLANE_API_KEY", KEY);
    env.set("HH_CONTROL_PLANE_API_KEY", WORD);
    env.set("HH_OTLP_HEADERS", &format!(r#"{{"x-token": "{WORD}"}}"#));
    env.set(
        "HH_HTTPS_PROXY",
        &format!("http://{USER}:{url_word}@{proxy}"),
    );
    env.set("HTTP_PROXY", &format!("http://{USER}:{url_word}@{proxy}"));
    env.set("HH_PROXY_USERNAME", USER);
    env.set("HH_PROXY_PASSWORD", WORD);
    env.set("OTEL_RESOURCE_ATTRIBUTES", &format!("token={WORD}"));
    env.set("TRACELOOP_API_KEY", WORD);
    env.set("HH_TEST_API_KEY", KEY);
    env.set("HH_BASE_URL", server);
    env
}

const TALK: [&[&str]; 4] = [&[], &["--verbose"], &["--debug"], &["--output", "json"]];

/// Runs doctor in all formats and searches all output for the canaries.
fn assert_hidden(env: &TestEnv, flags: &[&str]) {
    let forms = forms();
    for (index, talk) in TALK.iter().enumerate() {
        let bundle = env.at(&format!("bundle-{index}.json"));
        let done = run(env, &[flags, talk, &["--bundle", &bundle]].concat());
        assert_none(&format!("{talk:?}"), &done.stdout, &forms);
        assert_none(&format!("{talk:?}"), &done.stderr, &forms);
        let bundle = env.read(&format!("bundle-{index}.json"));
        assert_none("the bundle", &bundle, &forms);
        let home = env.at("");
        let home = home.trim_end_matches('/');
        let user = home.rsplit('/').next().unwrap();
        for name in [USER, home, user, "user@example.com", "My Company"] {
            assert!(!bundle.contains(name), "{name}: {bundle}");
        }
    }
}

/// The search finds the canaries in output that contains them.
#[test]
fn the_canaries_can_be_seen() {
    let forms = forms();
    let shows = |text: &str| forms.iter().any(|form| text.contains(form.as_str()));
    let env = planted("http://127.0.0.1:9", "127.0.0.1:9");
    let variables = env.program("env", &[]).output().unwrap();
    let variables = String::from_utf8(variables.stdout).unwrap();
    for line in variables.lines().filter(|line| line.contains("C4N4RY")) {
        assert!(shows(line), "{line}");
    }
    assert!(shows(&format!("Authorization: Bearer {KEY}")));
    assert!(shows(&base64(format!("Basic {USER}:{WORD}...").as_bytes())));
    let token = env.run(&["auth", "token"]);
    assert!(shows(&token.stdout), "{token:?}");
}

#[test]
fn when_all_is_well() {
    let site = Site::well();
    assert_hidden(&planted(&site.url(), "127.0.0.1:9"), &[]);
}

#[test]
fn when_the_server_reports_the_identity() {
    let mut server = TestEnv::with_server();
    server.be_admin();
    let forms = forms();
    let bundle = server.at("bundle.json");
    let done = run(&server, &["--bundle", &bundle]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.stdout.contains("user@example.com of My Company"),
        "{done:?}"
    );
    let bundle = server.read("bundle.json");
    assert!(
        !bundle.contains("user@example.com") && !bundle.contains("My Company"),
        "{bundle}"
    );
    assert_none("the bundle", &bundle, &forms);
    assert_eq!(server.mode("bundle.json"), 0o600);
    // An existing file stays unchanged.
    let again = run(&server, &["--bundle", &server.at("bundle.json")]);
    assert_eq!((again.code, again.stdout.as_str()), (1, ""), "{again:?}");
    assert_eq!(server.read("bundle.json"), bundle);
}

#[test]
fn when_the_server_echoes_it() {
    let body = format!(
        r#"{{"message": "Bearer {KEY} of someone@example.com is not valid", "errorCode": "{KEY}"}}"#
    );
    for status in [
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "500 Oh",
    ] {
        let answer = format!(
            "{status}\r\nContent-Type: application/json\r\nLocation: https://{KEY}.test/{KEY}\r\n\r\n{body}"
        );
        let site = Site::new(move |_| answer.clone());
        let env = planted(&site.url(), "127.0.0.1:9");
        assert_hidden(&env, &[]);
        let bundle = env.read("bundle-0.json");
        assert!(!bundle.contains("someone@"), "{bundle}");
    }
}

#[test]
fn when_a_proxy_is_asked() {
    let proxy = Site::new(|_| "407 Proxy Authentication Required\r\n\r\n".to_owned());
    let env = planted(
        "https://api.test.invalid",
        &format!("127.0.0.1:{}", proxy.port()),
    );
    assert_hidden(&env, &[]);
    // The proxy received the secret, so a leak was possible.
    let asked = proxy.requests();
    assert!(
        asked[0].contains("Proxy-Authorization: Basic "),
        "{asked:?}"
    );
    assert!(
        forms().iter().any(|form| asked[0].contains(form.as_str())),
        "{asked:?}"
    );
}

#[test]
fn when_an_address_holds_it() {
    let word = WORD.replace('+', "%2B").replace('/', "%2F");
    for url in [
        format!("https://{USER}:{word}@api.test.invalid"),
        format!("https://api.test.invalid/?token={word}"),
        format!("https://{USER}:{word}@"),
        KEY.to_owned(),
    ] {
        let env = planted(&url, "127.0.0.1:9");
        assert_eq!(run(&env, &[]).code, 5, "{url}");
        assert_hidden(&env, &[]);
    }
}

/// A user switches to another server while doctor runs, before or after it finds the key.
#[test]
fn a_key_is_sent_to_the_server_it_was_found_for_alone() {
    for is_found_before in [true, false] {
        let other = Site::well();
        let other_url = other.url();
        let env = Arc::new(TestEnv::new());
        let switched = Arc::clone(&env);
        let site = Site::new(move |path| {
            if path == "/api/v1/health" {
                if is_found_before {
                    // The read returns when the program that prints the key has started: everything else was read
                    // before.
                    std::fs::read(switched.path("gate")).unwrap();
                }
                switched.store_key("b", &other_url, "hh_1234567890abcdef1234567890abcdef");
            }
            WELL.to_owned()
        });
        env.store_key("a", &site.url(), KEY);
        let mut doctor = env.command(&["doctor"]);
        if is_found_before {
            let gate = env.path("gate");
            let made = Command::new("mkfifo").arg(gate).status().unwrap();
            assert!(made.success());
            env.write("tell.sh", format!(": > gate\necho {KEY}\n"));
            env.write("c.yaml", "credential_command: [sh, tell.sh]\n");
            doctor.env("HH_CONFIG_FILE", "c.yaml");
        }
        let done = hh_testing::run_with_input(&mut doctor, "").unwrap();
        assert!(done.stdout.contains("authentication"), "{done:?}");
        assert_eq!(other.requests(), [""; 0], "{done:?}");
        if is_found_before {
            let requests = site.requests();
            assert!(requests.iter().any(|head| head.contains(KEY)), "{done:?}");
        }
    }
}

#[test]
fn when_paths_contain_user_names() {
    let authority = CertificateAuthority::new("Alice Sample");
    let site = Site::tls(authority.server("localhost"));
    let mut env = TestEnv::new();
    env.write("ca.pem", authority.pem());
    env.set("HH_CA_BUNDLE", "ca.pem");
    env.store_key("alice.sample", &site.url(), KEY);
    let done = run(&env, &["--bundle", "bundle.json"]);
    let bundle = env.read("bundle.json");
    for name in ["Alice Sample", "alice.sample"] {
        assert!(done.stdout.contains(name), "{done:?}");
        assert!(!bundle.contains(name), "{bundle}");
    }
    assert!(bundle.contains("signed by [issuer], valid"), "{bundle}");
}

#[test]
fn when_files_hold_it() {
    let site = Site::well();
    let env = planted(&site.url(), "127.0.0.1:9");
    env.write(
        "keys/c4n4ry.env",
        format!("HH_API_KEY={KEY}\nHH_SOURCE=https://u:{WORD}@x/?t={WORD}\n"),
    );
    env.write(
        "keys/config.yaml",
        format!("credential_command: [login, '--password={WORD}']\nsession_name: '{WORD}'\nlog_file: {}/x.log\n", env.at("")),
    );
    assert_hidden(
        &env,
        &[
            "--env-file",
            "keys/c4n4ry.env",
            "--config-file",
            "keys/config.yaml",
        ],
    );
    let broken = planted(&site.url(), "127.0.0.1:9");
    broken.write("broken.yaml", format!("api_key: [{KEY}\n{WORD}: {WORD}\n"));
    assert_hidden(&broken, &["--config-file", "broken.yaml"]);
}
