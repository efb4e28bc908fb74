use super::*;

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

fn shell(script: &str) -> Result<(ApiKey, Option<Timestamp>), AuthError> {
    let env = Env::from_pairs([
        ("PATH", "/usr/bin:/bin"),
        ("HH_API_KEY", KEY),
        ("KEPT", "1"),
    ]);
    let argv = ["sh", "-c", script].map(str::to_owned);
    run_within(&argv, &env, "file", Duration::from_secs(5))
}

#[track_caller]
fn assert_fails(script: &str, message: &str) {
    let error = shell(script).unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Command);
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_bare_key_or_an_object() {
    for script in [
        format!("echo {KEY}"),
        format!("printf '  {KEY}\r\n\n'"),
        format!(r#"echo '{{"api_key": "{KEY}"}}'"#),
        format!(r#"echo '{{"api_key": "{KEY}", "note": 1, "expires_at": null}}'"#),
    ] {
        let (key, expires_at) = shell(&script).unwrap();
        assert_eq!((key.text(), expires_at), (KEY, None), "{script}");
    }
    let (_, expires_at) = shell(&format!(
        r#"echo '{{"api_key": "{KEY}", "expires_at": "2030-01-01T00:00:00Z"}}'"#
    ))
    .unwrap();
    assert_eq!(expires_at, Some("2030-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn our_variables_are_kept_from_it() {
    let script = format!(r#"[ -z "$HH_API_KEY" ] && [ "$KEPT" = 1 ] && echo {KEY}"#);
    assert!(shell(&script).is_ok());
}

#[test]
fn what_goes_wrong_is_said_without_the_output() {
    assert_fails(
        "exit 3",
        "the credential_command from file ran sh, which ended with exit status: 3",
    );
    assert_fails(
        &format!("echo 'no access for {KEY} today' >&2; echo {KEY}; exit 1"),
        "the credential_command from file ran sh, which ended with exit status: 1: no access for *** today",
    );
    assert_fails(
        "true",
        "the credential_command from file ran sh, whose output is empty",
    );
    assert_fails(
        "echo secret-word",
        "the credential_command from file ran sh, whose output does not begin with hh_, so it is not a HoneyHive API key",
    );
    assert_fails(
        r#"echo '{"key": "secret-word"}'"#,
        "the credential_command from file ran sh, whose output is no JSON object with a text `api_key` and perhaps a time `expires_at` (line 1, column 22)",
    );
    assert_fails(
        "head -c 70000 /dev/zero",
        "the credential_command from file ran sh, whose output is longer than 64 KiB",
    );
    let env = Env::from_pairs::<&str, &str>([]);
    let missing = credential_command(&["/no/such/program".to_owned()], &env, "file").unwrap_err();
    assert_eq!(
        missing.to_string(),
        "the credential_command from file names /no/such/program, which is not there"
    );
    let empty = credential_command(&[], &env, "file").unwrap_err();
    assert_eq!(
        empty.to_string(),
        "the credential_command from file is an empty list; name a program"
    );
}

#[test]
fn a_program_that_hangs_is_ended_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    let env = Env::from_pairs([("PATH", "/usr/bin:/bin")]);
    let argv = ["sh", "-c", &script].map(str::to_owned);
    let error = run_within(&argv, &env, "file", Duration::from_millis(300)).unwrap_err();
    assert!(
        error.to_string().ends_with("printed no key within 0.3 s"),
        "{error}"
    );
    let pid = std::fs::read_to_string(file).unwrap();
    let is_there = || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // A zombie is one that nobody has waited for yet.
        state.is_ok_and(|state| !state.contains(") Z "))
    };
    // The signal is on its way; if it never was, the test ends by its own time.
    while is_there() {
        std::thread::yield_now();
    }
}
