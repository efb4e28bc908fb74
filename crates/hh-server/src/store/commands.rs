//! Defines the commands and queries with their answers.

use std::ops::RangeInclusive;
use std::time::Duration;

use hh_api::types::{Change, EventKind, EventPatch, FoundSession, KeyState, Owner, Project};
use hh_auth::{Grant, KeyDigest};
use jiff::Timestamp;
use uuid::Uuid;

use super::page::{EventPredicate, Page, Position};
use super::port::{Changed, Command, Query, StoreError};
use crate::auth::{Access, ProjectAccess, ServerAccess};
use crate::domain::event_body::EventBody;
use crate::domain::event_ids::EventIdentity;
use crate::domain::events::Rights;
use crate::domain::filter::Filter;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::keys::KeyRecord;
use crate::domain::usage::Usage;

macro_rules! commands {
    ($($command:ident: $access:ty => $answer:ty,)+) => {
        $(impl Command for $command {
            type Access = $access;
            type Answer = $answer;
        })+
    };
}

macro_rules! queries {
    ($($query:ident: $access:ty => $answer:ty,)+) => {
        $(impl Query for $query {
            type Access = $access;
            type Answer = $answer;
        })+
    };
}

commands! {
    InsertKey: Access => Changed<InsertOutcome>,
    RotateKey: Access => Changed<InsertOutcome>,
    BeginGrace: Access => Changed<()>,
    UpdateKey: Access => Changed<KeyRecord>,
    RevokeKey: Access => Changed<KeyRecord>,
    CloseKey: ServerAccess => Changed<()>,
    SaveUses: ServerAccess => (),
    CreateOwner: Access => Owner,
    DisableOwner: Access => Changed<Owner>,
    EnableOwner: Access => Owner,
    CreateProject: Access => Project,
    InsertEvents: Access => (),
    UpdateEvent: ProjectAccess => (),
    StartSession: ProjectAccess => Vec<u8>,
    StartSessions: Access => (),
}

queries! {
    KeyByDigest: ServerAccess => Option<KeyRecord>,
    GetKey: Access => KeyRecord,
    ListKeys: Access => Vec<KeyRecord>,
    ListOwners: Access => Vec<Owner>,
    FindSessions: ProjectAccess => Vec<FoundSession>,
    ReadEvents: ProjectAccess => Page,
    ReadRest: ProjectAccess => Page,
    GetEvent: ProjectAccess => Vec<u8>,
}

/// A key to store.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) digest: KeyDigest,
    pub(crate) shown: String,
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    pub(crate) owner: String,
    pub(crate) grant: Grant,
    pub(crate) created: Timestamp,
    /// The rotation family to continue; `None` starts a new one.
    pub(crate) family: Option<i64>,
}

/// Stores a key, unless an earlier request with the same `Idempotency-Key` did so.
#[derive(Clone, Debug)]
pub(crate) struct InsertKey {
    pub(crate) key: NewKey,
    pub(crate) idempotency: Option<IdempotencyKey>,
}

/// The result of storing a key.
#[derive(Debug)]
pub(crate) enum InsertOutcome {
    Inserted,
    /// The key was not stored, because an earlier identical request created this key.
    Repeated(Box<KeyRecord>),
}

/// Stores the key that replaces another.
#[derive(Clone, Debug)]
pub(crate) struct RotateKey {
    /// The number of the key to replace.
    pub(crate) old: i64,
    /// The key that replaces it.
    pub(crate) new: NewKey,
    /// The grace period of the old key after the first use of the new one, in milliseconds.
    pub(crate) grace: i64,
    /// The maximum number of rotations of one family per hour.
    pub(crate) limit: u32,
    pub(crate) idempotency: Option<IdempotencyKey>,
}

/// Begins the grace period of the key that the key of the access replaces. Has no effect if the period has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BeginGrace;

/// Changes a key that [`GetKey`] found.
///
/// The error is `Ended` if the key of the access may no longer grant what the key has.
#[derive(Clone, Debug)]
pub(crate) struct UpdateKey {
    /// The number of the key.
    pub(crate) key_id: i64,
    pub(crate) name: Option<String>,
    pub(crate) note: Change<String>,
    pub(crate) expires: Option<Timestamp>,
}

/// Revokes a key that [`GetKey`] found. Has no effect on a revoked key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RevokeKey {
    /// The number of the key.
    pub(crate) key_id: i64,
}

