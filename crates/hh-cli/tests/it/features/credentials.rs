//! Keys: their format, their sources, where they are stored, and the operations that each level allows.

use std::process::Stdio;

use super::{KEY, OTHER_KEY, refused, sent_key};
use crate::support::{Loopback, STORE, Terminal, TestEnv, undated};

/// Returns a key that the server of this environment issues.
fn issue(env: &TestEnv, level: &str, project: &str) -> String {
    let create = [
        "auth",
        "keys",
        "create",
        "--name",
        "k",
        "--level",
        level,
        "--project",
        project,
    ];
    env.run(&create).stdout.trim().to_owned()
}

// Feature S6.
#[test]
fn a_missing_key_is_reported_with_where_to_get_one_and_how_to_set_it() {
    let printed = refused(&TestEnv::new(), &[], 3);
    for method in [
        "Settings > API Keys",
        "`honeyhive auth login`",
        "HH_API_KEY",
        "set api_key in a configuration file",
    ] {
        assert!(printed.contains(method), "{printed}");
    }
}

// Feature S6.
#[test]
fn a_missing_key_is_reported_with_the_files_that_were_searched() {
    let env = TestEnv::new();
    env.write(".config/honeyhive/config.yaml", "project: docs\n");
    env.write("honeyhive.yaml", "project: docs\n");
    let printed = env.filtered(&refused(&env, &[], 3));
    let (places, _) = printed.split_once('\n').unwrap();
    insta::assert_snapshot!(places, @"error: no API key was found: HH_API_KEY is not set, api_key is not set in [home]/honeyhive.yaml (read, not trusted), [home]/.config/honeyhive/config.yaml (read), and no profile is saved");
}

// Feature S1.
#[test]
fn every_request_carries_the_key() {
    let mut env = TestEnv::new();
    assert!(refused(&env, &[], 3).contains("no API key was found"));
    env.set("HH_API_KEY", KEY);
    assert_eq!(sent_key(&env, &[]), KEY);
}

// Features S2, S3, S4.
#[test]
fn the_shape_of_a_key_is_checked_before_anything_is_sent() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", "sk-something-else-altogether");
    let printed = refused(&env, &[], 3);
    assert!(
        printed.contains("begins with sk-,") && !printed.contains("something"),
        "{printed}"
    );
    let with_tail = |tail: &str| format!("hh_{tail}");
    for (key, warning) in [
        (
            with_tail(&"a".repeat(31)),
            Some("is shorter than a usual HoneyHive key"),
        ),
        (with_tail(&"a".repeat(32)), None),
        (
            with_tail(&format!("{}!", "a".repeat(31))),
            Some("characters other than letters and digits"),
        ),
    ] {
        env.unset("HH_API_KEY");
        env.set("HH_API_KEY", &key);
        assert_eq!(sent_key(&env, &[]), key);
        let server = Loopback::start();
        let done = env.run(&["project", "list", "--strict", "--base-url", &server.url()]);
        match warning {
            Some(warning) => {
                assert_eq!(done.code, 3, "{done:?}");
                assert!(
                    done.stderr.contains(warning) && !done.stderr.contains(&key),
                    "{done:?}"
                );
                server.assert_untouched(&key);
            }
            None => assert_eq!(done.code, 0, "{done:?}"),
        }
    }
    env.unset("HH_API_KEY");
    env.set("HH_API_KEY", "hh_12345678 90abcdef1234567890abcdef");
    assert!(refused(&env, &[], 3).contains("position 12"));
}

// Features S5, S91.
#[test]
fn check_verifies_the_key_end_to_end() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let key = issue(&env, "read_write", "default");
    env.unset("HH_API_KEY_FILE");
    env.set("HH_API_KEY", &key);
    let shown = env.seen(&["auth", "check"]).replace(&key[..8], "[key]");
    insta::assert_snapshot!(shown, @"
    ok | API key found in HH_API_KEY (environment)
    ok | API key format is valid: [key]***
    ok | authentication successful at [server]: user@example.com (Read/Write)
    ok | access to 1 project
    exit 0
    ");
    // The example key of the product documentation has a valid format.
    env.unset("HH_API_KEY");
    env.set("HH_API_KEY", KEY);
    let done = env.run(&["auth", "check"]);
    assert!(
        done.stdout
            .contains("ok      API key format is valid: hh_12345***"),
        "{done:?}"
    );
    assert_eq!(done.code, 3, "{done:?}");
    insta::assert_snapshot!(env.filtered(done.stdout.lines().last().unwrap()), @"failed  [host] responded with 401 Unauthorized: this server does not know the API key (request [id])");
    env.unset("HH_API_KEY");
    insta::assert_snapshot!(env.seen(&["auth", "check"]), @"
    failed | no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
    ! error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
    ! | hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    ");
}

// Feature S10.
#[test]
fn a_key_is_for_its_project() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    assert_eq!(env.run(&["project", "create", "other"]).code, 0);
    let key = issue(&env, "read_write", "default");
    env.unset("HH_API_KEY_FILE");
    env.set("HH_API_KEY", &key);
    assert_eq!(env.run(&["event", "list", "--project", "default"]).code, 0);
    let done = env.run(&["event", "list", "--project", "other"]);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(done.stderr.contains("other"), "{done:?}");
}

