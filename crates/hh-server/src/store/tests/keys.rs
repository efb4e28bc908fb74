//! Compares keys, owners and projects of an engine with the model.

mod scripted;

use hh_api::types::{Change, Owner};
use hh_auth::{Grant, Level, ProjectId, Projects};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::auth::Access;
use crate::domain::idempotency::IdempotencyKey;

const OWNERS: [&str; 3] = ["ada", "ci", "bot"];

/// One command or query. The number of a key is its position in the order of creation.
#[derive(Clone, Debug)]
enum Step {
    Advance {
        minutes: i64,
    },
    Insert {
        by: usize,
        level: Level,
        all_projects: bool,
        expires_in_days: Option<i64>,
        owner: usize,
        idempotency: Option<(u8, u8)>,
    },
    Rotate {
        by: usize,
        old: usize,
        grace_hours: i64,
        idempotency: Option<(u8, u8)>,
    },
    Use {
        by: usize,
    },
    Update {
        by: usize,
        key: usize,
        name: Option<u8>,
        note: Change<u8>,
        expires_in_days: Option<i64>,
    },
    Revoke {
        by: usize,
        key: usize,
    },
    Close {
        key: usize,
    },
    Get {
        by: usize,
        key: usize,
    },
    List {
        by: usize,
        with_ended: bool,
        limit: u32,
        after: Option<i64>,
    },
    CreateOwner {
        by: usize,
        owner: usize,
    },
    DisableOwner {
        by: usize,
        owner: usize,
    },
    EnableOwner {
        by: usize,
        owner: usize,
    },
    ListOwners {
        by: usize,
    },
    CreateProject {
        by: usize,
        name: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let by = || 0..1000_usize;
    let level = prop_oneof![3 => Just(Level::Admin), 1 => Just(Level::ReadOnly)];
    let days = || prop::sample::select(vec![-1, 0, 1, 29, 30, 31]);
    let expires = prop_oneof![2 => Just(None), 3 => days().prop_map(Some)];
    let note = prop_oneof![
        Just(Change::Keep),
        Just(Change::Remove),
        (0..3_u8).prop_map(Change::Set)
    ];
    let idempotency = || prop::option::weighted(0.3, (0_u8..2, 0_u8..2));
    let minutes = vec![1, 29, 61, 60 * 23, 60 * 25, 60 * 24 * 15];
    prop_oneof![
        3 => prop::sample::select(minutes).prop_map(|minutes| Step::Advance { minutes }),
        4 => (by(), level, prop::bool::weighted(0.8), expires, 0..3_usize, idempotency()).prop_map(
            |(by, level, all_projects, expires_in_days, owner, idempotency)| Step::Insert {
                by, level, all_projects, expires_in_days, owner, idempotency,
            }),
        6 => (by(), by(), prop::sample::select(vec![0, 1, 24]), idempotency()).prop_map(
            |(by, old, grace_hours, idempotency)| Step::Rotate { by, old, grace_hours, idempotency }),
        5 => by().prop_map(|by| Step::Use { by }),
        3 => (by(), by(), prop::option::of(0..3_u8), note, prop::option::weighted(0.7, days())).prop_map(
            |(by, key, name, note, expires_in_days)| Step::Update { by, key, name, note, expires_in_days }),
        3 => (by(), by()).prop_map(|(by, key)| Step::Revoke { by, key }),
        1 => by().prop_map(|key| Step::Close { key }),
        1 => (by(), by()).prop_map(|(by, key)| Step::Get { by, key }),
        1 => (by(), any::<bool>(), 1..4_u32, prop::option::of(1..8_i64)).prop_map(
            |(by, with_ended, limit, after)| Step::List { by, with_ended, limit, after }),
        1 => (by(), 0..3_usize).prop_map(|(by, owner)| Step::CreateOwner { by, owner }),
        1 => (by(), 0..3_usize).prop_map(|(by, owner)| Step::DisableOwner { by, owner }),
        1 => (by(), 0..3_usize).prop_map(|(by, owner)| Step::EnableOwner { by, owner }),
        1 => by().prop_map(|by| Step::ListOwners { by }),
        1 => (by(), 0..3_u8).prop_map(|(by, name)| Step::CreateProject { by, name }),
    ]
}

fn digest(number: u8) -> KeyDigest {
    KeyDigest::from_bytes([number; 32])
}

fn new_key(number: u8, created: Timestamp) -> NewKey {
    NewKey {
        id: format!("id{number}"),
        digest: digest(number),
        shown: "hh_***".to_owned(),
        name: format!("key {number}"),
        note: number.is_multiple_of(2).then(|| "note".to_owned()),
        owner: OWNERS[0].to_owned(),
        grant: Grant {
            level: Level::Admin,
            projects: Projects::All,
            expires: None,
        },
        created,
        family: None,
    }
}

/// An answer without the random values of an engine. Families are compared by the first key of each.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    error: Option<String>,
    was_repeated: bool,
    keys: Vec<KeyRecord>,
    owners: Vec<Owner>,
    changes: KeyChanges,
}

