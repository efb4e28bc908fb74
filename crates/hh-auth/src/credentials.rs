//! The credential in use: loaded from providers in order, cached, and loaded again when it may have changed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use hh_config::{Origin, Provenance};
use jiff::Timestamp;

use crate::{ApiKey, AuthError, AuthErrorKind, Level};

/// An API key, the origin that it may be sent to, and its provenance.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credential {
    /// The key.
    pub key: ApiKey,
    /// The origin that the key may be sent to.
    pub origin: Origin,
    /// The provenance of the key.
    pub provenance: Provenance,
    /// The level of the key, if it is known.
    pub level: Option<Level>,
    /// The expiry of the key, if it is known.
    pub expires_at: Option<Timestamp>,
}

impl Credential {
    /// Creates a credential without a level and an expiry.
    #[must_use]
    pub fn new(key: ApiKey, origin: Origin, provenance: Provenance) -> Self {
        Self {
            key,
            origin,
            provenance,
            level: None,
            expires_at: None,
        }
    }

    /// Sets the level.
    #[must_use]
    pub fn with_level(mut self, level: Option<Level>) -> Self {
        self.level = level;
        self
    }

    /// Sets the expiry. [`Credentials`] loads the credential again one minute earlier.
    #[must_use]
    pub fn with_expiry(mut self, expires_at: Option<Timestamp>) -> Self {
        self.expires_at = expires_at;
        self
    }
}

/// A way to obtain a credential, such as a vault.
///
/// # Examples
/// ```
/// use hh_auth::{ApiKey, AuthError, Credential, CredentialProvider, Credentials};
/// use hh_config::{Location, Origin, Provenance, Source};
///
/// /// Reads the key from the vault of a company.
/// #[derive(Debug)]
/// struct Vault {
///     origin: Origin,
/// }
///
/// impl CredentialProvider for Vault {
///     fn name(&self) -> &str {
///         "the vault"
///     }
///
///     fn load(&self) -> Result<Option<Credential>, AuthError> {
///         // A real provider sends a request here. This method runs on a thread that may block.
///         let key = ApiKey::parse("hh_1234567890abcdef1234567890abcdef").unwrap();
///         let place = Provenance::new(Source::Direct, Some(Location::Parameter("the vault".to_owned())));
///         Ok(Some(Credential::new(key, self.origin.clone(), place)))
///     }
/// }
///
/// let origin = Origin::parse("https://api.honeyhive.ai").unwrap();
/// let credentials = Credentials::new(vec![Box::new(Vault { origin })]);
/// let issued = credentials.load_blocking(None)?;
/// assert_eq!(issued.credential.key.redacted(), "hh_12345***");
/// # Ok::<(), AuthError>(())
/// ```
pub trait CredentialProvider: fmt::Debug + Send + Sync + 'static {
    /// Returns the name of the provider, for messages.
    fn name(&self) -> &str;

    /// Returns the credential of this provider, or `None` if it has none. This method may block.
    ///
    /// If the result is `None`, [`Credentials`] tries the next provider.
    ///
    /// # Errors
    /// Returns an error if a credential exists but is unusable. [`Credentials`] then tries no other provider.
    fn load(&self) -> Result<Option<Credential>, AuthError>;

    /// Returns whether the last credential may have changed. The client calls this method before every request, so it
    /// must be fast.
    fn may_have_changed(&self) -> bool {
        false
    }
}

/// The number of a key among those that a [`Credentials`] handle has loaded. It increases when the key changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// Returns the number. The first key has the number 1.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// A credential with its epoch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedCredential {
    /// The credential.
    pub credential: Arc<Credential>,
    /// The epoch of the credential.
    pub epoch: Epoch,
}

/// Refresh this long before expiry.
const BEFORE_EXPIRY: Duration = Duration::from_mins(1);

/// A handle to the credential in use. Clones share the cache.
#[derive(Clone, Debug)]
pub struct Credentials {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    providers: Vec<Box<dyn CredentialProvider>>,
    current: RwLock<Option<Current>>,
    /// Held while providers are tried. Concurrent callers wait and use the result.
    asking: Mutex<()>,
}

