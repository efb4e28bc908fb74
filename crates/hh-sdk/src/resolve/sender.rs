//! Sends the requests of the client and the tracer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hh_api::{EncodeError, Endpoint, KeyUse, OpId, Requirement, Retry, Route};
use hh_auth::{
    ApiKey, Credential, Credentials, IssuedCredential, KeyInfo, KeyKind, Level, Need, ProfileEntry,
};
use hh_config::Provenance;
use hh_transport::{
    Idempotency, IdempotencyKey, Response, SendOptions, Transport, TransportError, check_runtime,
};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};

use super::authorizer::KeyAuthorizer;
use super::chain::{KeyRole, Resolution, SettingsProvider};
use super::explain::Context;
use super::http::{self as settings_of_http, Observer};
use super::key_info;
use super::layers::Resolved;
use super::missing::KEY_HELP;
use crate::security::{SecurityEvent, SecurityEventKind, SecurityLog};
use crate::{Error, ErrorKind, Options, report};

/// The limit of a page of events, in bytes.
const MAX_PAGE: usize = 64 * 1024 * 1024;

/// Sends the requests of operations; clones share connections, limits, keys and the retry budget.
#[derive(Clone)]
pub(crate) struct Sender {
    transport: Transport,
    project: Option<Arc<KeyAuthorizer>>,
    ingestion: Option<Arc<KeyAuthorizer>>,
    /// The stored profile in use at the start.
    profile: Option<Arc<ProfileEntry>>,
    base: String,
    address: Provenance,
    timeout: Duration,
    security: SecurityLog,
}

/// The body of a request.
pub(crate) enum Message {
    /// JSON.
    Json(Bytes),
    /// An OTLP export, which is sent compressed.
    Protobuf(Bytes),
}

impl Sender {
    /// Creates a sender and reports warnings; sends nothing and runs no program.
    pub(crate) fn new(options: &Options, resolved: &Resolved) -> Result<Self, Error> {
        Self::create(options, resolved, None)
    }

    /// Creates a sender like [`Sender::new`] that passes each attempt of a request to `observer`.
    pub(crate) fn observed(
        options: &Options,
        resolved: &Resolved,
        observer: Observer,
    ) -> Result<Self, Error> {
        Self::create(options, resolved, Some(observer))
    }

    /// Creates a sender.
    fn create(
        options: &Options,
        resolved: &Resolved,
        observer: Option<Observer>,
    ) -> Result<Self, Error> {
        let settings = &resolved.settings;
        let security = SecurityLog::of(&options.env(), &resolved.stack, options.reporter())?;
        let slot = |slot| key_authorizer(options, resolved, slot, &security);
        let (project, ingestion) = (slot(KeyRole::Project)?, slot(KeyRole::Ingestion)?);
        if project.is_none() && ingestion.is_none() {
            return Err(resolved.missing_key());
        }
        let known = project.as_ref().or(ingestion.as_ref());
        let known = known.and_then(|slot| slot.credentials().last());
        let credential = known.as_ref().map(|issued| &*issued.credential);
        report::report_start(&options.reporter(), settings, &resolved.stack, credential);
        let started = SecurityEvent::new(SecurityEventKind::ClientStart);
        let issued = project.as_ref().and_then(|slot| slot.credentials().last());
        let id = issued.and_then(|issued| {
            let profile = resolved.profile.as_ref();
            key_info(&issued.credential, profile).id
        });
        security.record(&match credential {
            Some(credential) => started.with_credential(credential).with_key_id(id),
            None => started.with_detail("the key of credential_command"),
        });
        Ok(Self {
            transport: settings_of_http::transport(options, resolved, observer)?,
            project,
            ingestion,
            profile: resolved.profile.clone().map(Arc::new),
            base: settings.base_url.value.as_str().to_owned(),
            address: settings.base_url.provenance.clone(),
            timeout: settings.timeout.value,
            security,
        })
    }

    /// Replaces the transport.
    #[cfg(test)]
    pub(crate) fn with_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Replaces the credentials; the server stays the same.
    #[cfg(test)]
    pub(crate) fn with_credentials(self, credentials: Credentials) -> Self {
        let base_url = hh_config::BaseUrl::parse(&self.base).unwrap();
        let authorizer = KeyAuthorizer::new(credentials, &base_url, self.security.clone());
        Self {
            project: Some(Arc::new(authorizer.unwrap())),
            ..self
        }
    }

    /// Returns the credential in use; `None` before a `credential_command` ran.
    pub(crate) fn credential(&self) -> Option<Arc<Credential>> {
        let slot = self.project.as_ref().or(self.ingestion.as_ref())?;
        Some(slot.credentials().last()?.credential)
    }