// Feature S13.
#[test]
fn an_admin_key_is_allowed_every_command() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    assert_eq!(env.run(&["project", "create", "docs"]).code, 0);
    assert!(issue(&env, "read_only", "docs").starts_with("hh_ro_"));
    // The list begins with the newest key.
    let list = env.items(&["auth", "keys", "list"]);
    let id = list[0]["id"].as_str().unwrap().to_owned();
    for command in [
        &["auth", "whoami"][..],
        &["auth", "check"],
        &["auth", "keys", "list"],
        &["project", "list"],
        &["session", "list", "--project", "docs"],
        &["event", "list", "--project", "docs"],
        &["event", "list", "--tree"],
        &["auth", "keys", "revoke", &id],
        &["auth", "owners", "list"],
    ] {
        let done = env.run(command);
        assert_eq!(done.code, 0, "{command:?}: {done:?}");
    }
}

// Feature S38.
/// Revoking one developer's key does not affect the others. The server and the profile name identify the owners.
#[test]
fn each_developer_has_their_own_key() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let url = env.url();
    let people = ["ada@example.com", "bob@example.com"];
    let mut ids = Vec::new();
    for (who, profile) in people.iter().zip(["ada", "bob"]) {
        let create = ["auth", "keys", "create", "--name", profile, "--owner", who];
        let rights = ["--level", "read_write", "--project", "default"];
        let created = env.json(&[&create[..], &rights].concat());
        ids.push(created["id"].as_str().unwrap().to_owned());
        let login = ["auth", "login", "--api-key-stdin", "--profile", profile];
        let key = created["key"].as_str().unwrap();
        assert_eq!(env.run_with_input(&login, key).code, 0);
    }
    env.unset("HH_API_KEY_FILE");
    let whoami = |profile: &str| {
        let done = env.run(&["auth", "whoami", "--profile", profile, "--base-url", &url]);
        (done.code, done.stdout.lines().next().map(str::to_owned))
    };
    for (who, profile) in people.iter().zip(["ada", "bob"]) {
        assert_eq!(
            whoami(profile),
            (0, Some(format!("Authenticated as: {who}")))
        );
    }
    let list = env.items(&["auth", "list"]);
    let names = ["ada", "bob"].map(serde_json::Value::from);
    let listed = list.as_array().unwrap();
    assert!(
        listed.iter().map(|profile| &profile["name"]).eq(&names),
        "{list}"
    );
    let admin = env.at("admin.key");
    let mut revoke = env.command(&["auth", "keys", "revoke", &ids[0]]);
    let output = revoke.env("HH_API_KEY_FILE", admin).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(whoami("ada"), (3, None));
    assert_eq!(whoami("bob").0, 0);
}

