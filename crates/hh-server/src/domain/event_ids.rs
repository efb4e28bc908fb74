//! Derives the ids of events and sessions from project, trace and span, so that a resent span is the same event.

use std::ops::RangeInclusive;

use hh_auth::ProjectId;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The number of bytes of an event id that depend only on the trace.
const PREFIX: usize = 6;

/// The formula for the ids of the events of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdScheme {
    /// All bits are derived from project, trace and span. Sessions from before schema version 5 use it, so that a
    /// resent span stays the same event, and new events find their stored parents.
    Digest,
    /// The first 48 bits are derived from project and trace, so that the events of a trace are adjacent in the index on
    /// the id.
    TracePrefix,
}

impl IdScheme {
    /// Returns the number in the column `sessions.id_scheme`.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Digest => 0,
            Self::TracePrefix => 1,
        }
    }

    /// Returns the scheme of a number in the column `sessions.id_scheme`.
    pub(crate) fn of_number(number: i64) -> Self {
        if number == 0 {
            Self::Digest
        } else {
            Self::TracePrefix
        }
    }
}

/// How the ids of an event and of its parent are determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EventIdentity {
    /// The ids were chosen when the event was created.
    Given {
        id: Uuid,
        parent: Uuid,
        /// Whether the event is not stored if a session has its id.
        yields_to_session: bool,
    },
    /// The ids follow from a span and from the scheme of its session.
    Span(SpanIdentity),
}

impl EventIdentity {
    /// Returns the ids of the event and of its parent in a session.
    pub(crate) fn ids(&self, scheme: IdScheme, session: Uuid) -> (Uuid, Uuid) {
        match self {
            Self::Given { id, parent, .. } => (*id, *parent),
            Self::Span(span) => span.ids(scheme, session),
        }
    }

    /// Returns the session of the trace of a span, if no span of the trace names another one.
    pub(crate) fn trace_session(&self) -> Option<Uuid> {
        match self {
            Self::Given { .. } => None,
            Self::Span(span) => Some(span.trace_session),
        }
    }
}

/// The span that an event was created from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpanIdentity {
    project: ProjectId,
    trace: [u8; 16],
    span: [u8; 8],
    parent: SpanParent,
    /// The session of the trace, and the ids of the event and of its parent span by [`IdScheme::TracePrefix`], computed
    /// before the event is queued to save time of the writer.
    trace_session: Uuid,
    prefixed: (Uuid, Option<Uuid>),
}

/// The parent of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanParent {
    /// The id of a span of the same trace.
    Span([u8; 8]),
    /// The id of an event.
    Event(Uuid),
    /// The session of the span.
    Session,
}

impl SpanIdentity {
    pub(crate) fn new(
        project: ProjectId,
        trace: [u8; 16],
        span: [u8; 8],
        parent: SpanParent,
    ) -> Self {
        let trace_session = session_of_trace(project, &trace);
        let id_of = |span: &[u8]| with_prefix(trace_session, digest(project, &trace, span));
        let prefixed = (id_of(&span), parent.id(id_of));
        Self {
            project,
            trace,
            span,
            parent,
            trace_session,
            prefixed,
        }
    }

    fn ids(&self, scheme: IdScheme, session: Uuid) -> (Uuid, Uuid) {
        let (id, parent) = match scheme {
            IdScheme::TracePrefix => self.prefixed,
            IdScheme::Digest => {
                let id_of = |span: &[u8]| Uuid::new_v8(digest(self.project, &self.trace, span));
                (id_of(&self.span), self.parent.id(id_of))
            }
        };
        (id, parent.unwrap_or(session))
    }
}

impl SpanParent {
    /// Returns the id of the parent; `None` for the session.
    fn id(self, id_of: impl Fn(&[u8]) -> Uuid) -> Option<Uuid> {
        match self {
            Self::Span(span) => Some(id_of(&span)),
            Self::Event(id) => Some(id),
            Self::Session => None,
        }
    }
}

/// Returns the session id of a text: the text itself if it is a UUID, and otherwise a UUID derived from the text.
pub(crate) fn session_id(project: ProjectId, text: &str) -> Uuid {
    // With a text of 17 bytes, the digest would have as many input bytes as that of a trace id and a span id, which a
    // client chooses. A client could then give a session the id of an event.
    let prefix: &[u8] = if text.len() == 17 {
        b"text session"
    } else {
        b"session"
    };
    Uuid::try_parse(text).unwrap_or_else(|_| Uuid::new_v8(digest(project, prefix, text.as_bytes())))
}