    /// Returns all keys that requests use.
    pub(crate) fn keys(&self) -> Vec<ApiKey> {
        let slots = [&self.project, &self.ingestion].into_iter().flatten();
        let issued = slots.filter_map(|slot| slot.credentials().last());
        issued.map(|issued| issued.credential.key.clone()).collect()
    }

    /// Returns the authorizer of an operation: the first of the kinds of keys in the table that is set.
    fn authorizer_for(&self, op: OpId) -> Result<&Arc<KeyAuthorizer>, Error> {
        let mut kinds = op.operation().keys.iter();
        let slot = kinds.find_map(|kind| match kind {
            KeyUse::Ingestion => self.ingestion.as_ref(),
            KeyUse::Project => self.project.as_ref(),
            KeyUse::DataPlane | _ => None,
        });
        slot.ok_or_else(|| {
            Error::new(
                ErrorKind::MissingKey,
                "no project API key is set, and the ingestion key applies only to sessions and events",
            )
            .with_hint(KEY_HELP)
        })
    }

    /// Returns the credential of a role, and loads it if it is not cached.
    async fn issued(&self, slot: &KeyAuthorizer) -> Result<IssuedCredential, Error> {
        check_runtime()?;
        // The timeout of the call also limits a `credential_command`.
        let issued = tokio::time::timeout(self.timeout, slot.issued()).await;
        let late = |_| Error::new(ErrorKind::Timeout, "timed out while obtaining the API key");
        Ok(issued.map_err(late)??)
    }

    /// Returns the project key, and loads it if it is not cached.
    pub(crate) async fn project_key(&self) -> Result<IssuedCredential, Error> {
        self.issued(self.authorizer_for(OpId::Whoami)?).await
    }

    /// Returns the information about a key that is known without a request.
    pub(crate) fn key_info(&self, issued: &IssuedCredential) -> KeyInfo {
        // The profile was loaded with the first key. It can have changed with the key.
        let profile = self.profile.as_deref();
        key_info(
            &issued.credential,
            profile.filter(|_| issued.epoch.number() == 1),
        )
    }

    /// Records that the response to `request`, a method and a path, rejected a key.
    fn record(&self, request: &str, credential: &Credential, error: &Error) {
        let status = [
            (ErrorKind::Unauthenticated, 401),
            (ErrorKind::PermissionDenied, 403),
            (ErrorKind::NotFound, 404),
        ];
        let status = status.into_iter().find(|(kind, _)| *kind == error.kind());
        let Some((_, status)) = status.filter(|_| error.is_answered()) else {
            return;
        };
        let event = SecurityEvent::new(SecurityEventKind::KeyRejected);
        let id = error.request_id().map(|id| format!(" (request {id})"));
        self.security
            .record(&event.with_credential(credential).with_detail(format!(
                "{request} returned {status}{}",
                id.unwrap_or_default()
            )));
    }

    /// Encodes the input of an operation and sends the request.
    pub(crate) async fn send_input<E: Endpoint>(
        &self,
        input: &E::Input,
    ) -> Result<Response, Error> {
        let route = E::OPERATION.route();
        let encoded = route.encode(input).map_err(invalid_input)?;
        for value in &encoded.path_values {
            check_id(value)?;
        }
        let message = Message::Json(Bytes::from(encoded.body));
        self.send_to(E::OP, route, &encoded.target, message).await
    }

    /// Sends an encoded body, for an operation without members in the path.
    pub(crate) async fn send(&self, op: OpId, message: Message) -> Result<Response, Error> {
        let route = op.operation().route();
        self.send_to(op, route, route.path, message).await
    }

