use super::test_response::empty;
use crate::types;

operations! { ($) keys
    /// Creates an API key.
    CreateKey {
        need: admin, retry: keyed, keys: [project],
        routes: [v1 POST "/v1/api_keys"],
        input: types::CreateKey, output: types::CreateKeyResponse,
    }
    /// Lists API keys.
    ListKeys {
        need: admin, retry: safe, keys: [project],
        routes: [v1 GET "/v1/api_keys"],
        input: types::ListKeys, output: types::KeyList,
        test: empty,
    }
    /// Returns one API key.
    GetKey {
        need: admin, retry: safe, keys: [project],
        routes: [v1 GET "/v1/api_keys/{id}"],
        input: types::KeyRef, output: types::Key,
    }
    /// Revokes an API key.
    RevokeKey {
        need: own admin, retry: safe, keys: [project],
        routes: [v1 DELETE "/v1/api_keys/{id}"],
        input: types::KeyRef, output: types::Key,
    }
    /// Creates the API key that replaces another one.
    RotateKey {
        need: own admin, retry: keyed, keys: [project],
        routes: [v1 POST "/v1/api_keys/{id}/rotate"],
        input: types::RotateKey, output: types::CreateKeyResponse,
        body: optional,
    }
}
