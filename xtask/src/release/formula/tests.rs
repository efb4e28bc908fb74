//! Tests of the formula.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use hh_testing::TestEnv;

fn write(env: &TestEnv, targets: &[&str]) -> PathBuf {
    let archives: Vec<_> = targets
        .iter()
        .map(|target| {
            let name = format!("honeyhive-1.2.3-{target}.tar.gz");
            env.write(&name, target);
            env.path(&name)
        })
        .collect();
    let path = super::write(root(), "1.2.3", &archives, env.root()).unwrap();
    let ruby = env
        .command("/usr/bin/ruby")
        .arg("-c")
        .arg(&path)
        .stdout(Stdio::null())
        .status();
    assert!(ruby.is_err() || ruby.unwrap().success());
    path
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn the_formula_has_a_url_and_a_sum_for_each_platform_with_an_archive() {
    let env = TestEnv::new();
    let path = write(
        &env,
        &[
            "aarch64-apple-darwin",
            "x86_64-unknown-linux-gnu",
            "x86_64-unknown-linux-musl",
        ],
    );
    let text = std::fs::read_to_string(path).unwrap();
    let repository = crate::workspace::package_field(root(), "repository").unwrap();
    insta::assert_snapshot!(text.replace(&repository, "REPOSITORY"));
}

#[test]
fn without_an_archive_for_macos_the_formula_requires_linux() {
    let env = TestEnv::new();
    let path = write(&env, &["x86_64-unknown-linux-gnu"]);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("\n  depends_on :linux\n"), "{text}");
    assert!(!text.contains("on_macos"), "{text}");
    assert!(text.contains("x86_64-unknown-linux-gnu.tar.gz"), "{text}");
    assert!(!text.contains('@'), "{text}");
}