#[derive(Clone, Debug)]
struct Current {
    issued: IssuedCredential,
    /// The index of its provider.
    from: usize,
}

impl Credentials {
    /// Creates a handle that has loaded nothing yet. It uses the credential of the first provider that has one.
    #[must_use]
    pub fn new(providers: Vec<Box<dyn CredentialProvider>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                providers,
                current: RwLock::new(None),
                asking: Mutex::new(()),
            }),
        }
    }

    /// Returns the cached credential; `None` if no credential is cached, if it may have changed, or if it expires
    /// within one minute.
    #[must_use]
    pub fn cached(&self) -> Option<IssuedCredential> {
        let Current { issued, from } = self.remembered()?;
        let ends = issued.credential.expires_at;
        let is_over = ends.is_some_and(|ends| {
            Timestamp::now()
                .checked_add(BEFORE_EXPIRY)
                .is_ok_and(|now| now >= ends)
        });
        let provider = self.inner.providers.get(from)?;
        (!is_over && !provider.may_have_changed()).then_some(issued)
    }

    /// Returns the credential that was loaded last, even if it may have changed.
    #[must_use]
    pub fn last(&self) -> Option<IssuedCredential> {
        self.remembered().map(|current| current.issued)
    }

    /// Loads the credential from the providers, and blocks until a provider returns it.
    ///
    /// `stale` is the epoch of a key that the server rejected. If a newer credential is already loaded, this method
    /// returns it and tries no provider. If the providers return the same key as before, it keeps its epoch.
    ///
    /// # Errors
    /// Returns the error of a provider that fails, or `Missing` if no provider has a credential.
    pub fn load_blocking(&self, stale: Option<Epoch>) -> Result<IssuedCredential, AuthError> {
        let before = self.remembered().map(|current| current.issued.epoch);
        let _asking = lock(&self.inner.asking);
        let current = self.remembered();
        if let Some(Current { issued, .. }) = &current {
            let is_newer = match stale {
                Some(stale) => issued.epoch > stale,
                // Another caller loaded the credential while this call waited for the lock.
                None => Some(issued.epoch) != before,
            };
            if is_newer {
                return Ok(issued.clone());
            }
        }
        for (from, provider) in self.inner.providers.iter().enumerate() {
            if let Some(credential) = provider.load()? {
                return Ok(self.remember(credential, from, current));
            }
        }
        Err(AuthError::new(
            AuthErrorKind::Missing,
            "no API key was found",
        ))
    }

    fn remember(
        &self,
        credential: Credential,
        from: usize,
        old: Option<Current>,
    ) -> IssuedCredential {
        let old = old.map(|old| old.issued);
        let epoch = match &old {
            Some(old) if old.credential.key.is_same(&credential.key) => old.epoch,
            Some(old) => Epoch(old.epoch.0 + 1),
            None => Epoch(1),
        };
        let credential = Arc::new(credential);
        let issued = IssuedCredential { credential, epoch };
        let current = Current {
            issued: issued.clone(),
            from,
        };
        *self
            .inner
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(current);
        issued
    }

    /// Loads the credential like [`Credentials::load_blocking`], but on a separate thread. The future does not block
    /// and does not require an async runtime.
    ///
    /// # Errors
    /// Returns the errors of [`Credentials::load_blocking`], and `Unusable` if the thread fails.
    pub async fn load(&self, stale: Option<Epoch>) -> Result<IssuedCredential, AuthError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let credentials = self.clone();
        let spawned = std::thread::Builder::new()
            .name("honeyhive-credentials".to_owned())
            .spawn(move || {
                // The caller may have been canceled.
                sender.send(credentials.load_blocking(stale)).ok();
            });
        let failed = || {
            AuthError::new(
                AuthErrorKind::Unusable,
                "cannot load the API key: the loading thread failed",
            )
        };
        spawned.map_err(|_| failed())?;
        receiver.await.unwrap_or_else(|_| Err(failed()))
    }

    fn remembered(&self) -> Option<Current> {
        let current = self.inner.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
