//! What sends the operations of the client and the tracer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hh_api::{Access, OpId, Repeat};
use hh_auth::{KeyKind, Level, Need};
use hh_transport::{Idempotency, Response, SendOptions, Transport};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};

use super::authorizer::KeyAuthorizer;
use super::explain::Context;
use super::{Connected, Credential, http as settings_of_http};
use crate::{Error, ErrorKind, Options, report};

/// The largest page of events that is read: each may be as large as a request.
const MAX_PAGE: usize = 64 * 1024 * 1024;

/// Sends operations; clones share connections, limits and the budget of retries.
#[derive(Clone)]
pub(crate) struct Sender {
    transport: Transport,
    authorizer: Arc<KeyAuthorizer>,
    context: Context,
    base: String,
    timeout: Duration,
}

/// The body of a request.
pub(crate) enum Message {
    Json(Bytes),
    /// An OTLP export, which goes out compressed.
    Protobuf(Bytes),
}

impl Sender {
    /// Joins settings, credential and transport, and tells what is unusual; nothing is sent.
    pub(crate) fn new(options: &Options, connected: &Connected) -> Result<Self, Error> {
        let credential = connected.credential()?;
        let settings = &connected.settings;
        report::start_up(&options.reporter(), settings, &connected.stack, &credential);
        Ok(Self {
            transport: settings_of_http::transport(options, connected)?,
            authorizer: Arc::new(KeyAuthorizer::new(&credential)?),
            context: Context::new(&credential, settings),
            base: settings.base_url.value.as_str().to_owned(),
            timeout: settings.timeout.value,
        })
    }

    pub(crate) fn credential(&self) -> &Credential {
        &self.context.credential
    }

    /// Sends one operation; `id` fills the path's `{id}`.
    pub(crate) async fn send(
        &self,
        op: OpId,
        id: &str,
        message: Message,
    ) -> Result<Response, Error> {
        self.check_locally(op)?;
        let (content_type, body) = match &message {
            Message::Json(body) => ("application/json", body),
            Message::Protobuf(body) => ("application/x-protobuf", body),
        };
        let operation = op.operation();
        let method = Method::from_bytes(operation.method.as_str().as_bytes());
        let request = Request::builder()
            .method(method.unwrap_or_default())
            .uri(format!("{}{}", self.base, path(operation.path, id)?))
            .header(ACCEPT, content_type)
            .header(CONTENT_TYPE, content_type)
            .body(body.clone())
            .map_err(|_| Error::new(ErrorKind::Config, "the base URL makes no valid address"))?;
        let repeat = match operation.repeat {
            Repeat::Safe => Idempotency::Safe,
            Repeat::Otlp => Idempotency::Otlp,
            Repeat::Unsafe | _ => Idempotency::Unsafe,
        };
        let mut options = SendOptions::new(repeat)
            .with_authorizer(&*self.authorizer)
            .with_timeout(self.timeout);
        if matches!(message, Message::Protobuf(_)) {
            options = options.with_gzip();
        }
        if op == OpId::ExportEvents {
            options = options.with_max_response_bytes(MAX_PAGE);
        }
        let sent = self.transport.send(request, options).await;
        sent.map_err(|error| self.context.explain(op, Error::from(error)))
    }

    /// Refuses a change that the key is known not to allow (decisions C5); all else is the server's to say.
    fn check_locally(&self, op: OpId) -> Result<(), Error> {
        let Access::Need(need) = op.operation().access else {
            return Ok(());
        };
        let Credential {
            key,
            level,
            provenance,
            ..
        } = self.credential();
        let read_only = key.kind() == KeyKind::ReadOnly || *level == Some(Level::ReadOnly);
        if read_only && need != Need::Read {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "the key {} from {provenance} is read only, and this needs {need}; nothing was sent",
                    key.shown(),
                ),
            ));
        }
        Ok(())
    }
}

/// Fills the `{id}` of a path.
fn path(path: &str, id: &str) -> Result<String, Error> {
    if id.starts_with("hh_") {
        return Err(Error::new(
            ErrorKind::Invalid,
            "this is an API key, not the id of one; nothing was sent",
        ));
    }
    // Ids come from servers and people: only what cannot change the path is put into it.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !id.chars().all(plain) || (id.is_empty() && path.contains("{id}")) {
        return Err(Error::new(
            ErrorKind::Invalid,
            "an id has letters, digits, - and _, and nothing else",
        ));
    }
    Ok(path.replace("{id}", id))
}