    /// Sends a request that need not belong to an operation, with the project key or else with the ingestion key.
    ///
    /// `target` is a path that begins with `/`, and a query. Only requests that read are retried.
    pub(crate) async fn send_raw(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<Response, Error> {
        // The explanation of an error for any key applies to all requests.
        const EXPLAINED_AS: OpId = OpId::Whoami;
        let slot = self.authorizer_for(EXPLAINED_AS)?;
        let credential = self.issued(slot).await?.credential;
        let what = format!("{method} {}", target.split('?').next().unwrap_or_default());
        let idempotency = match method {
            Method::GET | Method::HEAD => Idempotency::Safe,
            _ => Idempotency::Unsafe,
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.base))
            .header(ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(body).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                "the path of the request is not valid in a URL",
            )
        })?;
        let options = SendOptions::new(idempotency)
            .with_authorizer(&**slot)
            .with_timeout(self.timeout)
            .with_max_response_bytes(MAX_PAGE);
        let sent = self.transport.send(request, options).await;
        sent.map_err(|error| self.explained(error, EXPLAINED_AS, &what, slot, &credential))
    }

    /// Explains and records the error of a request that was first sent with a credential.
    fn explained(
        &self,
        error: TransportError,
        op: OpId,
        request: &str,
        slot: &KeyAuthorizer,
        first: &Credential,
    ) -> Error {
        // The key may have been renewed in the meantime.
        let last = slot.credentials().last();
        let context = Context {
            credential: last.as_ref().map_or(first, |last| &last.credential),
            address: &self.address,
        };
        let error = context.explain(op, Error::from(error));
        self.record(request, context.credential, &error);
        error
    }

    /// Sends a request with the key of the operation.
    async fn send_to(
        &self,
        op: OpId,
        route: &Route,
        target: &str,
        message: Message,
    ) -> Result<Response, Error> {
        let slot = self.authorizer_for(op)?;
        let credential = self.issued(slot).await?.credential;
        check_locally(op, &credential)?;
        // Errors are read from JSON only, so the server must not send them in protobuf.
        let (content_type, accepted, body) = match &message {
            Message::Json(body) => ("application/json", "application/json", body),
            Message::Protobuf(body) => (
                "application/x-protobuf",
                "application/x-protobuf, application/json",
                body,
            ),
        };
        let method = Method::from_bytes(route.method.as_str().as_bytes());
        let request = Request::builder()
            .method(method.unwrap_or_default())
            .uri(format!("{}{target}", self.base))
            .header(ACCEPT, accepted)
            .header(CONTENT_TYPE, content_type)
            .body(body.clone())
            .map_err(|_| Error::new(ErrorKind::Config, "invalid base URL"))?;
        let idempotency = match op.operation().retry {
            Retry::Safe => Idempotency::Safe,
            Retry::Otlp => Idempotency::Otlp,
            Retry::Keyed => Idempotency::Keyed(IdempotencyKey::random()?),
            Retry::Never | _ => Idempotency::Unsafe,
        };
        let mut options = SendOptions::new(idempotency)
            .with_authorizer(&**slot)
            .with_timeout(self.timeout);
        if matches!(message, Message::Protobuf(_)) {
            options = options.with_gzip();
        }
        let is_large = matches!(
            op,
            OpId::ExportEvents | OpId::SearchEvents | OpId::GetEvent | OpId::GetSession
        );
        if is_large {
            options = options.with_max_response_bytes(MAX_PAGE);
        }
        self.transport
            .send(request, options)
            .await
            .map_err(|error| {
                let route = op.operation().route();
                let request = format!("{} {}", route.method.as_str(), route.path);
                self.explained(error, op, &request, slot, &credential)
            })
    }
}

/// Returns the authorizer of a role; `None` if no source of a key is set.
fn key_authorizer(
    options: &Options,
    resolved: &Resolved,
    slot: KeyRole,
    security: &SecurityLog,
) -> Result<Option<Arc<KeyAuthorizer>>, Error> {
    let found = resolved.find(slot)?;
    if matches!(found, Resolution::Nothing) {
        return Ok(None);
    }
    // A key in the settings is loaded now; a `credential_command` runs when its key is needed.
    let is_key = matches!(found, Resolution::Key(_));
    let provider = SettingsProvider::new(options, slot, resolved, found);
    let credentials = Credentials::new(vec![Box::new(provider)]);
    if is_key {
        credentials.load_blocking(None)?;
    }
    let base_url = &resolved.settings.base_url.value;
    let authorizer = KeyAuthorizer::new(credentials, base_url, security.clone())?;
    Ok(Some(Arc::new(authorizer)))
}

/// Rejects a change with a read-only key without a request (see `docs/design/decisions.md#c5`); the server decides the
/// other cases.
fn check_locally(op: OpId, credential: &Credential) -> Result<(), Error> {
    let Requirement::Need(need) = op.operation().need else {
        return Ok(());
    };
    let Credential {
        key,
        level,
        provenance,
        ..
    } = credential;
    let read_only = key.kind() == KeyKind::ReadOnly || *level == Some(Level::ReadOnly);
    if read_only && need != Need::Read {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "the key {} from {provenance} is read-only, but the operation requires {need}; nothing was sent",
                key.redacted(),
            ),
        ));
    }
    Ok(())
}

/// Rejects an invalid id before it becomes part of a path: ids come from servers and users.
fn check_id(id: &str) -> Result<(), Error> {
    if id.starts_with("hh_") {
        return Err(Error::new(
            ErrorKind::Invalid,
            "expected the id of a key, found an API key; nothing was sent",
        ));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.chars().all(is_plain) {
        Ok(())
    } else {
        Err(invalid_id())
    }
}

/// Returns the error of an input that cannot be encoded.
fn invalid_input(error: EncodeError) -> Error {
    match error {
        EncodeError::Path(_) => invalid_id(),
        EncodeError::Json | _ => {
            Error::new(ErrorKind::Invalid, "the request cannot be encoded as JSON")
        }
    }
}

/// Returns the error of an invalid id.
fn invalid_id() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "invalid id: expected letters, digits, - and _",
    )
}
