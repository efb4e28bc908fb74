//! Commands and queries with their answers.

use hh_api::types::{EventKind, EventPatch, KeyState, Owner, Project};
use hh_auth::{Grant, KeyDigest};
use jiff::Timestamp;
use uuid::Uuid;

use super::port::{Changed, Command, Page, Query};
use crate::auth::{Access, ProjectAccess, ServerAccess};
use crate::domain::event_body::EventBody;
use crate::domain::events::Rights;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::keys::KeyRecord;

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
    RevokeKey: Access => Changed<KeyRecord>,
    CloseKey: ServerAccess => Changed<()>,
    SaveUses: ServerAccess => (),
    CreateOwner: Access => Owner,
    DisableOwner: Access => Changed<Owner>,
    CreateProject: Access => Project,
    InsertEvents: Access => (),
    UpdateEvent: ProjectAccess => (),
    StartSession: ProjectAccess => Vec<u8>,
}

queries! {
    KeyByDigest: ServerAccess => Option<KeyRecord>,
    GetKey: Access => KeyRecord,
    ListKeys: Access => Vec<KeyRecord>,
    ListOwners: Access => Vec<Owner>,
    ReadEvents: ProjectAccess => Page,
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

/// Stores a key, unless an earlier request did so under the same `Idempotency-Key`.
#[derive(Clone, Debug)]
pub(crate) struct InsertKey {
    pub(crate) key: NewKey,
    pub(crate) idempotency: Option<IdempotencyKey>,
}

/// What became of a key to store.
#[derive(Debug)]
pub(crate) enum InsertOutcome {
    Inserted,
    /// It was not stored: an earlier request that was the same created this key.
    Repeated(Box<KeyRecord>),
}

/// Stores the key that replaces another.
#[derive(Clone, Debug)]
pub(crate) struct RotateKey {
    /// The number of the key to replace.
    pub(crate) old: i64,
    /// The key that replaces it.
    pub(crate) new: NewKey,
    /// How long the old key works once the new one is used, in milliseconds.
    pub(crate) grace: i64,
    /// The rotations of one family within an hour.
    pub(crate) limit: u32,
    pub(crate) idempotency: Option<IdempotencyKey>,
}

/// Begins the grace of the key that the key of the access replaces, once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BeginGrace;

/// Revokes a key that [`GetKey`] found; the second time changes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RevokeKey {
    /// The number of the key.
    pub(crate) key_id: i64,
}

/// Stores that a key was refused for its date, so that it stays ended when the clock is set back.
///
/// This is stored by key and not as the latest time that was seen: a clock that was wrong then ends the keys that were
/// refused meanwhile, and no others.
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
    /// Numbers of keys, and Unix milliseconds.
    pub(crate) uses: Vec<(i64, i64)>,
    /// Identifies the pepper that the keys were checked with.
    pub(crate) pepper_check: String,
}

/// Finds the key of a digest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyByDigest(pub(crate) KeyDigest);

/// Finds a key that the key of the access may manage.
#[derive(Clone, Debug)]
pub(crate) struct GetKey {
    pub(crate) id: String,
}

/// Lists keys that the key of the access may manage, the latest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListKeys {
    /// The number of keys.
    pub(crate) limit: u32,
    /// The number of the last key of the page before.
    pub(crate) after: Option<i64>,
    /// Keys that do not work any more are listed too.
    pub(crate) with_ended: bool,
}

/// Creates an owner.
#[derive(Clone, Debug)]
pub(crate) struct CreateOwner {
    pub(crate) name: String,
}

/// Disables an owner and revokes its keys; the second time changes nothing.
///
/// The owner of the key of the access cannot be disabled with it, nor one whose keys are the last that can create others.
#[derive(Clone, Debug)]
pub(crate) struct DisableOwner {
    pub(crate) id: String,
}

/// Lists the owners, in order of their names.
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
    pub(crate) id: Uuid,
    pub(crate) session: Uuid,
    /// The name that the span gives to a session that does not exist yet.
    pub(crate) session_name: Option<String>,
    pub(crate) parent: Uuid,
    pub(crate) kind: EventKind,
    pub(crate) name: String,
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) source: String,
    /// An [`EventBody`], encoded before it is queued: the writer has enough to do.
    pub(crate) body: Vec<u8>,
}

/// Stores events; those that are stored already stay as they are.
///
/// Many events are stored in parts, so that other commands run in between. The error is `Partial` if some parts were stored
/// before it.
#[derive(Clone, Debug)]
pub(crate) struct InsertEvents {
    pub(crate) batches: Vec<(ProjectAccess, Vec<NewEvent>)>,
}

/// Merges into an event or a session.
///
/// The error is `NotFound` if there is no such event, or none that the key may change, and `TooLarge` if the event is
/// larger than [`MAX_MERGED`](crate::domain::events::MAX_MERGED), or would be.
#[derive(Clone, Debug)]
pub(crate) struct UpdateEvent {
    pub(crate) rights: Rights,
    pub(crate) patch: EventPatch,
}

/// A session to start, or to fill in if a span of it came first.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) started: i64,
    pub(crate) body: EventBody,
    /// The body, encoded before it is queued: the writer has enough to do.
    pub(crate) encoded: Vec<u8>,
}

/// Starts a session; a second start merges metadata and user properties into the first.
///
/// The answer is the stored session as JSON if the key may read it. For another key it is what the key sent, with the same
/// success whatever is stored: a session of another family, and one that the merge would make too large, stays as
/// it is.
///
/// The error is `TooLarge` if the merged session would be larger than
/// [`MAX_MERGED`](crate::domain::events::MAX_MERGED) and the key may read it.
#[derive(Clone, Debug)]
pub(crate) struct StartSession {
    pub(crate) rights: Rights,
    pub(crate) session: NewSession,
}

/// Reads a page of events. The first page is 0.
///
/// The total is exact on the page that reaches the end and on those after it. While more events follow, it is one
/// more than the place where the page ends: no request counts what it does not pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadEvents {
    pub(crate) session: Option<Uuid>,
    pub(crate) kind: Option<EventKind>,
    pub(crate) limit: u32,
    pub(crate) page: u32,
}
