//! Reads files that the user named, which may be named pipes. Each pipe is read once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hh_text::Diagnostic;
use zeroize::Zeroizing;

use crate::read::{self, OpenedFile, is_pipe, too_large};

/// The contents of a named pipe, or the error of reading it.
type Contents = Result<Zeroizing<Vec<u8>>, Diagnostic>;

/// The contents of named pipes by path. Clones share them.
///
/// A named pipe can be read only once, but settings are loaded again, for example when the server rejects a key.
#[derive(Clone, Default)]
pub(crate) struct Pipes {
    read: Arc<Mutex<BTreeMap<PathBuf, Contents>>>,
}

impl Pipes {
    /// Returns the contents of a named pipe, and reads it unless it was read before.
    ///
    /// # Errors
    /// Returns the problem as a predicate whose subject is the named pipe. Later calls return it again without waiting.
    fn read(&self, path: &Path, limit: u64) -> Contents {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = read
            .entry(path.to_owned())
            .or_insert_with(|| read_once(path, limit));
        let contents = contents.clone()?;
        // The first caller may have had a higher limit.
        if contents.len() as u64 > limit {
            return Err(too_large(limit));
        }
        Ok(contents)
    }

    /// Returns whether a named pipe was read, which may have been removed since.
    fn contains(&self, path: &Path) -> bool {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.contains_key(path)
    }
}

/// Reads a text file as [`read::text`] does. It may also be a named pipe.
pub(crate) fn text(
    pipes: &Pipes,
    path: &Path,
    limit: u64,
) -> Result<Zeroizing<String>, Diagnostic> {
    read::decoded(&bytes(pipes, path, limit)?)
}

/// Reads the bytes of a file, which may also be a named pipe.
pub(crate) fn bytes(pipes: &Pipes, path: &Path, limit: u64) -> Contents {
    let is_pipe = || std::fs::metadata(path).is_ok_and(|found| is_pipe(found.file_type()));
    if pipes.contains(path) || is_pipe() {
        pipes.read(path, limit)
    } else {
        read::rest(OpenedFile::new(path, limit)?, limit)
    }
}

#[cfg(not(unix))]
fn read_once(_: &Path, _: u64) -> Contents {
    Err("is not a regular file".into())
}

#[cfg(unix)]
fn read_once(path: &Path, limit: u64) -> Contents {
    unix::read_within(path, limit, unix::DEADLINE)
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, Read as _};
    use std::path::Path;
    use std::time::{Duration, Instant};

    use hh_text::Diagnostic;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use zeroize::Zeroizing;

    use super::Contents;
    use crate::read::{failed, is_pipe, open, too_large};

    /// The time limit for opening a named pipe and reading it to its end.
    pub(super) const DEADLINE: Duration = Duration::from_secs(10);

    /// Reads a named pipe of at most `limit` bytes to its end.
    pub(super) fn read_within(path: &Path, limit: u64, within: Duration) -> Contents {
        let start = Instant::now();
        // Opening does not wait for a writer; `wait` does.
        let mut pipe = open(path).map_err(|error| failed(&error))?;
        let metadata = pipe.metadata().map_err(|error| failed(&error))?;
        if !is_pipe(metadata.file_type()) {
            return Err("was replaced while it was opened".into());
        }
        // One allocation, because growing would leave copies that are not wiped.
        let room = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let mut bytes = Zeroizing::new(vec![0; room]);
        let mut length = 0;
        while length < room {
            let left = || within.saturating_sub(start.elapsed());
            if !wait(&pipe, left).map_err(|error| failed(&error))? {
                return Err(timed_out(within));
            }
            match pipe.read(&mut bytes[length..]) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if is_temporary(&error) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        if length == room {
            return Err(too_large(limit));
        }
        if length == 0 {
            let empty = Diagnostic::new("is an empty named pipe");
            return Err(empty.with_hint(
                "check the program that writes to it; a named pipe can be read only once",
            ));
        }
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Waits until the pipe has data, or a writer has opened and closed it. Returns whether that happened in time.
    ///
    /// A read before that would look like the end of the pipe.
    fn wait(pipe: &File, left: impl Fn() -> Duration) -> io::Result<bool> {
        loop {
            let left = Timespec::try_from(left()).map_err(io::Error::other)?;
            let mut polled = [PollFd::new(pipe, PollFlags::IN)];
            match poll(&mut polled, Some(&left)) {
                Err(Errno::INTR) => {}
                ready => return Ok(ready? > 0),
            }
        }
    }

    fn is_temporary(error: &io::Error) -> bool {
        matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
        )
    }

    fn timed_out(within: Duration) -> Diagnostic {
        let seconds = within.as_secs_f64();
        Diagnostic::new(format!(
            "cannot be read: timed out after {seconds} s while reading the named pipe"
        ))
        .with_hint("check that a program writes to the named pipe and then closes it")
    }

    #[cfg(test)]
    mod tests {
        use std::process::Command;

        use super::*;

        #[test]
        fn a_pipe_without_a_writer_and_one_that_stays_open_time_out() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("pipe");
            let made = Command::new("mkfifo").arg(&path).status();
            assert!(made.unwrap().success());
            let read = || read_within(&path, 1024, Duration::from_millis(100)).unwrap_err();
            let message = "cannot be read: timed out after 0.1 s while reading the named pipe";
            assert_eq!(read().message(), message);
            // On Linux, a pipe that is open for reading and writing has a reader, so that this does not block.
            let mut writer = File::options().read(true).write(true).open(&path).unwrap();
            io::Write::write_all(&mut writer, b"HH_PROJECT=docs\n").unwrap();
            assert_eq!(read().message(), message);
        }
    }
}
