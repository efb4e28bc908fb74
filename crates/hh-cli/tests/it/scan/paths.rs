//! The paths of a scan: standard input, several paths to one file, tracked files and names.

use std::fs;
use std::os::unix::fs::symlink;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hh_auth::Level;

use super::{POSSIBLE, commit, found, git, minted, with_repository};
use crate::support::TestEnv;

#[test]
fn a_dash_reads_standard_input() {
    let env = TestEnv::new();
    let key = minted(Level::Admin);
    let run = |arguments: &[&str], input: &str| {
        let done = env.run_with_input(&[&["auth", "scan"], arguments].concat(), input);
        env.seen_of(&done).replace(&key[3..8], "begin")
    };
    let input = format!("one\nk={key}\n");
    insta::assert_snapshot!(run(&["-", "--quiet"], &input), @"
    <stdin>:2:3: confirmed project key hh_begin***
    ! error: found 1 API key in 1 file
    exit 1
    ");
    // It is read once, even if it is named twice or together with other paths.
    env.write("a", &key);
    insta::assert_snapshot!(run(&["-", "a", "-", "--quiet"], &input), @"
    <stdin>:2:3: confirmed project key hh_begin***
    a:1:1: confirmed project key hh_begin***
    ! error: found 2 API keys in 2 files
    exit 1
    ");
    insta::assert_snapshot!(run(&["-"], ""), @"
    ! No API keys found in 1 file
    exit 0
    ");
    insta::assert_snapshot!(run(&["-"], "nothing"), @"
    ! No API keys found in 1 file
    exit 0
    ");
    // A path of the same name.
    env.write("-", &key);
    insta::assert_snapshot!(run(&["./-", "--quiet"], ""), @"
    -:1:1: confirmed project key hh_begin***
    ! error: found 1 API key in 1 file
    exit 1
    ");
    insta::assert_snapshot!(run(&["--history", "-"], ""), @"
    ! error: standard input is not a git repository
    ! | hint: omit --staged and --history, or `-`
    exit 2
    ");
}

#[test]
fn standard_input_may_be_binary_and_long_and_may_fail() {
    let env = TestEnv::new();
    let key = minted(Level::IngestOnly);
    let mut bytes: Vec<u8> = (0..2_000_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    bytes.extend(key.as_bytes());
    bytes.extend([0xff; 300]);
    env.write("binary", &bytes);
    let run = |input: std::process::Stdio| {
        let output = env
            .command(&["auth", "scan", "-"])
            .stdin(input)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, stdout) = run(fs::File::open(env.path("binary")).unwrap().into());
    assert_eq!(code, Some(1));
    assert!(stdout.starts_with("<stdin>:"), "{stdout}");
    assert!(!stdout.contains(&key), "{stdout}");
    // Compressed files are not opened, which is not an error.
    env.write(
        "archive",
        [&[0x1f, 0x8b, 8, 0][..], &[0xaa; 5_000]].concat(),
    );
    let archive = fs::File::open(env.path("archive")).unwrap();
    assert_eq!(run(archive.into()), (Some(0), String::new()));
    let folder = fs::File::open(env.path(".")).unwrap();
    assert_eq!(run(folder.into()), (Some(5), String::new()));
}

#[test]
fn a_file_counts_once_even_if_several_paths_lead_to_it() {
    let env = TestEnv::new();
    env.write("d/sub/a", minted(Level::Admin));
    env.write("d/b", "");
    env.write("other", minted(Level::Admin));
    symlink(env.path("d/sub/a"), env.path("link")).unwrap();
    symlink(env.path("d"), env.path("folder")).unwrap();
    let absolute = env.at("d/sub/a");
    for paths in [
        &["d/sub/a", "d/sub/a"][..],
        &["d/sub/a", "./d/sub/a"],
        &["d/sub/a", "d/../d/sub/a"],
        &["d/sub/a", "link"],
        &["link", "d/sub/a"],
        &["d", "d/sub/a"],
        &["d/sub/a", "d"],
        &["d", "d/"],
        &["d", "folder"],
        &["d", "d/sub"],
        &["d/sub", "./d/sub/", "d"],
        &["d", "link"],
        &["d", &absolute],
    ] {
        let report = env.json(&[&["auth", "scan"], paths].concat());
        let files = if paths
            .iter()
            .any(|path| path.starts_with('d') && path.len() < 3)
        {
            2
        } else {
            1
        };
        assert_eq!(report["files"], files, "{paths:?}");
        assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{paths:?}");
        assert_eq!(report["notes"].as_array().unwrap().len(), 0, "{paths:?}");
    }
    assert_eq!(found(&env, &["d", "other", "d/sub/a", "."]).len(), 2);
    // Copies and hard links are other files.
    fs::hard_link(env.path("other"), env.path("hard")).unwrap();
    assert_eq!(found(&env, &["other", "hard"]).len(), 2);
    // A file that an ignore file excludes is scanned because it is named.
    env.write("d/.gitignore", "sub/\n");
    assert_eq!(found(&env, &["d"]).len(), 0);
    assert_eq!(found(&env, &["d", "d/sub/a"]).len(), 1);
    assert_eq!(found(&env, &["d", "d/sub"]).len(), 1);
    // A path that does not exist is one error.
    let done = env.run(&["auth", "scan", "gone", "./gone", "gone"]);
    assert_eq!(
        (done.code, done.stderr.matches("cannot scan").count()),
        (5, 1),
        "{done:?}"
    );
}

#[test]
fn a_repository_counts_once_even_if_several_paths_lead_to_it() {
    let env = with_repository();
    env.write("sub/a", minted(Level::Admin));
    commit(&env);
    git(&env, &["worktree", "add", "--quiet", "tree"]);
    for paths in [
        &[".", "."][..],
        &[".", "sub"],
        &["sub", "./sub/"],
        &[".", "tree"],
    ] {
        assert_eq!(
            found(&env, &[&["--history"], paths].concat()).len(),
            1,
            "{paths:?}"
        );
    }
    env.write("b", minted(Level::Admin));
    git(&env, &["add", "b"]);
    assert_eq!(found(&env, &["--staged", ".", "sub"]).len(), 1);
}

#[test]
fn tracked_files_are_scanned_although_gitignore_excludes_them() {
    let env = with_repository();
    let key = minted(Level::Admin);
    env.write(".gitignore", "*.env\n/build/\n/secret\n");
    for name in ["a.env", "build/deep/b", "secret", "listed/c.env", "d é.env"] {
        env.write(name, &key);
    }
    env.write("untracked.env", &key);
    env.write(".honeyhiveignore", "/listed\n");
    let tracked = ["a.env", "build/deep/b", "secret", "listed/c.env", "d é.env"];
    git(
        &env,
        &[&["add", "--force", ".gitignore"], &tracked[..]].concat(),
    );
    let hits = |names: &[&str]| -> Vec<String> {
        let hit = |name: &&str| format!("confirmed {name}:1:1 {}***", &key[..8]);
        names.iter().map(hit).collect()
    };
    let all = ["a.env", "build/deep/b", "d é.env", "secret"];
    assert_eq!(found(&env, &[]), hits(&all));
    assert_eq!(env.json(&["auth", "scan"])["files"], 6);
    assert_eq!(found(&env, &["build"]), hits(&["build/deep/b"]));
    let seen = env.at("");
    assert_eq!(found(&env, &[&seen]).len(), 4);
    // A file that is tracked but gone, and one that was added to the index of another repository.
    fs::remove_file(env.path("secret")).unwrap();
    git(&env, &["init", "--quiet", "nested"]);
    env.write("nested/.gitignore", "x\n");
    env.write("nested/x", &key);
    git(&env, &["-C", "nested", "add", "--force", "x"]);
    let all = ["a.env", "build/deep/b", "d é.env", "nested/x"];
    assert_eq!(found(&env, &[]), hits(&all));
    // A folder with repositories that is in none.
    let outside = TestEnv::new();
    fs::rename(env.path("nested"), outside.path("nested")).unwrap();
    let mut outside = outside;
    outside.set("PATH", std::env::var_os("PATH").unwrap().to_str().unwrap());
    assert_eq!(found(&outside, &[]), hits(&["nested/x"]));
}

#[test]
fn without_git_the_scan_notes_that_tracked_files_may_be_excluded() {
    let env = with_repository();
    env.write("a", "");
    git(&env, &["add", "a"]);
    let mut without = TestEnv::new();
    without.set("PATH", "/nonexistent");
    let seen = without.seen(&["auth", "scan", &env.at("")]);
    insta::assert_snapshot!(seen.replace(&env.at(""), "[repository]/"), @"
    ! warning: tracked files that .gitignore excludes were not scanned in [repository]/: cannot run git: No such file or directory
    ! No API keys found in 1 file
    exit 0
    ");
}

#[test]
fn keys_in_names_of_files_and_folders_are_found_and_redacted() {
    let env = with_repository();
    let (one, two, three) = (
        minted(Level::Admin),
        minted(Level::IngestOnly),
        minted(Level::ReadOnly),
    );
    let encoded = URL_SAFE_NO_PAD.encode(&three);
    env.write(&format!("{one}/a"), "");
    env.write(&format!("{one}/b"), "");
    env.write(&format!("backup-{two}.txt"), "");
    env.write(&format!("{encoded}.bin"), "");
    env.write(&format!("{POSSIBLE}.txt"), "");
    symlink(
        "nowhere",
        env.path(&format!("link-{}", POSSIBLE.replace('_', "%5F"))),
    )
    .unwrap();
    fs::create_dir(env.path(&format!("empty{one}"))).unwrap();
    let shown = |key: &str| hh_auth::redact(key);
    let line =
        |confidence: &str, path: &str, key: &str| format!("{confidence} {path} {}", shown(key));
    let mut wanted = vec![
        line("confirmed", &shown(&one), &one),
        line("confirmed", &format!("empty{}", shown(&one)), &one),
        line("confirmed", &format!("backup-{}.txt", shown(&two)), &two),
        line("confirmed", &format!("{}.bin", shown(&three)), &three),
        line("possible", &format!("{}.txt", shown(POSSIBLE)), POSSIBLE),
        line("possible", &format!("link-{}", shown(POSSIBLE)), POSSIBLE),
    ];
    wanted.sort();
    let sorted = |arguments: &[&str]| {
        let mut found = found(&env, arguments);
        found.sort();
        found
    };
    assert_eq!(sorted(&[]), wanted);
    assert_eq!(sorted(&[".", "./"]), wanted);
    let done = env.run(&["auth", "scan"]);
    assert!(
        done.stdout
            .contains(&format!("backup-{}.txt: confirmed ", shown(&two))),
        "{done:?}"
    );
    assert!(done.stdout.contains(" in the name\n"), "{done:?}");
    let sarif = env.run(&["auth", "scan", "--sarif"]);
    for done in [&done, &sarif] {
        for secret in [
            &one[8..],
            &two[40..],
            &three[8..],
            &encoded[12..],
            &POSSIBLE[8..],
        ] {
            assert!(!format!("{done:?}").contains(secret));
        }
    }
    // Git does not list empty folders.
    wanted.retain(|line| !line.contains("empty"));
    git(&env, &["add", "--all"]);
    assert_eq!(sorted(&["--staged"]), wanted);
    let id = commit(&env);
    let staged = wanted.iter().map(|line| format!("{line} {id}"));
    let staged: Vec<_> = staged.collect();
    assert_eq!(sorted(&["--history"]), staged);
    // The list of ignored paths applies to names too.
    env.write(".honeyhiveignore", "*\n");
    assert_eq!(sorted(&[]), Vec::<String>::new());
    assert_eq!(sorted(&["--history"]), Vec::<String>::new());
}

#[test]
fn the_history_contains_all_names_that_a_file_and_its_folders_had() {
    let env = with_repository();
    let (file, folder) = (minted(Level::Admin), minted(Level::IngestOnly));
    env.write("empty", "");
    env.write(&format!("{file}.txt"), "text");
    env.write(&format!("{folder}/deep/empty"), "");
    env.write(&format!("plain/{POSSIBLE}"), "");
    git(&env, &["add", "--all"]);
    let id = commit(&env);
    let file = format!("{file}.txt");
    for (from, to) in [
        (file.as_str(), "file.txt"),
        (&folder, "folder"),
        ("plain", "simple"),
    ] {
        git(&env, &["mv", from, to]);
    }
    git(&env, &["mv", &format!("simple/{POSSIBLE}"), "simple/name"]);
    commit(&env);
    let shown = |key: &str| hh_auth::redact(key);
    let key = file.trim_end_matches(".txt");
    let mut wanted = [
        format!("confirmed {}.txt {} {id}", shown(key), shown(key)),
        format!("confirmed {} {} {id}", shown(&folder), shown(&folder)),
        format!(
            "possible plain/{} {} {id}",
            shown(POSSIBLE),
            shown(POSSIBLE)
        ),
    ];
    wanted.sort();
    let mut found = found(&env, &["--history"]);
    found.sort();
    assert_eq!(found, wanted);
}

#[test]
fn a_file_beside_a_repository_is_scanned_once() {
    let env = with_repository();
    let (one, two) = (minted(Level::Admin), minted(Level::ReadOnly));
    env.write("src/.gitignore", "secret\n");
    env.write("src/secret", &two);
    git(&env, &["add", "--force", "--all"]);
    env.write("leak.txt", &one);
    let mut lines = found(&env, &["leak.txt", "src"]);
    lines.sort();
    let mut wanted = [
        format!("confirmed leak.txt:1:1 {}", hh_auth::redact(&one)),
        format!("confirmed src/secret:1:1 {}", hh_auth::redact(&two)),
    ];
    wanted.sort();
    assert_eq!(lines, wanted);
}
