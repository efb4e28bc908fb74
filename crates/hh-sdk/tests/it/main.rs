//! The client and the tracer against a real server on a real socket.

mod support;

mod client;
mod tracer;
