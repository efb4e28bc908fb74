//! Reads the contents of blobs from one `git cat-file --batch` process.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

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

/// A running `git cat-file --batch` process.
pub(crate) struct BlobReader {
    child: Child,
}

impl BlobReader {
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        // The process reports missing objects on stdout.
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        Ok(Self {
            child: command.spawn()?,
        })
    }

    /// Calls `read` with each blob, and with `None` for one that is missing.
    pub(crate) fn read_all<E>(
        &mut self,
        blobs: impl Iterator<Item = Result<Blob, E>>,
        failed: impl Fn(io::Error) -> E,
        mut read: impl FnMut(Blob, Option<&mut dyn Read>) -> io::Result<()>,
    ) -> Result<(), E> {
        let (Some(mut input), Some(output)) = (self.child.stdin.take(), self.child.stdout.take())
        else {
            return Ok(());
        };
        let mut output = BufReader::with_capacity(64 * 1024, output);
        let mut blobs = blobs.peekable();
        while blobs.peek().is_some() {
            let part: Vec<_> = blobs.by_ref().take(BATCH).collect::<Result<_, _>>()?;
            let ids: Vec<&str> = part.iter().flat_map(|blob| [&blob.id, "\n"]).collect();
            input.write_all(ids.concat().as_bytes()).map_err(&failed)?;
            for blob in part {
                read_one(&mut output, |content| read(blob, content)).map_err(&failed)?;
            }
        }
        Ok(())
    }
}

impl Drop for BlobReader {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads `ID TYPE SIZE`, the content and a line end; `ID missing` has no content.
fn read_one(
    output: &mut impl io::BufRead,
    read: impl FnOnce(Option<&mut dyn Read>) -> io::Result<()>,
) -> io::Result<()> {
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
