use axum::body::Body;
use http::HeaderMap;

use crate::auth::Access;
use crate::http::budget::Reservation;
use crate::http::connection::ClientConnection;

/// A request whose key was checked, without its input.
pub(super) struct Call {
    pub(super) access: Access,
    pub(super) headers: HeaderMap,
    pub(super) client: ClientConnection,
    /// The memory of the input, which has to be held as long as the input.
    pub(super) reservation: Reservation,
    /// The body, if it is not part of the input; nothing of it was read.
    pub(super) body: Body,
}
