use serde_json::Value;

use crate::types::{Empty, HealthStatus, Whoami as WhoamiResponse};

operations! { ($) service
    /// Reports that the server is running.
    Health {
        need: open, retry: safe, keys: [],
        routes: [legacy GET "/api/v1/health"],
        input: Empty, output: HealthStatus,
    }
    /// Returns the OpenAPI 3.1 document of the API.
    GetOpenApi {
        need: open, retry: safe, keys: [],
        routes: [legacy GET "/openapi.json"],
        input: Empty, output: Value,
    }
    /// Returns the owner and the permissions of the key in the request.
    Whoami {
        need: any_key, retry: safe, keys: [project],
        routes: [v1 GET "/v1/auth/whoami"],
        input: Empty, output: WhoamiResponse,
    }
}
