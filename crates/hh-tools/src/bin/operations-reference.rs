//! Prints the reference page of all operations, from the table that both sides build from.

use std::io::{self, Write as _};

use hh_api::{Access, OpId};
use hh_auth::{Level, Need};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "# Operations\n\n\
         Generated from the code by `cargo xtask references`; do not edit.\n\n\
         The server's routes are a loop over this table, and the client takes its paths from it. A key is sent as\n\
         `Authorization: Bearer hh_…`. A missing or unusable key is 401, a level without the need 403, an object of a\n\
         project that the key does not apply to 404.\n\n\
         | operation | method | path | needs | levels |\n\
         | --- | --- | --- | --- | --- |"
    )?;
    for id in OpId::ALL {
        let operation = id.operation();
        let (need, levels) = match operation.access {
            Access::Open => ("no key".to_owned(), "all".to_owned()),
            Access::AnyKey => ("any key".to_owned(), "all".to_owned()),
            Access::Need(need) => (need.to_string(), levels_with(need)),
            Access::Own(need) => (
                need.to_string(),
                format!(
                    "{}; all for the key itself and the one it replaces",
                    levels_with(need)
                ),
            ),
        };
        writeln!(
            out,
            "| {id:?} | {} | `{}` | {need} | {levels} |",
            operation.method.as_str(),
            operation.path,
        )?;
    }
    Ok(())
}

fn levels_with(need: Need) -> String {
    let levels = Level::ALL.into_iter().filter(|level| level.allows(need));
    levels.map(Level::as_str).collect::<Vec<_>>().join(", ")
}
