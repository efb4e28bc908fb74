//! Tests states that random steps seldom reach.

use hh_api::types::KeyState;
use hh_auth::Level;

use super::*;

/// Executes steps that both must accept, and returns the last answer.
async fn accepted(both: &EngineAndModel, steps: &[Step], count: &mut u8) -> Outcome {
    let mut last = Outcome::default();
    for step in steps {
        last = both.step(step, count).await.unwrap();
        assert_eq!(last.error, None, "{step:?}");
    }
    last
}

fn rotate(by: usize, old: usize, grace_hours: i64) -> Step {
    Step::Rotate {
        by,
        old,
        grace_hours,
        idempotency: None,
    }
}

const HOUR: Step = Step::Advance { minutes: 61 };

#[test]
fn rotations_beyond_the_limit_are_refused_and_unused_keys_deleted_after_an_hour() {
    let (both, mut count) = (begin(), 1);
    runtime().block_on(async {
        let again = rotate(0, 0, 24);
        for _ in 0..3 {
            accepted(&both, std::slice::from_ref(&again), &mut count).await;
        }
        let refused = both.step(&again, &mut count).await.unwrap();
        assert!(refused.error.unwrap().contains("TooManyRotations"));
        let rotated = accepted(&both, &[HOUR, again], &mut count).await;
        assert_eq!(rotated.changes.deleted.len(), 3);
        both.store.close().await;
    });
}

#[test]
fn the_last_admin_key_cannot_be_revoked_while_another_is_unused_or_in_its_grace() {
    let (both, mut count) = (begin(), 1);
    runtime().block_on(async {
        let refused = async |by, key, mut count| {
            let refused = both.step(&Step::Revoke { by, key }, &mut count).await;
            let error = refused.unwrap().error.unwrap();
            assert!(error.contains("would leave no admin key"), "{error}");
        };
        refused(0, 0, count).await;
        accepted(&both, &[rotate(0, 0, 24)], &mut count).await;
        refused(0, 0, count).await;
        accepted(&both, &[Step::Use { by: 1 }], &mut count).await;
        refused(1, 1, count).await;
        let revoke = Step::Revoke { by: 0, key: 0 };
        let revoked = accepted(&both, &[revoke], &mut count).await;
        assert_eq!(revoked.keys[0].state(both.now()), KeyState::Revoked);
        both.store.close().await;
    });
}

#[test]
fn a_key_that_was_used_is_never_deleted() {
    let (both, mut count) = (begin(), 1);
    runtime().block_on(async {
        let steps = [
            Step::Insert {
                by: 0,
                level: Level::Admin,
                all_projects: true,
                expires_in_days: None,
                owner: 1,
                idempotency: None,
            },
            rotate(1, 0, 0),
            Step::Revoke { by: 1, key: 0 },
            rotate(1, 2, 0),
            Step::Use { by: 3 },
            HOUR,
        ];
        accepted(&both, &steps, &mut count).await;
        // The third key was never used, but the fourth was. After the third key is deleted, only the last use of the
        // fourth key shows that it was used.
        let rotated = accepted(&both, &[rotate(1, 3, 0)], &mut count).await;
        assert_eq!(rotated.changes.deleted, [digest(2)]);
        let steps = [Step::Use { by: 4 }, HOUR, rotate(1, 4, 0)];
        let rotated = accepted(&both, &steps, &mut count).await;
        assert_eq!(rotated.changes.deleted, []);
        both.store.close().await;
    });
}

#[test]
fn disabling_an_owner_revokes_keys_that_have_expired_too() {
    let (both, mut count) = (begin(), 1);
    runtime().block_on(async {
        let insert = Step::Insert {
            by: 0,
            level: Level::Admin,
            all_projects: true,
            expires_in_days: Some(1),
            owner: 1,
            idempotency: None,
        };
        let day = Step::Advance { minutes: 60 * 25 };
        let disable = Step::DisableOwner { by: 0, owner: 1 };
        let steps = [insert, day, Step::Close { key: 1 }, disable];
        let disabled = accepted(&both, &steps, &mut count).await;
        assert_eq!(disabled.changes.revoked, [digest(1)]);
        both.store.close().await;
    });
}

#[test]
fn an_unused_replacement_of_the_last_admin_key_cannot_be_shortened() {
    let (both, mut count) = (begin(), 1);
    runtime().block_on(async {
        let shorten = |key| Step::Update {
            by: 0,
            key,
            name: None,
            note: Change::Keep,
            expires_in_days: Some(1),
        };
        accepted(&both, &[rotate(0, 0, 24)], &mut count).await;
        for key in [0, 1] {
            let refused = both.step(&shorten(key), &mut count).await.unwrap();
            let error = refused.error.unwrap();
            assert!(error.contains("no admin key would be left"), "{error}");
        }
        accepted(&both, &[Step::Use { by: 1 }], &mut count).await;
        let refused = both.step(&shorten(1), &mut count).await.unwrap();
        assert!(refused.error.is_some());
        // The first key is in its grace period and no longer counts.
        accepted(&both, &[shorten(0)], &mut count).await;
        both.store.close().await;
    });
}
