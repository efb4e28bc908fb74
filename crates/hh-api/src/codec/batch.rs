//! Decodes the items of a batch one by one, so that an invalid item does not affect the others.

use serde::Deserialize as _;
use serde::de::DeserializeOwned;

use super::tolerant::{ItemLists, Tolerant, TolerantError};
use super::tracked::{DecodeErrorKind, Failure};
use crate::json::Parser;

/// An input with a list whose items are decoded one by one.
pub trait BatchInput: DeserializeOwned {
    /// An item of the list.
    type Item: DeserializeOwned;
    /// The names of the member with the list. A request has one of them.
    const LISTS: &'static [&'static str];
}

/// A decoded batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server needs both fields")]
pub struct Batch<T: BatchInput> {
    /// The input without the items.
    pub input: T,
    /// The items in the order of the request, and the errors of invalid ones.
    pub items: Vec<Result<T::Item, DecodeErrorKind>>,
}

/// Collects the items of a batch.
pub(super) struct Items<T: BatchInput> {
    pub(super) read: Vec<Result<T::Item, DecodeErrorKind>>,
    /// The list that contains the items.
    list: Option<&'static str>,
    ignores_unknown: bool,
}

impl<T: BatchInput> Items<T> {
    pub(super) fn new(ignores_unknown: bool) -> Self {
        Self {
            read: Vec::new(),
            list: None,
            ignores_unknown,
        }
    }
}

impl<'de, T: BatchInput> ItemLists<'de> for Items<T> {
    fn read(&mut self, parser: &mut Parser<'de>, name: &str) -> Result<bool, TolerantError> {
        let Some(list) = T::LISTS.iter().find(|list| **list == name) else {
            return Ok(false);
        };
        let known = self.read.len();
        parser.list(|parser| {
            let start = parser.position();
            let item = T::Item::deserialize(Tolerant {
                parser,
                ignores_unknown: self.ignores_unknown,
                // The object with the list, and the list.
                depth: 2,
                lists: None,
            });
            let item = item.map_err(|failure| failure.kind);
            if matches!(item, Err(DecodeErrorKind::Syntax)) {
                return Err(Failure::new(DecodeErrorKind::Syntax));
            }
            if item.is_err() {
                parser.skip_from(start)?;
            }
            self.read.push(item);
            Ok(())
        })?;
        if self.read.len() > known
            && let Some(other) = self.list.replace(list)
        {
            return Err(Failure::new(DecodeErrorKind::Rule {
                member: name.to_owned(),
                rule: format!("absent, because the request has \"{other}\""),
            }));
        }
        Ok(true)
    }
}
