//! Compares sessions, events, patches and pages of an engine with the model.

use hh_api::types::{EventKind, EventPatch, Object};
use hh_auth::{Grant, Level, ProjectId, Projects};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use uuid::Uuid;

use super::super::page::{EventPredicate, Position};
use super::*;
use crate::auth::{Access, ProjectAccess};
use crate::domain::event_body::EventBody;
use crate::domain::event_ids::EventIdentity;
use crate::domain::events::Rights;
use crate::domain::usage::Usage;
use crate::domain::user_property::UserProperty;

/// One command or query of one of the [keys](LEVELS).
#[derive(Clone, Debug)]
enum Step {
    Start {
        by: usize,
        session: u8,
        started: i64,
        member: u8,
        size: usize,
    },
    Insert {
        by: usize,
        events: Vec<(u8, u8, i64, u8)>,
    },
    Patch {
        by: usize,
        id: u8,
        member: u8,
        size: usize,
        duration: Option<u8>,
    },
    Read(Filters, u32, u32),
    /// Reads all pages of a limit by their cursors.
    ReadAll(Filters, u32),
    /// Reads events at positions that they have or had.
    ReadRest(Vec<Index>),
    Get(u8),
    Find {
        first: u8,
        last: u8,
        limit: u32,
    },
    /// Counts what would be deleted, and deletes it.
    Delete(Target),
    Expire(i64),
    Revoke,
}

/// What a step deletes.
#[derive(Clone, Debug)]
enum Target {
    Event(u8),
    Session(u8),
    User(u8),
    /// The project, which is then created again.
    Project,
}

impl Target {
    fn target(&self) -> DeletionTarget {
        match self {
            Self::Event(number) => DeletionTarget::Event(id(*number)),
            Self::Session(number) => DeletionTarget::Session(id(*number)),
            Self::User(number) => {
                let property = UserProperty::parse("user".to_owned(), json!(number));
                DeletionTarget::User(property.unwrap())
            }
            Self::Project => DeletionTarget::Project,
        }
    }
}

/// The levels of the keys. The first key has all rights; the others belong to different families.
const LEVELS: [Level; 3] = [Level::Admin, Level::IngestOnly, Level::ReadWrite];

/// Sizes of a member, in bytes. From 70,000 bytes on, a body is stored separately and merged outside the writer.
const SIZES: [usize; 4] = [0, 10, 70_000, 1_100_000];

fn step() -> impl Strategy<Value = Step> {
    let by = || 0..LEVELS.len();
    let size = || prop_oneof![12 => Just(SIZES[0]), 12 => Just(SIZES[1]), 3 => Just(SIZES[2]), 1 => Just(SIZES[3])];
    let events = prop::collection::vec((0..8_u8, 0..4_u8, 0..50_i64, 0..20_u8), 1..6);
    prop_oneof![
        4 => (by(), 0..4_u8, 0..50_i64, 0..4_u8, size()).prop_map(
            |(by, session, started, member, size)| Step::Start { by, session, started, member, size }),
        4 => (by(), events).prop_map(|(by, events)| Step::Insert { by, events }),
        4 => (by(), 0..12_u8, 0..4_u8, size(), prop::option::of(0..90_u8)).prop_map(
            |(by, id, member, size, duration)| Step::Patch { by, id, member, size, duration }),
        4 => (filters(), 1..5_u32, 0..3_u32).prop_map(
            |(filters, limit, page)| Step::Read(filters, limit, page)),
        1 => (filters(), 1..4_u32).prop_map(|(filters, limit)| Step::ReadAll(filters, limit)),
        1 => prop::collection::vec(any::<Index>(), 1..6).prop_map(Step::ReadRest),
        1 => (0..12_u8).prop_map(Step::Get),
        1 => (0..5_u8, 0..5_u8, 1..4_u32).prop_map(
            |(first, last, limit)| Step::Find { first, last, limit }),
        2 => target().prop_map(Step::Delete),
        1 => (0..50_i64).prop_map(Step::Expire),
        1 => Just(Step::Revoke),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        2 => (0..12_u8).prop_map(Target::Event),
        2 => (0..5_u8).prop_map(Target::Session),
        1 => (0..4_u8).prop_map(Target::User),
        1 => Just(Target::Project),
    ]
}

/// The filters of a query.
#[derive(Clone, Debug, Default)]
struct Filters {
    session: Option<u8>,
    kind: Option<EventKind>,
    name: Option<u8>,
    errors_only: bool,
    from: Option<i64>,
    before: Option<i64>,
    has_predicate: bool,
}

fn filters() -> impl Strategy<Value = Filters> {
    let kind = prop::option::of(prop::sample::select(EventKind::ALL.to_vec()));
    let some = |most: i64| prop::option::weighted(0.3, 0..most);
    let more = (some(8), some(50), some(50), some(2), some(2));
    let more = prop_oneof![Just((None, None, None, None, None)), more];
    (prop::option::of(0..4_u8), kind, more).prop_map(
        |(session, kind, (name, from, before, errors, predicate))| Filters {
            session,
            kind,
            name: name.and_then(|name| name.try_into().ok()),
            errors_only: errors == Some(1),
            from,
            before,
            has_predicate: predicate == Some(1),
        },
    )
}

