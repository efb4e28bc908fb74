//! Finds leaked HoneyHive API keys in files, staged changes and git history.
//!
//! A key with a valid checksum is a confirmed finding; text in the format of a key is a possible one. Keys are found as
//! plain text, with escapes, in UTF-16, in base64, in SQLite databases and in the names of files. A report never
//! contains the text of a key.
//!
//! ```no_run
//! use std::path::PathBuf;
//!
//! let env = hh_scan::Env::from_process();
//! let mut report = hh_scan::Report::default();
//! hh_scan::scan_paths(&env, &[PathBuf::from("src")], hh_scan::IgnoreFiles::Respect, &mut report);
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
mod file_names;
mod files;
mod git;
mod ignore_files;
mod progress;
mod report;
mod sarif;
mod scanner;

pub use error::ScanError;
pub use files::{scan_paths, scan_reader};
pub use git::Repository;
pub use hh_config::Env;
pub use hh_text::Diagnostic;
pub use ignore_files::{IGNORE_FILE, IgnoreFiles};
pub use progress::Progress;
pub use report::{Finding, Report};
pub use sarif::sarif;
pub use scanner::IGNORE_MARK;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
