use crate::support::{STORE, TestEnv};

const FOREIGN_KEY: &str = "hh_1234567890abcdef1234567890abcdef";

// Feature S24.
#[test]
fn whoami_prints_three_lines() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let done = env.run(&["auth", "whoami"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(done.stdout, @r"
    Authenticated as: user@example.com
    Organization: My Company
    Permissions: Admin
    ");
}

#[test]
fn each_level_has_the_name_that_the_documents_give_it() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let mut lines = Vec::new();
    for level in ["ingest_only", "read_only", "read_write", "admin"] {
        let create = [
            "auth",
            "keys",
            "create",
            "--name",
            "k",
            "--all-projects",
            "--level",
            level,
        ];
        let key = env.run(&create).stdout;
        let whoami = env.run(&["auth", "whoami", "-q", "--api-key", key.trim()]);
        lines.push(whoami.stdout.lines().last().unwrap().to_owned());
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    Permissions: Ingest Only
    Permissions: Read Only
    Permissions: Read/Write
    Permissions: Admin
    ");
}

#[test]
fn login_stores_the_key_and_later_commands_need_nothing() {
    let mut env = TestEnv::with_server();
    let key = env.read("admin.key");
    let done = env.run_with_input(&["auth", "login", "--api-key-stdin"], &key);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.stdout, "");
    let printed = env.filtered(&done.stderr).replace(&key[..8], "hh_[5]");
    insta::assert_snapshot!(printed, @r#"
    note: the keyring cannot be used: Failed to connect to address `unix:path=/nonexistent`: No such file or directory; saving the key in [home]/.config/honeyhive/credentials.toml as plain text that only you can read
    Logged in to [server] as user@example.com (Admin)
    Saved key hh_[5]*** in [home]/.config/honeyhive/credentials.toml (profile "default")
    "#);
    assert_eq!(env.mode(STORE), 0o600);

    env.unset("HH_BASE_URL");
    let done = env.run(&["project", "list"]);
    assert_eq!(done.code, 0, "{done:?}");

    let done = env.run(&["auth", "logout", "--yes"]);
    assert!(done.stderr.contains("does not revoke"), "{done:?}");
    assert_eq!(env.run(&["project", "list"]).code, 3);
}

#[test]
fn a_refused_login_keeps_the_old_key() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key");
    let login = ["auth", "login", "--api-key-stdin"];
    assert_eq!(env.run_with_input(&login, &key).code, 0);
    let before = env.read(STORE);
    assert_eq!(env.run_with_input(&login, FOREIGN_KEY).code, 3);
    assert_eq!(env.run_with_input(&login, "sk-canary").code, 3);
    assert_eq!(env.read(STORE), before);
}

#[test]
fn no_save_checks_only() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key");
    let login = ["auth", "login", "--api-key-stdin", "--no-save"];
    assert_eq!(env.run_with_input(&login, &key).code, 0);
    assert!(!env.path(".config").exists());
}

