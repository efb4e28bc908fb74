//! The credential in use: asked of providers in order, remembered, and asked again when it may have changed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use hh_config::{Origin, Provenance};
use jiff::Timestamp;

use crate::{ApiKey, AuthError, AuthErrorKind, Level};

/// An API key, the origin it is for, and where it came from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credential {
    /// The key.
    pub key: ApiKey,
    /// The origin it may be sent to.
    pub origin: Origin,
    /// Where it came from.
    pub provenance: Provenance,
    /// Its level, if somebody told.
    pub level: Option<Level>,
    /// When it ends, if somebody told.
    pub expires_at: Option<Timestamp>,
}

impl Credential {
    /// Makes a credential of which no more is known.
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

    /// Sets the level that somebody told.
    #[must_use]
    pub fn with_level(mut self, level: Option<Level>) -> Self {
        self.level = level;
        self
    }

    /// Sets when it ends: it is asked for again a minute before.
    #[must_use]
    pub fn with_expiry(mut self, expires_at: Option<Timestamp>) -> Self {
        self.expires_at = expires_at;
        self
    }
}

/// One way to obtain a credential.
///
/// ```
/// use hh_auth::{ApiKey, AuthError, Credential, CredentialProvider, Credentials};
/// use hh_config::{Location, Origin, Provenance, Source};
///
/// /// Asks the vault of the company.
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
///         // A real one would ask here; this runs on a thread where waiting is fine.
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
    /// Returns what messages call it.
    fn name(&self) -> &str;

    /// Returns its credential; `None` if it has none, and the next provider is asked. It may wait, and runs where that is
    /// fine.
    ///
    /// # Errors
    /// When it is there but broken: no other provider is asked then.
    fn load(&self) -> Result<Option<Credential>, AuthError>;

    /// Tells whether what it gave last may have changed. It is asked before every request, so it must be quick.
    fn may_have_changed(&self) -> bool {
        false
    }
}

/// The generation of a credential: two with the same epoch have the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// Returns its number, counted from 1.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// A credential as it was handed out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedCredential {
    /// The credential.
    pub credential: Arc<Credential>,
    /// Its generation.
    pub epoch: Epoch,
}

/// So long before it ends a credential is asked for again.
const BEFORE_EXPIRY: Duration = Duration::from_mins(1);

/// The handle to the credential in use; clones share what it remembers.
#[derive(Clone, Debug)]
pub struct Credentials {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    providers: Vec<Box<dyn CredentialProvider>>,
    current: RwLock<Option<Current>>,
    /// Held while providers are asked: whoever comes meanwhile takes what that gave.
    asking: Mutex<()>,
}

#[derive(Clone, Debug)]
struct Current {
    issued: IssuedCredential,
    /// The provider it came from.
    from: usize,
}

impl Credentials {
    /// Makes a handle that has asked nobody yet; the first provider that has a credential wins.
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

    /// Returns what is remembered; `None` if nothing is, if it may have changed, or if it ends within a minute.
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

    /// Returns the credential used last, even if it may have changed.
    #[must_use]
    pub fn last(&self) -> Option<IssuedCredential> {
        self.remembered().map(|current| current.issued)
    }

    /// Asks the providers. `stale` is the epoch that the server has rejected: if there is a newer one already, nobody is
    /// asked. The same key again keeps its epoch.
    ///
    /// # Errors
    /// The error of the provider that is broken, or `Missing` when none has a credential.
    pub fn load_blocking(&self, stale: Option<Epoch>) -> Result<IssuedCredential, AuthError> {
        let before = self.remembered().map(|current| current.issued.epoch);
        let _asking = lock(&self.inner.asking);
        let current = self.remembered();
        if let Some(Current { issued, .. }) = &current {
            let is_newer = match stale {
                Some(stale) => issued.epoch > stale,
                // Somebody else has asked while this call waited for it.
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

    /// Asks the providers on a thread of its own, so that no runtime is blocked and none is needed.
    ///
    /// # Errors
    /// As [`Credentials::load_blocking`].
    pub async fn load(&self, stale: Option<Epoch>) -> Result<IssuedCredential, AuthError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let credentials = self.clone();
        let spawned = std::thread::Builder::new()
            .name("honeyhive-credentials".to_owned())
            .spawn(move || {
                // Whoever asked may have gone.
                sender.send(credentials.load_blocking(stale)).ok();
            });
        let failed = || {
            AuthError::new(
                AuthErrorKind::Unusable,
                "the key could not be loaded: a thread failed",
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
