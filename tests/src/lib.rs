//! Holds the tests in `e2e`, which run the built program `honeyhive`: build the workspace first.
//! The library has no code; a package needs a target that is not a test.
