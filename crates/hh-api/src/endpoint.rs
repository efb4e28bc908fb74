//! The types of an operation: what its requests and responses hold.

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{OpId, Operation};

/// An input or output of an operation.
#[cfg(not(feature = "schema"))]
pub trait Message: Serialize + DeserializeOwned + Send + 'static {}

#[cfg(not(feature = "schema"))]
impl<T: Serialize + DeserializeOwned + Send + 'static> Message for T {}

/// An input or output of an operation.
#[cfg(feature = "schema")]
pub trait Message: Serialize + DeserializeOwned + schemars::JsonSchema + Send + 'static {}

#[cfg(feature = "schema")]
impl<T: Serialize + DeserializeOwned + schemars::JsonSchema + Send + 'static> Message for T {}

/// An operation as a type; the types are in [`operations`](crate::operations).
pub trait Endpoint {
    /// Its name.
    const OP: OpId;
    /// Its entry of the table.
    const OPERATION: Operation;
    /// The members of a request, wherever a route has them.
    type Input: Message;
    /// The response.
    type Output: Message;

    /// Returns the response of test mode, which opens no connection.
    ///
    /// # Errors
    /// `ServerOnly` where only a server has the response, `Invalid` where a server would reject the input.
    fn test_response(
        _input: &Self::Input,
        _values: &TestValues,
    ) -> Result<Self::Output, TestModeError> {
        Err(TestModeError::ServerOnly)
    }
}

/// What a response of test mode takes from its caller: this crate has no clock and no randomness.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the client builds it")]
pub struct TestValues {
    /// The id of what is created.
    pub id: Uuid,
    /// The time, in Unix milliseconds.
    pub now: f64,
}

/// Why test mode has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the client must handle both cases")]
pub enum TestModeError {
    /// Only a server has the response.
    ServerOnly,
    /// A server would reject the input.
    Invalid,
}