impl Filters {
    fn query(&self, limit: u32, start: PageStart) -> ReadEvents {
        ReadEvents {
            session: self.session.map(id),
            kind: self.kind,
            name: self.name.map(|name| format!("event {name}")),
            errors_only: self.errors_only,
            from: self.from,
            before: self.before,
            predicate: self
                .has_predicate
                .then(|| EventPredicate::new(|event| event.started % 2 == 0)),
            start,
            limit,
            ..ReadEvents::default()
        }
    }
}

/// Reads all pages by their cursors.
async fn read_all(
    engine: &impl Engine,
    project: &ProjectAccess,
    filters: &Filters,
    limit: u32,
) -> String {
    let (mut pages, mut start) = (String::new(), None);
    loop {
        let query = filters.query(limit, PageStart::Cursor(start));
        let page = engine.read(project, query).await.unwrap();
        pages += str::from_utf8(&page.json).unwrap();
        let page: serde_json::Value = serde_json::from_slice(&page.json).unwrap();
        let Some(next) = page["next"].as_str() else {
            return pages;
        };
        start = Some(Position::parse(next).unwrap());
    }
}

/// Returns the id of a session, or of an event if the number is 4 or more.
fn id(number: u8) -> Uuid {
    Uuid::from_bytes([number + 1; 16])
}

fn object(member: u8, size: usize) -> Object {
    let mut object = Object::new();
    object.insert(format!("m{member}"), json!("x".repeat(size)));
    object
}

/// Returns the properties of a user; none for the number 0.
fn user(number: u8) -> Object {
    let mut object = Object::new();
    if number > 0 {
        object.insert("user".to_owned(), json!(number));
    }
    object
}

/// Returns an event of a number, a session, a start time and a length.
fn new_event((event, session, started, length): &(u8, u8, i64, u8)) -> NewEvent {
    let mut metrics = Object::new();
    if event % 2 == 0 {
        metrics.insert("prompt_tokens".to_owned(), json!(event));
        metrics.insert("cost".to_owned(), json!(0.1 * f64::from(*event)));
    }
    let body = EventBody {
        error: (event % 4 == 0).then(|| "failed".to_owned()),
        metrics,
        user_properties: user(length % 4),
        ..EventBody::default()
    };
    NewEvent {
        identity: EventIdentity::Given {
            id: id(event + 4),
            parent: id(*session),
            yields_to_session: false,
        },
        session: id(*session),
        joins_trace: false,
        session_name: (session % 2 == 0).then(|| "named".to_owned()),
        kind: EventKind::ALL[1 + usize::from(event % 3)],
        name: format!("event {event}"),
        started: *started,
        ended: started + i64::from(*length),
        source: "s".to_owned(),
        usage: Usage::of(&body),
        body: body.encode().unwrap(),
    }
}

fn key(number: usize) -> NewKey {
    let level = LEVELS[number];
    NewKey {
        id: format!("id{number}"),
        digest: digest(number),
        shown: "hh_***".to_owned(),
        name: "name".to_owned(),
        note: None,
        owner: "owner".to_owned(),
        grant: Grant {
            level,
            projects: Projects::All,
            expires: None,
        },
        created: Timestamp::from_millisecond(START).unwrap(),
        family: None,
    }
}

fn digest(number: usize) -> KeyDigest {
    KeyDigest::from_bytes([u8::try_from(number).unwrap(); 32])
}

async fn insert_keys(engine: &impl Engine, now: Timestamp) {
    let first = find(engine, digest(0)).await.unwrap();
    let access = Access::of(first, now);
    for number in 1..LEVELS.len() {
        let insert = InsertKey {
            key: key(number),
            idempotency: None,
        };
        engine
            .write(&access, insert, Hold::default())
            .await
            .unwrap();
    }
}

/// Sends events to a deleted project, which are discarded, and creates a project with its name. Returns the events of
/// the deleted project.
async fn replace_project(engine: &impl Engine, access: &Access, deleted: &ProjectAccess) -> String {
    let insert = InsertEvents {
        batches: vec![(deleted.clone(), vec![new_event(&(0, 0, 0, 1))])],
    };
    let inserted = engine.write(access, insert, Hold::default()).await;
    inserted.unwrap();
    let create = CreateProject {
        name: "default".to_owned(),
        description: String::new(),
    };
    let created = engine.write(access, create, Hold::default()).await;
    created.unwrap();
    let all = Filters::default().query(100, PageStart::Number(0));
    let page = engine.read(deleted, all).await.unwrap();
    String::from_utf8(page.json).unwrap()
}

