//! In place of the keyring, in a program that is built without the feature for it.

use std::time::Duration;

use crate::ApiKey;

const WITHOUT: &str = "this program is built without it";

pub(super) fn probe(_within: Duration) -> Result<(), String> {
    Err(WITHOUT.to_owned())
}

pub(super) fn get(_account: String, _within: Duration) -> Result<ApiKey, String> {
    Err(WITHOUT.to_owned())
}

pub(super) fn set(_account: String, _key: ApiKey, _within: Duration) -> Result<(), String> {
    Err(WITHOUT.to_owned())
}

pub(super) fn delete(_account: String, _within: Duration) -> Result<(), String> {
    Err(WITHOUT.to_owned())
}
