//! From options to a connection: settings, the credential, and what sends requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hh_api::{Access, OpId, Repeat};
use hh_auth::{ApiKey, FileStore, KeyError, KeyKind, Level, Need, Profile, StoreErrorKind};
use hh_config::{Config, Env, Layer, Origin, Provenance, Settings, Source, Stack, names};
use hh_transport::{
    Authorizer, BoxFuture, Epoch, Idempotency, ReqwestOptions, ReqwestService, Response,
    RetryPolicy, SendOptions, Transport, TransportError,
};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Options, report};

/// An API key with the origin it is for and where it came from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credential {
    /// The key.
    pub key: ApiKey,
    /// The origin it may be sent to.
    pub origin: Origin,
    /// Where it came from.
    pub provenance: Provenance,
    /// The level that the server told when it was stored.
    pub level: Option<Level>,
}

/// Every layer, the stored profile included, before values are typed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Layers {
    /// The layers.
    pub stack: Stack,
    /// The profile in use, if any.
    pub profile: Option<Profile>,
    /// Why the credential store could not be used; the stack lacks its layer then.
    pub store_error: Option<Error>,
}

/// What settings and the credential store say, before anything is sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Connected {
    /// Every setting in effect.
    pub settings: Settings,
    /// Every layer, the stored profile included.
    pub stack: Stack,
    /// The profile in use, if any.
    pub profile: Option<Profile>,
}

/// Reads all layers without typing their values, for those who show them.
///
/// What is wrong is kept in the stack and beside it.
#[must_use]
pub fn layers(options: &Options) -> Layers {
    let env = options.env();
    let stack = Stack::load(&env, options.load_options());
    let stored = stored_profile(&env, &stack);
    let (profile, store_error) = match stored {
        Ok(profile) => (profile, None),
        Err(error) => (None, Some(error)),
    };
    let stack = match &profile {
        Some(profile) => stack.with(Layer::stored(
            &profile.name,
            [
                (names::API_KEY, profile.key.secret().clone()),
                (names::BASE_URL, profile.base_url.clone().into()),
            ],
        )),
        None => stack,
    };
    // A store that nothing is needed from may be broken.
    let is_set = |name| stack.candidates(name).winner.is_some();
    let is_needed = !(is_set(names::API_KEY) && is_set(names::BASE_URL));
    Layers {
        stack,
        profile,
        store_error: store_error.filter(|_| is_needed),
    }
}

impl Layers {
    /// Returns what people should hear, a line each, unless the log level leaves warnings out.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let text = |name| self.stack.text(name).ok().flatten();
        let is_on = |name| text(name).is_some_and(|found| found.value == "true");
        let level = text(names::LOG_LEVEL).map_or_else(String::new, |found| found.value);
        if is_on(names::DEBUG) || report::is_shown(&level.to_ascii_lowercase(), "warning") {
            self.stack.warnings()
        } else {
            Vec::new()
        }
    }
}

fn stored_profile(env: &Env, stack: &Stack) -> Result<Option<Profile>, Error> {
    let wanted = stack.text(names::PROFILE)?;
    let store = match FileStore::of_user(env) {
        Ok(store) => Some(store),
        Err(error) if error.kind() == StoreErrorKind::NoHome => None,
        Err(error) => return Err(error.into()),
    };
    let name = wanted.as_ref().map(|name| name.value.as_str());
    let profile = match store {
        Some(store) => store.get(name)?,
        None => None,
    };
    match (profile, wanted) {
        (None, Some(name)) => {
            // A key in the wrong variable is still a key.
            let shown = match name.value.as_str() {
                key if key.starts_with("hh_") => hh_auth::mask(key),
                name => name.to_owned(),
            };
            Err(Error::new(
                ErrorKind::Config,
                format!(
                    "there is no stored profile \"{shown}\" ({}); log in with --profile {shown}",
                    name.provenance
                ),
            ))
        }
        (profile, _) => Ok(profile),
    }
}

/// Loads all layers, the stored profile included, without asking for a key.
///
/// # Errors
/// `Config` for settings or a credential store that cannot be used; in test mode the store is not needed.
pub fn load(options: &Options) -> Result<Connected, Error> {
    let layers = layers(options);
    let settings = Settings::from_stack(&layers.stack)?;
    if let Some(error) = layers.store_error
        && !settings.test_mode.value
    {
        return Err(error);
    }
    Ok(Connected {
        settings,
        stack: layers.stack,
        profile: layers.profile,
    })
}

