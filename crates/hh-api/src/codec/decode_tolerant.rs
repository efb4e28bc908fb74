//! Decodes requests of clients that create data, whose bodies can contain unusual values.

use serde::de::DeserializeOwned;

use super::batch::{Batch, BatchInput, Items};
use super::decode::DecodeError;
use super::decoded::Decoded;
use super::join::Form;
use super::members::{RequestMember, path_members};
use super::tolerant::{ItemLists, Tolerant};
use super::tracked::DecodeErrorKind;
use crate::json::Parser;
use crate::{Dialect, Route};

impl Route {
    /// Decodes the input of a request from its path and its JSON body.
    ///
    /// Half of a surrogate pair and invalid UTF-8 become U+FFFD. A number that a JSON number of 64 bits or a double cannot
    /// represent becomes its text.
    ///
    /// # Errors
    /// All [kinds](DecodeErrorKind). The errors contain names of members, but no values of the request.
    pub fn decode_tolerantly<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &[u8],
    ) -> Result<Decoded<T>, DecodeError> {
        self.read_tolerantly(
            &path_members(self, path),
            Form::new(self.wrapper),
            body,
            None,
        )
    }

    /// Decodes a batch like [`decode_tolerantly`](Self::decode_tolerantly), and each of its items alone.
    ///
    /// # Errors
    /// All [kinds](DecodeErrorKind), if the request is invalid without its items.
    pub fn decode_batch<T: BatchInput>(
        &self,
        path: &str,
        body: &[u8],
    ) -> Result<Batch<T>, DecodeError> {
        let mut items = Items::<T>::new(self.dialect == Dialect::Legacy);
        let members = path_members(self, path);
        let form = Form::new(self.wrapper);
        match self.read_tolerantly(&members, form, body, Some(&mut items))? {
            Decoded::Value(input) => Ok(Batch {
                input,
                items: items.read,
            }),
            // Only an input with a wrapper can be text.
            Decoded::Text(_) => Err(DecodeError {
                kind: DecodeErrorKind::WrongType,
                place: None,
            }),
        }
    }

    /// Decodes an input like [`decode_text`](Self::decode_text), from text that can contain unusual values.
    ///
    /// # Errors
    /// All [kinds](DecodeErrorKind), without the place.
    pub fn decode_text_tolerantly<T: DeserializeOwned>(
        &self,
        text: &str,
    ) -> Result<T, DecodeErrorKind> {
        match self.read_tolerantly(&[], Form::Plain, text.as_bytes(), None) {
            Ok(Decoded::Value(input)) => Ok(input),
            Ok(Decoded::Text(_)) => Err(DecodeErrorKind::WrongType),
            Err(error) => Err(error.kind),
        }
    }

    fn read_tolerantly<'de, T: DeserializeOwned>(
        &self,
        members: &[RequestMember],
        form: Form,
        body: &'de [u8],
        lists: Option<&mut dyn ItemLists<'de>>,
    ) -> Result<Decoded<T>, DecodeError> {
        let mut parser = Parser::new(body);
        let tolerant = Tolerant {
            parser: &mut parser,
            ignores_unknown: self.dialect == Dialect::Legacy,
            depth: 0,
            lists,
        };
        let decoded = self.read_input(members, form, tolerant);
        let decoded = match decoded {
            Ok(decoded) => parser.end().map(|()| decoded).map_err(Into::into),
            Err(failure) => match form.after(&failure.kind, self.dialect) {
                // No route with a wrapper has lists of items.
                Some(other) => return self.read_tolerantly(members, other, body, None),
                None => Err(failure),
            },
        };
        decoded.map_err(|failure| DecodeError {
            kind: self.without_path(failure.kind),
            place: Some(parser.place()),
        })
    }
}

#[cfg(test)]
mod tests;