// Features S21, S23, S25, S26, S30.
#[test]
fn login_saves_and_logout_removes() {
    let env = TestEnv::with_server();
    let admin = env.read("admin.key").trim().to_owned();
    let wrong = env.run(&["auth", "login", "--api-key", OTHER_KEY]);
    assert_eq!(wrong.code, 3, "{wrong:?}");
    assert_eq!(
        env.run(&["auth", "login", "--api-key", &admin, "--save"])
            .code,
        0
    );
    assert_eq!(
        (env.mode(STORE), env.mode(".config/honeyhive")),
        (0o600, 0o700)
    );
    // The base URL is also that of the login.
    let bare = env
        .program(env!("CARGO_BIN_EXE_honeyhive"), &["project", "list"])
        .env_remove("HH_BASE_URL")
        .output()
        .unwrap();
    assert!(bare.status.success(), "{bare:?}");
    let profile = ["--profile", "second"];
    assert_eq!(
        env.run_with(
            &[
                "auth",
                "login",
                "--api-key",
                &admin,
                "--base-url",
                &env.url()
            ],
            &profile
        )
        .code,
        0
    );
    assert_eq!(env.run(&["auth", "logout", "--yes"]).code, 0);
    let store = env.read(STORE);
    assert!(
        store.contains("default") && !store.contains("second"),
        "{store}"
    );
    assert_eq!(env.run(&["auth", "logout", "--all", "--yes"]).code, 0);
    assert!(!env.path(STORE).exists());
    let done = env.run(&["auth", "logout", "--all", "--api-key", KEY]);
    assert!(done.stderr.contains("No saved key"), "{done:?}");
    assert!(refused(&env, &[], 3).contains("no API key was found"));
}

// Feature S22.
#[test]
fn the_prompt_does_not_show_the_key() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key").trim().to_owned();
    let mut terminal = Terminal::of(&env, &["auth", "login"]);
    terminal.read_until(&format!("API key for {}: ", env.url()));
    terminal.type_line(&key);
    let shown = terminal.read_to_end();
    assert!(
        shown.contains("Logged in to") && env.read(STORE).contains(&key),
        "{shown}"
    );
    assert!(!shown.contains(&key[8..]), "{shown}");

    // Without a terminal the command does not prompt.
    let done = env.run(&["auth", "login"]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("--api-key-stdin"), "{done:?}");
}

// Feature S39.
#[test]
fn no_command_prompts_without_a_terminal() {
    let env = TestEnv::with_server();
    for command in [
        &["auth", "login"][..],
        &["project", "list"],
        &["auth", "whoami"],
        &["auth", "token"],
    ] {
        let done = env.run(command);
        assert!(matches!(done.code, 2 | 3), "{done:?}");
        assert!(!done.stderr.contains("API key for "), "{done:?}");
    }
}

// Feature S33.
#[test]
fn a_login_replaces_the_key_only_when_the_new_one_works() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let (old, new) = (
        issue(&env, "read_write", "default"),
        issue(&env, "read_write", "default"),
    );
    env.unset("HH_API_KEY_FILE");
    assert_eq!(env.run(&["auth", "login", "--api-key", &old]).code, 0);
    assert_eq!(env.run(&["auth", "login", "--api-key", OTHER_KEY]).code, 3);
    assert!(env.read(STORE).contains(&old));
    let done = env.run(&["auth", "login", "--api-key", &new]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(env.read(STORE).contains(&new) && !env.read(STORE).contains(&old));
    assert!(
        done.stderr.contains(&format!("replacing {}***", &old[..8]))
            && done.stderr.contains(&format!("Saved key {}***", &new[..8]))
            && !done.stderr.contains(&new)
            && !done.stderr.contains(&old),
        "{done:?}"
    );
}

// Feature S38.
#[test]
fn a_login_is_saved_with_the_identity_of_its_key() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key");
    let done = env.run_with_input(&["auth", "login", "--api-key-stdin"], &key);
    assert!(done.stderr.contains("as user@example.com"), "{done:?}");
    let listed = env.items(&["auth", "list"]);
    assert_eq!(listed[0]["owner"], "user@example.com");
    let printed = env.run(&["auth", "whoami"]).stdout;
    assert!(
        printed.contains("Authenticated as: user@example.com"),
        "{printed}"
    );
}

// Feature S36.
#[test]
fn a_read_only_key_can_only_read() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let key = issue(&env, "read_only", "default");
    env.unset("HH_API_KEY_FILE");
    env.set("HH_API_KEY", &key);
    assert_eq!(env.run(&["event", "list"]).code, 0);
    let done = env.run(&["project", "create", "p"]);
    assert_eq!(done.code, 6, "{done:?}");
    assert!(done.stderr.contains("nothing was sent"), "{done:?}");
}

