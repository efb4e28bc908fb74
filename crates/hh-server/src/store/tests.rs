//! Tests engines for conformance: sequences of commands and queries must have the same answers from an engine and from
//! a simple model in memory.

mod events;
mod keys;
mod model;

use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use hh_auth::KeyDigest;
use jiff::Timestamp;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use super::commands::GetEvent;
use super::port::Changed;
use super::*;
use crate::auth::{Access, ServerAccess};
use crate::domain::keys::KeyRecord;
use crate::testing::repetitions;
use model::Model;

/// Runs a test for 48 random sequences of steps, or for the number in `HH_SOAK_ROUNDS`. It does not use
/// `PROPTEST_CASES`, the number for other properties, which would be too many because each sequence creates a database.
fn for_sequences<S: Strategy>(step: S, longest: usize, test: impl Fn(Vec<S::Value>)) {
    let config = Config {
        cases: repetitions("HH_SOAK_ROUNDS", 48),
        ..Config::default()
    };
    let done = TestRunner::new(config).run(&proptest::collection::vec(step, 1..longest), |steps| {
        test(steps);
        Ok(())
    });
    done.unwrap();
}

/// An engine that executes every command and query.
trait Engine:
    Write<InsertKey>
    + Write<RotateKey>
    + Write<BeginGrace>
    + Write<UpdateKey>
    + Write<RevokeKey>
    + Write<CloseKey>
    + Write<SaveUses>
    + Write<CreateOwner>
    + Write<DisableOwner>
    + Write<EnableOwner>
    + Write<CreateProject>
    + Write<InsertEvents>
    + Write<UpdateEvent>
    + Write<StartSession>
    + Write<Delete>
    + Write<DeleteExpired>
    + Read<CountDeletion>
    + Read<KeyByDigest>
    + Read<GetKey>
    + Read<ListKeys>
    + Read<ListOwners>
    + Read<FindSessions>
    + Read<ReadEvents>
    + Read<ReadRest>
    + Read<GetEvent>
{
}

impl Engine for Sqlite {}
impl Engine for Model {}

/// An observer that records the changes of keys that an engine reports.
#[derive(Default)]
struct RecordingObserver(Mutex<Vec<KeyChanges>>);

impl KeyObserver for RecordingObserver {
    fn exists(&self, _: &KeyDigest) {}

    fn changing(&self, _: &KeyChanges) {}

    fn settled(&self, _: &KeyChanges) {}

    fn committed(&self, changes: &KeyChanges) {
        self.0.lock().unwrap().push(changes.clone());
    }

    fn unsaved(&self, _: &[KeyDigest]) {
        panic!("the disk is not full");
    }
}

/// An engine and the model with the same first key.
struct EngineAndModel {
    store: Store,
    told: Arc<RecordingObserver>,
    model: Model,
    clock: Arc<Clock>,
    dir: TempDir,
}

/// The beginning of 2026, in Unix milliseconds.
const START: i64 = 1_767_225_600_000;

impl EngineAndModel {
    fn start(first: &NewKey) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (told, clock) = (Arc::<RecordingObserver>::default(), Arc::<Clock>::default());
        clock.set(START);
        let store = open(dir.path(), Arc::clone(&told), Arc::clone(&clock));
        store.first_start("o".to_owned(), first.clone()).unwrap();
        told.0.lock().unwrap().clear();
        let model = Model::new(first.clone(), Arc::clone(&clock));
        Self {
            store,
            told,
            model,
            clock,
            dir,
        }
    }

    /// Checks that the counts of the engine are those of its rows.
    fn check_counts(&self) {
        check_counts(&self.dir.path().join("honeyhive.db"));
    }

    fn now(&self) -> Timestamp {
        self.clock.key_time()
    }

    fn advance(&self, minutes: i64) {
        self.clock
            .set(self.now().as_millisecond() + minutes * 60_000);
    }
}

fn open(dir: &Path, told: Arc<RecordingObserver>, clock: Arc<Clock>) -> Store {
    Store::open(&dir.join("honeyhive.db"), told, clock).unwrap()
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap()
}

async fn find(engine: &impl Engine, digest: KeyDigest) -> Option<KeyRecord> {
    let server = ServerAccess::for_test();
    engine.read(&server, KeyByDigest(digest)).await.unwrap()
}

pub(super) fn first_key() -> NewKey {
    let record = KeyRecord::of_admin(1);
    NewKey {
        id: record.id,
        digest: record.digest,
        shown: record.shown,
        name: record.name,
        note: None,
        owner: record.owner,
        grant: record.grant,
        created: record.created,
        family: None,
    }
}

#[test]
fn key_changes_are_observed_even_if_the_caller_is_gone() {
    let both = EngineAndModel::start(&first_key());
    runtime().block_on(async {
        let first = find(&both.store.engine, first_key().digest).await.unwrap();
        let access = Access::of(first, both.now());
        let key = NewKey {
            id: "second".to_owned(),
            digest: KeyDigest::from_bytes([8; 32]),
            ..first_key()
        };
        let insert = InsertKey {
            key: key.clone(),
            idempotency: None,
        };
        both.store.write(&access, insert).await.unwrap();
        let found = find(&both.store.engine, key.digest).await.unwrap();
        let revoke = RevokeKey {
            key_id: found.key_id,
        };
        both.told.0.lock().unwrap().clear();
        let queued = both.store.write(&access, revoke).now_or_never();
        assert!(queued.is_none(), "the command was answered immediately");
        both.store.close().await;
    });
    let told = both.told.0.lock().unwrap();
    assert_eq!(told[0].revoked, [KeyDigest::from_bytes([8; 32])]);
}

#[test]
fn what_the_caller_holds_is_kept_until_the_command_is_done_and_no_longer() {
    let both = EngineAndModel::start(&first_key());
    let memory = Arc::new(());
    runtime().block_on(async {
        let first = find(&both.store.engine, first_key().digest).await.unwrap();
        let access = Access::of(first, both.now());
        let insert = || InsertEvents {
            batches: Vec::new(),
        };
        // The command waits in the queue, and its caller has stopped waiting.
        let writer = both.store.engine.block_writer();
        let hold = Hold::new(Arc::clone(&memory));
        let queued = both.store.write_holding(&access, insert(), hold);
        assert!(queued.now_or_never().is_none());
        assert_eq!(Arc::strong_count(&memory), 2);
        drop(writer);
        both.store.write(&access, insert()).await.unwrap();
        assert_eq!(Arc::strong_count(&memory), 1);
        both.store.close().await;
    });
}