/// Stores that a key has expired or was replaced, so that it stays invalid when the clock is set back.
///
/// The state is stored for each key, not as the latest time of the clock: a wrong clock then invalidates only the keys
/// that were rejected while the clock was wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CloseKey {
    pub(crate) key_id: i64,
    pub(crate) digest: KeyDigest,
    /// `Expired` or `Replaced`.
    pub(crate) state: KeyState,
}

/// Stores when keys were last used.
#[derive(Clone, Debug)]
pub(crate) struct SaveUses {
    /// Numbers of keys, and the times of use in Unix milliseconds.
    pub(crate) uses: Vec<(i64, i64)>,
    /// The check value of the pepper that the keys were verified with.
    pub(crate) pepper_check: String,
}

/// Finds a key by its digest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyByDigest(pub(crate) KeyDigest);

/// Finds a key that the key of the access may manage.
#[derive(Clone, Debug)]
pub(crate) struct GetKey {
    pub(crate) id: String,
}

/// Lists keys that the key of the access may manage, newest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListKeys {
    /// The maximum number of keys to list.
    pub(crate) limit: u32,
    /// The number of the last key of the previous page.
    pub(crate) after: Option<i64>,
    /// Whether keys that are no longer valid are listed too.
    pub(crate) with_ended: bool,
}

/// Creates an owner.
#[derive(Clone, Debug)]
pub(crate) struct CreateOwner {
    pub(crate) name: String,
}

/// Disables an owner and revokes its keys. Has no effect on a disabled owner.
///
/// The error is `Conflict` if the key of the access belongs to the owner, or if no other key could create keys
/// afterwards.
#[derive(Clone, Debug)]
pub(crate) struct DisableOwner {
    pub(crate) id: String,
}

/// Enables an owner. Its keys stay revoked. Has no effect on an enabled owner.
#[derive(Clone, Debug)]
pub(crate) struct EnableOwner {
    pub(crate) id: String,
}

/// Lists the owners in the order of their names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListOwners;

/// Creates a project.
#[derive(Clone, Debug)]
pub(crate) struct CreateProject {
    pub(crate) name: String,
    pub(crate) description: String,
}

/// An event below a session. Times are nanoseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) identity: EventIdentity,
    pub(crate) session: Uuid,
    /// Whether the event joins the session of earlier events of its trace instead, if there are any.
    pub(crate) joins_trace: bool,
    /// The name of the session, unless it has a name already.
    pub(crate) session_name: Option<String>,
    pub(crate) kind: EventKind,
    pub(crate) name: String,
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) source: String,
    /// The usage of the body.
    pub(crate) usage: Usage,
    /// An [`EventBody`], encoded before it is queued to save time of the writer.
    pub(crate) body: Vec<u8>,
}

/// Stores events. Events that are stored already do not change. A session is created only with a new event.
///
/// Many events are stored in parts, so that other commands can run between the parts. The error is `Partial` if some
/// parts were stored before a part failed.
#[derive(Clone, Debug)]
pub(crate) struct InsertEvents {
    pub(crate) batches: Vec<(ProjectAccess, Vec<NewEvent>)>,
}

/// Merges a patch into an event or a session.
///
/// The error is `NotFound` if the event does not exist or the key may not change it, and `TooLarge` if the event
/// exceeds [`MAX_MERGED`](crate::domain::events::MAX_MERGED) before or after the merge.
#[derive(Clone, Debug)]
pub(crate) struct UpdateEvent {
    pub(crate) rights: Rights,
    pub(crate) patch: EventPatch,
    /// The latest end that the patch can set, in nanoseconds since 1970.
    pub(crate) latest_end: i64,
}

/// A session to start. If a span of the session arrived first, the start completes the stored session.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) body: EventBody,
    /// The body, encoded before it is queued to save time of the writer.
    pub(crate) encoded: Vec<u8>,
}

/// Starts a session. A second start merges metadata and user properties into the stored session.
///
/// The answer is the stored session as JSON if the key may read it. A key that may not read always receives a success
/// with the session that it sent, even if the stored session does not change because it belongs to another family or
/// would become too large.
///
/// The error is `TooLarge` if the key may read the session, and the merged session would exceed
/// [`MAX_MERGED`](crate::domain::events::MAX_MERGED).
#[derive(Clone, Debug)]
pub(crate) struct StartSession {
    pub(crate) rights: Rights,
    pub(crate) session: NewSession,
}