// Feature S42.
#[test]
fn the_line_for_a_shell_does_not_hold_the_key() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    for (shell, line, open) in [
        (
            "bash",
            "export HH_API_KEY=\"$(honeyhive auth token)\"",
            format!("export HH_API_KEY='{KEY}'"),
        ),
        (
            "zsh",
            "export HH_API_KEY=\"$(honeyhive auth token)\"",
            format!("export HH_API_KEY='{KEY}'"),
        ),
        (
            "fish",
            "set -gx HH_API_KEY (honeyhive auth token)",
            format!("set -gx HH_API_KEY '{KEY}'"),
        ),
    ] {
        assert_eq!(
            env.run(&["auth", "env", "--shell", shell]).stdout.trim(),
            line
        );
        assert_eq!(
            env.run(&["auth", "env", "--shell", shell, "--reveal"])
                .stdout
                .trim(),
            open
        );
    }
    // The value that a shell reads from the line.
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_honeyhive"))
        .parent()
        .unwrap();
    let script = "eval \"$(honeyhive auth env --shell bash)\"; printf %s \"$HH_API_KEY\"";
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let output = env
        .program("sh", &["-c", script])
        .env("PATH", path)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), KEY);
    let odd = env.run(&["auth", "env", "--shell", "bash", "--profile", "x; rm -r ."]);
    assert_eq!((odd.code, odd.stdout.as_str()), (2, ""), "{odd:?}");
}

// Features S43, S47, S72.
#[test]
fn a_mounted_secret_is_read() {
    let mut env = TestEnv::new();
    // Kubernetes decodes a secret without a line end; Docker mounts a file that may have one.
    for text in [KEY.to_owned(), format!("{KEY}\n"), format!("{KEY}\r\n")] {
        env.write("secret", &text);
        env.set_mode("secret", 0o444);
        let path = env.at("secret");
        env.unset("HH_API_KEY_FILE");
        env.set("HH_API_KEY_FILE", &path);
        assert_eq!(sent_key(&env, &[]), KEY);
        env.set_mode("secret", 0o644);
    }
}

