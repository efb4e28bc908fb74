//! Prints the reference page of all environment variables, which it generates from the table of settings.

use std::io::{self, Write as _};

use hh_config::{SETTINGS, SettingSpec, UNSUPPORTED};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "# Environment variables\n\n\
         Generated from the code by `cargo xtask references`; do not edit.\n\n\
         A variable takes precedence over every file. A parameter in code and an option of the command line take precedence\n\
         over a variable ([precedence](../concepts/configuration.md#precedence)). A variable with an empty value counts as\n\
         unset. [Configuration options](settings.md) lists the same settings by their names in files, and what a project file\n\
         may set.\n\n\
         ```console\n\
         $ HH_TIMEOUT=5 honeyhive config get timeout\n\
         5\n\
         $ HH_TIMEOUT= honeyhive config get timeout\n\
         30\n\
         $ HH_TIMEOUT=5 HH_API_TIMEOUT=9 honeyhive config get timeout\n\
         5\n\
         $ HH_TIMEOUT=soon honeyhive config get timeout\n\
         error: invalid value for timeout (HH_TIMEOUT): expected 1 to 300 seconds\n\
         ```\n\n\
         If the meaning is *as* another variable, that variable takes precedence. [Configuration options](settings.md) shows\n\
         the order of all variables of a setting. `HH_DEBUG` and `HH_DEBUG_MODE` are one switch: either one turns it on.\n\
         Setting a variable that acts on *nothing yet* prints a warning.\n\n\
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
        "\n## Not supported\n\n\
         These variables have no effect. Setting one of them prints a warning.\n\n\
         | variable | reason |\n\
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
        "\n## System variables\n\n\
         `HOME`, `XDG_CONFIG_HOME` and `XDG_DATA_HOME` determine where files are. `SSL_CERT_FILE` and `SSL_CERT_DIR` name the\n\
         [certificate authorities](../concepts/network.md#certificates) of the system, and `PATH` is searched for a\n\
         [`credential_command`](../guides/use-a-secret-manager.md).\n\n\
         The command line also reads variables that describe the terminal:\n\n\
         | variable | effect |\n\
         | --- | --- |\n\
         | `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM` | [colors](../guides/output-and-scripts.md#colors-and-the-pager) |\n\
         | `COLUMNS` | width of tables |\n\
         | `TZ` | time zone of times in tables |\n\
         | `PAGER`, `LESS` | pager for long tables; `less` by default |\n\
         | `VISUAL`, `EDITOR` | editor of `honeyhive config edit`; `vi` by default |\n\n\
         No other variable sets a value, unless its name begins with\n\
         `HH_` or `HONEYHIVE_`, it is listed above, or a configuration file names it in `${{NAME}}`."
    )
}

/// Returns a row for each variable of a setting and for the file variable of each secret, with the name for sorting.
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
            let meaning = format!("path of a file that holds the value of `{variable}`");
            row(&format!("{variable}_FILE"), "path", None, &meaning)
        });
        std::iter::once(own).chain(file)
    })
}
