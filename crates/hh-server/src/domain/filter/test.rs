//! The test of a single value.

use std::cmp::Ordering;

use super::operand::{Operand, Scalar};

/// The condition that a value must meet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    Exists,
    Equals(Operand),
    Contains(Operand),
    IsGreater(Operand),
    IsLess(Operand),
}

impl Test {
    /// Returns whether a scalar value meets the condition.
    pub(super) fn holds(&self, value: Scalar<'_>) -> bool {
        match self {
            Self::Exists => value != Scalar::Null,
            Self::Equals(operand) => operand.compare(value).is_some_and(Ordering::is_eq),
            Self::IsGreater(operand) => operand.compare(value).is_some_and(Ordering::is_gt),
            Self::IsLess(operand) => operand.compare(value).is_some_and(Ordering::is_lt),
            Self::Contains(operand) => operand.is_part_of(value),
        }
    }
}
