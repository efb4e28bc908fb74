//! Reads the contents of blobs from a `git cat-file --batch` process.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::command::{Git, not_started};
use crate::ScanError;

/// A version of a file.
pub(crate) struct Blob {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
}

impl Blob {
    pub(crate) fn new(id: &[u8], path: &[u8]) -> Self {
        Self {
            id: String::from_utf8_lossy(id).into_owned(),
            path: PathBuf::from(OsStr::from_bytes(path)),
        }
    }
}

/// The number of ids that are written in one batch: they fit into a pipe, so that the two processes cannot deadlock.
const BATCH: usize = 256;
/// The maximum number of processes: git ends at some kinds of damaged objects.
const MAX_PROCESSES: usize = 1_000;

/// Calls `read` with each object, and with `None` for one that is missing or damaged.
///
/// A damaged object may be passed twice: with the content before the damage, and with `None`.
///
/// # Errors
/// [`ScanError`] if git cannot run, and errors of `blobs` and `read`.
pub(crate) fn read_all(
    git: Git<'_>,
    blobs: impl Iterator<Item = Result<Blob, ScanError>>,
    mut read: impl FnMut(&Blob, Option<&mut dyn Read>) -> io::Result<()>,
) -> Result<(), ScanError> {
    let failed = |error| git.read_error(&error);
    let mut blobs = blobs.peekable();
    if blobs.peek().is_none() {
        return Ok(());
    }
    let mut process = Process::start(git)?;
    let mut processes = 1;
    while blobs.peek().is_some() {
        let part = blobs.by_ref().take(BATCH);
        let mut part: VecDeque<_> = part.collect::<Result<_, _>>()?;
        while !part.is_empty() {
            let mut read_one = process.request(&part);
            while let (Ok(()), Some(blob)) = (&read_one, part.front()) {
                read_one = process.read_one(|content| read(blob, content));
                if read_one.is_ok() {
                    part.pop_front();
                }
            }
            let Err(error) = read_one else { break };
            let is_end = [io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe];
            if !is_end.contains(&error.kind()) || processes == MAX_PROCESSES {
                return Err(failed(error));
            }
            if let Some(blob) = part.pop_front() {
                read(&blob, None).map_err(failed)?;
            }
            process = Process::start(git)?;
            processes += 1;
        }
    }
    Ok(())
}

/// A running `git cat-file --batch` process.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(git: Git<'_>) -> Result<Self, ScanError> {
        let mut command = git.command(&["cat-file", "--batch"]);
        // The process reports missing objects on stdout.
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(git.read_error(&io::ErrorKind::BrokenPipe.into()));
        };
        let output = BufReader::with_capacity(64 * 1024, output);
        Ok(Self {
            child,
            input,
            output,
        })
    }

    fn request(&mut self, blobs: &VecDeque<Blob>) -> io::Result<()> {
        let ids: Vec<&str> = blobs.iter().flat_map(|blob| [&blob.id, "\n"]).collect();
        self.input.write_all(ids.concat().as_bytes())
    }

    /// Reads `ID TYPE SIZE`, the content and a line end; `ID missing` has no content.
    fn read_one(
        &mut self,
        read: impl FnOnce(Option<&mut dyn Read>) -> io::Result<()>,
    ) -> io::Result<()> {
        let output = &mut self.output;
        let mut header = Vec::new();
        output.by_ref().take(1024).read_until(b'\n', &mut header)?;
        let header = String::from_utf8_lossy(&header);
        if header.trim_end().ends_with(" missing") {
            return read(None);
        }
        let size = header.trim_end().rsplit(' ').next().unwrap_or_default();
        let size: u64 = size
            .parse()
            .map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let mut content = output.by_ref().take(size);
        read(Some(&mut content))?;
        io::copy(&mut content, &mut io::sink())?;
        output.read_exact(&mut [0])
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
