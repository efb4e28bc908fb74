use futures_util::FutureExt as _;
use hh_auth::{Level, mint};
use http::HeaderValue;
use secrecy::ExposeSecret as _;

use super::*;
use crate::testing::{InProcess, repetitions};

/// Keys that the server does not know, by what they share their first 8 characters with.
const CLASSES: [&str; 3] = ["a live key", "a revoked key", "no key"];

/// Makes keys with a right checksum that begin as they are told to.
struct GuessGenerator {
    state: u64,
}

impl GuessGenerator {
    /// Splitmix64: nobody has to be kept from guessing these.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn digit(number: u64) -> char {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let at = usize::try_from(number % 62).unwrap();
        char::from(DIGITS[at])
    }

    fn key(&mut self, start: &str) -> String {
        let mut text = start.to_owned();
        while text.len() < 37 {
            text.push(Self::digit(self.next()));
        }
        let mut rest = u64::from(crc32fast::hash(text.as_bytes()));
        let mut check = [' '; 6];
        for place in check.iter_mut().rev() {
            *place = Self::digit(rest);
            rest /= 62;
        }
        text.extend(check);
        text
    }
}

/// Welch's t of two lists of samples.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts and nanoseconds are small"
)]
fn welch(one: &[u64], other: &[u64]) -> f64 {
    let moments = |samples: &[u64]| {
        let count = samples.len() as f64;
        let mean = samples.iter().map(|sample| *sample as f64).sum::<f64>() / count;
        let squares = samples.iter().map(|sample| (*sample as f64 - mean).powi(2));
        (mean, squares.sum::<f64>() / (count - 1.0) / count)
    };
    let ((a, a_error), (b, b_error)) = (moments(one), moments(other));
    (a - b) / (a_error + b_error).sqrt()
}

#[test]
fn the_welch_test_detects_a_shift() {
    let mut random = GuessGenerator { state: 1 };
    let mut samples = |shift: u64| -> Vec<u64> {
        (0..20_000)
            .map(|_| 1000 + random.next() % 100 + shift)
            .collect()
    };
    let (one, same, shifted) = (samples(0), samples(0), samples(3));
    assert!(welch(&one, &same).abs() < 4.5);
    assert!(welch(&one, &shifted) < -4.5);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test sends the key in a header of its own making"
)]
fn text_of(key: &ApiKey) -> String {
    key.secret().expose_secret().to_owned()
}

#[test]
fn a_guess_reads_no_database_and_a_valid_key_works_from_the_same_address() {
    let server = InProcess::start();
    let null = serde_json::Value::Null;
    let wanted = serde_json::json!({"name": "n", "level": "read_write", "projects": "all"});
    let created = |wanted| server.call(&server.admin, "POST", "/v1/api_keys", wanted).1;
    let (live, revoked) = (created(&wanted), created(&wanted));
    let text = |key: &serde_json::Value| key["key"].as_str().unwrap().to_owned();
    let path = format!("/v1/api_keys/{}", revoked["id"].as_str().unwrap());
    assert_eq!(server.call(&server.admin, "DELETE", &path, &null).0, 200);

    // Reads of the database happen on other threads, of which this runtime has none to spare: what is ready had no read.
    let busy = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    busy.spawn_blocking(move || stopped.recv());
    let at_once = |key: &str| {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::try_from(format!("Bearer {key}")).unwrap();
        headers.insert(AUTHORIZATION, value);
        let _guard = busy.enter();
        let now = server.app.clock.key_time();
        authenticate(&server.app, &headers, now)
            .now_or_never()
            .map(|found| found.is_ok())
    };
    let mut guesses = GuessGenerator { state: 11 };
    for _ in 0..2000 {
        let guess = guesses.key(&text(&live)[..8]);
        let parsed = ApiKey::parse(&guess).unwrap();
        assert_eq!(checksum(&parsed), Checksum::Valid);
        assert_eq!(
            at_once(&guess),
            Some(false),
            "a guess waits for the database"
        );
        let status = server.call(&guess, "GET", "/v1/auth/whoami", &null).0;
        assert!(matches!(status, 401 | 429), "{status}");
    }
    // Keys that exist and are not in memory yet are looked up, also from this address, and then in memory.
    for (key, status) in [(text(&live), 200), (text(&revoked), 401)] {
        let digest = server.app.pepper.digest(&ApiKey::parse(&key).unwrap());
        let found = server.app.keys.look_up(&digest);
        assert!(matches!(found, Lookup::Missing { .. }));
        assert_eq!(server.call(&key, "GET", "/v1/auth/whoami", &null).0, status);
        assert_eq!(at_once(&key), Some(status == 200));
    }
    drop(stop);
    let rotated = format!("/v1/api_keys/{}/rotate", live["id"].as_str().unwrap());
    let new = server.call(&text(&live), "POST", &rotated, &null).1;
    assert_eq!(
        server.call(&text(&new), "GET", "/v1/auth/whoami", &null).0,
        200
    );
    let server = server.restart();
    assert_eq!(
        server.call(&text(&new), "GET", "/v1/auth/whoami", &null).0,
        200
    );
}