struct Driver<'a, E> {
    engine: &'a E,
    now: Timestamp,
    /// The number of keys created so far.
    count: u8,
}

impl<E: Engine> Driver<'_, E> {
    async fn find(&self, number: usize) -> Option<KeyRecord> {
        find(self.engine, digest(u8::try_from(number).unwrap())).await
    }

    /// Returns the access of a key; `None` if the key was deleted.
    async fn access(&self, by: usize) -> Option<Access> {
        let record = self.find(by % usize::from(self.count)).await?;
        Some(Access::of(record, self.now))
    }

    async fn owner_id(&self, access: &Access, owner: usize) -> String {
        let owners = self.engine.read(access, ListOwners).await.unwrap();
        let mut owners = owners.into_iter();
        let found = owners.find(|found| found.principal.name == OWNERS[owner]);
        found.map_or_else(|| "none".to_owned(), |owner| owner.id)
    }

    async fn run(&self, step: &Step) -> Option<Outcome> {
        let outcome = self.try_run(step).await?;
        let mut outcome = outcome.unwrap_or_else(|error| {
            assert!(!matches!(error, StoreError::Engine(_)), "{error}");
            Outcome {
                error: Some(format!("{error:?} {error}")),
                ..Outcome::default()
            }
        });
        for key in &mut outcome.keys {
            key.family = self.first_of_family(key.family).await;
        }
        for owner in &mut outcome.owners {
            owner.id.clear();
        }
        let changes = &mut outcome.changes;
        for digests in [
            &mut changes.revoked,
            &mut changes.changed,
            &mut changes.deleted,
        ] {
            digests.sort_by_key(|digest| *digest.as_bytes());
        }
        Some(outcome)
    }

    async fn first_of_family(&self, family: i64) -> i64 {
        for number in 0..=self.count {
            if let Some(key) = self.find(number.into()).await
                && key.family == family
            {
                return key.key_id;
            }
        }
        panic!("a key without a family");
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each step")]
    async fn try_run(&self, step: &Step) -> Option<Result<Outcome, StoreError>> {
        let engine = self.engine;
        let once = |pair: Option<(u8, u8)>| {
            pair.map(|(name, request)| IdempotencyKey {
                name: [name; 32],
                request: [request; 32],
            })
        };
        let of_keys = |keys| Outcome {
            keys,
            ..Outcome::default()
        };
        let of_owners = |owners| Outcome {
            owners,
            ..Outcome::default()
        };
        let of_changes = |changes| Outcome {
            changes,
            ..Outcome::default()
        };
        let of_updated = |changed: Changed<KeyRecord>| Outcome {
            keys: vec![changed.value],
            changes: changed.changes,
            ..Outcome::default()
        };
        let of_inserted = |inserted: Changed<InsertOutcome>| {
            let keys = match inserted.value {
                InsertOutcome::Inserted => Vec::new(),
                InsertOutcome::Repeated(key) => vec![*key],
            };
            Outcome {
                was_repeated: !keys.is_empty(),
                keys,
                changes: inserted.changes,
                ..Outcome::default()
            }
        };
        let new = new_key(self.count, self.now);
        Some(match step {
            Step::Advance { .. } => Ok(Outcome::default()),
            Step::Insert {
                by,
                level,
                all_projects,
                expires_in_days,
                owner,
                idempotency,
            } => {
                let access = self.access(*by).await?;
                let only = Projects::Only([ProjectId::new(1)].into());
                let end = |days| self.now + SignedDuration::from_hours(24 * days);
                let key = NewKey {
                    owner: OWNERS[*owner].to_owned(),
                    grant: Grant {
                        level: *level,
                        projects: if *all_projects { Projects::All } else { only },
                        expires: expires_in_days.map(end),
                    },
                    ..new
                };
                let idempotency = once(*idempotency);
                let inserted =
                    engine.write(&access, InsertKey { key, idempotency }, Hold::default());
                inserted.await.map(of_inserted)
            }
            Step::Rotate {
                by,
                old,
                grace_hours,
                idempotency,
            } => {
                let access = self.access(*by).await?;
                let old = self.find(*old % usize::from(self.count)).await?;
                let rotate = RotateKey {
                    old: old.key_id,
                    new: NewKey {
                        owner: old.owner,
                        grant: old.grant,
                        family: Some(old.family),
                        ..new
                    },
                    grace: grace_hours * 60 * 60 * 1000,
                    limit: 3,
                    idempotency: once(*idempotency),
                };
                let rotated = engine.write(&access, rotate, Hold::default());
                rotated.await.map(of_inserted)
            }
            Step::Use { by } => {
                let access = self.access(*by).await?;
                let begun = engine.write(&access, BeginGrace, Hold::default()).await;
                if begun.is_ok() {
                    let save = SaveUses {
                        uses: vec![(access.record().key_id, self.now.as_millisecond())],
                        pepper_check: String::new(),
                    };
                    let server = ServerAccess::for_test();
                    let saved = engine.write(&server, save, Hold::default());
                    saved.await.unwrap();
                }
                begun.map(|begun| of_changes(begun.changes))
            }
            Step::Update {
                by,
                key,
                name,
                note,
                expires_in_days,
            } => {
                let access = self.access(*by).await?;
                let end = |days| self.now + SignedDuration::from_hours(24 * days);
                let update = UpdateKey {
                    key_id: self.find(*key % usize::from(self.count)).await?.key_id,
                    name: name.map(|name| format!("name {name}")),
                    note: match note {
                        Change::Keep => Change::Keep,
                        Change::Remove => Change::Remove,
                        Change::Set(note) => Change::Set(format!("note {note}")),
                    },
                    expires: expires_in_days.map(end),
                };
                let updated = engine.write(&access, update, Hold::default());
                updated.await.map(of_updated)
            }
            Step::Revoke { by, key } => {
                let access = self.access(*by).await?;
                let key_id = self.find(*key % usize::from(self.count)).await?.key_id;
                let revoked = engine.write(&access, RevokeKey { key_id }, Hold::default());
                revoked.await.map(of_updated)
            }
            Step::Close { key } => {
                let key = self.find(*key % usize::from(self.count)).await?;
                let state = key.to_close(self.now)?;
                let close = CloseKey {
                    key_id: key.key_id,
                    digest: key.digest,
                    state,
                };
                let server = ServerAccess::for_test();
                let closed = engine.write(&server, close, Hold::default());
                closed.await.map(|closed| of_changes(closed.changes))
            }
            Step::Get { by, key } => {
                let access = self.access(*by).await?;
                let id = format!("id{}", *key % (usize::from(self.count) + 1));
                let found = engine.read(&access, GetKey { id }).await;
                found.map(|key| of_keys(vec![key]))
            }
            Step::List {
                by,
                with_ended,
                limit,
                after,
            } => {
                let list = ListKeys {
                    limit: *limit,
                    after: *after,
                    with_ended: *with_ended,
                };
                let access = self.access(*by).await?;
                engine.read(&access, list).await.map(of_keys)
            }
            Step::CreateOwner { by, owner } => {
                let access = self.access(*by).await?;
                let name = OWNERS[*owner].to_owned();
                let created = engine.write(&access, CreateOwner { name }, Hold::default());
                created.await.map(|owner| of_owners(vec![owner]))
            }
            Step::DisableOwner { by, owner } => {
                let access = self.access(*by).await?;
                let id = self.owner_id(&access, *owner).await;
                let disabled = engine.write(&access, DisableOwner { id }, Hold::default());
                disabled.await.map(|disabled| Outcome {
                    owners: vec![disabled.value],
                    changes: disabled.changes,
                    ..Outcome::default()
                })
            }
            Step::EnableOwner { by, owner } => {
                let access = self.access(*by).await?;
                let id = self.owner_id(&access, *owner).await;
                let enabled = engine.write(&access, EnableOwner { id }, Hold::default());
                enabled.await.map(|owner| of_owners(vec![owner]))
            }
            Step::ListOwners { by } => {
                let access = self.access(*by).await?;
                engine.read(&access, ListOwners).await.map(of_owners)
            }
            Step::CreateProject { by, name } => {
                let access = self.access(*by).await?;
                let create = CreateProject {
                    name: format!("p{name}"),
                    description: "d".to_owned(),
                };
                let created = engine.write(&access, create, Hold::default()).await;
                created.map(|created| {
                    assert_eq!(created.name, format!("p{name}"));
                    Outcome::default()
                })
            }
        })
    }
}

