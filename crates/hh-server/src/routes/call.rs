//! The parts of a request that handlers receive besides its input.

use axum::body::Body;
use hh_api::Dialect;
use http::HeaderMap;

use crate::auth::Access;
use crate::http::budget::Reservation;
use crate::http::connection::ClientConnection;

/// An authorized request without its input.
pub(super) struct Call {
    pub(super) access: Access,
    /// The generation of the API that the client uses.
    pub(super) dialect: Dialect,
    pub(super) headers: HeaderMap,
    pub(super) client: ClientConnection,
    /// The memory of the input, which must be held as long as the input.
    pub(super) reservation: Reservation,
    /// The unread body, if it is not part of the input.
    pub(super) body: Body,
}