#[test]
fn login_without_a_terminal_explains_how_to_pass_the_key() {
    let done = TestEnv::new().run(&["auth", "login"]);
    assert_eq!(done.code, 2);
    insta::assert_snapshot!(done.stderr, @"
    error: cannot prompt for the key: standard input is not a terminal
      hint: pass the key on standard input with --api-key-stdin
    ");
}

#[test]
fn profiles_keep_their_servers_apart() {
    let mut env = TestEnv::with_server();
    let key = env.read("admin.key");
    let login = ["auth", "login", "--api-key-stdin", "--profile", "work"];
    assert_eq!(env.run_with_input(&login, &key).code, 0);
    env.unset("HH_BASE_URL");
    assert_eq!(env.run(&["auth", "whoami", "--profile", "work"]).code, 0);
    let other = env.run(&["auth", "whoami", "--profile", "home"]);
    assert_eq!(other.code, 5);
    insta::assert_snapshot!(other.stderr, @r#"
    error: profile "home" not found (--profile)
      hint: run `honeyhive auth login --profile home`
    "#);
    // The stored key is sent only to its server.
    let elsewhere = env.run(&["project", "list", "--base-url", "https://api.honeyhive.ai"]);
    assert_eq!(elsewhere.code, 5);
    assert!(
        elsewhere
            .stderr
            .contains("log in to https://api.honeyhive.ai first"),
        "{elsewhere:?}"
    );
}

#[test]
fn a_key_on_the_command_line_works_and_warns_once() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key");
    let done = env.run(&["auth", "login", "--api-key", key.trim(), "--save"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(
        done.stderr.matches("warning: --api-key is visible").count(),
        1,
        "{done:?}"
    );
}

// Feature S7.
#[test]
fn a_new_key_can_be_written_directly_to_a_file() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let file = env.path("new.key").display().to_string();
    let create = [
        "auth",
        "keys",
        "create",
        "--name",
        "n",
        "--level",
        "read_only",
        "--project",
        "default",
        "--key-file",
        &file,
    ];
    let done = env.run(&create);
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{done:?}");
    assert_eq!(env.mode("new.key"), 0o600);
    let key = env.read("new.key");
    assert!(key.starts_with("hh_ro_"));

    // The command keeps an existing file unchanged and creates no second key.
    let again = env.run(&create);
    assert_eq!(again.code, 5);
    assert!(
        again.stderr.contains("the file already exists"),
        "{again:?}"
    );
    let list = env.items(&["auth", "keys", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(
        !env.run(&["auth", "keys", "list"])
            .stdout
            .contains(key.trim())
    );
}

// Features S11, S12.
#[test]
fn each_level_allows_only_its_operations() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let make = |level: &str| {
        let create = [
            "auth",
            "keys",
            "create",
            "--name",
            "k",
            "--project",
            "default",
            "--level",
            level,
        ];
        env.run(&create).stdout.trim().to_owned()
    };
    let (reader, writer) = (make("read_only"), make("read_write"));
    assert_eq!(env.run(&["event", "list", "--api-key", &reader]).code, 0);
    let refused = env.run(&["project", "create", "p", "-q", "--api-key", &reader]);
    assert_eq!(refused.code, 6);
    assert!(refused.stderr.contains("nothing was sent"), "{refused:?}");
    let refused = env.run(&["project", "create", "p", "-q", "--api-key", &writer]);
    assert_eq!(refused.code, 6);
    let printed = env.filtered(&refused.stderr).replace(&writer[..8], "[key]");
    insta::assert_snapshot!(printed, @"
    error: [host] responded with 403 Forbidden: this key's level is read_write, which does not include admin; use a key that does (request [id])
      hint: check the key [key]*** from --api-key
    ");
}

#[test]
fn a_revoked_key_is_refused_at_once() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let create = [
        "auth",
        "keys",
        "create",
        "--name",
        "k",
        "--all-projects",
        "--level",
        "read_only",
        "--output",
        "json",
    ];
    let created: serde_json::Value = serde_json::from_str(&env.run(&create).stdout).unwrap();
    let key = created["key"].as_str().unwrap();
    assert_eq!(
        env.run(&["project", "list", "-q", "--api-key", key]).code,
        0
    );
    assert_eq!(
        env.run(&["auth", "keys", "revoke", created["id"].as_str().unwrap()])
            .code,
        0
    );
    assert_eq!(
        env.run(&["project", "list", "-q", "--api-key", key]).code,
        3
    );
    assert_eq!(env.run(&["auth", "keys", "revoke", "no-such-key"]).code, 4);
}

// Feature S57.
#[test]
fn test_mode_checks_nothing_and_opens_no_connection() {
    let mut env = TestEnv::new();
    env.set("HH_TEST_MODE", "yes");
    env.set("HH_API_KEY", "hh_mock_key");
    let done = env.run(&["auth", "whoami"]);
    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(done.stdout, @r"
    Authenticated as: (test mode, not checked)
    Organization: (test mode, not checked)
    Permissions: (test mode, not checked)
    ");
    assert_eq!(env.run(&["project", "list"]).code, 0);
}

#[test]
fn a_blank_key_at_login_is_no_key_and_never_the_stored_one() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key");
    let login = ["auth", "login", "--api-key-stdin"];
    assert_eq!(env.run_with_input(&login, &key).code, 0);
    for done in [
        env.run_with_input(&login, ""),
        env.run_with_input(&login, " \n"),
        env.run(&["auth", "login", "--api-key", ""]),
    ] {
        assert_eq!(done.code, 3, "{done:?}");
        assert!(done.stderr.contains("nothing was changed"), "{done:?}");
    }
}

#[test]
fn a_key_in_the_wrong_place_is_redacted() {
    let env = TestEnv::new();
    for arguments in [
        &["auth", "login", FOREIGN_KEY][..],
        &["auth", "login", &format!("--api-key-stdin={FOREIGN_KEY}")],
        &[FOREIGN_KEY],
    ] {
        assert!(
            arguments.concat().contains(FOREIGN_KEY),
            "the command line does not contain the key"
        );
        let done = env.run(arguments);
        assert_eq!(done.code, 2);
        assert!(!done.stderr.contains(&FOREIGN_KEY[8..]), "{done:?}");
        assert!(done.stderr.contains("hh_12345***"), "{done:?}");
    }
}

#[test]
fn a_login_warns_when_the_environment_overrides_it() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let key = env.read("admin.key");
    env.write("honeyhive.yaml", format!("api_key: {key}"));
    let done = env.run_with_input(&["auth", "login", "--api-key-stdin"], &key);
    assert_eq!(done.code, 0, "{done:?}");
    let notes: Vec<_> = done
        .stderr
        .lines()
        .filter(|line| line.starts_with("note: "))
        .collect();
    insta::assert_snapshot!(env.filtered(&notes.join("\n")), @"
    note: the keyring cannot be used: Failed to connect to address `unix:path=/nonexistent`: No such file or directory; saving the key in [home]/.config/honeyhive/credentials.toml as plain text that only you can read
    note: the key from HH_API_KEY_FILE -> [home]/admin.key (environment) takes precedence over the saved key; remove it to use the saved key
    ");
    let done = env.run(&["auth", "logout"]);
    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(env.filtered(&done.stderr), @r#"
    Removed the saved key of profile "default"; this does not revoke keys on the server, use `honeyhive auth keys revoke`
    note: the key from HH_API_KEY_FILE -> [home]/admin.key (environment) is still in use
    "#);
}

#[test]
fn an_unusable_store_is_reported_before_the_key_is_sent() {
    let env = TestEnv::with_server();
    let key = env.read("admin.key");
    let login = ["auth", "login", "--api-key-stdin"];
    assert_eq!(env.run_with_input(&login, &key).code, 0);
    env.set_mode(STORE, 0o644);
    let done = env.run_with_input(&login, &key);
    assert_eq!(done.code, 5);
    assert!(!done.stderr.contains("Logged in"), "{done:?}");
    let named = [
        "auth",
        "login",
        "--api-key-stdin",
        "--profile",
        "a\n\u{1b}[31m",
    ];
    assert_eq!(env.run_with_input(&named, &key).code, 2);
}

#[test]
fn a_key_is_not_created_if_its_secret_would_not_be_printed() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let create = "auth keys create --name k --all-projects --level read_only";
    let create: Vec<_> = create.split(' ').collect();
    let run = |flags: &[&str]| env.run(&[&create, flags].concat());
    for flags in [
        &["--json", "id"][..],
        &["--json", "id,level", "-o", "csv"],
        &["--jq", ".id"],
        &["--jq", ".key["],
    ] {
        let done = run(flags);
        assert_eq!(done.code, 2, "{done:?}");
        if flags.contains(&".key[") {
            assert!(done.stderr.contains("syntax error"), "{done:?}");
            continue;
        }
        assert!(
            done.stderr.contains("does not select the field key"),
            "{done:?}"
        );
    }
    let list = || env.json(&["auth", "keys", "list", "--all"])["total"].clone();
    assert_eq!(list(), 1);
    for flags in [
        &["--json", "id,key"][..],
        &["--json", "id", "--key-file", "new.key"],
        &["--jq", ".key"],
        &["--jq", "."],
    ] {
        assert_eq!(run(flags).code, 0, "{flags:?}");
    }
    assert_eq!(list(), 5);
}

#[test]
fn a_part_of_an_id_must_be_long_and_unique() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let keys = env.json(&["auth", "keys", "list"]);
    let id = keys["items"][0]["id"].as_str().unwrap();
    let seen = env.seen(&["auth", "keys", "revoke", &id[..7]]);
    insta::assert_snapshot!(seen.replace(&id[..7], "[part]"), @"
    ! error: [part] is too short for the id of a key
    ! | hint: specify at least the first 8 characters of the id
    exit 2
    ");
    let seen = env.seen(&["auth", "keys", "show", "zzzzzzzzzz"]);
    insta::assert_snapshot!(seen, @"
    ! error: no key has an id that begins with zzzzzzzzzz
    ! | hint: run `honeyhive auth keys list --all` to list all keys
    exit 4
    ");
    assert_eq!(env.run(&["auth", "keys", "show", &id[..8]]).code, 0);
}

#[test]
fn a_new_key_that_cannot_be_shown_is_revoked() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let done = env.run_into(
        &[
            "auth",
            "keys",
            "create",
            "--quiet",
            "--name",
            "lost",
            "--all-projects",
            "--level",
            "admin",
        ],
        full,
    );
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.stderr
            .contains("because its secret could not be delivered"),
        "{done:?}"
    );
    assert!(!env.run(&["auth", "keys", "list"]).stdout.contains("lost"));
    let list = env.run(&["auth", "keys", "list", "--all"]).stdout;
    let line = list.lines().find(|line| line.contains("lost")).unwrap();
    assert!(line.contains("revoked"), "{list}");
}

#[test]
fn strict_makes_warnings_about_the_key_errors() {
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", "http://127.0.0.1:9");
    env.set("HH_API_KEY", "hh_dev_1234567890abcdef");
    let warned = env.run(&["project", "list"]);
    assert_eq!(warned.code, 4, "{warned:?}");
    assert!(
        warned
            .stderr
            .starts_with("warning: the API key from HH_API_KEY"),
        "{warned:?}"
    );
    let strict = env.run(&["project", "list", "--strict"]);
    assert_eq!(strict.code, 3, "{strict:?}");
    env.set("HH_STRICT", "yes");
    assert_eq!(env.run(&["project", "list"]).code, 3);
    // In test mode any `hh_…` value is a valid key; any other value is not.
    env.set("HH_TEST_MODE", "1");
    assert_eq!(env.run(&["project", "list"]).code, 0);
    env.set("HH_API_KEY", "garbage");
    assert_eq!(env.run(&["project", "list"]).code, 3);
}

#[test]
fn a_stored_read_only_level_refuses_changes_here() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let create = [
        "auth",
        "keys",
        "create",
        "--name",
        "r",
        "--all-projects",
        "--level",
        "read_only",
    ];
    let key = env.run(&create).stdout;
    // The login saved the level that the server reported; the prefix of a hosted key does not contain it.
    assert_eq!(
        env.run_with_input(
            &["auth", "login", "--api-key-stdin", "--profile", "r"],
            &key
        )
        .code,
        0
    );
    let text = env.read(STORE);
    assert!(text.contains("level = \"read_only\""), "{text}");
    env.unset("HH_API_KEY_FILE");
    let hosted = text.replace(key.trim(), FOREIGN_KEY);
    // The mode of an existing file stays.
    env.write(STORE, hosted);
    let done = env.run(&["project", "create", "p"]);
    assert_eq!(done.code, 6, "{done:?}");
    assert!(done.stderr.contains("nothing was sent"), "{done:?}");
}

#[test]
fn a_login_for_the_server_of_the_current_profile_goes_into_it() {
    let mut first = TestEnv::with_server();
    let key = first.read("admin.key");
    let login = ["auth", "login", "--api-key-stdin"];
    assert_eq!(first.run_with_input(&login, &key).code, 0);
    let second = TestEnv::with_server();
    let other = second.read("admin.key");
    let url = second.url();
    let unnamed = [&login[..], &["--base-url", &url]].concat();
    let done = first.run_with_input(&unnamed, &other);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(
        done.stderr.contains("already contains a key for"),
        "{done:?}"
    );
    let work = [&login[..], &["--profile", "work", "--base-url", &url]].concat();
    assert_eq!(first.run_with_input(&work, &other).code, 0);
    // Neither command names a server, so the login uses the current profile's server and replaces its key.
    first.unset("HH_BASE_URL");
    let done = first.run_with_input(&login, &other);
    assert!(done.stderr.contains("(profile \"work\")"), "{done:?}");
    let whoami = ["auth", "whoami", "--profile", "default"];
    assert_eq!(first.run(&whoami).code, 0);
    first.set("HH_PROFILE", "default");
    let done = first.run_with_input(&login, &key);
    assert!(done.stderr.contains("(profile \"default\")"), "{done:?}");
    // A hint describes the actual problem, not the usual cause.
    let broken = [&login[..], &["--config-file", "nope.yaml"]].concat();
    let done = first.run_with_input(&broken, &key);
    assert_eq!(done.code, 5);
    assert!(done.stderr.contains("nope.yaml"), "{done:?}");
}

#[test]
fn a_key_given_as_an_id_is_not_sent() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let done = env.run(&["auth", "keys", "revoke", FOREIGN_KEY, "--debug"]);
    assert_eq!(done.code, 5, "{done:?}");
    assert!(done.stderr.contains("nothing was sent"), "{done:?}");
    assert!(!done.stderr.contains("debug:"), "{done:?}");
}