impl Connected {
    /// Returns the key in effect, checked for its shape and bound to the origin of the base URL.
    ///
    /// # Errors
    /// `MissingKey`, `MalformedKey`, or `Config` when a stored key is for another origin.
    pub fn credential(&self) -> Result<Credential, Error> {
        let Some(found) = &self.settings.api_key else {
            return Err(Error::new(ErrorKind::MissingKey, "no API key was found"));
        };
        let malformed = |what: String| {
            Error::new(
                ErrorKind::MalformedKey,
                format!("the API key from {} {what}", found.provenance),
            )
        };
        let key = parse(&found.value).map_err(|error| malformed(error.to_string()))?;
        if self.settings.strict.value
            && !self.settings.test_mode.value
            && let Some(warning) = key.warning()
        {
            return Err(malformed(warning.to_string()));
        }
        let origin = self.settings.base_url.value.origin().clone();
        let is_stored = found.provenance.source() == Source::Stored;
        if let (true, Some(profile)) = (is_stored, &self.profile)
            && Origin::parse(&profile.base_url).as_ref() != Ok(&origin)
        {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "the key of profile \"{}\" is for {}, but requests go to {origin} ({}); log in there first",
                    profile.name, profile.base_url, self.settings.base_url.provenance
                ),
            ));
        }
        Ok(Credential {
            key,
            origin,
            provenance: found.provenance.clone(),
            level: self
                .profile
                .as_ref()
                .filter(|_| is_stored)
                .and_then(|p| p.level),
        })
    }

    /// Checks the shape of the key in effect, as far as it matters; a warning is what is odd about it.
    ///
    /// No key at all is no mistake here.
    ///
    /// # Errors
    /// `MalformedKey`, or `Config` when a stored key is for another origin.
    pub fn check_key(&self) -> Result<Option<String>, Error> {
        if self.settings.test_mode.value {
            return self.check_test_key().map(|()| None);
        }
        match self.credential() {
            Ok(found) => {
                let place = &found.provenance;
                let warning = found.key.warning();
                Ok(warning.map(|what| format!("the API key from {place} {what}")))
            }
            Err(error) if error.kind() == ErrorKind::MissingKey => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Checks a key in test mode, where every `hh_…` will do and none is needed (decisions K2).
    pub(crate) fn check_test_key(&self) -> Result<(), Error> {
        let Some(found) = &self.settings.api_key else {
            return Ok(());
        };
        match parse(&found.value) {
            Ok(_) | Err(KeyError::Incomplete { .. } | KeyError::Refused { .. }) => Ok(()),
            Err(error) => Err(Error::new(
                ErrorKind::MalformedKey,
                format!("the API key from {} {error}", found.provenance),
            )),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the raw setting becomes an ApiKey, which keeps it from here on"
)]
fn parse(raw: &secrecy::SecretString) -> Result<ApiKey, KeyError> {
    ApiKey::parse(raw.expose_secret())
}

/// The largest answer that is read: a page of events, each of which may be as large as a request.
const MAX_RESPONSE: usize = 64 * 1024 * 1024;

/// The hosts of HoneyHive itself: a key of one is unknown to the other.
const KNOWN_HOSTS: [&str; 2] = [
    "https://api.honeyhive.ai",
    "https://api.dp1.us.honeyhive.ai",
];

/// Returns the settings in effect for this process, the stored credential included; secrets are masked.
///
/// # Errors
/// `Config` for settings or a credential store that cannot be used.
///
/// ```no_run
/// let config = hh_sdk::get_config()?;
/// println!("{config}");
/// println!("API key source: {}", config.get("api_key_source").unwrap_or("unknown"));
/// # Ok::<(), hh_sdk::Error>(())
/// ```
pub fn get_config() -> Result<Config, Error> {
    get_config_with(&Options::new())
}

/// As [`get_config`], with options that win over every other source.
///
/// # Errors
/// As [`get_config`].
pub fn get_config_with(options: &Options) -> Result<Config, Error> {
    let layers = layers(options);
    if let Some(error) = layers.store_error {
        return Err(error);
    }
    Ok(Config::of(&layers.stack, hh_auth::mask)?)
}

/// What sends requests for the client and the tracer.
#[derive(Clone)]
pub(crate) struct Sender {
    transport: Transport,
    authorizer: Arc<KeyAuthorizer>,
    credential: Credential,
    base: String,
    timeout: Duration,
}

impl Sender {
    /// Joins settings, credential and transport, and tells what is unusual; nothing is sent.
    pub(crate) fn new(options: &Options, connected: &Connected) -> Result<Self, Error> {
        let credential = connected.credential()?;
        let settings = &connected.settings;
        let reporter = options.reporter();
        report::start_up(&reporter, settings, &connected.stack, &credential);
        let service = ReqwestService::new(
            &ReqwestOptions::new()
                .with_attempt_timeout(settings.timeout.value)
                .with_max_response_bytes(MAX_RESPONSE),
        )?;
        // The setting's range ends at 10.
        let retries = u32::try_from(settings.max_retries.value).unwrap_or(10);
        let mut builder = Transport::builder(Arc::new(service))
            .with_retry(RetryPolicy::new().with_max_attempts(retries + 1));
        if report::shows_debug(settings) {
            let observer = move |record: &_| report::attempt(&reporter, record);
            builder = builder.with_observer(Arc::new(observer));
        }
        Ok(Self {
            transport: builder.build(),
            authorizer: Arc::new(KeyAuthorizer::new(&credential)?),
            credential,
            base: settings.base_url.value.as_str().to_owned(),
            timeout: settings.timeout.value,
        })
    }

    pub(crate) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Sends one operation; `id` fills the path's `{id}`.
    pub(crate) async fn send(
        &self,
        op: OpId,
        id: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Response, Error> {
        let operation = op.operation();
        self.check_locally(op)?;
        let method = Method::from_bytes(operation.method.as_str().as_bytes());
        if id.starts_with("hh_") {
            return Err(Error::new(
                ErrorKind::Invalid,
                "this is an API key, not the id of one; nothing was sent",
            ));
        }
        // Ids come from servers and people: only what cannot change the path is put into it.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !id.chars().all(plain) || (id.is_empty() && operation.path.contains("{id}")) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "an id has letters, digits, - and _, and nothing else",
            ));
        }
        let path = operation.path.replace("{id}", id);
        let request = Request::builder()
            .method(method.unwrap_or_default())
            .uri(format!("{}{path}", self.base))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, content_type)
            .body(body)
            .map_err(|_| Error::new(ErrorKind::Config, "the base URL makes no valid address"))?;
        let repeat = if operation.repeat == Repeat::Safe {
            Idempotency::Safe
        } else {
            Idempotency::Unsafe
        };
        let options = SendOptions::new(repeat)
            .with_authorizer(&*self.authorizer)
            .with_deadline(Instant::now() + self.timeout);
        let sent = self.transport.send(request, options).await;
        sent.map_err(|error| self.explain(Error::from(error)))
    }

    /// Says what a 404 can mean (decisions C4): hosted servers answer it for refused keys as well.
    fn explain(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::NotFound {
            return error;
        }
        let origin = self.credential.origin.to_string();
        let other = KNOWN_HOSTS.iter().find(|host| **host != origin);
        match other.filter(|_| KNOWN_HOSTS.contains(&origin.as_str())) {
            Some(other) => error.with_more(&format!(
                "{CAUSES_OF_404}: HoneyHive also answers at {other}"
            )),
            // A server of ours says itself what is not there.
            None if error.has_problem() => error,
            None => error.with_more(CAUSES_OF_404),
        }
    }

    /// Refuses a change that the key is known not to allow (decisions C5); all else is the server's to say.
    fn check_locally(&self, op: OpId) -> Result<(), Error> {
        let Access::Need(need) = op.operation().access else {
            return Ok(());
        };
        let read_only = self.credential.key.kind() == KeyKind::ReadOnly
            || self.credential.level == Some(Level::ReadOnly);
        if read_only && need != Need::Read {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "the key {} from {} is read only, and this needs {need}; nothing was sent",
                    self.credential.key.shown(),
                    self.credential.provenance
                ),
            ));
        }
        Ok(())
    }
}

const CAUSES_OF_404: &str = "it does not exist, or the key lacks the permission, or the key was rejected, or this is another server than you mean";

/// Hands the key out for its own origin and no other.
struct KeyAuthorizer {
    origin: Origin,
    header: HeaderValue,
}

impl KeyAuthorizer {
    #[expect(
        clippy::disallowed_methods,
        reason = "the key becomes the one header it is sent in, marked sensitive"
    )]
    fn new(credential: &Credential) -> Result<Self, Error> {
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