// Feature S78.
#[test]
fn status_shows_the_sources_without_a_request() {
    let mut env = TestEnv::new();
    insta::assert_snapshot!(env.seen(&["auth", "status"]), @"
    Server: https://api.honeyhive.ai (default)
    Credential file: [home]/.config/honeyhive/credentials.toml
    ! error: no API key was found: HH_API_KEY is not set, there is no configuration file, and no profile is saved
    ! | hint: run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)
    exit 3
    ");
    env.write("honeyhive.yaml", format!("api_key: {OTHER_KEY}\n"));
    env.store_key("work", "https://api.honeyhive.ai", KEY);
    insta::assert_snapshot!(undated(&env.seen(&["auth", "status", "-q"])), @r#"
    SETTING | VALUE | SOURCE | STATE
    api_key | hh_abcde*** | [home]/honeyhive.yaml:1:10 (project file) | used
    api_key | hh_12345*** | profile "work" (stored) | shadowed, stored in a plain-text file
    Active key: hh_abcde***, project key
    Permissions: unknown (run `honeyhive auth whoami`)
    Created: unknown
    Server: https://api.honeyhive.ai (profile "work" (stored))
    Credential file: [home]/.config/honeyhive/credentials.toml
    exit 0
    "#);
    env.set("HH_API_KEY", KEY);
    env.set("HH_INGESTION_API_KEY", "hh_ingst_too_short");
    insta::assert_snapshot!(undated(&env.seen(&["auth", "status", "-q"])), @r#"
    SETTING | VALUE | SOURCE | STATE
    api_key | hh_12345*** | HH_API_KEY (environment) | used
    api_key | hh_abcde*** | [home]/honeyhive.yaml:1:10 (project file) | shadowed
    api_key | hh_12345*** | profile "work" (stored) | shadowed, stored in a plain-text file
    ingestion_api_key | hh_ingst*** | HH_INGESTION_API_KEY (environment) | used
    Active key: hh_12345***, project key
    Permissions: unknown (run `honeyhive auth whoami`)
    Created: unknown, first seen [time], [age]
    Server: https://api.honeyhive.ai (profile "work" (stored))
    Credential file: [home]/.config/honeyhive/credentials.toml
    ! error: the API key from HH_INGESTION_API_KEY (environment) begins with hh_ingst_ but is not a complete key of that kind
    ! | hint: copy the key again
    exit 3
    "#);
    let json = env.json(&["auth", "status", "-q"]);
    assert_eq!(json["keys"][0]["state"], "used");
    assert_eq!(json["keys"][2]["storage"], "a plain-text file");
    env.unset("HH_INGESTION_API_KEY");
    env.write(
        "c.yaml",
        "credential_command: [op, read, 'op://vault/key']\n",
    );
    env.unset("HH_API_KEY");
    insta::assert_snapshot!(env.seen(&["auth", "status", "--config-file", "c.yaml"]), @r#"
    SETTING | VALUE | SOURCE | STATE
    api_key | hh_12345*** | profile "work" (stored) | shadowed, stored in a plain-text file
    credential_command | ["op","read","op://vault/key"] | c.yaml:1:21 (named file) | used
    Server: https://api.honeyhive.ai (profile "work" (stored))
    Credential file: [home]/.config/honeyhive/credentials.toml
    exit 0
    "#);
}

// Feature S85.
#[test]
fn whoami_prints_details_on_request() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let key = issue(&env, "read_only", "default");
    env.unset("HH_API_KEY_FILE");
    env.set("HH_API_KEY", &key);
    let done = env.run(&["auth", "whoami", "--verbose", "-q"]);
    let names: Vec<_> = done
        .stdout
        .lines()
        .filter_map(|line| line.split(": ").next())
        .collect();
    insta::assert_snapshot!(names.join("\n"), @"
    Authenticated as
    Organization
    Permissions
    Server
    Key kind
    Key
    Key source
    Key id
    Projects
    Expires
    Response time
    ");
    assert!(
        done.stdout.contains("Key kind: read-only project"),
        "{done:?}"
    );
}

#[test]
fn the_key_goes_into_a_pipe_and_not_onto_a_terminal() {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    let done = env.run(&["auth", "token"]);
    assert_eq!((done.code, done.stdout.as_str()), (0, &*format!("{KEY}\n")));
    let token = format!("{} auth token", env!("CARGO_BIN_EXE_honeyhive"));
    for (command, is_shown) in [(token.clone(), false), (format!("{token} --reveal"), true)] {
        let output = env
            .program("script", &["-qec", &command, "/dev/null"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.success(), is_shown);
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!(shown.contains(KEY), is_shown, "{shown}");
    }
}

#[test]
fn logins_are_listed_and_switched() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key").trim().to_owned();
    insta::assert_snapshot!(env.seen(&["auth", "list"]), @"
    ! No saved profiles; run `honeyhive auth login` to create one
    exit 0
    ");
    for profile in ["first", "second"] {
        let login = [
            "auth",
            "login",
            "--api-key",
            &key,
            "--base-url",
            &env.url(),
            "--profile",
            profile,
        ];
        assert_eq!(env.run(&login).code, 0);
    }
    let rows = || {
        let list = env.items(&["auth", "list"]);
        let profiles = list.as_array().unwrap().clone();
        profiles
            .into_iter()
            .map(|p| (p["name"].as_str().unwrap().to_owned(), p["current"] == true))
            .collect::<Vec<_>>()
    };
    let named = |first, second| vec![("first".to_owned(), first), ("second".to_owned(), second)];
    assert_eq!(rows(), named(false, true));
    assert_eq!(env.run(&["auth", "switch", "first"]).code, 0);
    assert_eq!(rows(), named(true, false));
    let table = env.run(&["auth", "list"]).stdout;
    assert!(
        table.starts_with("   PROFILE") && table.contains("*  first") && !table.contains(&key),
        "{table}"
    );
    let done = env.run(&["auth", "switch", "third"]);
    assert_eq!(done.code, 5, "{done:?}");
    assert!(done.stderr.contains("third"), "{done:?}");
}

#[test]
fn a_damaged_store_is_kept_and_other_sources_go_on_working() {
    let mut env = TestEnv::with_server();
    let key = env.read("admin.key").trim().to_owned();
    env.store_key("work", &env.url(), &key);
    let damaged = format!("{}\n{key} is no TOML\n", env.read(STORE));
    env.write(STORE, &damaged);
    let done = env.run(&["project", "list"]);
    assert_eq!(done.code, 5, "{done:?}");
    assert!(
        done.stderr.contains("is damaged") && !done.stderr.contains(&key[8..]),
        "{done:?}"
    );
    env.set("HH_API_KEY", &key);
    assert_eq!(env.run(&["project", "list"]).code, 0);
    let done = env.run(&["auth", "login", "--api-key", &key]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.stderr.contains("was damaged and was renamed to"),
        "{done:?}"
    );
    assert_eq!(env.read(&format!("{STORE}.corrupt")), damaged);
    assert_eq!(env.mode(&format!("{STORE}.corrupt")), 0o600);
}
