//! Tests that retries do not make an outage worse.

use tokio::task::JoinSet;

use super::*;

/// Performs `count` calls and returns the number of requests that were sent.
async fn requests(world: &World, transport: &Transport, count: usize) -> usize {
    let before = world.count();
    for _ in 0..count {
        let _ended = send_safe(transport).await;
    }
    world.count() - before
}

#[test]
fn ten_thousand_calls_in_an_outage_make_few_more_requests() {
    for end in [End::Status(503), End::Unsent, End::Lost] {
        simulate(async {
            let world = World::always(end);
            let transport = world.transport(|builder| builder);
            let clients = std::iter::repeat_with(|| transport.clone()).take(100);
            let clients: JoinSet<()> = clients
                .map(|transport| async move {
                    for _ in 0..100 {
                        send_safe(&transport).await.unwrap_err();
                    }
                })
                .collect();
            clients.join_all().await;
            let sent = world.count();
            assert!((10_000..=11_000).contains(&sent), "{sent} after {end:?}");

            // After the outage, every ten successful calls add one retry to the budget.
            for _ in 0..20 {
                world.end_all_with(End::Status(200));
                assert_eq!(requests(&world, &transport, 10).await, 10);
                world.end_all_with(end);
                assert_eq!(requests(&world, &transport, 2).await, 3);
            }
        });
    }
}

#[test]
fn an_outage_empties_the_budget() {
    simulate(async {
        let world = World::always(End::Lost);
        let transport = world.transport(|builder| builder);
        // The budget allows ten retries: the first three calls use three each, and the fourth call uses the last one.
        assert_eq!(requests(&world, &transport, 3).await, 12);
        assert_eq!(requests(&world, &transport, 1).await, 2);
        assert_eq!(requests(&world, &transport, 96).await, 96);

        world.end_all_with(End::Status(200));
        assert_eq!(requests(&world, &transport, 9).await, 9);
        world.end_all_with(End::Lost);
        assert_eq!(requests(&world, &transport, 1).await, 1);

        world.end_all_with(End::Status(200));
        assert_eq!(requests(&world, &transport, 1).await, 1);
        world.end_all_with(End::Lost);
        assert_eq!(requests(&world, &transport, 1).await, 2);

        // The budget never exceeds ten retries.
        world.end_all_with(End::Status(200));
        requests(&world, &transport, 1_000).await;
        world.end_all_with(End::Lost);
        assert_eq!(requests(&world, &transport, 100).await, 110);
    });
}

#[test]
fn a_final_answer_costs_nothing() {
    simulate(async {
        let world = World::always(End::Lost);
        let transport = world.transport(|builder| builder);
        for _ in 0..50 {
            let options = SendOptions::new(Idempotency::Unsafe);
            send(&transport, options).await.unwrap_err();
        }
        assert_eq!(world.count(), 50);
        assert_eq!(requests(&world, &transport, 100).await, 110);
    });
}

#[test]
fn a_skipped_retry_costs_nothing() {
    simulate(async {
        let world = World::always(End::Lost).with_random(u64::MAX);
        let transport = world.transport(|builder| builder);
        for _ in 0..50 {
            // The delay would exceed the timeout.
            let options = SendOptions::new(Idempotency::Safe).with_timeout(SECOND / 2);
            send(&transport, options).await.unwrap_err();
        }
        assert_eq!(world.count(), 50);
        // The server requires a longer wait than the policy allows.
        let busy = std::iter::repeat_with(|| busy(429, "61")).take(50);
        world.server.0.lock().unwrap().turns.extend(busy);
        assert_eq!(requests(&world, &transport, 50).await, 50);
        assert_eq!(requests(&world, &transport, 100).await, 110);
    });
}
