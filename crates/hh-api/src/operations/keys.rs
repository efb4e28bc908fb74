use super::test_response::empty;
use crate::types;

operations! { ($) keys
    /// Creates an API key and returns its secret.
    CreateKey {
        need: admin, retry: keyed, keys: [project],
        routes: [v1 POST "/v1/api_keys"],
        input: types::CreateKey, output: types::CreateKeyResponse,
    }
    /// Lists the API keys that the key of the request can manage, newest first.
    ListKeys {
        need: admin, retry: safe, keys: [project],
        routes: [v1 GET "/v1/api_keys"],
        input: types::ListKeys, output: types::KeyList,
        test: empty,
    }
    /// Returns an API key without its secret.
    GetKey {
        need: admin, retry: safe, keys: [project],
        routes: [v1 GET "/v1/api_keys/{id}"],
        input: types::KeyRef, output: types::Key,
    }
    /// Changes the name or the note of an API key, or sets an earlier expiry.
    UpdateKey {
        need: admin, retry: safe, keys: [project],
        routes: [v1 PATCH "/v1/api_keys/{id}"],
        input: types::UpdateKey, output: types::Key,
    }
    /// Revokes an API key, which takes effect immediately.
    RevokeKey {
        need: own admin, retry: safe, keys: [project],
        routes: [v1 DELETE "/v1/api_keys/{id}"],
        input: types::KeyRef, output: types::Key,
    }
    /// Creates an API key that replaces another one and has the same permissions.
    RotateKey {
        need: own admin, retry: keyed, keys: [project],
        routes: [v1 POST "/v1/api_keys/{id}/rotate"],
        input: types::RotateKey, output: types::CreateKeyResponse,
        body: optional,
    }
}
