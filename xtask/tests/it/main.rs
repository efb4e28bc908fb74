//! The tasks as a person runs them.

mod check;
mod demo;
