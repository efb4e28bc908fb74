//! Links the unwinder into the program: to load it as a library of its own is a tenth of what starting takes, and small
//! container images do not have it.

use std::env;
use std::path::Path;
use std::process::Command;

const UNWINDER: &str = "libgcc_eh.a";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = env::var_os("TARGET");
    let is_native = target == env::var_os("HOST");
    let is_gnu = target.is_some_and(|target| target.to_string_lossy().ends_with("-linux-gnu"));
    if is_gnu && is_native && is_available() {
        println!("cargo::rustc-link-lib=static:+verbatim,-bundle={UNWINDER}");
    }
}

/// Asks the compiler that links; not all of them come with it.
fn is_available() -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let answer = Command::new(linker)
        .arg(format!("-print-file-name={UNWINDER}"))
        .output();
    answer.is_ok_and(|answer| {
        // A full path, or the bare name if there is none.
        let path = String::from_utf8_lossy(&answer.stdout);
        Path::new(path.trim()).is_absolute()
    })
}
