//! Holds the tests in `e2e`, which run the built program `honeyhive`: build the workspace first.
//! There is no code here, but a package needs a target that is no test.
