//! Sources of the key, and changes of the key while a program runs.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use hh_sdk::auth::Level;
use hh_sdk::config::Env;
use hh_sdk::{ErrorKind, HoneyHive, HoneyHiveTracer, Options, SpanKind};
use hh_testing::{HttpServer, Request, rounds, write};

use crate::support::TestServer;

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";
const LONG: Duration = Duration::from_secs(20);

/// Returns an ingestion key with a valid format.
fn ingestion_key() -> String {
    format!("hh_ingst_{}_{}", "a".repeat(24), "b".repeat(64))
}

/// Returns empty lists for any request.
fn empty(_: &Request) -> (&'static str, Vec<u8>) {
    (
        "200 OK",
        br#"{"projects": [], "events": [], "totalEvents": 0, "count": 0}"#.to_vec(),
    )
}

fn keys(server: &HttpServer) -> Vec<String> {
    let key = |request: &Request| request.bearer().unwrap().to_owned();
    server.take_requests().iter().map(key).collect()
}

/// A mounted secret like in Kubernetes: `api-key` is a link through `..data`, which is replaced atomically.
struct Mount {
    folder: tempfile::TempDir,
    count: usize,
}

impl Mount {
    fn new(key: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        symlink("..data/api-key", folder.path().join("api-key")).unwrap();
        let mut mount = Self { folder, count: 0 };
        mount.swap(key);
        mount
    }

    fn file(&self) -> String {
        self.folder
            .path()
            .join("api-key")
            .to_string_lossy()
            .into_owned()
    }

    fn swap(&mut self, key: &str) {
        self.count += 1;
        let (at, name) = (self.folder.path(), format!("..{}", self.count));
        std::fs::create_dir(at.join(&name)).unwrap();
        write(at.join(&name).join("api-key"), format!("{key}\n"));
        symlink(&name, at.join("..tmp")).unwrap();
        std::fs::rename(at.join("..tmp"), at.join("..data")).unwrap();
        if self.count > 1 {
            std::fs::remove_dir_all(at.join(format!("..{}", self.count - 1))).unwrap();
        }
    }
}

/// The number of requests per second.
const A_SECOND: u32 = 200;

// Features S34, S76.
/// The old key is revoked right after the replacement: requests with it are rejected and retried with the new key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mounted_key_changes_under_a_running_client() {
    let server = TestServer::start().await;
    let admin = server.client(&server.admin_key);
    let old = server.key(Level::ReadWrite, "default").await;
    let new = server.key(Level::ReadWrite, "default").await;
    let mut mount = Mount::new(&old);
    let client = HoneyHive::builder()
        .with_env(Env::from_pairs([("HH_API_KEY_FILE", mount.file())]))
        .with_base_url(&server.url)
        .build()
        .unwrap();
    let (start, mut swapped, mut seen) = (Instant::now(), None, None);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
    let mut calls = Vec::new();
    let seconds = rounds(3);
    for number in 0..seconds * A_SECOND {
        ticks.tick().await;
        let client_of_call = client.clone();
        calls.push(tokio::spawn(
            async move { client_of_call.list_projects().await },
        ));
        if number == A_SECOND {
            mount.swap(&new);
            swapped = Some(start.elapsed());
            let listed = admin.list_keys().await.unwrap();
            let shown = format!("{}***", &old[..8]);
            let id = &listed.iter().find(|key| key.shown == shown).unwrap().id;
            admin.revoke_key(id).await.unwrap();
        }
        let shown = client.credential().unwrap().key.redacted();
        if seen.is_none() && shown == format!("{}***", &new[..8]) {
            seen = Some(start.elapsed());
        }
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let took = seen.unwrap().saturating_sub(swapped.unwrap());
    assert!(took < Duration::from_secs(5), "{took:?}");
    println!(
        "soak: {A_SECOND} requests a second for {seconds} s, none failed; the new key in use after {} ms",
        took.as_millis()
    );
}

