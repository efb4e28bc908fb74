//! The input and the output of an operation as types.

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

/// An operation as a type. The module [`operations`](crate::operations) has all of them.
///
/// # Examples
/// ```
/// use hh_api::{Endpoint, OpId, operations};
///
/// assert_eq!(operations::ListKeys::OP, OpId::ListKeys);
/// assert_eq!(operations::ListKeys::OPERATION.route().path, "/v1/api_keys");
/// ```
pub trait Endpoint {
    /// The name of the operation.
    const OP: OpId;
    /// The entry of the table.
    const OPERATION: Operation;
    /// The members of a request, in the path, the query or the body.
    type Input: Message;
    /// The response.
    type Output: Message;

    /// Returns the response that the client gives in test mode, without a server.
    ///
    /// # Errors
    /// - `ServerOnly`: only a server can create the response.
    /// - `Invalid`: a server would reject the input.
    fn test_response(
        _input: &Self::Input,
        _values: &TestValues,
    ) -> Result<Self::Output, TestModeError> {
        Err(TestModeError::ServerOnly)
    }
}

/// The values of a test mode response that the caller provides, because this crate has no clock and no randomness.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the client builds it")]
pub struct TestValues {
    /// The id of the created object.
    pub id: Uuid,
    /// The time, in Unix milliseconds.
    pub now: f64,
}

/// The reason why test mode has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the client must handle both cases")]
pub enum TestModeError {
    /// Only a server can create the response.
    ServerOnly,
    /// A server would reject the input.
    Invalid,
}
