//! Hands the key of a slot out for its own origin and no other.

use std::sync::{Mutex, PoisonError, RwLock};

use hh_auth::{AuthError, AuthErrorKind, Credentials, IssuedCredential};
use hh_config::{BaseUrl, Origin};
use hh_transport::{Authorizer, BoxFuture, Epoch, TransportError};
use http::uri::Authority;
use http::{HeaderValue, Uri};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::error::diagnostic;
use crate::security::{SecurityEvent, SecurityEventKind, SecurityLog};
use crate::{Error, ErrorKind};

/// The key of a slot, as requests carry it.
pub(super) struct KeyAuthorizer {
    credentials: Credentials,
    /// Where requests go, which never changes.
    origin: Origin,
    target: Uri,
    header: RwLock<Option<(Epoch, HeaderValue)>>,
    /// The key in use and the one before it, whose rejection may still come.
    used: Mutex<Vec<IssuedCredential>>,
    security: SecurityLog,
}

impl KeyAuthorizer {
    pub(super) fn new(
        credentials: Credentials,
        base_url: &BaseUrl,
        security: SecurityLog,
    ) -> Result<Self, Error> {
        let target = base_url.as_str().parse();
        Ok(Self {
            credentials,
            origin: base_url.origin().clone(),
            target: target.map_err(|_| {
                Error::new(ErrorKind::Config, "the base URL makes no valid address")
            })?,
            header: RwLock::new(None),
            used: Mutex::default(),
            security,
        })
    }

    /// Returns the credential to use, asking for it if it is not at hand.
    pub(super) async fn issued(&self) -> Result<IssuedCredential, AuthError> {
        match self.credentials.cached() {
            Some(issued) => Ok(issued),
            None => self.credentials.load(None).await,
        }
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

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
                "the API key is not for this address",
            ));
        }
        let epoch = Epoch::new(issued.epoch.number());
        let made = self.header.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, header)) = made.as_ref()
            && *of == epoch
        {
            return Ok((header.clone(), epoch));
        }
        drop(made);
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

    /// Records that a key was rejected and another one is used: once, however many requests went out with it.
    fn record(&self, uri: &Uri, stale: Epoch, fresh: &IssuedCredential) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let old = used
            .iter()
            .position(|one| one.epoch.number() == stale.number());
        // What becomes of the same key again is for those to record who get the answer.
        let Some(old) = old.filter(|_| fresh.epoch.number() > stale.number()) else {
            return;
        };
        let old = used.remove(old);
        drop(used);
        let rejected = SecurityEvent::new(SecurityEventKind::KeyRejected);
        let detail = format!("{} was answered 401", uri.path());
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

#[expect(
    clippy::disallowed_methods,
    reason = "the key becomes the one header it is sent in, marked sensitive"
)]
fn to_header(issued: &IssuedCredential) -> Result<HeaderValue, TransportError> {
    let key = issued.credential.key.secret().expose_secret();
    let text = Zeroizing::new(format!("Bearer {key}"));
    let header = HeaderValue::try_from(text.as_str());
    let mut header =
        header.map_err(|_| TransportError::invalid_request("the API key cannot be sent"))?;
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
        // It may quote a program.
        Self::new(kind, diagnostic(&error, error.hint()).cleaned())
    }
}
