//! Holds the tests in `e2e`, which run the built program `honeyhive`: build the workspace first.
//! The library has no code; a package needs a target that is not a test.

// The programs in the guides are compiled as documentation tests.
#![cfg_attr(doctest, doc = include_str!("../../docs/guides/rotate-a-key.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/guides/trace-a-program.md"))]
