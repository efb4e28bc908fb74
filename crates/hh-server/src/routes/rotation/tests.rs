//! Tests the life of keys against a model without a database, a cache and threads.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::{Value, json};

use crate::testing::{InProcess, repetitions};

/// A time after the creation of the first key, in milliseconds since 1970, so that the clock of the model never goes
/// back.
const START: i64 = 4_000_000_000_000;
const KEYS: &str = "/v1/api_keys";
const OWNERS: usize = 4;

#[derive(Clone, Debug)]
struct Key {
    is_admin: bool,
    owner: usize,
    expires: Option<i64>,
    revoked: bool,
    replaced_by: Option<usize>,
    replaces: Option<usize>,
    grace: i64,
    grace_ends: Option<i64>,
    last_used: Option<i64>,
}

/// The expected state of the server. The first key issues other keys and never changes itself.
#[derive(Clone, Debug)]
struct Model {
    now: i64,
    keys: Vec<Key>,
    owners: BTreeSet<usize>,
    disabled: BTreeSet<usize>,
    /// The status and the error code of the last response.
    answer: (u16, &'static str),
}

#[derive(Clone, Debug)]
enum Step {
    Use {
        by: usize,
    },
    Create {
        by: usize,
        is_admin: bool,
        owner: usize,
        lasts: Option<i64>,
    },
    Rotate {
        by: usize,
        key: usize,
        grace: i64,
    },
    Revoke {
        by: usize,
        key: usize,
    },
    Shorten {
        by: usize,
        key: usize,
        lasts: i64,
    },
    Disable {
        by: usize,
        owner: usize,
    },
    Enable {
        by: usize,
        owner: usize,
    },
    Wait {
        millis: i64,
    },
}

const OK: (u16, &str) = (200, "");
const FORBIDDEN: (u16, &str) = (403, "PERMISSION_DENIED");
const CONFLICT: (u16, &str) = (409, "CONFLICT");

impl Model {
    fn by(&self, number: usize) -> usize {
        number % self.keys.len()
    }

    /// Returns the number of any key but the first, or `None` if there is no other key.
    fn target(&self, number: usize) -> Option<usize> {
        let others = self.keys.len() - 1;
        (others > 0).then(|| 1 + number % others)
    }

    /// Returns the reason why a key no longer works; empty while it works. The earlier end is the reason.
    fn end(&self, key: usize) -> &'static str {
        let key = &self.keys[key];
        let expires = key.expires.unwrap_or(i64::MAX);
        let grace_ends = key.grace_ends.unwrap_or(i64::MAX);
        if key.revoked {
            "revoked"
        } else if self.now < expires.min(grace_ends) {
            ""
        } else if grace_ends < expires {
            "replaced"
        } else {
            "expired"
        }
    }

    /// Checks a key, and records its use if it is allowed.
    fn accept(&mut self, by: usize, needs_admin: bool) -> Result<(), (u16, &'static str)> {
        match self.end(by) {
            "" => {}
            "revoked" => return Err((401, "KEY_REVOKED")),
            "replaced" => return Err((401, "KEY_REPLACED")),
            _ => return Err((401, "KEY_EXPIRED")),
        }
        if needs_admin && !self.keys[by].is_admin {
            return Err(FORBIDDEN);
        }
        let now = self.now;
        if let Some(old) = self.keys[by].replaces {
            let old = &mut self.keys[old];
            old.grace_ends.get_or_insert(now + old.grace);
        }
        self.keys[by].last_used = Some(now);
        Ok(())
    }

    fn is_own(&self, by: usize, key: usize) -> bool {
        by == key || self.keys[by].replaces == Some(key)
    }

    /// Returns whether a key may create one with an expiry, which must not be later than the end of its issuer.
    fn ends_within(&self, end: Option<i64>, by: usize) -> bool {
        let issuer = &self.keys[by];
        let limit = [issuer.expires, issuer.grace_ends]
            .into_iter()
            .flatten()
            .min();
        limit.is_none_or(|limit| end.is_some_and(|end| end <= limit))
    }

