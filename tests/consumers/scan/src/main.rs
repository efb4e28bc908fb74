//! A check that fails if a folder contains an API key.

use std::fs;

use hh_scan::{Env, IGNORE_FILE, IgnoreFiles, Report, scan_paths};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let secret = "8f2c41d07b9e63a5c0d47e1f98b26a3d";
    fs::write(path("README.md"), "Set HH_API_KEY.\n")?;
    fs::write(
        path("deploy.sh"),
        format!("#!/bin/sh\nexport HH_API_KEY=hh_{secret}\n"),
    )?;
    fs::write(path("old.sh"), format!("export HH_API_KEY=hh_{secret}\n"))?;
    fs::write(path(IGNORE_FILE), "old.sh\n")?;

    let scan = |ignore_files| {
        let mut report = Report::default();
        scan_paths(&Env::from_process(), &[folder.path().to_path_buf()], ignore_files, &mut report);
        report.sort();
        report
    };
    let report = scan(IgnoreFiles::Respect);
    let finding = report.findings.first().ok_or("the key was not found")?;
    assert_eq!(report.findings.len(), 1);
    assert!(finding.path.ends_with("deploy.sh"), "{finding}");
    assert_eq!((finding.line, finding.column), (Some(2), Some(19)));
    assert!(!finding.is_confirmed());
    assert!(!format!("{report:?} {finding}").contains(secret));

    assert_eq!(scan(IgnoreFiles::Disregard).findings.len(), 2);
    Ok(())
}
