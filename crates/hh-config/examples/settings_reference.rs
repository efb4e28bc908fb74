//! Prints the reference page of all settings, from the table that acts on them.

use std::io::{self, Write as _};

use hh_config::{DECLARED, Kind};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "# Settings\n\n\
         Generated from the code by `cargo xtask references`; do not edit.\n\n\
         Each setting has a flat name in configuration files and one or more environment variables; where there are\n\
         several, the first that is set wins. A secret can also stand in a file that `NAME_FILE` names.\n\
         The name on the left with dashes is the command line's flag, where there is one.\n\n\
         | setting | variables | type | default | meaning |\n\
         | --- | --- | --- | --- | --- |"
    )?;
    for declared in DECLARED {
        let kind = match declared.kind {
            Kind::Text => "text".to_owned(),
            Kind::Url => "URL".to_owned(),
            Kind::Path => "path".to_owned(),
            Kind::Boolean => "boolean".to_owned(),
            Kind::Seconds(low, high) => format!("seconds, {low} to {high}"),
            Kind::Count(low, high) => format!("whole number, {low} to {high}"),
            Kind::Choice(words) => words.join(" or "),
            _ => "see the code".to_owned(),
        };
        let mut variables = declared.variables.to_vec();
        let file = format!("{}_FILE", variables[0]);
        if declared.secret {
            variables.insert(1, &file);
        }
        let aliases = declared.aliases.join("`, `");
        let aliases = if aliases.is_empty() {
            aliases
        } else {
            format!(" (also `{aliases}`)")
        };
        let place = if declared.outside_files {
            "; not in files"
        } else {
            ""
        };
        writeln!(
            out,
            "| `{}`{aliases} | `{}` | {}{kind} | {} | {}{place} |",
            declared.name,
            variables.join("`, `"),
            if declared.secret { "secret " } else { "" },
            declared
                .default
                .map_or_else(|| "none".to_owned(), |default| format!("`{default}`")),
            declared.doc,
        )?;
    }
    Ok(())
}
