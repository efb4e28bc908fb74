//! Reads small text files, and rejects devices and other files that could block.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use hh_text::Diagnostic;
use zeroize::Zeroizing;

/// Reads a regular file of at most `limit` bytes of UTF-8, without its byte order mark.
///
/// It follows symbolic links. It rejects other kinds of files, such as a named pipe, without waiting for them.
///
/// # Errors
/// Returns the problem as a predicate whose subject is the file, such as `does not exist`.
pub fn text(path: &Path, limit: u64) -> Result<Zeroizing<String>, Diagnostic> {
    decoded(&rest(OpenedFile::new(path, limit)?, limit)?)
}

/// Decodes the bytes of a file.
pub(crate) fn decoded(bytes: &[u8]) -> Result<Zeroizing<String>, Diagnostic> {
    Ok(Zeroizing::new(hh_text::decode(bytes)?.to_owned()))
}

/// Reads the bytes of a regular file, as [`text`] reads its text.
///
/// # Errors
/// Returns the problem as a predicate whose subject is the file, such as `does not exist`.
pub fn bytes(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Diagnostic> {
    rest(OpenedFile::new(path, limit)?, limit)
}

/// A regular file that is open and not read yet.
pub(crate) struct OpenedFile {
    file: File,
    /// The metadata of the open file. The path may refer to another file by now.
    pub(crate) metadata: Metadata,
}

impl OpenedFile {
    pub(crate) fn new(path: &Path, limit: u64) -> Result<Self, Diagnostic> {
        let metadata = std::fs::metadata(path).map_err(|error| failed(&error))?;
        check(&metadata, limit)?;
        let file = open(path).map_err(|error| failed(&error))?;
        // Another file may have replaced it between the check and the opening.
        let metadata = file.metadata().map_err(|error| failed(&error))?;
        check(&metadata, limit)?;
        Ok(Self { file, metadata })
    }
}

/// Reads the bytes of an open file.
pub(crate) fn rest(opened: OpenedFile, limit: u64) -> Result<Zeroizing<Vec<u8>>, Diagnostic> {
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

pub(crate) fn failed(error: &io::Error) -> Diagnostic {
    if error.kind() == io::ErrorKind::NotFound {
        "does not exist".into()
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        "cannot be read (permission denied)".into()
    } else {
        format!("cannot be read ({error})").into()
    }
}

fn check(metadata: &Metadata, limit: u64) -> Result<(), Diagnostic> {
    if metadata.is_dir() {
        Err("is a directory".into())
    } else if is_pipe(metadata.file_type()) {
        let what = Diagnostic::new("is a named pipe, not a regular file");
        Err(what.with_hint(
            "replace it with a regular file; only files that an option or a variable names can be named pipes",
        ))
    } else if !metadata.is_file() {
        Err("is not a regular file".into())
    } else if metadata.len() > limit {
        Err(too_large(limit))
    } else {
        Ok(())
    }
}

pub(crate) fn too_large(limit: u64) -> Diagnostic {
    let message = match limit / 1024 {
        kib if kib.is_multiple_of(1024) => format!("is larger than {} MiB", kib / 1024),
        kib => format!("is larger than {kib} KiB"),
    };
    message.into()
}

#[cfg(unix)]
pub(crate) fn is_pipe(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
pub(crate) fn is_pipe(_: FileType) -> bool {
    false
}

/// Opens a file without blocking: a named pipe would wait for a writer.
pub(crate) fn open(path: &Path) -> io::Result<File> {
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
