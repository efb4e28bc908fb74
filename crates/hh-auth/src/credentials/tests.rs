use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hh_config::Source;

use super::*;

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

/// Gives keys of a number, which a test changes, and counts how often it is asked.
#[derive(Debug, Default)]
struct NumberedProvider {
    number: AtomicUsize,
    asked: AtomicUsize,
    changed: AtomicBool,
    slow: bool,
}

#[derive(Debug)]
struct Shared(Arc<NumberedProvider>);

impl CredentialProvider for Shared {
    fn name(&self) -> &'static str {
        "numbers"
    }

    fn load(&self) -> Result<Option<Credential>, AuthError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        if self.0.slow {
            std::thread::yield_now();
        }
        Ok(Some(credential(self.0.number.load(Ordering::SeqCst))))
    }

    fn may_have_changed(&self) -> bool {
        self.0.changed.swap(false, Ordering::SeqCst)
    }
}

/// Has nothing, or is broken.
#[derive(Debug)]
struct FailingProvider(bool);

impl CredentialProvider for FailingProvider {
    fn name(&self) -> &'static str {
        "useless"
    }

    fn load(&self) -> Result<Option<Credential>, AuthError> {
        if self.0 {
            return Err(AuthError::new(AuthErrorKind::Command, "broken"));
        }
        Ok(None)
    }
}

/// Has a key that ends.
#[derive(Debug)]
struct ExpiringProvider(Timestamp);

impl CredentialProvider for ExpiringProvider {
    fn name(&self) -> &'static str {
        "ending"
    }

    fn load(&self) -> Result<Option<Credential>, AuthError> {
        Ok(Some(credential(0).with_expiry(Some(self.0))))
    }
}

fn credential(number: usize) -> Credential {
    let key = ApiKey::parse(&format!("{KEY}{number}")).unwrap();
    let origin = Origin::parse("https://api.test").unwrap();
    Credential::new(key, origin, Provenance::new(Source::Direct, None))
}

fn numbered(numbers: &Arc<NumberedProvider>) -> Credentials {
    Credentials::new(vec![
        Box::new(FailingProvider(false)),
        Box::new(Shared(Arc::clone(numbers))),
    ])
}

#[test]
fn the_first_provider_with_a_key_wins_and_a_failing_one_stops_the_search() {
    let numbers = Arc::new(NumberedProvider::default());
    assert!(numbered(&numbers).load_blocking(None).is_ok());
    let broken = Credentials::new(vec![
        Box::new(FailingProvider(true)),
        Box::new(Shared(Arc::clone(&numbers))),
    ]);
    assert_eq!(
        broken.load_blocking(None).unwrap_err().kind(),
        AuthErrorKind::Command
    );
    assert_eq!(numbers.asked.load(Ordering::SeqCst), 1);
    let none = Credentials::new(vec![Box::new(FailingProvider(false))]);
    assert_eq!(
        none.load_blocking(None).unwrap_err().kind(),
        AuthErrorKind::Missing
    );
}

#[test]
fn the_same_key_keeps_its_epoch_and_another_gets_the_next() {
    let numbers = Arc::new(NumberedProvider::default());
    let credentials = numbered(&numbers);
    assert!(credentials.cached().is_none());
    let first = credentials.load_blocking(None).unwrap();
    assert_eq!(credentials.cached().unwrap().epoch, first.epoch);
    assert_eq!(
        credentials.load_blocking(Some(first.epoch)).unwrap().epoch,
        first.epoch
    );
    numbers.number.store(1, Ordering::SeqCst);
    // Nobody has said that anything changed.
    assert_eq!(credentials.cached().unwrap().epoch, first.epoch);
    let second = credentials.load_blocking(Some(first.epoch)).unwrap();
    assert!(second.epoch > first.epoch);
    let asked = numbers.asked.load(Ordering::SeqCst);
    // A call that was rejected with the old key finds the new one without asking.
    assert_eq!(
        credentials.load_blocking(Some(first.epoch)).unwrap().epoch,
        second.epoch
    );
    assert_eq!(numbers.asked.load(Ordering::SeqCst), asked);
}

#[test]
fn credentials_that_changed_or_expire_soon_are_loaded_again() {
    let numbers = Arc::new(NumberedProvider::default());
    let credentials = numbered(&numbers);
    credentials.load_blocking(None).unwrap();
    numbers.changed.store(true, Ordering::SeqCst);
    assert!(credentials.cached().is_none());
    assert!(credentials.last().is_some());

    let now = Timestamp::now();
    for (seconds, is_cached) in [(30, false), (3_600, true)] {
        let ends = now.checked_add(Duration::from_secs(seconds)).unwrap();
        let credentials = Credentials::new(vec![Box::new(ExpiringProvider(ends))]);
        credentials.load_blocking(None).unwrap();
        assert_eq!(credentials.cached().is_some(), is_cached, "{seconds}");
    }
}

#[test]
fn many_that_were_rejected_at_once_ask_once() {
    let numbers = Arc::new(NumberedProvider {
        slow: true,
        ..NumberedProvider::default()
    });
    let credentials = numbered(&numbers);
    let stale = credentials.load_blocking(None).unwrap().epoch;
    numbers.number.store(1, Ordering::SeqCst);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert!(credentials.load_blocking(Some(stale)).unwrap().epoch > stale));
        }
    });
    assert_eq!(numbers.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn loading_needs_no_runtime() {
    let numbers = Arc::new(NumberedProvider::default());
    let credentials = numbered(&numbers);
    let mut load = Box::pin(credentials.load(None));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let issued = loop {
        match load.as_mut().poll(&mut context) {
            std::task::Poll::Ready(issued) => break issued,
            std::task::Poll::Pending => std::thread::yield_now(),
        }
    };
    assert_eq!(issued.unwrap().epoch.number(), 1);
    assert!(!format!("{credentials:?}").contains(&KEY[8..]));
}
