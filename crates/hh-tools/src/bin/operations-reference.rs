//! Prints the reference page of all operations, from the table of operations.

use std::io::{self, Write as _};

use hh_api::{OpId, Requirement};
use hh_auth::{Level, Need};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "# Operations\n\n\
         Generated from the code by `cargo xtask references`; do not edit.\n\n\
         The server and the client use the same table of operations, which this page shows. A request sends its key in the\n\
         header `Authorization: Bearer hh_…`. The response is 401 for a missing or invalid key, 403 if the level of the key\n\
         does not allow what the operation needs, and 404 for an object of a project that the key does not apply to. The server\n\
         describes the same operations as an OpenAPI 3.1 document at `/openapi.json`; `honeyhive server openapi` prints it.\n\n\
         `needs` names the permission that the operation requires, and `levels` the\n\
         [permission levels](../concepts/keys-and-levels.md#permission-levels) that include it. `keys` names the kinds of keys\n\
         that clients use, the preferred one first. `retry` specifies whether a client may send a failed request\n\
         again: `safe` (repeating it has the same effect), `keyed` (only with the same `Idempotency-Key`), `otlp` (according to\n\
         the rules of OTLP) or `never`.\n\n\
         `dialect` names the generation of the API. Legacy routes have no version and ignore unknown members of a body. Scoped\n\
         routes name the project by its id in the path. The names of the scoped routes of events are inferred from the release\n\
         notes of the official clients, which do not list them."
    )?;
    let mut resource = "";
    for id in OpId::ALL {
        let operation = id.operation();
        if operation.resource != resource {
            resource = operation.resource;
            writeln!(
                out,
                "\n## {}\n\n\
                 | operation | dialect | method | path | needs | levels | keys | retry |\n\
                 | --- | --- | --- | --- | --- | --- | --- | --- |",
                title(resource)
            )?;
        }
        let (need, levels) = match operation.need {
            Requirement::Open => ("no key".to_owned(), "all".to_owned()),
            Requirement::AnyKey => ("any key".to_owned(), "all".to_owned()),
            Requirement::Need(need) => (need.to_string(), levels_with(need)),
            Requirement::Own(need) => (
                need.to_string(),
                format!(
                    "{}; all for the key itself and the one it replaces",
                    levels_with(need)
                ),
            ),
        };
        let keys: Vec<_> = operation.keys.iter().map(|key| key.as_str()).collect();
        let keys = if keys.is_empty() {
            "none".to_owned()
        } else {
            keys.join(", ")
        };
        let retry = operation.retry.as_str();
        for route in operation.routes {
            writeln!(
                out,
                "| {id:?} | {} | {} | `{}` | {need} | {levels} | {keys} | {retry} |",
                route.dialect.as_str(),
                route.method.as_str(),
                route.path,
            )?;
        }
    }
    Ok(())
}

/// Returns a word with a capital first letter.
fn title(word: &str) -> String {
    let (first, rest) = word.split_at(1.min(word.len()));
    format!("{}{rest}", first.to_ascii_uppercase())
}

fn levels_with(need: Need) -> String {
    let levels = Level::ALL.into_iter().filter(|level| level.allows(need));
    levels.map(Level::as_str).collect::<Vec<_>>().join(", ")
}