/// No read returns a mixture of two keys, and every change is detected.
#[test]
fn a_thousand_swaps_are_read_whole() {
    let key = |number: usize| format!("hh_{number:04}{}", "x".repeat(8 * (number % 7) + 36));
    let mut mount = Mount::new(&key(0));
    let env = Env::from_pairs([("HH_API_KEY_FILE", mount.file())]);
    let read = || {
        let options = Options::new().with_env(env.clone());
        hh_sdk::load_credential(&options).unwrap().key.redacted()
    };
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut reads, mut last) = (0_usize, 0);
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let shown = read();
                // The redacted key contains its number. A mixture would not be a valid key.
                let number: usize = shown[3..7].parse().unwrap();
                assert!(number >= last);
                (reads, last) = (reads + 1, number);
            }
            reads
        });
        for number in 1..=1_000 {
            mount.swap(&key(number));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(&read()[3..7], "1000");
}

/// Writes a program that replaces the tool of a secret manager.
fn stand_in(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    write(&path, format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

// Features S44, S45.
/// Each program prints the output of the real tool, and fails for arguments that differ from the guide.
#[tokio::test]
async fn secret_managers_print_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let when = |arguments: &str, print: &str| {
        format!(
            "[ \"$*\" = \"{arguments}\" ] || {{ echo \"unexpected: $*\" >&2; exit 2; }}\n[ -z \"$HH_PROJECT\" ] || exit 3\n{print}"
        )
    };
    let object = format!("echo '{{\"api_key\": \"{KEY}\"}}'");
    let bare = format!("echo {KEY}");
    let without_end = format!("printf %s {KEY}");
    let cases = [
        (
            "aws",
            "secretsmanager get-secret-value --secret-id honeyhive-api-key --query SecretString --output text",
            &object,
        ),
        (
            "aws",
            "secretsmanager get-secret-value --secret-id plain --query SecretString --output text",
            &bare,
        ),
        (
            "az",
            "keyvault secret show --vault-name my-vault --name honeyhive-api-key --query value -o tsv",
            &bare,
        ),
        ("op", "read op://vault/honeyhive/api-key", &bare),
        (
            "vault",
            "kv get -field=api_key secret/honeyhive",
            &without_end,
        ),
        (
            "gcloud",
            "secrets versions access latest --secret=honeyhive-api-key",
            &without_end,
        ),
    ];
    let server = HttpServer::with(empty);
    for (program, arguments, print) in cases {
        stand_in(at, program, &when(arguments, print));
        let argv: Vec<&str> = std::iter::once(program)
            .chain(arguments.split(' '))
            .collect();
        let config = at.join("honeyhive-test.yaml");
        write(
            &config,
            format!(
                "credential_command: {}\n",
                serde_json::to_string(&argv).unwrap()
            ),
        );
        let path = format!("{}:/usr/bin:/bin", at.display());
        let client = HoneyHive::builder()
            .with_env(Env::from_pairs([
                ("PATH", path.as_str()),
                ("HH_PROJECT", "docs"),
            ]))
            .with_config_file(&config)
            .with_base_url(server.url())
            .build()
            .unwrap();
        assert!(
            client.credential().is_none(),
            "nothing is run before it is needed"
        );
        client.list_projects().await.unwrap();
        assert_eq!(client.credential().unwrap().key.redacted(), "hh_12345***");
    }
    assert_eq!(keys(&server), vec![KEY; 6]);
}

#[tokio::test]
async fn a_failed_command_is_an_error_with_its_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.yaml");
    write(
        &config,
        "credential_command: [sh, -c, 'echo Token has expired >&2; exit 254']\n",
    );
    let server = HttpServer::with(empty);
    let build = |variables: &[(&str, &str)]| {
        HoneyHive::builder()
            .with_env(Env::from_pairs(variables.iter().copied()))
            .with_config_file(&config)
            .with_base_url(server.url())
            .build()
            .unwrap()
    };
    let error = build(&[("PATH", "/usr/bin:/bin")])
        .list_projects()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let said = error.to_string();
    assert!(
        said.ends_with("sh failed (exit status: 254): Token has expired"),
        "{said}"
    );
    assert!(server.take_requests().is_empty());
    // A place above it wins, and then it is not run.
    build(&[("HH_API_KEY", KEY)]).list_projects().await.unwrap();
    assert_eq!(keys(&server), [KEY]);
}