impl EngineAndModel {
    /// Executes a step with both, compares the answers, and returns the answer.
    async fn step(&self, step: &Step, count: &mut u8) -> Option<Outcome> {
        if let Step::Advance { minutes } = step {
            self.advance(*minutes);
        }
        let (now, number) = (self.now(), *count);
        let of_model = Driver {
            engine: &self.model,
            now,
            count: number,
        };
        let expected = of_model.run(step).await;
        self.told.0.lock().unwrap().clear();
        let of_engine = Driver {
            engine: &self.store.engine,
            now,
            count: number,
        };
        let found = of_engine.run(step).await;
        assert_eq!(found, expected, "{step:?}");
        if let Some(outcome) = &found {
            self.check_reported(outcome);
            *count += u8::try_from(outcome.changes.created.len()).unwrap();
        }
        for number in 0..*count {
            let mut key = find(&self.store.engine, digest(number)).await;
            let mut expected = find(&self.model, digest(number)).await;
            for key in [&mut key, &mut expected].into_iter().flatten() {
                key.family = 0;
            }
            assert_eq!(key, expected, "after {step:?}");
        }
        found
    }

    /// Checks that the observer received exactly the changes that the command returned.
    fn check_reported(&self, outcome: &Outcome) {
        let mut told = std::mem::take(&mut *self.told.0.lock().unwrap());
        told.retain(|changes| *changes != KeyChanges::default());
        for changes in &mut told {
            for digests in [
                &mut changes.revoked,
                &mut changes.changed,
                &mut changes.deleted,
            ] {
                digests.sort_by_key(|digest| *digest.as_bytes());
            }
        }
        let mut answered = vec![outcome.changes.clone()];
        answered.retain(|changes| *changes != KeyChanges::default());
        assert_eq!(told, answered);
    }
}

fn begin() -> EngineAndModel {
    let first = Timestamp::from_millisecond(START).unwrap();
    EngineAndModel::start(&new_key(0, first))
}

#[test]
fn commands_about_keys_do_what_the_model_does() {
    for_sequences(step(), 40, |steps| {
        let both = begin();
        let mut count = 1;
        runtime().block_on(async {
            for step in &steps {
                both.step(step, &mut count).await;
            }
            both.store.close().await;
        });
    });
}