#[test]
fn a_key_in_the_wrong_variable_is_refused_without_printing_it() {
    let mut env = TestEnv::new();
    env.set("HH_PROFILE", FOREIGN_KEY);
    env.set("HH_SOURCE", FOREIGN_KEY);
    for command in [["project", "list"], ["config", "list"]] {
        let done = env.run(&command);
        assert_eq!(done.code, 5, "{done:?}");
        assert!(!format!("{done:?}").contains(&FOREIGN_KEY[8..]), "{done:?}");
        for setting in ["profile (HH_PROFILE)", "source (HH_SOURCE)"] {
            let message = "expected a name, but found an API key";
            let message = format!("error: invalid value for {setting}: {message}");
            assert!(done.stderr.contains(&message), "{done:?}");
        }
    }
}

#[test]
fn a_profile_that_a_dotenv_file_names_is_the_one_that_is_logged_out() {
    let env = TestEnv::new();
    let key = |letter: &str| format!("hh_{}", letter.repeat(32));
    env.store_key("work", "http://127.0.0.1:9", &key("w"));
    let work = env.read(STORE);
    let (_, work) = work.split_once("\n\n").unwrap();
    env.store_key("prod", "http://127.0.0.1:9", &key("p"));
    let both = format!("{}\n{work}", env.read(STORE));
    env.write(STORE, both);
    env.write("e.env", "HH_PROFILE=work\n");
    let done = env.run(&["auth", "logout", "--env-file", "e.env"]);
    assert!(
        done.stderr.contains("saved key of profile \"work\""),
        "{done:?}"
    );
    assert!(env.read(STORE).contains(&key("p")));
}