/// Executes a step and returns the answer or the error.
#[expect(clippy::too_many_lines, reason = "one arm for each step")]
async fn run(
    engine: &impl Engine,
    (id_of_project, public): (ProjectId, &str),
    seen: &[Position],
    now: Timestamp,
    step: &Step,
) -> String {
    let by = match step {
        Step::Start { by, .. } | Step::Insert { by, .. } | Step::Patch { by, .. } => *by,
        Step::Read(..)
        | Step::ReadAll(..)
        | Step::ReadRest(_)
        | Step::Get(_)
        | Step::Find { .. }
        | Step::Delete(_)
        | Step::Expire(_)
        | Step::Revoke => 0,
    };
    let record = find(engine, digest(by)).await.unwrap();
    let project = ProjectAccess::of(id_of_project, public, &record);
    let rights = Rights::new(record.grant.level, record.family);
    let access = Access::of(record, now);
    let text = |json: Vec<u8>| String::from_utf8(json).unwrap();
    let answer = match step {
        Step::Start {
            session,
            started,
            member,
            size,
            ..
        } => {
            let body = EventBody {
                source: "s".to_owned(),
                metadata: object(*member, *size),
                user_properties: user(*member),
                ..EventBody::default()
            };
            let session = NewSession {
                id: id(*session),
                name: format!("session {session}"),
                started: *started,
                ended: started + i64::from(*member) * 20,
                encoded: body.encode().unwrap(),
                body,
            };
            let start = StartSession { rights, session };
            engine
                .write(&project, start, Hold::default())
                .await
                .map(text)
        }
        Step::Insert { events, .. } => {
            let events = events.iter().map(new_event);
            let insert = InsertEvents {
                batches: vec![(project, events.collect())],
            };
            let inserted = engine.write(&access, insert, Hold::default()).await;
            inserted.map(|()| String::new())
        }
        Step::Patch {
            id: number,
            member,
            size,
            duration,
            ..
        } => {
            let patch = json!({
                "event_id": id(*number),
                "metadata": object(*member, *size),
                "metrics": {"completion_tokens": member},
                "duration": duration.map(f64::from),
            });
            let patch: EventPatch = serde_json::from_value(patch).unwrap();
            let update = UpdateEvent {
                rights,
                patch,
                latest_end: 70_000_000,
            };
            let updated = engine.write(&project, update, Hold::default()).await;
            updated.map(|()| String::new())
        }
        Step::Read(filters, limit, page) => {
            let query = filters.query(*limit, PageStart::Number(*page));
            let page = engine.read(&project, query).await;
            page.map(|page| text(page.json))
        }
        Step::ReadAll(filters, limit) => Ok(read_all(engine, &project, filters, *limit).await),
        Step::ReadRest(places) => {
            let places = places.iter().filter(|_| !seen.is_empty());
            let query = ReadRest {
                positions: places.map(|place| *place.get(seen)).collect(),
            };
            engine
                .read(&project, query)
                .await
                .map(|page| text(page.json))
        }
        Step::Get(number) => {
            let get = GetEvent { id: id(*number) };
            engine.read(&project, get).await.map(text)
        }
        Step::Find { first, last, limit } => {
            let find = FindSessions {
                ids: id(*first)..=id(*last),
                limit: *limit,
            };
            let found = engine.read(&project, find).await;
            found.map(|found| json!(found).to_string())
        }
        Step::Delete(deleted_target) => {
            let target = deleted_target.target();
            let count = CountDeletion {
                target: target.clone(),
            };
            let counted = engine
                .read(&project, count)
                .await
                .map_err(|error| error.to_string());
            let deleted = engine.write(&project, Delete { target }, Hold::default());
            let rows = deleted.await;
            let after = match deleted_target {
                Target::Project => replace_project(engine, &access, &project).await,
                Target::Event(_) | Target::Session(_) | Target::User(_) => String::new(),
            };
            rows.map(|rows| format!("{counted:?} {rows:?} {after}"))
        }
        Step::Expire(before) => {
            let rule = RetentionRule {
                project: project.number(),
                before: *before,
            };
            let delete = DeleteExpired { rule };
            let server = ServerAccess::for_test();
            let deleted = engine.write(&server, delete, Hold::default()).await;
            deleted.map(|deleted| format!("{deleted:?}"))
        }
        Step::Revoke => {
            let key_id = find(engine, digest(1)).await.unwrap().key_id;
            let revoked = engine.write(&access, RevokeKey { key_id }, Hold::default());
            revoked.await.map(|_| String::new())
        }
    };
    answer.unwrap_or_else(|error| {
        assert!(!matches!(error, StoreError::Engine(_)), "{error}");
        error.to_string()
    })
}

#[test]
fn commands_about_events_do_what_the_model_does() {
    for_sequences(step(), 25, |steps| {
        let both = EngineAndModel::start(&key(0));
        runtime().block_on(async {
            let (engine, model, now) = (&both.store.engine, &both.model, both.now());
            insert_keys(engine, now).await;
            insert_keys(model, now).await;
            let all = Step::Read(Filters::default(), 100, 0);
            let mut seen = Vec::new();
            for step in steps.iter().flat_map(|step| [step, &all]) {
                let project = both.store.project_by_name("default").unwrap();
                let project = (project.id, project.public.as_str());
                let expected = run(model, project, &seen, now, step).await;
                let found = run(engine, project, &seen, now, step).await;
                seen.extend(model.positions());
                assert!(
                    found == expected,
                    "{step:?}: {found:.2000} {expected:.2000}"
                );
            }
            both.store.close().await;
        });
        both.check_counts();
    });
}