/// Starts several sessions like [`StartSession`].
///
/// Many sessions are started in parts, like events in [`InsertEvents`].
#[derive(Clone, Debug)]
pub(crate) struct StartSessions {
    pub(crate) sessions: Vec<(ProjectAccess, StartSession)>,
}

/// Finds sessions with ids in a range, in the order of their ids.
#[derive(Clone, Debug)]
pub(crate) struct FindSessions {
    pub(crate) ids: RangeInclusive<Uuid>,
    /// The maximum number of sessions.
    pub(crate) limit: u32,
}

/// The time limit of a query over events.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(10);

/// How long events are counted after a page is found. Clients with short timeouts need the page soon.
const COUNT_TIME: Duration = Duration::from_millis(200);

/// The largest number of events before a page. Later pages can only be read with a cursor.
pub(crate) const MAX_OFFSET: u64 = 10_000_000;

/// The number of matching events after a page up to which they are counted. A count also ends after a short time.
pub(crate) const MAX_COUNTED: u64 = 10_000;

/// Reads a page of events, latest first.
///
/// The total is exact without filters, with a filter by session or kind or both, and if at most [`MAX_COUNTED`] other
/// events that match follow the page and are found soon. Otherwise the total is one more than the number of events up to
/// the end of the page, and the page is marked. Pages after the first page of a cursor have no exact total.
///
/// The error is `Invalid` for a page beyond [`MAX_OFFSET`], and `TooSlow` if the page is not found within the time limit.
/// With a cursor, the query returns the events that it found within the limit.
#[derive(Clone, Debug)]
pub(crate) struct ReadEvents {
    pub(crate) session: Option<Uuid>,
    pub(crate) kind: Option<EventKind>,
    pub(crate) name: Option<String>,
    /// Whether only events with an error match.
    pub(crate) errors_only: bool,
    /// The first start time that matches, in nanoseconds since 1970.
    pub(crate) from: Option<i64>,
    /// The first start time that no longer matches, in nanoseconds since 1970.
    pub(crate) before: Option<i64>,
    /// A condition that is checked for each event that matches all others.
    pub(crate) predicate: Option<EventPredicate>,
    pub(crate) start: PageStart,
    /// The maximum number of events on the page.
    pub(crate) limit: u32,
    pub(crate) time_limit: Duration,
    /// How long events are counted after the page is found.
    pub(crate) count_time: Duration,
}

/// Where a page of events starts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PageStart {
    /// The number of the page. The first page is 0.
    Number(u32),
    /// After an event, or with the first event. The page contains a cursor for the next page.
    Cursor(Option<Position>),
}

impl ReadEvents {
    /// Returns a query for the first page of the events that match a filter, or `None` if no event can match. `project`
    /// is the public id of the project.
    pub(crate) fn matching(filter: Filter, project: &str) -> Option<Self> {
        let plan = filter.plan();
        let project = project.to_owned();
        (!plan.is_empty).then(|| Self {
            session: plan.session,
            kind: plan.kind,
            name: plan.name,
            errors_only: plan.has_error,
            from: plan.from,
            before: plan.before,
            predicate: (!plan.is_complete).then(|| {
                EventPredicate::new(move |event| filter.matches(&event.candidate(&project)))
            }),
            ..Self::default()
        })
    }
}

impl Default for ReadEvents {
    /// Returns a query for the first page of all events.
    fn default() -> Self {
        Self {
            session: None,
            kind: None,
            name: None,
            errors_only: false,
            from: None,
            before: None,
            predicate: None,
            start: PageStart::Number(0),
            limit: 1000,
            time_limit: TIME_LIMIT,
            count_time: COUNT_TIME,
        }
    }
}

/// Reads events of a page that did not fit into its JSON, in the order of the page. Events that were deleted in the
/// meantime are left out.
#[derive(Clone, Debug)]
pub(crate) struct ReadRest {
    pub(crate) positions: Vec<Position>,
}

/// Reads one event or session as JSON.
///
/// The error is `NotFound` if the event does not exist.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GetEvent {
    pub(crate) id: Uuid,
}

impl GetEvent {
    /// Returns the error for an event that does not exist.
    pub(super) fn missing(self) -> StoreError {
        StoreError::NotFound(format!("event {} not found", self.id))
    }
}
