//! The Secret Service over D-Bus. Each call has its own thread, which is abandoned if the service does not respond: the
//! client library blocks without a time limit and must not block a thread of an async runtime.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

use crate::ApiKey;

const SERVICE: &str = "honeyhive";

/// The limit of a quoted system error, in characters.
const MAX_COMPLAINT: usize = 200;

type Keyring = Arc<CredentialStore>;

pub(super) fn probe(within: Duration) -> Result<(), String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| format!("cannot generate a random number: {error}"))?;
    let random = format!("{:032x}", u128::from_ne_bytes(random));
    let account = format!("probe-{random}");
    let late = account.clone();
    let same = run_within(
        within,
        move |keyring| {
            let entry = entry(keyring, &account)?;
            entry.set_secret(random.as_bytes())?;
            let found = entry.get_secret();
            entry.delete_credential()?;
            Ok(found? == random.as_bytes())
        },
        move |keyring| remove(keyring, &late),
    )?;
    if same {
        Ok(())
    } else {
        Err("it returned a different value than the stored one".to_owned())
    }
}

pub(super) fn get(account: String, within: Duration) -> Result<ApiKey, String> {
    let read = move |keyring: &Keyring| entry(keyring, &account)?.get_secret().map(Zeroizing::new);
    let secret = run_within(within, read, |_| ())?;
    let text = std::str::from_utf8(&secret);
    let text = text.map_err(|_| "the stored value is not UTF-8".to_owned())?;
    ApiKey::parse(text).map_err(|error| format!("the stored value {error}"))
}

#[expect(clippy::disallowed_methods, reason = "the keyring stores the key")]
pub(super) fn set(account: String, key: ApiKey, within: Duration) -> Result<(), String> {
    use secrecy::ExposeSecret as _;

    let late = account.clone();
    run_within(
        within,
        move |keyring| {
            let secret = key.secret().expose_secret().as_bytes();
            entry(keyring, &account)?.set_secret(secret)
        },
        // The caller has already received the error that the key cannot be saved.
        move |keyring| remove(keyring, &late),
    )
}

pub(super) fn delete(account: String, within: Duration) -> Result<(), String> {
    let delete = move |keyring: &Keyring| match entry(keyring, &account)?.delete_credential() {
        Err(Error::NoEntry) => Ok(()),
        deleted => deleted,
    };
    run_within(within, delete, |_| ())
}

fn entry(keyring: &Keyring, account: &str) -> Result<Entry, Error> {
    Entry::new_in_store(keyring, SERVICE, account)
}

fn remove(keyring: &Keyring, account: &str) {
    // No caller waits for the result.
    drop(entry(keyring, account).and_then(|entry| entry.delete_credential()));
}

/// Runs `work` with the keyring. If it succeeds after the time limit, runs `undo`.
fn run_within<T: Send + 'static>(
    within: Duration,
    work: impl FnOnce(&Keyring) -> Result<T, Error> + Send + 'static,
    undo: impl FnOnce(&Keyring) + Send + 'static,
) -> Result<T, String> {
    // A channel without a buffer: a send fails if the receiver no longer waits.
    let (sender, receiver) = sync_channel(0);
    let work = move || {
        let keyring: Keyring = match Store::new() {
            Ok(store) => store,
            Err(error) => {
                drop(sender.send(Err(error)));
                return;
            }
        };
        let done = work(&keyring);
        let is_done = done.is_ok();
        if sender.send(done).is_err() && is_done {
            undo(&keyring);
        }
    };
    thread::Builder::new()
        .name("honeyhive-keyring".to_owned())
        .spawn(work)
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    match receiver.recv_timeout(within) {
        Ok(done) => done.map_err(|error| explain(&error)),
        Err(RecvTimeoutError::Timeout) => {
            let seconds = within.as_secs().max(1);
            Err(format!("it did not respond within {seconds} s"))
        }
        Err(RecvTimeoutError::Disconnected) => Err("the request failed".to_owned()),
    }
}

/// Describes an error in one line. The text of an error is only quoted if it cannot contain the value that was read.
fn explain(error: &Error) -> String {
    match error {
        Error::NoEntry => "it has no such key, or is locked".to_owned(),
        Error::NoStorageAccess(_) => "it is locked".to_owned(),
        Error::Ambiguous(_) => "it has more than one such key".to_owned(),
        Error::PlatformFailure(why) => {
            let why = why.to_string();
            let line = why.split_whitespace().collect::<Vec<_>>().join(" ");
            let line = line.strip_prefix("zbus error: ").unwrap_or(&line);
            let visible = line.chars().filter(|c| !c.is_control());
            visible.take(MAX_COMPLAINT).collect()
        }
        Error::BadEncoding(_)
        | Error::BadDataFormat(..)
        | Error::BadStoreFormat(_)
        | Error::TooLong(..)
        | Error::Invalid(..)
        | Error::NoDefaultStore
        | Error::NotSupportedByStore(_)
        | _ => "it returned invalid data or does not support the operation".to_owned(),
    }
}
