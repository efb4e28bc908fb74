//! `cargo xtask release plan`: prints what a release contains and what its builds need.

use std::path::Path;

use anyhow::Result;

use crate::output::print_line;
use crate::process;
use crate::release::collect;
use crate::release::info::ReleaseInfo;
use crate::release::targets;

/// The public workflow that builds the artifacts of all platforms.
const WORKFLOW: &str = ".github/workflows/release.yml";

/// System programs that `release build` uses, and the Debian packages that contain them.
const PROGRAMS: [(&str, &str); 5] = [
    ("cc", "gcc"),
    ("git", "git"),
    ("musl-gcc", "musl-tools"),
    ("rustup", "rustup"),
    ("tar", "tar"),
];

pub(crate) fn run(root: &Path) -> Result<()> {
    let info = ReleaseInfo::read(root)?;
    let version = &info.version;
    let host = targets::host(root)?;
    let (own, others) = targets::split(&host);
    let tag = if info.tags.is_empty() {
        "no tag".to_owned()
    } else {
        format!("tag {}", info.tags.join(", "))
    };
    print_line(format_args!(
        "honeyhive {version}, commit {}, {tag}",
        info.commit
    ));
    print_line(format_args!(
        "\nThis machine ({host}) builds in {}:",
        collect::FOLDER
    ));
    for target in own {
        let triple = target.triple;
        print_line(format_args!("  honeyhive-{version}-{triple}.tar.gz"));
        print_line(format_args!("  honeyhive-{version}-{triple}.cdx.json"));
        if target.is_gnu() {
            print_line(format_args!("  honeyhive_{version}-1_*.deb"));
            print_line(format_args!("  honeyhive-{version}-1.*.rpm"));
        }
        if target.is_static() {
            print_line(format_args!("  honeyhive-{version}-image-*.tar"));
        }
    }
    print_line("  honeyhive-install.sh, honeyhive.rb, SHA256SUMS");
    print_line("\nPrograms that the build needs:");
    for (program, package) in PROGRAMS {
        let state = if process::is_installed(program) {
            "found".to_owned()
        } else {
            format!("missing: install the Debian package {package}")
        };
        print_line(format_args!("  {program}: {state}"));
    }
    print_line(format_args!("\nOther platforms, built by {WORKFLOW}:"));
    for target in others {
        print_line(format_args!(
            "  {}: runner {}; needs {}",
            target.triple, target.runner, target.needs
        ));
    }
    print_line("  Windows: not built, because the command line requires Unix");
    Ok(())
}
