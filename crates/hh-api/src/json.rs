//! Reads JSON tolerantly: invalid text is replaced with U+FFFD, and numbers keep their value.

mod number;
mod parser;
mod value;

pub(crate) use number::{double, float, integer, unsigned};
pub(crate) use parser::{Parser, Scalar, Stop};
pub(crate) use value::{number, text};
