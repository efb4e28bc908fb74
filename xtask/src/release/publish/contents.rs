//! Checks which files a package contains.

use std::path::Path;

use super::packages::Unpacked;

/// The files that each package contains.
const REQUIRED: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// Files and folders that only the development of the crate needs.
const UNNEEDED: [&str; 7] = [
    "benches",
    "examples",
    "fuzz",
    "proptest-regressions",
    "snapshots",
    "tests",
    "tests.rs",
];
/// The maximum size of a package, in bytes: twice the size of the largest one.
const MAX_BYTES: u64 = 300 * 1024;

/// Returns the files that a package lacks and those that it must not contain.
pub(super) fn findings(name: &str, package: &Unpacked) -> Vec<String> {
    let missing = REQUIRED
        .iter()
        .filter(|required| !package.files.contains(Path::new(required)));
    let mut findings: Vec<_> = missing
        .map(|file| format!("{name}: {file} is missing: add it to `include`"))
        .collect();
    let unneeded = package
        .files
        .iter()
        .filter(|path| path.iter().any(|part| UNNEEDED.iter().any(|n| part == *n)));
    findings.extend(unneeded.map(|path| {
        format!(
            "{name}: users do not need {}: exclude it in `include`",
            path.display()
        )
    }));
    if package.bytes > MAX_BYTES {
        findings.push(format!(
            "{name}: the package has {} bytes, at most {MAX_BYTES}: exclude files in `include`",
            package.bytes
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, Unpacked, findings};

    fn package(files: &[&str], bytes: u64) -> Unpacked {
        Unpacked {
            files: files.iter().map(Into::into).collect(),
            bytes,
        }
    }

    const COMPLETE: [&str; 5] = [
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "src/lib.rs",
    ];

    #[test]
    fn a_package_with_its_sources_and_licenses_is_accepted() {
        let found = findings("hh-key", &package(&COMPLETE, MAX_BYTES));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn missing_and_unneeded_files_and_large_packages_are_found() {
        let mut files = COMPLETE[1..].to_vec();
        files.extend(["src/key/tests.rs", "tests/it/main.rs", "src/testing.rs"]);
        let found = findings("hh-key", &package(&files, MAX_BYTES + 1));
        assert_eq!(
            found,
            [
                "hh-key: Cargo.toml is missing: add it to `include`",
                "hh-key: users do not need src/key/tests.rs: exclude it in `include`",
                "hh-key: users do not need tests/it/main.rs: exclude it in `include`",
                "hh-key: the package has 307201 bytes, at most 307200: exclude files in `include`",
            ]
        );
    }
}
