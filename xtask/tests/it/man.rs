use std::process::Command;

#[test]
fn every_command_gets_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["man", "--no-build"])
        .arg(folder.path().join("man"))
        .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    for page in [
        "honeyhive.1",
        "honeyhive-auth.1",
        "honeyhive-auth-keys-create.1",
    ] {
        let text = std::fs::read_to_string(folder.path().join("man").join(page)).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
}
