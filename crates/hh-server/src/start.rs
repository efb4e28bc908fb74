//! Starting: the data directory, the first key, the socket.

use std::fmt::Display;
use std::fs::{self, File};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hh_auth::fsio::{Replace, create_private_dir, write_private};
use hh_auth::{ApiKey, Grant, Level, Pepper, Projects, mint};
use jiff::Timestamp;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::access::flush_uses;
use crate::app::{App, RequestIds, large_work};
use crate::body::{Budget, MAX_IN_FLIGHT};
use crate::clock::Clock;
use crate::config::{ServerOptions, ServerSettings};
use crate::connections::ConnectionLimits;
use crate::failures::Failures;
use crate::keys::KeyIndex;
use crate::response_budget::MAX_RESPONSES;
use crate::router::router;
use crate::store::{FirstStart, NewKey, PEPPER_ID, Store, StoreError};
use crate::threads::Threads;

/// The admin key of a first start.
#[derive(Debug)]
#[non_exhaustive]
pub enum FirstKey {
    /// To be shown once; it exists nowhere else.
    Show {
        /// The key.
        key: ApiKey,
        /// Whose it is.
        admin: String,
    },
    /// Written to a file.
    InFile {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        admin: String,
    },
}

/// What the caller can do about a [`StartError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartErrorKind {
    /// The address cannot be bound: choose another.
    Address,
    /// The data directory cannot be used: mend it or choose another.
    DataDir,
    /// A file in the data directory is damaged or from a newer version: restore it.
    Damaged,
    /// The organization's or the admin's name is not one: correct it.
    Invalid,
    /// The file for the admin key cannot be written: choose another.
    AdminKeyFile,
    /// The system failed.
    Internal,
}

/// Why the server did not start, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StartError {
    kind: StartErrorKind,
    message: String,
}

impl StartError {
    pub(crate) fn new(kind: StartErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> StartErrorKind {
        self.kind
    }
}

/// A server that is bound and has not yet accepted anything.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    first_key: Option<FirstKey>,
    threads: Threads,
    /// Keeps a second server out of the data directory.
    _lock: File,
}

impl Server {
    /// Binds the address and opens the data directory; at the first start it mints the admin key.
    ///
    /// # Errors
    /// `Invalid`, `Address`, `DataDir`, `Damaged`, `AdminKeyFile` or `Internal`.
    pub async fn start(options: ServerOptions) -> Result<Self, StartError> {
        let settings = options.settings()?;
        // The socket first: a busy port must not leave a database behind whose only key nobody saw.
        let listener = TcpListener::bind(settings.bind).await.map_err(|error| {
            let reason = if error.kind() == io::ErrorKind::AddrInUse {
                "another program listens there".to_owned()
            } else {
                error.to_string()
            };
            StartError::new(
                StartErrorKind::Address,
                format!(
                    "cannot listen on {}: {reason}; choose another address with --bind",
                    settings.bind,
                ),
            )
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError::new(StartErrorKind::Address, error.to_string()))?;
        let internal =
            |error: &dyn Display| StartError::new(StartErrorKind::Internal, error.to_string());
        let opened = tokio::task::spawn_blocking(move || {
            // Before the first key is made, as the socket.
            let threads = match settings.threads {
                Some(count) => Threads::start(count).map_err(|error| {
                    internal(&format_args!("cannot start {count} threads: {error}"))
                })?,
                None => Threads::default(),
            };
            Ok((threads, open(settings)?))
        });
        let (threads, (app, first_key, lock)) =
            opened.await.map_err(|error| internal(&error))??;
        Ok(Self {
            listener,
            address,
            app: Arc::new(app),
            first_key,
            threads,
            _lock: lock,
        })
    }

    /// Returns the address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands out the admin key of a first start, once.
    pub fn take_first_key(&mut self) -> Option<FirstKey> {
        self.first_key.take()
    }

    /// Serves until `stop` is ready, lets running requests finish for 10 s at most, and closes the database.
    ///
    /// With [threads](ServerOptions::with_threads) a request that is still running then is broken off soon afterwards.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let limits = ConnectionLimits::default();
        let router = router(&self.app);
        crate::serve::serve(self.listener, router, &self.threads, limits, stop).await;
        flush_uses(Arc::clone(&self.app)).await;
        self.app.store.close().await;
    }
}

