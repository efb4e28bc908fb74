//! Hands the key out for its own origin and no other.

use hh_config::Origin;
use hh_transport::{Authorizer, BoxFuture, Epoch, TransportError};
use http::{HeaderValue, Uri};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::Credential;
use crate::{Error, ErrorKind};

pub(super) struct KeyAuthorizer {
    origin: Origin,
    header: HeaderValue,
}

impl KeyAuthorizer {
    #[expect(
        clippy::disallowed_methods,
        reason = "the key becomes the one header it is sent in, marked sensitive"
    )]
    pub(super) fn new(credential: &Credential) -> Result<Self, Error> {
        let text = Zeroizing::new(format!(
            "Bearer {}",
            credential.key.secret().expose_secret()
        ));
        let mut header = HeaderValue::try_from(text.as_str())
            .map_err(|_| Error::new(ErrorKind::MalformedKey, "the API key cannot be sent"))?;
        header.set_sensitive(true);
        Ok(Self {
            origin: credential.origin.clone(),
            header,
        })
    }

    fn for_origin(&self, uri: &Uri) -> Result<(HeaderValue, Epoch), TransportError> {
        if Origin::parse(&uri.to_string()).as_ref() == Ok(&self.origin) {
            return Ok((self.header.clone(), Epoch::new(0)));
        }
        Err(TransportError::invalid_request(
            "the API key is not for this address",
        ))
    }
}

impl Authorizer for KeyAuthorizer {
    fn ready(&self, uri: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>> {
        Some(self.for_origin(uri))
    }

    fn renew<'a>(
        &'a self,
        uri: &'a Uri,
        _stale: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>> {
        // The same epoch again: there is no newer key.
        Box::pin(std::future::ready(self.for_origin(uri)))
    }
}
