//! Reads small text files, and rejects FIFOs and devices, which could block.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a regular file of at most `limit` bytes of UTF-8, without its byte order mark.
///
/// It follows symbolic links. It rejects other kinds of files, such as a FIFO, without waiting for them.
///
/// # Errors
/// Returns the problem as a predicate whose subject is the file, such as `does not exist`.
pub fn text(path: &Path, limit: u64) -> Result<Zeroizing<String>, String> {
    rest(OpenedFile::new(path, limit)?, limit)
}

/// Reads the bytes of a regular file, as [`text`] reads its text.
///
/// # Errors
/// Returns the problem as a predicate whose subject is the file, such as `does not exist`.
pub fn bytes(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, String> {
    contents(OpenedFile::new(path, limit)?, limit)
}

/// A regular file that is open and not read yet.
pub(crate) struct OpenedFile {
    file: File,
    /// The metadata of the open file. The path may refer to another file by now.
    pub(crate) metadata: Metadata,
}

impl OpenedFile {
    pub(crate) fn new(path: &Path, limit: u64) -> Result<Self, String> {
        let metadata = std::fs::metadata(path).map_err(|error| failed(&error))?;
        check(&metadata, limit)?;
        let file = open(path).map_err(|error| failed(&error))?;
        // Another file may have replaced it between the check and the opening.
        let metadata = file.metadata().map_err(|error| failed(&error))?;
        check(&metadata, limit)?;
        Ok(Self { file, metadata })
    }
}

/// Reads the text of an open file.
pub(crate) fn rest(opened: OpenedFile, limit: u64) -> Result<Zeroizing<String>, String> {
    let bytes = contents(opened, limit)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n');
        let line = before.count();
        format!("is not UTF-8 text (line {line})")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(Zeroizing::new(text.to_owned()))
}

fn contents(opened: OpenedFile, limit: u64) -> Result<Zeroizing<Vec<u8>>, String> {
    let capacity = usize::try_from(opened.metadata.len()).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity + 1));
    opened
        .file
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

fn failed(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        "does not exist".to_owned()
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        "cannot be read (permission denied)".to_owned()
    } else {
        format!("cannot be read ({error})")
    }
}

fn check(metadata: &Metadata, limit: u64) -> Result<(), String> {
    if metadata.is_dir() {
        Err("is a directory".to_owned())
    } else if !metadata.is_file() {
        Err("is not a regular file".to_owned())
    } else if metadata.len() > limit {
        Err(too_large(limit))
    } else {
        Ok(())
    }
}

fn too_large(limit: u64) -> String {
    match limit / 1024 {
        kib if kib.is_multiple_of(1024) => format!("is larger than {} MiB", kib / 1024),
        kib => format!("is larger than {kib} KiB"),
    }
}

/// Opens a file without blocking: a FIFO would wait for a writer.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits();
        options.custom_flags(i32::try_from(nonblock).unwrap_or_default());
    }
    options.open(path)
}
