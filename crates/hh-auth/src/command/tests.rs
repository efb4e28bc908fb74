use std::os::unix::fs::PermissionsExt as _;

use super::*;

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

fn shell(script: &str) -> Result<(ApiKey, Option<Timestamp>), AuthError> {
    let env = Env::from_pairs([
        ("PATH", "/usr/bin:/bin"),
        ("HH_API_KEY", KEY),
        ("KEPT", "1"),
    ]);
    let argv = ["sh", "-c", script].map(str::to_owned);
    run_within(&argv, &env, None, "file", Duration::from_secs(5))
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
        assert_eq!((crate::exposed(&key), expires_at), (KEY, None), "{script}");
    }
    let (_, expires_at) = shell(&format!(
        r#"echo '{{"api_key": "{KEY}", "expires_at": "2030-01-01T00:00:00Z"}}'"#
    ))
    .unwrap();
    assert_eq!(expires_at, Some("2030-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn a_byte_order_mark_before_the_output_is_ignored() {
    for script in [
        format!("printf '\\357\\273\\277{KEY}\\r\\n'"),
        format!(r#"printf '\357\273\277{{"api_key": "{KEY}"}}'"#),
    ] {
        let (key, _) = shell(&script).unwrap();
        assert_eq!(crate::exposed(&key), KEY, "{script}");
    }
    let error = shell("printf '\\377\\376h\\000h\\000'").unwrap_err();
    assert_eq!(
        (error.message(), error.hint()),
        (
            "credential_command from file: the output of sh is UTF-16 text (little-endian)",
            Some("convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`")
        )
    );
}

#[test]
fn the_expiry_is_a_time_or_seconds() {
    let run = |expires_at: &str| {
        shell(&format!(
            r#"echo '{{"api_key": "{KEY}", "expires_at": {expires_at}}}'"#
        ))
    };
    for (written, time) in [
        (r#""2030-01-01T00:00:00Z""#, "2030-01-01T00:00:00Z"),
        (r#""2030-01-01T01:00:00.5+01:00""#, "2030-01-01T00:00:00.5Z"),
        ("1893456000", "2030-01-01T00:00:00Z"),
        ("1893456000.25", "2030-01-01T00:00:00.25Z"),
        ("1.893456e9", "2030-01-01T00:00:00Z"),
        (r#""1893456000""#, "2030-01-01T00:00:00Z"),
        (r#"" 1893456000.25 ""#, "2030-01-01T00:00:00.25Z"),
        ("0", "1970-01-01T00:00:00Z"),
        ("-1", "1969-12-31T23:59:59Z"),
    ] {
        let (_, expires_at) = run(written).unwrap();
        assert_eq!(expires_at, Some(time.parse().unwrap()), "{written}");
    }
    let neither = "credential_command from file: the output of sh has an `expires_at` that is neither an RFC 3339 time nor a number of seconds since 1970-01-01";
    let large = "credential_command from file: the output of sh has an `expires_at` that is too large for seconds since 1970-01-01; it may be in milliseconds";
    for (written, message) in [
        (r#""tomorrow""#, neither),
        (r#""2030-01-01""#, neither),
        (r#""2030-01-01T00:00:00""#, neither),
        (r#""""#, neither),
        (r#""1e9""#, neither),
        (r#""inf""#, neither),
        (r#""1.2.3""#, neither),
        (r#""--1""#, neither),
        ("true", neither),
        ("[1893456000]", neither),
        (r#"{"seconds": 1893456000}"#, neither),
        ("1893456000000", large),
        (r#""1893456000000""#, large),
        ("1893456000000000000", large),
        ("-1e300", large),
    ] {
        let error = run(written).unwrap_err();
        assert_eq!(error.message(), message, "{written}");
        assert_eq!(
            error.hint(),
            Some("use a time such as \"2026-01-31T12:00:00Z\", or seconds such as 1769860800")
        );
    }
}

#[test]
fn our_variables_are_kept_from_it() {
    let script = format!(r#"[ -z "$HH_API_KEY" ] && [ "$KEPT" = 1 ] && echo {KEY}"#);
    assert!(shell(&script).is_ok());
}

#[test]
fn errors_do_not_contain_the_program_output() {
    assert_fails(
        "exit 3",
        "credential_command from file: sh failed (exit status: 3)",
    );
    assert_fails(
        &format!("echo 'no access for {KEY} today' >&2; echo {KEY}; exit 1"),
        "credential_command from file: sh failed (exit status: 1): no access for *** today",
    );
    assert_fails(
        "true",
        "credential_command from file: the output of sh is empty",
    );
    assert_fails(
        "echo secret-word",
        "credential_command from file: the output of sh does not begin with hh_, so it is not a HoneyHive API key",
    );
    assert_fails(
        r#"echo '{"key": "secret-word"}'"#,
        "credential_command from file: the output of sh is not a JSON object with a string `api_key` and an optional time `expires_at` (line 1, column 22)",
    );
    assert_fails(
        "head -c 70000 /dev/zero",
        "credential_command from file: the output of sh is longer than 64 KiB",
    );
    let env = Env::from_pairs::<&str, &str>([]);
    let missing =
        credential_command(&["/no/such/program".to_owned()], &env, None, "file").unwrap_err();
    assert_eq!(
        missing.to_string(),
        "credential_command from file: /no/such/program does not exist"
    );
    let empty = credential_command(&[], &env, None, "file").unwrap_err();
    assert_eq!(
        (empty.message(), empty.hint()),
        (
            "credential_command from file: the list is empty",
            Some("specify a program")
        )
    );
}

#[test]
fn a_program_that_hangs_is_ended_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    let env = Env::from_pairs([("PATH", "/usr/bin:/bin")]);
    let argv = ["sh", "-c", &script].map(str::to_owned);
    let error = run_within(&argv, &env, None, "file", Duration::from_millis(300)).unwrap_err();
    assert!(
        error.to_string().ends_with("printed no key within 0.3 s"),
        "{error}"
    );
    let pid = std::fs::read_to_string(file).unwrap();
    let is_there = || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // A zombie is a dead process whose parent has not waited for it yet.
        state.is_ok_and(|state| !state.contains(") Z "))
    };
    // The signal may still be pending. Without a signal the test fails by its deadline.
    while is_there() {
        std::thread::yield_now();
    }
}

/// Writes a program that prints the key, in a folder.
fn plant(folder: &Path, name: &str, mode: u32) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let script = format!("#!/bin/sh\necho {KEY}\n");
    crate::private_file::write_private(&path, script.as_bytes(), crate::private_file::Replace::Yes)
        .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn run_in(folder: &Path, path: Option<&str>, argv: &[&str]) -> Result<ApiKey, String> {
    let env = Env::from_pairs(path.map(|path| ("PATH", path)));
    let argv: Vec<_> = argv.iter().map(|word| (*word).to_owned()).collect();
    let run = run_within(&argv, &env, Some(folder), "file", Duration::from_secs(5));
    run.map(|(key, _)| key)
        .map_err(|error| format!("{error}; {}", error.hint().unwrap_or_default()))
}

#[test]
fn a_program_is_never_found_through_a_relative_or_empty_entry_of_path() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tool", "bin/tool", "sub/bin/tool"] {
        plant(folder.path(), name, 0o755);
    }
    for path in [
        ".",
        "",
        "./",
        ":",
        "::",
        "bin",
        "./bin",
        "sub/bin",
        "sub/../bin",
        "../",
        ".:/usr/bin",
        ":/usr/bin",
        "/usr/bin:",
        "/usr/bin::/bin",
        "/usr/bin:.:/bin",
        "bin:/usr/bin",
    ] {
        assert_eq!(
            run_in(folder.path(), Some(path), &["tool"]).unwrap_err(),
            "credential_command from file: tool was not found in the absolute directories of PATH; install it or use an absolute path",
            "{path:?}"
        );
    }
    assert!(run_in(folder.path(), None, &["tool"]).is_err());
    // The same program is found in an absolute entry that follows ignored entries.
    let bin = folder.path().join("bin");
    let path = format!(".::nowhere:/nonexistent:{}", bin.display());
    assert_eq!(
        crate::exposed(&run_in(folder.path(), Some(&path), &["tool"]).unwrap()),
        KEY
    );
}

#[test]
fn a_relative_path_of_a_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tool", "bin/tool", "sub/bin/tool"] {
        plant(folder.path(), name, 0o755);
    }
    for name in [
        "./tool",
        "bin/tool",
        "./bin/tool",
        "sub/../tool",
        "../tool",
        ".//tool",
        "bin/../tool",
        "~/tool",
    ] {
        assert_eq!(
            run_in(folder.path(), Some("/usr/bin:/bin"), &[name]).unwrap_err(),
            format!(
                "credential_command from file: {name} is a relative path; use an absolute path"
            ),
        );
    }
    let absolute = folder.path().join("tool").display().to_string();
    assert_eq!(
        crate::exposed(&run_in(folder.path(), None, &[&absolute]).unwrap()),
        KEY
    );
}

#[test]
fn what_is_not_an_executable_file_is_passed_over_in_path() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path(), "one/tool", 0o644);
    std::fs::create_dir_all(folder.path().join("two/tool")).unwrap();
    plant(folder.path(), "three/tool", 0o755);
    let entries = ["one", "two", "three"].map(|name| folder.path().join(name));
    let path = std::env::join_paths(entries).unwrap();
    let found = run_in(folder.path(), path.to_str(), &["tool"]);
    assert_eq!(crate::exposed(&found.unwrap()), KEY);
}

#[test]
fn the_program_starts_in_the_folder_of_its_file_and_searches_absolute_directories_only() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    plant(&folder, "tool", 0o755);
    let path = "/usr/bin:.::bin:/bin";
    let in_folder = format!(r#"[ "$(pwd -P)" = '{}' ] && echo {KEY}"#, folder.display());
    assert!(run_in(&folder, Some(path), &["sh", "-c", &in_folder]).is_ok());
    // A relative argument is relative to that folder.
    assert!(run_in(&folder, Some(path), &["sh", "tool"]).is_ok());
    let its_path = format!(r#"[ "$PATH" = /usr/bin:/bin ] && echo {KEY}"#);
    assert!(run_in(&folder, Some(path), &["sh", "-c", &its_path]).is_ok());
    // The folder is not searched for programs that the program starts, either.
    for path in [Some(path), Some("."), Some(":"), Some(""), None] {
        let started = run_in(&folder, path, &["/bin/sh", "-c", "tool"]);
        assert!(started.is_err(), "{path:?}");
    }
}