/// A bit of timing noise says nothing, so a figure comes with `HH_TIMING_SAMPLES` alone: samples of each class.
#[test]
fn the_duration_of_a_guess_does_not_depend_on_its_common_prefix_with_a_key() {
    let server = InProcess::start();
    let created = |name: &str| {
        let wanted = serde_json::json!({"name": name, "level": "read_write", "projects": "all"});
        let (status, made) = server.call(&server.admin, "POST", "/v1/api_keys", &wanted);
        assert_eq!(status, 200);
        let part = |member: &str| made[member].as_str().unwrap().to_owned();
        (part("id"), part("key"))
    };
    let ((_, live), (id, revoked)) = (created("live"), created("revoked"));
    let none = text_of(&mint(Level::ReadWrite).unwrap().key);
    // Both are in memory when they may be.
    for key in [&live, &revoked] {
        let null = serde_json::Value::Null;
        assert_eq!(server.call(key, "GET", "/v1/auth/whoami", &null).0, 200);
    }
    let path = format!("/v1/api_keys/{id}");
    let null = serde_json::Value::Null;
    assert_eq!(server.call(&server.admin, "DELETE", &path, &null).0, 200);

    let count = repetitions("HH_TIMING_SAMPLES", 200);
    let starts = [&live[..8], &revoked[..8], &none[..8]];
    let mut guesses = GuessGenerator { state: 7 };
    let mut samples: [Vec<u64>; 3] = Default::default();
    let now = server.app.clock.now();
    server.runtime.block_on(async {
        // The first of each class warm up.
        for number in 0..u64::from(count) * 3 + 300 {
            let class = usize::try_from(guesses.next() % 3).unwrap();
            let value = format!("Bearer {}", guesses.key(starts[class]));
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::try_from(value).unwrap());
            let start = Instant::now();
            let refused = authenticate(&server.app, &headers, now).await;
            let taken = start.elapsed();
            assert!(
                matches!(refused, Err(RejectedKey::Guess)),
                "{}",
                CLASSES[class]
            );
            if number >= 300 {
                samples[class].push(u64::try_from(taken.as_nanos()).unwrap());
            }
        }
    });
    // What interrupts the machine is in the longest percent, and would hide everything else.
    let mut all: Vec<_> = samples.iter().flatten().copied().collect();
    all.sort_unstable();
    let most = all[all.len() * 99 / 100];
    for class in &mut samples {
        class.retain(|sample| *sample <= most);
        assert!(class.len() > 100, "every class has samples");
    }
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let t = welch(&samples[one], &samples[other]);
        assert!(t.is_finite());
        println!(
            "{} ({} samples) and {} ({}): t = {t:.2}",
            CLASSES[one],
            samples[one].len(),
            CLASSES[other],
            samples[other].len()
        );
        // A few samples on a busy machine may differ by chance; a million may not.
        if count >= 100_000 {
            assert!(
                t.abs() < 4.5,
                "{} and {}: t = {t}",
                CLASSES[one],
                CLASSES[other]
            );
        }
    }
}
