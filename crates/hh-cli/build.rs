//! Links the unwinder statically: loading it as a shared library takes 10 % of the start-up time, and small container
//! images do not contain it.

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

/// Returns whether the linker finds the static unwinder, which not all toolchains include.
fn is_available() -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let answer = Command::new(linker)
        .arg(format!("-print-file-name={UNWINDER}"))
        .output();
    answer.is_ok_and(|answer| {
        // The linker prints a full path, or the bare name if it does not find the file.
        let path = String::from_utf8_lossy(&answer.stdout);
        Path::new(path.trim()).is_absolute()
    })
}