    fn rotate(&mut self, by: usize, key: usize, grace: i64) -> Result<(), (u16, &'static str)> {
        let (by, Some(key)) = (self.by(by), self.target(key)) else {
            return Ok(());
        };
        self.accept(by, !self.is_own(by, key))?;
        if by != key && !self.ends_within(self.keys[key].expires, by) {
            return Err(FORBIDDEN);
        }
        let old = self.keys[key].clone();
        let is_superseded = old.replaced_by.is_some() && old.grace_ends.is_some();
        let is_third = old
            .replaces
            .is_some_and(|before| self.end(before).is_empty());
        if !self.end(key).is_empty() || is_superseded || is_third {
            return Err(CONFLICT);
        }
        if let Some(unused) = old.replaced_by {
            self.keys[unused].revoked = true;
            self.keys[unused].replaces = None;
        }
        self.keys[key].replaced_by = Some(self.keys.len());
        self.keys[key].grace = grace;
        self.keys.push(Key {
            replaced_by: None,
            replaces: Some(key),
            grace: 0,
            grace_ends: None,
            last_used: None,
            ..old
        });
        Ok(())
    }

    fn shorten(&mut self, by: usize, key: usize, lasts: i64) -> Result<(), (u16, &'static str)> {
        let (by, Some(key)) = (self.by(by), self.target(key)) else {
            return Ok(());
        };
        self.accept(by, true)?;
        let (end, current) = (self.now + lasts, self.keys[key].expires);
        if by != key && !self.ends_within(current, by) {
            return Err(FORBIDDEN);
        }
        if !self.end(key).is_empty() {
            return Err(CONFLICT);
        }
        if lasts <= 0 || current.is_some_and(|current| end > current) {
            return Err((400, "INVALID_REQUEST"));
        }
        self.keys[key].expires = Some(end);
        Ok(())
    }

    fn apply(&mut self, step: &Step) -> Result<(), (u16, &'static str)> {
        match *step {
            Step::Wait { millis } => self.now += millis,
            Step::Use { by } => self.accept(self.by(by), false)?,
            Step::Create {
                by,
                is_admin,
                owner,
                lasts,
            } => {
                let by = self.by(by);
                self.accept(by, true)?;
                let expires = lasts.map(|lasts| self.now + lasts);
                if !self.ends_within(expires, by) {
                    return Err(FORBIDDEN);
                }
                if self.disabled.contains(&owner) {
                    return Err(CONFLICT);
                }
                self.owners.insert(owner);
                self.keys.push(Key {
                    is_admin,
                    owner,
                    expires,
                    revoked: false,
                    replaced_by: None,
                    replaces: None,
                    grace: 0,
                    grace_ends: None,
                    last_used: None,
                });
            }
            Step::Rotate { by, key, grace } => self.rotate(by, key, grace)?,
            Step::Revoke { by, key } => {
                let (by, Some(key)) = (self.by(by), self.target(key)) else {
                    return Ok(());
                };
                self.accept(by, !self.is_own(by, key))?;
                self.keys[key].revoked = true;
                if let Some(old) = self.keys[key].replaces
                    && self.keys[old].grace_ends.is_none()
                {
                    self.keys[old].replaced_by = None;
                    self.keys[key].replaces = None;
                }
            }
            Step::Disable { by, owner } => {
                let by = self.by(by);
                self.accept(by, true)?;
                if !self.owners.contains(&owner) {
                    return Err((404, "NOT_FOUND"));
                }
                if self.keys[by].owner == owner {
                    return Err(CONFLICT);
                }
                self.disabled.insert(owner);
                let keys = self.keys.iter_mut().filter(|key| key.owner == owner);
                keys.for_each(|key| key.revoked = true);
            }
            Step::Shorten { by, key, lasts } => self.shorten(by, key, lasts)?,
            Step::Enable { by, owner } => {
                self.accept(self.by(by), true)?;
                if !self.owners.contains(&owner) {
                    return Err((404, "NOT_FOUND"));
                }
                self.disabled.remove(&owner);
            }
        }
        Ok(())
    }
}

struct Reference;