pub(crate) fn open(settings: ServerSettings) -> Result<(App, Option<FirstKey>, File), StartError> {
    let dir = &settings.data_dir;
    let refused = |reason: &dyn Display| {
        StartError::new(
            StartErrorKind::DataDir,
            format!(
                "cannot use the data directory {}: {reason}; choose another with --data-dir",
                dir.display(),
            ),
        )
    };
    create_private_dir(dir).map_err(|error| {
        // All that the system says of a file in its place is that it exists.
        if error.kind() == io::ErrorKind::AlreadyExists {
            refused(&"it is not a directory")
        } else {
            refused(&error)
        }
    })?;
    let lock = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.join("lock"))
        .map_err(|error| refused(&error))?;
    lock.try_lock().map_err(|_| {
        StartError::new(
            StartErrorKind::DataDir,
            format!(
                "another server uses the data directory {}; stop it or choose another with --data-dir",
                dir.display()
            ),
        )
    })?;
    let database = dir.join("honeyhive.db");
    let pepper = pepper(dir, !database.exists())?;
    let (keys, clock) = <(Arc<KeyIndex>, Arc<Clock>)>::default();
    let store = Store::open(&database, Arc::clone(&keys), Arc::clone(&clock)).map_err(|error| {
        if matches!(error, StoreError::DiskFull) {
            return refused(&error);
        }
        let shown = database.display();
        StartError::new(
            StartErrorKind::Damaged,
            format!("cannot open {shown}: {error}; restore it, or choose another --data-dir"),
        )
    })?;
    let max_rotations = settings.max_rotations;
    let first_key = if store.is_new() {
        Some(first_start(&store, &pepper, settings)?)
    } else {
        None
    };
    let boot = getrandom::u32()
        .map_err(|error| StartError::new(StartErrorKind::Internal, error.to_string()))?;
    let app = App {
        store,
        keys,
        failures: Failures::default(),
        clock,
        pepper,
        max_rotations,
        in_flight: Budget::new(MAX_IN_FLIGHT),
        large_work: large_work(),
        responses: Budget::new(MAX_RESPONSES),
        request_ids: RequestIds::new(boot),
    };
    Ok((app, first_key, lock))
}

fn first_start(
    store: &Store,
    pepper: &Pepper,
    settings: ServerSettings,
) -> Result<FirstKey, StartError> {
    let internal = |error: String| StartError::new(StartErrorKind::Internal, error);
    let minted = mint(Level::Admin).map_err(|error| internal(error.to_string()))?;
    if let Some(path) = &settings.admin_key_file {
        write_key(path, &minted.key)?;
    }
    let first = FirstStart {
        organization: settings.organization,
        key: NewKey {
            id: minted.id,
            digest: pepper.digest(&minted.key),
            shown: minted.key.shown(),
            name: "first admin key".to_owned(),
            note: None,
            owner: settings.admin.clone(),
            grant: Grant {
                level: Level::Admin,
                projects: Projects::All,
                expires: None,
            },
            created: Timestamp::now(),
            family: None,
        },
    };
    if let Err(error) = store.first_start(first) {
        if let Some(path) = &settings.admin_key_file {
            drop(fs::remove_file(path));
        }
        let message = format!("cannot make the first key: {error}");
        return Err(StartError::new(StartErrorKind::DataDir, message));
    }
    Ok(match settings.admin_key_file {
        Some(path) => FirstKey::InFile {
            path,
            admin: settings.admin,
        },
        None => FirstKey::Show {
            key: minted.key,
            admin: settings.admin,
        },
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "--admin-key-file asks for the key in a file of the user's choice, written 0600"
)]
fn write_key(path: &Path, key: &ApiKey) -> Result<(), StartError> {
    use secrecy::ExposeSecret as _;

    let line = Zeroizing::new(format!("{}\n", key.secret().expose_secret()));
    write_private(path, line.as_bytes(), Replace::No).map_err(|error| {
        // One that is there is no key of this server, which has none yet.
        StartError::new(
            StartErrorKind::AdminKeyFile,
            format!(
                "cannot write the admin key to {}: {error}; name a new file with --admin-key-file",
                path.display(),
            ),
        )
    })
}

/// Reads `DIR/pepper`, or makes it when there is no database yet.
fn pepper(dir: &Path, may_make: bool) -> Result<Pepper, StartError> {
    let path = dir.join("pepper");
    let fail = |what: &str| {
        StartError::new(
            StartErrorKind::Damaged,
            format!(
                "{} {what}; no key can be checked without it: restore it from where you keep it",
                path.display()
            ),
        )
    };
    match fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => decode_pepper(&text).ok_or_else(|| fail("is damaged")),
        Err(error) if error.kind() == io::ErrorKind::NotFound && may_make => {
            let pepper = Pepper::generate()
                .map_err(|error| StartError::new(StartErrorKind::Internal, error.to_string()))?;
            let mut text = Zeroizing::new(format!("{PEPPER_ID} "));
            for byte in pepper.bytes() {
                for nibble in [byte >> 4, byte & 15] {
                    text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
                }
            }
            text.push('\n');
            write_private(&path, text.as_bytes(), Replace::No).map_err(|error| {
                let shown = path.display();
                let message = format!(
                    "cannot write {shown}: {error}; choose another directory with --data-dir"
                );
                StartError::new(StartErrorKind::DataDir, message)
            })?;
            Ok(pepper)
        }
        Err(error) => Err(fail(&format!("cannot be read ({error})"))),
    }
}

fn decode_pepper(text: &str) -> Option<Pepper> {
    let (id, hex) = text.trim().split_once(' ')?;
    if id.parse() != Ok(PEPPER_ID) || hex.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Pepper::from_bytes(bytes))
}
