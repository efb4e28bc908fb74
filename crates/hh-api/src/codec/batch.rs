//! Decodes the items of a batch one by one, so that an invalid item does not affect the others.

use std::collections::VecDeque;

use serde::Deserialize;
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
    /// The name of the member of an item with a list of child items, on legacy routes.
    const CHILDREN: Option<&'static str> = None;

    /// Sets the parent of an item. `number` identifies the parent in the request.
    fn nest(_parent: &mut Self::Item, _child: &mut Self::Item, _number: usize) {}
}

/// A decoded batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server needs both fields")]
pub struct Batch<T: BatchInput> {
    /// The input without the items.
    pub input: T,
    /// The items in the order of the request, and the errors of invalid ones. Child items follow all items of the level
    /// above.
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

/// The depth of a list of items, and the position of their parent in [`Items::read`].
type Place = (usize, Option<usize>);

impl<T: BatchInput> Items<T> {
    /// Reads the items of the list that is the next value, and adds the lists of their children to `lists`.
    ///
    /// Lists of children are read later instead of recursively, so that the depth of a body does not matter to the stack.
    fn read_list(
        &mut self,
        parser: &mut Parser<'_>,
        (depth, parent): Place,
        lists: &mut VecDeque<(usize, Place)>,
    ) -> Result<(), TolerantError> {
        parser.list(|parser| {
            let mut children = ChildLists {
                name: T::CHILDREN.filter(|_| self.ignores_unknown),
                positions: Vec::new(),
            };
            let mut item = self.read_item(parser, depth, &mut children)?;
            if let Some(number) = parent
                && let Some(Ok(parent)) = self.read.get_mut(number)
                && let Ok(child) = &mut item
            {
                T::nest(parent, child, number);
            }
            let place = (depth + 2, Some(self.read.len()));
            lists.extend(children.positions.into_iter().map(|list| (list, place)));
            self.read.push(item);
            Ok(())
        })
    }

    /// Reads an item. If it is invalid, its lists of children are still found.
    fn read_item(
        &self,
        parser: &mut Parser<'_>,
        depth: usize,
        children: &mut ChildLists,
    ) -> Result<Result<T::Item, DecodeErrorKind>, TolerantError> {
        let start = parser.position();
        let ignores_unknown = self.ignores_unknown;
        let item = T::Item::deserialize(Tolerant {
            parser,
            ignores_unknown,
            depth,
            lists: Some(children),
        });
        let kind = match item {
            Ok(item) => return Ok(Ok(item)),
            Err(failure) if failure.kind == DecodeErrorKind::Syntax => return Err(failure),
            Err(failure) => failure.kind,
        };
        children.positions.clear();
        parser.go_to(start);
        let rest = AnyObject::deserialize(Tolerant {
            parser,
            ignores_unknown,
            depth,
            lists: Some(children),
        });
        if rest.is_err() {
            parser.skip_from(start)?;
        }
        Ok(Err(kind))
    }
}

/// An object whose members are ignored.
#[derive(Deserialize)]
struct AnyObject {}

/// Finds the lists of the children of an item.
struct ChildLists {
    name: Option<&'static str>,
    positions: Vec<usize>,
}

impl<'de> ItemLists<'de> for ChildLists {
    fn read(&mut self, parser: &mut Parser<'de>, name: &str) -> Result<bool, TolerantError> {
        if self.name != Some(name) {
            return Ok(false);
        }
        self.positions.push(parser.position());
        parser.skip()?;
        Ok(true)
    }
}

impl<'de, T: BatchInput> ItemLists<'de> for Items<T> {
    fn read(&mut self, parser: &mut Parser<'de>, name: &str) -> Result<bool, TolerantError> {
        let Some(list) = T::LISTS.iter().find(|list| **list == name) else {
            return Ok(false);
        };
        let known = self.read.len();
        let mut lists = VecDeque::new();
        // The depth counts the object with the list, and the list.
        self.read_list(parser, (2, None), &mut lists)?;
        let end = parser.position();
        while let Some((position, place)) = lists.pop_front() {
            parser.go_to(position);
            self.read_list(parser, place, &mut lists)?;
        }
        parser.go_to(end);
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