impl ReferenceStateMachine for Reference {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let first = Key {
            is_admin: true,
            owner: 0,
            expires: None,
            revoked: false,
            replaced_by: None,
            replaces: None,
            grace: 0,
            grace_ends: None,
            last_used: None,
        };
        Just(Model {
            now: START,
            keys: vec![first],
            owners: BTreeSet::from([0]),
            disabled: BTreeSet::new(),
            answer: OK,
        })
        .boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        // Selects any key by its number, and the first key more often, because it is never rejected.
        let count = model.keys.len();
        let by = || prop_oneof![1 => Just(0), 3 => 0..count];
        // Selects the latest key more often than by chance, so that chains of rotations are long.
        let key = || prop_oneof![Just(count.max(2) - 2), 0..count];
        let short = || prop_oneof![Just(0_i64), 1..5_i64, Just(1000), 1000..604_800_000_i64];
        prop_oneof![
            3 => by().prop_map(|by| Step::Use { by }),
            3 => (by(), any::<bool>(), 0..OWNERS, prop::option::of(1..5000_i64)).prop_map(
                |(by, is_admin, owner, lasts)| Step::Create { by, is_admin, owner, lasts }
            ),
            4 => (by(), key(), short()).prop_map(|(by, key, grace)| Step::Rotate {
                by,
                key,
                grace: grace / 1000 * 1000,
            }),
            2 => key().prop_map(|key| Step::Rotate { by: key + 1, key, grace: 1000 }),
            2 => (by(), key()).prop_map(|(by, key)| Step::Revoke { by, key }),
            1 => (by(), 1..OWNERS).prop_map(|(by, owner)| Step::Disable { by, owner }),
            2 => (by(), key(), 0..3000_i64).prop_map(|(by, key, lasts)| Step::Shorten { by, key, lasts }),
            1 => (by(), 0..OWNERS).prop_map(|(by, owner)| Step::Enable { by, owner }),
            2 => prop_oneof![1..4_i64, Just(1000), 1..3000_i64]
                .prop_map(|millis| Step::Wait { millis }),
        ]
        .boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        // The server handles simultaneous requests one by one, so the model can apply them in order.
        model.answer = Model::apply(&mut model, step).err().unwrap_or(OK);
        model
    }
}

/// A server, with the ids and texts of the keys that the model knows by number.
struct Server {
    server: InProcess,
    keys: Vec<(String, String)>,
}

fn owner(number: usize) -> String {
    match number {
        0 => "admin@localhost".to_owned(),
        number => format!("owner-{number}"),
    }
}

fn time(millis: Option<i64>) -> Value {
    millis.map_or(Value::Null, |millis| {
        json!(Timestamp::from_millisecond(millis).unwrap())
    })
}

impl Server {
    fn call(&self, by: usize, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.server.call(&self.keys[by].1, method, path, body)
    }

    /// Returns the path of an operation on an owner, or on an unknown id if the owner does not exist.
    fn owner_path(&self, whose: usize, operation: &str) -> String {
        let (_, list) = self.call(0, "GET", "/v1/owners", &Value::Null);
        let all = list["owners"].as_array().unwrap();
        let found = all.iter().find(|found| found["name"] == owner(whose));
        let id = found.map_or("nobody", |found| found["id"].as_str().unwrap());
        format!("/v1/owners/{id}/{operation}")
    }

    fn send(&self, model: &Model, before: usize, step: &Step) -> Option<(u16, Value)> {
        // Numbers refer to the keys that existed before the step.
        let by = |number: usize| number % before;
        let target = |number: usize| (before > 1).then(|| &self.keys[1 + number % (before - 1)].0);
        Some(match *step {
            Step::Wait { .. } => return None,
            Step::Use { by: number } => {
                self.call(by(number), "GET", "/v1/auth/whoami", &Value::Null)
            }
            Step::Create {
                by: number,
                is_admin,
                owner: whose,
                lasts,
            } => {
                let body = json!({
                    "name": "n",
                    "level": if is_admin { "admin" } else { "read_only" },
                    "projects": "all",
                    "owner": owner(whose),
                    "expires_at": time(lasts.map(|lasts| model.now + lasts)),
                });
                self.call(by(number), "POST", KEYS, &body)
            }
            Step::Rotate {
                by: number,
                key,
                grace,
            } => {
                let path = format!("{KEYS}/{}/rotate", target(key)?);
                let body = json!({"grace_seconds": grace / 1000});
                self.call(by(number), "POST", &path, &body)
            }
            Step::Revoke { by: number, key } => {
                let path = format!("{KEYS}/{}", target(key)?);
                self.call(by(number), "DELETE", &path, &Value::Null)
            }
            Step::Shorten {
                by: number,
                key,
                lasts,
            } => {
                let path = format!("{KEYS}/{}", target(key)?);
                let body = json!({"expires_at": time(Some(model.now + lasts))});
                self.call(by(number), "PATCH", &path, &body)
            }
            Step::Disable {
                by: number,
                owner: whose,
            } => self.call(
                by(number),
                "POST",
                &self.owner_path(whose, "disable"),
                &Value::Null,
            ),
            Step::Enable {
                by: number,
                owner: whose,
            } => self.call(
                by(number),
                "POST",
                &self.owner_path(whose, "enable"),
                &Value::Null,
            ),
        })
    }
}