#[tokio::test]
async fn the_stderr_of_a_command_is_safe_to_print() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.yaml");
    // A bidirectional override, a C1 control and a zero-width space, in UTF-8.
    let text = r"\342\200\256a\302\23331mb\342\200\213c";
    write(
        &config,
        format!(
            "credential_command: [sh, -c, \"printf '{}' >&2; exit 1\"]\n",
            text.replace('\\', "\\\\")
        ),
    );
    let client = HoneyHive::builder()
        .with_env(Env::from_pairs([("PATH", "/usr/bin:/bin")]))
        .with_config_file(&config)
        .with_base_url("http://127.0.0.1:9")
        .build()
        .unwrap();
    let error = client.list_projects().await.unwrap_err();
    let mut said = vec![error.to_string(), format!("{error:?}")];
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        said.push(error.to_string());
        source = error.source();
    }
    assert!(said[0].ends_with(": a31mbc"), "{said:?}");
    assert!(!said.concat().contains(hh_sdk::is_unsafe), "{said:?}");
}

#[tokio::test]
async fn sessions_and_events_use_the_ingestion_key_if_one_is_set() {
    let ingestion = ingestion_key();
    let server = HttpServer::with(|request| match request.path() {
        "/opentelemetry/v1/traces" => ("200 OK", Vec::new()),
        _ => empty(request),
    });
    let both = [
        ("HH_API_KEY", KEY),
        ("HH_INGESTION_API_KEY", ingestion.as_str()),
    ];
    let trace = |variables: &[(&str, &str)]| {
        let tracer = HoneyHiveTracer::builder()
            .with_env(Env::from_pairs(variables.iter().copied()))
            .with_base_url(server.url())
            .build()
            .unwrap();
        tracer.span("s", SpanKind::Tool).start().end();
        tracer.shutdown_blocking(LONG).unwrap();
        keys(&server)
    };
    assert_eq!(trace(&both), vec![ingestion.clone(); 3]);
    assert_eq!(trace(&both[1..]), vec![ingestion.clone(); 3]);
    assert_eq!(trace(&both[..1]), vec![KEY; 3]);

    let client = |variables: &[(&str, &str)]| {
        HoneyHive::builder()
            .with_env(Env::from_pairs(variables.iter().copied()))
            .with_base_url(server.url())
            .build()
    };
    client(&both).unwrap().list_projects().await.unwrap();
    assert_eq!(keys(&server), [KEY]);
    let alone = client(&both[1..])
        .unwrap()
        .list_projects()
        .await
        .unwrap_err();
    assert_eq!(alone.kind(), ErrorKind::MissingKey);
    assert!(
        alone
            .to_string()
            .contains("applies only to sessions and events"),
        "{alone}"
    );
    let wrong = client(&[("HH_API_KEY", KEY), ("HH_INGESTION_API_KEY", OTHER_KEY)]).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::MalformedKey);
    assert!(
        wrong
            .to_string()
            .ends_with("requires a key that begins with hh_ingst_"),
        "{wrong}"
    );
    assert!(!wrong.to_string().contains(&OTHER_KEY[8..]));
    assert!(server.take_requests().is_empty());
}

// Feature S93.
#[test]
fn the_key_of_a_client_can_be_read_but_not_printed() {
    let client = HoneyHive::builder()
        .with_env(Env::from_pairs([("HH_API_KEY", KEY)]))
        .build()
        .unwrap();
    let credential = client.credential().unwrap();
    assert!(!format!("{client:?} {credential:?}").contains(&KEY[8..]));
    // Reading the key requires an explicit call.
    assert_eq!(crate::support::reveal(credential.key.secret()), KEY);
}
