use std::fs;
use std::path::PathBuf;
use std::process::Command;

#[test]
fn every_command_has_a_manual_page_that_renders_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_man-pages");
    let status = Command::new(program).arg(folder.path()).status().unwrap();
    assert!(status.success());
    let files = fs::read_dir(folder.path()).unwrap();
    let mut pages: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|section| section == "1"));
    assert!(pages.len() > 40, "{pages:?}");
    let of_help = |page: &&PathBuf| page.to_string_lossy().contains("-help");
    assert_eq!(pages.iter().find(of_help), None);
    let create = folder.path().join("honeyhive-auth-keys-create.1");
    let create = fs::read_to_string(create).unwrap();
    assert!(create.contains("\\-\\-level") && create.contains("\\-\\-security\\-log"));
    if is_installed("groff") {
        let mut groff = Command::new("groff");
        let output = groff.args(["-man", "-ww", "-z"]).args(pages).output();
        let output = output.unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "install {program}");
        println!("skipped: {program} is not installed");
    }
    found
}