struct KeyLifecycle;

impl StateMachineTest for KeyLifecycle {
    type SystemUnderTest = Server;
    type Reference = Reference;

    fn init_test(model: &Model) -> Server {
        let server = InProcess::start();
        server.app.clock.set(model.now);
        let (_, me) = server.call(&server.admin, "GET", "/v1/auth/whoami", &Value::Null);
        let id = me["key"]["id"].as_str().unwrap().to_owned();
        let keys = vec![(id, server.admin.clone())];
        Server { server, keys }
    }

    fn apply(mut server: Server, model: &Model, step: Step) -> Server {
        server.server.app.clock.set(model.now);
        if let Some((status, answer)) = server.send(model, server.keys.len(), &step) {
            let code = answer["errorCode"].as_str().unwrap_or_default();
            assert_eq!((status, code), model.answer, "{answer}");
            if let Some(key) = answer["key"].as_str() {
                let id = answer["id"].as_str().unwrap().to_owned();
                server.keys.push((id, key.to_owned()));
            }
        }
        server
    }

    fn check_invariants(server: &Server, model: &Model) {
        assert_eq!(server.keys.len(), model.keys.len());
        let path = format!("{KEYS}?ended=true&limit=1000");
        let (_, list) = server.call(0, "GET", &path, &Value::Null);
        let id = |number: Option<usize>| number.map(|number| server.keys[number].0.as_str());
        let shown = list["keys"].as_array().unwrap().iter().rev().enumerate();
        for (number, shown) in shown.skip(1) {
            let key = &model.keys[number];
            let state = match model.end(number) {
                "" => "active",
                end => end,
            };
            let expected = json!({
                "id": server.keys[number].0,
                "state": state,
                "replaced_by": id(key.replaced_by),
                "replaces": id(key.replaces),
                "grace_seconds": key.replaced_by.map(|_| key.grace / 1000),
                "grace_ends_at": time(key.grace_ends),
                "last_used_at": time(key.last_used),
                "expires_at": time(key.expires),
                "level": if key.is_admin { "admin" } else { "read_only" },
            });
            for (member, value) in expected.as_object().unwrap() {
                assert_eq!(&shown[member], value, "{member} of key {number}");
            }
            assert_eq!(shown["owner"]["name"], owner(key.owner));
            // In every state, at most two keys of a rotation family work.
            let mut line = vec![number];
            while let Some(before) = model.keys[*line.last().unwrap()].replaces {
                line.push(before);
            }
            let working = line.iter().filter(|number| model.end(**number).is_empty());
            assert!(working.count() <= 2, "{line:?}");
        }
        let (_, list) = server.call(0, "GET", "/v1/owners", &Value::Null);
        let shown = list["owners"].as_array().unwrap();
        assert_eq!(shown.len(), model.owners.len());
        for (shown, number) in shown.iter().zip(&model.owners) {
            assert_eq!(shown["name"], owner(*number));
            assert_eq!(
                shown["disabled_at"].is_string(),
                model.disabled.contains(number)
            );
            let keys = 0..model.keys.len();
            let working =
                keys.filter(|key| model.keys[*key].owner == *number && model.end(*key).is_empty());
            assert_eq!(shown["active_keys"], working.count(), "{}", owner(*number));
        }
    }

    fn teardown(server: Server, mut model: Model) {
        for number in 0..model.keys.len() {
            let expected = model.accept(number, false).err().unwrap_or(OK);
            let (status, _) = server.call(number, "GET", "/v1/auth/whoami", &Value::Null);
            assert_eq!(status, expected.0, "key {number}");
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: repetitions("HH_SOAK_ROUNDS", 200),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

prop_state_machine! {
    #![proptest_config(config())]
    #[test]
    fn keys_live_and_end_as_the_model_says(sequential 1..30 => KeyLifecycle);
}
