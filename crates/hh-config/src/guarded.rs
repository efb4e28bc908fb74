//! Reads files that determine which programs run and where keys are sent, if no other user can change them.

use std::path::Path;

use hh_text::Diagnostic;
use zeroize::Zeroizing;

use crate::read::{self, OpenedFile};
use crate::{LoadErrorKind, Source};

/// The reason why a guarded file is not used: the kind of error, and the problem as a predicate whose subject is the
/// file, such as `does not exist`.
pub(crate) type Refusal = (LoadErrorKind, Diagnostic);

/// Reads a text file as [`read::text`] does, if it belongs to this user or root and other users can neither write nor
/// replace it.
///
/// It checks the open file, the directory of `path`, the directory of the target if `path` is a symbolic link, and all
/// directories above both up to `home`.
///
/// # Errors
/// `Unsafe` with a hint that contains the command to repair it, or `Unreadable`.
pub(crate) fn text(
    path: &Path,
    limit: u64,
    source: Source,
    home: Option<&Path>,
) -> Result<Zeroizing<String>, Refusal> {
    let unreadable = |what| (LoadErrorKind::Unreadable, what);
    let opened = OpenedFile::new(path, limit).map_err(unreadable)?;
    check(path, &opened, source, home).map_err(|what| (LoadErrorKind::Unsafe, what))?;
    let bytes = read::rest(opened, limit).map_err(unreadable)?;
    read::decoded(&bytes).map_err(unreadable)
}

#[cfg(not(unix))]
fn check(_: &Path, _: &OpenedFile, _: Source, _: Option<&Path>) -> Result<(), Diagnostic> {
    Ok(())
}

#[cfg(unix)]
fn check(
    path: &Path,
    opened: &OpenedFile,
    source: Source,
    home: Option<&Path>,
) -> Result<(), Diagnostic> {
    unix::check(path, &opened.metadata, source, home)
}

#[cfg(unix)]
mod unix {
    use std::fs::{Metadata, canonicalize, metadata, symlink_metadata};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Path, PathBuf};

    use hh_text::Diagnostic;

    use crate::Source;
    use crate::redact::redacted_path;

    /// The mode bits that allow the group and others to write.
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    /// The sticky bit: in a directory with this bit, only the owner of a file can replace it.
    const STICKY: u32 = 0o1000;

    pub(super) fn check(
        path: &Path,
        opened: &Metadata,
        source: Source,
        home: Option<&Path>,
    ) -> Result<(), Diagnostic> {
        let user = User::new(source);
        user.check_owner(path, opened, "chown", "")?;
        if opened.mode() & WRITABLE_BY_OTHERS != 0 {
            let command = user.command(opened, "chmod go-w", path);
            return Err(writable().with_hint(run(&command)));
        }
        if let Ok(link) = symlink_metadata(path) {
            user.check_owner(path, &link, "chown -h", "is a symbolic link that ")?;
        }
        // The sticky bit does not protect this directory: another user could create one of the file names that are
        // searched for and do not exist.
        for directory in directories(path, home) {
            let sticky = if Some(directory.as_path()) == path.parent() {
                0
            } else {
                STICKY
            };
            user.check_directory(&directory, sticky)?;
        }
        let target = canonicalize(path).map_err(|error| format!("cannot be resolved ({error})"))?;
        let home = home.and_then(|home| canonicalize(home).ok());
        for directory in directories(&target, home.as_deref()) {
            user.check_directory(&directory, STICKY)?;
        }
        Ok(())
    }

    /// Returns the directory of a file and, within the home directory, all directories above it up to the home
    /// directory.
    fn directories(path: &Path, home: Option<&Path>) -> Vec<PathBuf> {
        let above = path.ancestors().skip(1).enumerate();
        above
            .take_while(|(level, dir)| {
                *level == 0 || home.is_some_and(|home| dir.starts_with(home))
            })
            .map(|(_, dir)| dir.to_owned())
            .collect()
    }

    fn writable() -> Diagnostic {
        Diagnostic::new("can be written by other users")
    }

    fn run(command: &str) -> String {
        format!("run `{command}`")
    }

    /// The users that may own a file: this user and root.
    struct User {
        effective: u32,
        /// The user who should own the file.
        intended: u32,
        /// Whether root reads a file in a home directory, possibly that of the user who called `sudo`.
        is_root_at_home: bool,
    }

    impl User {
        fn new(source: Source) -> Self {
            let effective = rustix::process::geteuid().as_raw();
            let intended = if source == Source::System {
                0
            } else {
                effective
            };
            Self {
                effective,
                intended,
                is_root_at_home: effective == 0 && source == Source::User,
            }
        }

        fn check_directory(&self, directory: &Path, sticky: u32) -> Result<(), Diagnostic> {
            let shown = redacted_path(directory);
            let found = metadata(directory)
                .map_err(|error| format!("is in {}: {error}", shown.display()))?;
            let what = format!("is in {}, which ", shown.display());
            self.check_owner(directory, &found, "chown", &what)?;
            if found.mode() & WRITABLE_BY_OTHERS != 0 && found.mode() & sticky == 0 {
                let command = self.command(&found, "chmod go-w", directory);
                return Err(writable().with_prefix(what).with_hint(run(&command)));
            }
            Ok(())
        }

        /// Checks the owner of a path. `change` is the command that changes the owner, and `what` starts the message.
        fn check_owner(
            &self,
            path: &Path,
            found: &Metadata,
            change: &str,
            what: &str,
        ) -> Result<(), Diagnostic> {
            let owner = found.uid();
            if [0, self.effective].contains(&owner) {
                return Ok(());
            }
            let intended = self.intended;
            let message = format!("{what}belongs to another user (id {owner}, not {intended})");
            let message = Diagnostic::new(message);
            if self.is_root_at_home {
                // `sudo` must not take the files away from the user.
                return Err(message.with_hint(
                    "run the command without sudo, or set HOME to the home directory of root",
                ));
            }
            let command = self.command(found, &format!("{change} {intended}"), path);
            Err(message.with_hint(run(&command)))
        }

        /// Returns the shell command, with sudo if this user is not allowed to run it.
        fn command(&self, found: &Metadata, command: &str, path: &Path) -> String {
            let is_allowed = self.effective == 0
                || command.starts_with("chmod") && found.uid() == self.effective;
            let sudo = if is_allowed { "" } else { "sudo " };
            let path = redacted_path(path);
            let word = hh_text::shell_word(&path.to_string_lossy()).into_owned();
            format!("{sudo}{command} {word}")
        }
    }
}
