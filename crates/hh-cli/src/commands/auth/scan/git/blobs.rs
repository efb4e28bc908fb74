//! The contents of blobs, from one `git cat-file --batch`.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A version of a file.
pub(super) struct Blob {
    pub(super) id: String,
    pub(super) path: PathBuf,
}

impl Blob {
    pub(super) fn new(id: &[u8], path: &[u8]) -> Self {
        Self {
            id: String::from_utf8_lossy(id).into_owned(),
            path: PathBuf::from(OsStr::from_bytes(path)),
        }
    }
}

/// How many are asked for at once: as many ids as a pipe holds, so that neither side waits for the other for good.
const AT_ONCE: usize = 256;

pub(super) struct Blobs {
    child: Child,
}

impl Blobs {
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        // What it complains of shows in its answers.
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        Ok(Self {
            child: command.spawn()?,
        })
    }

    /// Reads all, each by `read`, which is given none where the content is not to be had.
    pub(super) fn read_all<E>(
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
            let part: Vec<_> = blobs.by_ref().take(AT_ONCE).collect::<Result<_, _>>()?;
            let ids: Vec<&str> = part.iter().flat_map(|blob| [&blob.id, "\n"]).collect();
            input.write_all(ids.concat().as_bytes()).map_err(&failed)?;
            for blob in part {
                read_one(&mut output, |content| read(blob, content)).map_err(&failed)?;
            }
        }
        Ok(())
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads `ID TYPE SIZE`, the content, and the line end behind it; `ID missing` has no content.
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
