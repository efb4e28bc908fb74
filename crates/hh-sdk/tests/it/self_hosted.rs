//! Keys of self-hosted servers, which servers of HoneyHive never receive.

use hh_sdk::config::Env;
use hh_sdk::{Error, ErrorKind, HoneyHive, HoneyHiveTracer};
use hh_testing::{IdleListener, write};

/// A key with a valid checksum, in two parts, so that a scan for keys does not find it.
const LOCAL: &str = concat!("hh", "_Local0Server0Key0Local0Server0Key00CKnCr");
const LOCAL_READ_ONLY: &str = concat!("hh", "_ro_Local0Server0Key0Local0Server0Key03l8rY6");
const LOCAL_INGESTION: &str = concat!(
    "hh",
    "_ingst_aaaaaaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2uiL1f"
);
const HOSTED: &str = "hh_1234567890abcdef1234567890abcdef";
/// The format of a local key with another checksum.
const OTHER: &str = concat!("hh", "_Local0Server0Key0Local0Server0Key00CKnCs");

/// Creates a client and a tracer. The proxy shows whether they connect to a server.
fn create(variables: &[(&str, &str)]) -> Result<HoneyHive, Error> {
    let env = Env::from_pairs(variables.iter().copied());
    let client = HoneyHive::builder().with_env(env.clone()).build();
    let tracer = HoneyHiveTracer::builder().with_env(env).build();
    assert_eq!(
        client.as_ref().err().map(Error::to_line),
        tracer.as_ref().err().map(Error::to_line)
    );
    client
}

#[test]
fn a_local_key_is_never_sent_to_a_server_of_honeyhive() {
    let trap = IdleListener::new();
    let proxy = trap.url();
    for (url, shown) in [
        (None, "https://api.honeyhive.ai (default)"),
        (
            Some("https://api.dp1.us.honeyhive.ai"),
            "https://api.dp1.us.honeyhive.ai (HH_BASE_URL (environment))",
        ),
        (
            Some("https://API.HoneyHive.AI:8443/v1"),
            "https://api.honeyhive.ai:8443 (HH_BASE_URL (environment))",
        ),
        (
            Some("https://honeyhive.ai"),
            "https://honeyhive.ai (HH_BASE_URL (environment))",
        ),
        (
            Some("https://api.honeyhive.ai."),
            "https://api.honeyhive.ai. (HH_BASE_URL (environment))",
        ),
        (
            Some("http://api.honeyhive.ai"),
            "http://api.honeyhive.ai (HH_BASE_URL (environment))",
        ),
    ] {
        let mut variables = vec![("HH_API_KEY", LOCAL), ("HTTPS_PROXY", proxy.as_str())];
        variables.extend(url.map(|url| ("HH_BASE_URL", url)));
        let error = create(&variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert_eq!(
            error.to_string(),
            format!(
                "the key hh_Local*** from HH_API_KEY (environment) was created by a self-hosted server, but requests go to {shown}; nothing was sent"
            )
        );
        assert_eq!(
            error.hint(),
            Some("set HH_BASE_URL to the address of the server that created the key")
        );
        assert!(trap.is_untouched());
    }
    for (name, key) in [
        ("HH_API_KEY", LOCAL_READ_ONLY),
        ("HH_INGESTION_API_KEY", LOCAL_INGESTION),
    ] {
        let error = create(&[(name, key)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{name}: {error}");
        assert!(
            !format!("{error} {error:?}").contains(&key[40..]),
            "{error}"
        );
    }
}

#[test]
fn other_keys_and_other_servers_are_not_affected() {
    for variables in [
        vec![("HH_API_KEY", HOSTED)],
        vec![("HH_API_KEY", OTHER)],
        vec![("HH_API_KEY", LOCAL), ("HH_BASE_URL", "http://127.0.0.1:1")],
        vec![
            ("HH_API_KEY", LOCAL),
            ("HH_BASE_URL", "https://hh.corp.invalid"),
        ],
        vec![
            ("HH_API_KEY", LOCAL),
            ("HH_BASE_URL", "https://nothoneyhive.ai"),
        ],
        vec![
            ("HH_API_KEY", LOCAL),
            ("HH_BASE_URL", "https://api.honeyhive.ai.corp.invalid"),
        ],
        // Test mode sends nothing.
        vec![("HH_API_KEY", LOCAL), ("HH_TEST_MODE", "true")],
    ] {
        let client = create(&variables);
        assert!(client.is_ok(), "{variables:?}: {client:?}");
    }
}

#[tokio::test]
async fn a_local_key_of_a_program_is_not_sent_either() {
    let home = tempfile::tempdir().unwrap();
    let trap = IdleListener::new();
    let proxy = trap.url();
    let config = home.path().join("config.yaml");
    write(&config, format!("credential_command: [echo, {LOCAL}]\n"));
    let config = config.to_string_lossy();
    let env = Env::from_pairs([
        ("HH_CONFIG_FILE", &*config),
        ("HTTPS_PROXY", &proxy),
        ("PATH", "/usr/bin:/bin"),
    ]);
    let client = HoneyHive::builder().with_env(env).build().unwrap();
    let error = client.list_projects().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("self-hosted server"), "{error}");
    assert!(!format!("{error:?}").contains(&LOCAL[12..]));
    assert!(trap.is_untouched());
}
