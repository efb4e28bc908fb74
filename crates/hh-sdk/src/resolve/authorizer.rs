//! Adds an API key to requests, for the origin that it is bound to and for no other.

use std::sync::{Mutex, PoisonError, RwLock};

use hh_auth::{AuthError, AuthErrorKind, Credentials, IssuedCredential};
use hh_config::{BaseUrl, Origin};
use hh_transport::{Authorizer, BoxFuture, Epoch, TransportError};
use http::uri::Authority;
use http::{HeaderValue, Uri};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::missing::KEY_HELP;
use crate::error::diagnostic;
use crate::security::{SecurityEvent, SecurityEventKind, SecurityLog};
use crate::{Error, ErrorKind};

/// The authorizer of requests with the key of one role.
pub(super) struct KeyAuthorizer {
    credentials: Credentials,
    /// The origin of all requests, which never changes.
    origin: Origin,
    target: Uri,
    header: RwLock<Option<(Epoch, HeaderValue)>>,
    /// The key in use and the previous one: requests with it may still be rejected.
    used: Mutex<Vec<IssuedCredential>>,
    security: SecurityLog,
}

impl KeyAuthorizer {
    /// Creates an authorizer.
    pub(super) fn new(
        credentials: Credentials,
        base_url: &BaseUrl,
        security: SecurityLog,
    ) -> Result<Self, Error> {
        let target = base_url.as_str().parse();
        Ok(Self {
            credentials,
            origin: base_url.origin().clone(),
            target: target.map_err(|_| Error::new(ErrorKind::Config, "invalid base URL"))?,
            header: RwLock::new(None),
            used: Mutex::default(),
            security,
        })
    }

    /// Returns the credential to use, and loads it if it is not cached.
    pub(super) async fn issued(&self) -> Result<IssuedCredential, AuthError> {
        match self.credentials.cached() {
            Some(issued) => Ok(issued),
            None => self.credentials.load(None).await,
        }
    }

    /// Returns the handle that loads the credential.
    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns the header for a request to `uri`, with the epoch of its credential.
    fn header(
        &self,
        uri: &Uri,
        issued: &IssuedCredential,
    ) -> Result<(HeaderValue, Epoch), TransportError> {
        let is_target = uri.scheme() == self.target.scheme()
            && uri.authority().map(Authority::as_str)
                == self.target.authority().map(Authority::as_str);
        if !is_target || issued.credential.origin != self.origin {
            return Err(TransportError::invalid_request(
                "the API key is bound to another origin",
            ));
        }
        let epoch = Epoch::new(issued.epoch.number());
        let cached = self.header.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, header)) = cached.as_ref()
            && *of == epoch
        {
            return Ok((header.clone(), epoch));
        }
        drop(cached);
        let header = to_header(issued)?;
        *self.header.write().unwrap_or_else(PoisonError::into_inner) =
            Some((epoch, header.clone()));
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.iter().all(|one| one.epoch != issued.epoch) {
            used.push(issued.clone());
        }
        if used.len() > 2 {
            used.remove(0);
        }
        Ok((header, epoch))
    }

    /// Records once that a key was rejected and replaced, regardless of the number of requests with the old key.
    fn record(&self, uri: &Uri, stale: Epoch, fresh: &IssuedCredential) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let old = used
            .iter()
            .position(|one| one.epoch.number() == stale.number());
        // If the key did not change, the sender of the request records the rejection.
        let Some(old) = old.filter(|_| fresh.epoch.number() > stale.number()) else {
            return;
        };
        let old = used.remove(old);
        drop(used);
        let rejected = SecurityEvent::new(SecurityEventKind::KeyRejected);
        let detail = format!("{} returned 401", uri.path());
        self.security.record(
            &rejected
                .with_credential(&old.credential)
                .with_detail(detail),
        );
        let renewed = SecurityEvent::new(SecurityEventKind::KeyRenewed);
        self.security
            .record(&renewed.with_credential(&fresh.credential));
    }
}

/// Returns the `Authorization` header of a credential.
#[expect(
    clippy::disallowed_methods,
    reason = "creates the header that carries the key, marked as sensitive"
)]
fn to_header(issued: &IssuedCredential) -> Result<HeaderValue, TransportError> {
    let key = issued.credential.key.secret().expose_secret();
    let text = Zeroizing::new(format!("Bearer {key}"));
    let header = HeaderValue::try_from(text.as_str());
    let mut header = header
        .map_err(|_| TransportError::invalid_request("the API key is not a valid header value"))?;
    header.set_sensitive(true);
    Ok(header)
}

impl Authorizer for KeyAuthorizer {
    fn ready(&self, uri: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>> {
        let issued = self.credentials.cached()?;
        Some(self.header(uri, &issued))
    }

    fn renew<'a>(
        &'a self,
        uri: &'a Uri,
        stale: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>> {
        Box::pin(async move {
            // The epochs of the transport are those of the credentials.
            let last = self.credentials.last();
            let issued = match (stale, last) {
                (Some(stale), Some(last)) if last.epoch.number() > stale.number() => Ok(last),
                (Some(_), Some(last)) => self.credentials.load(Some(last.epoch)).await,
                (None, _) | (Some(_), None) => self.credentials.load(None).await,
            };
            let issued = issued.map_err(|why| TransportError::no_credential(Error::from(why)))?;
            let header = self.header(uri, &issued)?;
            if let Some(stale) = stale {
                self.record(uri, stale, &issued);
            }
            Ok(header)
        })
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        let kind = match error.kind() {
            AuthErrorKind::Missing => ErrorKind::MissingKey,
            AuthErrorKind::Malformed => ErrorKind::MalformedKey,
            AuthErrorKind::Command => ErrorKind::Unauthenticated,
            AuthErrorKind::Unusable | _ => ErrorKind::Config,
        };
        let help = (kind == ErrorKind::MissingKey).then_some(KEY_HELP);
        // The message may quote the output of a program.
        Self::new(kind, diagnostic(&error, error.hint().or(help)).cleaned())
    }
}