/// Returns the session id of an event that names no session, so that a repeated event has the same session.
pub(crate) fn session_of_event(project: ProjectId, event: Uuid) -> Uuid {
    Uuid::new_v8(digest(project, b"event session", event.as_bytes()))
}

/// Returns the first and the last id of events of a trace by [`IdScheme::TracePrefix`], from the session of the trace.
pub(crate) fn ids_of_trace(trace_session: Uuid) -> RangeInclusive<Uuid> {
    let bound = |fill: u8| {
        let mut bytes = [fill; 16];
        bytes[..PREFIX].copy_from_slice(&trace_session.as_bytes()[..PREFIX]);
        Uuid::from_bytes(bytes)
    };
    bound(0)..=bound(u8::MAX)
}

/// Returns the id of the session of a trace whose spans name no session.
pub(crate) fn session_of_trace(project: ProjectId, trace_id: &[u8]) -> Uuid {
    Uuid::new_v8(digest(project, trace_id, &[]))
}

/// Replaces the first bytes of a digest, and returns it as a version 8 UUID (see `docs/design/decisions.md#v6`).
fn with_prefix(prefix: Uuid, mut digest: [u8; 16]) -> Uuid {
    digest[..PREFIX].copy_from_slice(&prefix.as_bytes()[..PREFIX]);
    Uuid::new_v8(digest)
}

/// Returns the first bytes of the SHA-256 digest of a project, a trace and a span.
fn digest(project: ProjectId, trace_id: &[u8], span_id: &[u8]) -> [u8; 16] {
    let mut digest = Sha256::new();
    digest.update(project.number().to_be_bytes());
    digest.update(trace_id);
    digest.update(span_id);
    let digest: [u8; 32] = digest.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: [u8; 16] = [7; 16];

    fn span(number: u8, parent: SpanParent) -> SpanIdentity {
        SpanIdentity::new(ProjectId::new(1), TRACE, [number; 8], parent)
    }

    #[test]
    fn events_of_a_trace_share_the_first_48_bits_with_its_session() {
        let session = session_of_trace(ProjectId::new(1), &TRACE);
        let parent = SpanParent::Event(session);
        let ids: Vec<_> = (1..=50)
            .map(|number| span(number, parent).ids(IdScheme::TracePrefix, session).0)
            .collect();
        for id in &ids {
            assert_eq!(id.as_bytes()[..6], session.as_bytes()[..6]);
            assert_eq!(id.get_version_num(), 8);
            assert!(ids_of_trace(session).contains(id));
        }
        let mut different = ids;
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 50);
        let other = SpanIdentity::new(ProjectId::new(2), TRACE, [1; 8], parent);
        assert_ne!(
            other.ids(IdScheme::TracePrefix, session).0.as_bytes()[..6],
            session.as_bytes()[..6]
        );
    }

    /// Stored ids must be found again after an upgrade, so these values never change.
    #[test]
    fn ids_of_both_schemes_have_fixed_values() {
        let child = span(2, SpanParent::Span([1; 8]));
        let parent = span(1, SpanParent::Event(Uuid::nil()));
        let root = span(3, SpanParent::Session);
        let session = Uuid::max();
        let texts = [IdScheme::Digest, IdScheme::TracePrefix].map(|scheme| {
            assert_eq!(child.ids(scheme, session).1, parent.ids(scheme, session).0);
            assert_eq!(parent.ids(scheme, session).1, Uuid::nil());
            assert_eq!(root.ids(scheme, session).1, session);
            assert_eq!(IdScheme::of_number(scheme.number()), scheme);
            child.ids(scheme, session).0.to_string()
        });
        insta::assert_debug_snapshot!(texts, @r#"
        [
            "0043c21a-6c0d-8585-825c-42104f3eaca5",
            "96cdd224-5ea7-8585-825c-42104f3eaca5",
        ]
        "#);
        let text = session_id(ProjectId::new(1), "my session").to_string();
        insta::assert_snapshot!(text, @"269294f5-9b98-891a-94af-71f54e0434d3");
    }

    #[test]
    fn given_ids_do_not_depend_on_the_scheme() {
        let (id, parent) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let given = EventIdentity::Given {
            id,
            parent,
            yields_to_session: false,
        };
        for scheme in [IdScheme::Digest, IdScheme::TracePrefix] {
            assert_eq!(given.ids(scheme, Uuid::max()), (id, parent));
        }
    }
}
