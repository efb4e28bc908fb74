//! Authorizes requests, and creates the proofs that the store requires.

mod access;
mod authorize;
mod failure_limiter;
mod key_cache;
mod last_used;

pub(crate) use access::{Access, ProjectAccess, ServerAccess};
pub(crate) use authorize::{
    authorize, authorize_named, authorize_project, delete_expired, find_principal, flush_uses,
};
pub(crate) use failure_limiter::{FailureLimiter, Peer, Prefix, QUOTA, WINDOW};
pub(crate) use key_cache::KeyCache;
