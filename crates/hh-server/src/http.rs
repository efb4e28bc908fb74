//! HTTP: connections, bodies, limits and errors.

pub(crate) mod activity;
pub(crate) mod body;
pub(crate) mod budget;
pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod cors;
pub(crate) mod error;
mod gzip;
pub(crate) mod json;
pub(crate) mod request_log;
pub(crate) mod response_budget;
pub(crate) mod router;
pub(crate) mod serve;
pub(crate) mod threads;
pub(crate) mod workers;
mod zstd;
