//! Finds leaked HoneyHive API keys in files, staged changes and git history.
//!
//! A key with a valid checksum is a confirmed finding; text in the format of a key is a possible one. Keys are found as
//! plain text, in UTF-16 and in base64. A report never contains the text of a key.
//!
//! ```no_run
//! use std::path::PathBuf;
//!
//! let mut report = hh_scan::Report::default();
//! hh_scan::scan_paths(&[PathBuf::from("src")], hh_scan::IgnoreFiles::Respect, &mut report);
//! report.sort();
//! for finding in &report.findings {
//!     println!("{finding}");
//! }
//! ```
//!
//! The crate has no features. It requires Unix. Linux is tested; macOS is untested.

#[cfg(not(unix))]
compile_error!(
    "hh-scan requires Unix; hh-key, which finds keys in text with `find_key`, works on all platforms"
);

mod detect;
mod dockerfile;
mod error;
mod files;
mod git;
mod ignore_files;
mod report;
mod sarif;
mod scanner;

pub use error::ScanError;
pub use files::scan_paths;
pub use git::Repository;
pub use ignore_files::{IGNORE_FILE, IgnoreFiles};
pub use report::{Finding, Report};
pub use sarif::sarif;
pub use scanner::IGNORE_MARK;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
