//! Prints the reference page of all operations, from the table that both sides build from.

use std::io::{self, Write as _};

use hh_api::{OpId, Requirement};
use hh_auth::{Level, Need};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "# Operations\n\n\
         Generated from the code by `cargo xtask references`; do not edit.\n\n\
         The server's routes are a loop over this table, and the client takes its paths from it. A key is sent as\n\
         `Authorization: Bearer hh_…`. A missing or unusable key is 401, a level without the need 403, an object of a\n\
         project that the key does not apply to 404. The server describes the same operations as an OpenAPI 3.1 document\n\
         at `/openapi.json`; `honeyhive server openapi` prints it.\n\n\
         `keys` names the kinds of keys that clients use, the preferred one first. `retry` says whether a request may be\n\
         sent again after a failure: `safe` (the effect is the same), `keyed` (with the same `Idempotency-Key`), `otlp`\n\
         (by the rules of OTLP), `never`."
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

/// Returns a word with a capital letter.
fn title(word: &str) -> String {
    let (first, rest) = word.split_at(1.min(word.len()));
    format!("{}{rest}", first.to_ascii_uppercase())
}

fn levels_with(need: Need) -> String {
    let levels = Level::ALL.into_iter().filter(|level| level.allows(need));
    levels.map(Level::as_str).collect::<Vec<_>>().join(", ")
}
