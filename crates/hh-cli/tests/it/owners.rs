use crate::support::{TestEnv, squeezed};

fn without_ids(table: &str) -> String {
    let rows = table.lines().enumerate().map(|(number, line)| {
        let (first, rest) = line.split_once(' ').unwrap();
        let first = if number == 0 { first } else { "[id]" };
        format!("{first} {}", rest.trim())
    });
    rows.collect::<Vec<_>>().join("\n")
}

// Features S8, S40.
#[test]
fn an_admin_creates_keys_for_members_and_revokes_them_when_they_leave() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let mut seen = vec![env.seen(&["auth", "owners", "create", "ada@example.com"])];
    seen.push(env.seen(&["auth", "owners", "create", "ada@example.com"]));
    let create = [
        "auth",
        "keys",
        "create",
        "--name",
        "laptop",
        "--level",
        "read_write",
        "--all-projects",
    ];
    let key = env.run_with(&create, &["--owner", "ada@example.com", "--quiet"]);
    let key = key.stdout.trim().to_owned();
    let whoami = env.run(&["auth", "whoami", "-q", "--api-key", &key]).stdout;
    assert!(
        whoami.starts_with("Authenticated as: ada@example.com\n"),
        "{whoami}"
    );
    let list = env.run(&["auth", "owners", "list"]).stdout;
    seen.push(without_ids(&squeezed(&list)));

    seen.push(env.seen(&["auth", "owners", "disable", "ada@example.com"]));
    let done = env.run(&["auth", "whoami", "-q", "--api-key", &key]);
    assert_eq!(done.code, 3, "{done:?}");
    let refused = env.run_with(&create, &["--owner", "ada@example.com"]);
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (1, ""),
        "{refused:?}"
    );
    for name in ["user@example.com", "nobody", &key] {
        let done = env.run(&["auth", "owners", "disable", name]);
        assert!(!done.stderr.contains(&key[8..]), "{done:?}");
        let shown = env.filtered(&done.stderr).replace(&key[..8], "[key]");
        seen.push(format!("{}\nexit {}", shown.trim_end(), done.code));
    }
    let owners = env.items(&["auth", "owners", "list"]);
    assert_eq!(owners[0]["active_keys"], 0);
    assert!(owners[0]["disabled_at"].is_string());
    insta::assert_snapshot!(seen.join("\n"), @"
    ! Created owner ada@example.com
    exit 0
    ! error: [host] responded with 409 Conflict: owner ada@example.com already exists (request [id])
    exit 1
    ID | OWNER | TYPE | ACTIVE KEYS | STATE
    [id] | ada@example.com | user | 1 | active
    [id] | user@example.com | user | 1 | active
    ! Disabled owner ada@example.com and revoked 1 key
    exit 0
    error: [host] responded with 409 Conflict: cannot disable owner user@example.com, because the API key of this request belongs to it; use an admin key of another owner (request [id])
    exit 1
    error: owner nobody not found
      hint: run `honeyhive auth owners list` to list all owners
    exit 4
    error: owner [key]*** not found
      hint: run `honeyhive auth owners list` to list all owners
    exit 4
    ");
}
