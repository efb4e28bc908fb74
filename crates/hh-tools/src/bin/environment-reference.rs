//! Prints the reference page of all environment variables, from the table of settings.

use std::io::{self, Write as _};

use hh_config::{SETTINGS, SettingSpec, UNSUPPORTED};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "# Environment variables\n\n\
         Generated from the code by `cargo xtask references`; do not edit.\n\n\
         A variable wins over every file and loses to a parameter in code and to a flag of the command line ([how values\n\
         are found](../configuration.md)). One that is set to nothing counts as unset. [Configuration options](settings.md)\n\
         has the same settings by their names in files, with what a project may set.\n\n\
         ```console\n\
         $ HH_TIMEOUT=5 honeyhive config get timeout\n\
         5\n\
         $ HH_TIMEOUT= honeyhive config get timeout\n\
         30\n\
         $ HH_TIMEOUT=5 HH_API_TIMEOUT=9 honeyhive config get timeout\n\
         5\n\
         $ HH_TIMEOUT=soon honeyhive config get timeout\n\
         error: the value of timeout from HH_TIMEOUT (environment) is not a number of seconds from 1 to 300\n\
         ```\n\n\
         Where the meaning is *as* another variable, that one wins; the other page has the whole order. `HH_DEBUG` and\n\
         `HH_DEBUG_MODE` are one switch: either puts it on. A variable that acts on *nothing yet* makes a warning.\n\n\
         | variable | setting | type | default | acts on | meaning |\n\
         | --- | --- | --- | --- | --- | --- |"
    )?;
    let mut rows: Vec<_> = SETTINGS.iter().flat_map(rows).collect();
    rows.sort();
    for (_, row) in rows {
        writeln!(out, "{row}")?;
    }
    writeln!(
        out,
        "\n## Without effect\n\n\
         Setting one of these makes a warning.\n\n\
         | variable | why |\n\
         | --- | --- |"
    )?;
    for unsupported in UNSUPPORTED {
        writeln!(
            out,
            "| `{}` | {} |",
            unsupported.variable, unsupported.reason
        )?;
    }
    writeln!(
        out,
        "\n## Of the system\n\n\
         `HOME`, `XDG_CONFIG_HOME` and `XDG_DATA_HOME` say where files are. No other variable is read without the prefix `HH_`\n\
         or `HONEYHIVE_`, but for those above and those that a configuration file names in `${{NAME}}`."
    )
}

/// A row for each variable of a setting, and for the file of each one that holds a secret; each behind its variable.
fn rows(declared: &SettingSpec) -> impl Iterator<Item = (String, String)> {
    let first = declared.variables.first().copied().unwrap_or_default();
    let row = |variable: &str, kind: &str, default: Option<&str>, meaning: &str| {
        let default = default.map_or_else(|| "none".to_owned(), |default| format!("`{default}`"));
        let (setting, acts_on) = (declared.name, declared.acts_on.as_str());
        let row =
            format!("| `{variable}` | `{setting}` | {kind} | {default} | {acts_on} | {meaning} |");
        (variable.to_owned(), row)
    };
    declared.variables.iter().flat_map(move |variable| {
        let kind = declared.kind.to_string();
        let own = if *variable == first {
            row(variable, &kind, declared.default, declared.doc)
        } else {
            row(variable, &kind, None, &format!("as `{first}`"))
        };
        let file = declared.secret.then(|| {
            let meaning = format!("file that holds what `{variable}` would");
            row(&format!("{variable}_FILE"), "path", None, &meaning)
        });
        std::iter::once(own).chain(file)
    })
}
