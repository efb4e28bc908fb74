use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap().to_owned()
}

fn transcript() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["demo", "--no-build"])
        .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    text
}

/// Checks the transcript and the guides with one run, because a run takes long.
#[test]
fn the_demo_goes_the_whole_way_and_the_guides_show_its_commands() {
    let text = transcript();
    guides_show_only_commands_of(&text);
    insta::with_settings!({filters => vec![
        (r"127\.0\.0\.1:\d{2,}", "127.0.0.1:[port]"),
        (r"\S*/honeyhive-demo-\w+", "[home]"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[uuid]"),
        (r"key [0-9A-Za-z]{24}", "key [key id]"),
        (r"hh_\w{5}\*\*\*", "hh_[5]***"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "[time]"),
        (r" *[0-9.]+ m?s\b *", " [duration] "),
        (r"(?m)^SESSION .*$", "[header]"),
        (r"(?m)^(NAME +)ID +", "${1}ID  "),
    ]}, {
        insta::assert_snapshot!("demo", text);
    });
}

#[test]
fn a_demo_that_fails_ends_with_1_and_leaves_no_server() {
    // In a directory without `docs`, the program to trace finds no file.
    let elsewhere = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["demo", "--no-build"])
        .env("CARGO_MANIFEST_DIR", elsewhere.path().join("xtask"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.starts_with("error: `ask_docs"), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        !text.contains("$ honeyhive session list"),
        "nothing after the failure"
    );
    let server = text
        .lines()
        .find_map(|line| line.strip_prefix("Listening on http://"));
    let gone = std::net::TcpStream::connect(server.unwrap()).unwrap_err();
    assert_eq!(gone.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// Asserts that the `console` blocks of the guides and the README show only commands of the transcript, up to the
/// clean-up, which the demo does itself.
fn guides_show_only_commands_of(transcript: &str) {
    let run: Vec<_> = transcript.lines().filter_map(command).collect();
    for guide in ["README.md", "docs/guides/get-started.md"] {
        let text = std::fs::read_to_string(root().join(guide)).unwrap();
        let (text, _) = text.split_once("\n## Clean up\n").unwrap_or((&text, ""));
        let shown = text.lines().filter_map(command);
        let shown = shown.filter(|line| !line.starts_with("cargo xtask "));
        for line in shown {
            let line = session_cut(line);
            assert!(
                run.iter().any(|run| session_cut(run) == line),
                "{guide} shows a command that the demo does not run: {line}"
            );
        }
    }
}

fn command(line: &str) -> Option<&str> {
    line.strip_prefix("$ ")
        .map(|line| line.trim_end_matches(" &"))
}

/// Removes session IDs and the port, which differ between a guide and a run.
fn session_cut(line: &str) -> String {
    let line = line.split("--session-id").next().unwrap_or(line);
    let line = line.split("=http://127.0.0.1:").next().unwrap_or(line);
    line.replace(" --bind 127.0.0.1:0", "")
}
