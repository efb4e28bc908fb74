//! Reads the contents of objects from a `git cat-file --batch` process.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::command::{Git, not_started};
use crate::ScanError;

/// A version of a file or of a folder.
pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) is_tree: bool,
}

impl Object {
    pub(crate) fn blob(id: &[u8], path: &[u8]) -> Self {
        Self {
            id: String::from_utf8_lossy(id).into_owned(),
            path: PathBuf::from(OsStr::from_bytes(path)),
            is_tree: false,
        }
    }

    pub(crate) fn tree(id: &[u8], path: &[u8]) -> Self {
        Self {
            is_tree: true,
            ..Self::blob(id, path)
        }
    }

    /// Returns the names in a tree from its [content](https://git-scm.com/book/en/v2/Git-Internals-Git-Objects): for
    /// each entry the mode, a blank, the name, a zero byte and the bytes of the id.
    pub(crate) fn names(&self, content: &[u8]) -> Vec<PathBuf> {
        let id_length = self.id.len() / 2;
        let mut names = Vec::new();
        let mut rest = content;
        while let Some(end) = rest.iter().position(|byte| *byte == 0) {
            let name = rest[..end].splitn(2, |byte| *byte == b' ').nth(1);
            names.extend(name.map(|name| PathBuf::from(OsStr::from_bytes(name))));
            rest = rest.get(end + 1 + id_length..).unwrap_or_default();
        }
        names
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
/// [`ScanError`] if git cannot run, and errors of `objects` and `read`.
pub(crate) fn read_all(
    git: Git<'_>,
    objects: impl Iterator<Item = Result<Object, ScanError>>,
    mut read: impl FnMut(&Object, Option<&mut dyn Read>) -> io::Result<()>,
) -> Result<(), ScanError> {
    let failed = |error| git.read_error(&error);
    let mut objects = objects.peekable();
    if objects.peek().is_none() {
        return Ok(());
    }
    let mut process = Process::start(git)?;
    let mut processes = 1;
    while objects.peek().is_some() {
        let part = objects.by_ref().take(BATCH);
        let mut part: VecDeque<_> = part.collect::<Result<_, _>>()?;
        while !part.is_empty() {
            let mut read_one = process.request(&part);
            while let (Ok(()), Some(object)) = (&read_one, part.front()) {
                read_one = process.read_one(|content| read(object, content));
                if read_one.is_ok() {
                    part.pop_front();
                }
            }
            let Err(error) = read_one else { break };
            let is_end = [io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe];
            if !is_end.contains(&error.kind()) || processes == MAX_PROCESSES {
                return Err(failed(error));
            }
            if let Some(object) = part.pop_front() {
                read(&object, None).map_err(failed)?;
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

    fn request(&mut self, objects: &VecDeque<Object>) -> io::Result<()> {
        let ids: Vec<&str> = objects
            .iter()
            .flat_map(|object| [object.id.as_str(), "\n"])
            .collect();
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
