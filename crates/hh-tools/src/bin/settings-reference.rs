//! Prints the reference page of all settings, from the table of settings.

use std::io::{self, Write as _};

use hh_config::{Placement, ProjectFilePolicy, SETTINGS, SettingSpec, UNSUPPORTED};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "# Configuration options\n\n\
         Generated from the code by `cargo xtask references`; do not edit.\n\n\
         A setting has one name in configuration files and usually one or more environment variables. If there are several\n\
         variables, the first one that is set is used. A secret can also be in a file: the variable `NAME_FILE`, or `name_file`\n\
         in a configuration file, holds the path of that file. Every setting can contain `${{NAME}}` in a configuration file.\n\
         [Configuration](../concepts/configuration.md) describes which source takes precedence.\n\n\
         ```yaml honeyhive.yaml\n\
         project: my-app\n\
         timeout: 5\n\
         ```\n\n\
         ```console\n\
         $ HH_TIMEOUT=9 honeyhive config explain timeout\n\
         timeout: time limit of one call in seconds, including retries\n\
         \x20 value       9\n\
         \x20 from        HH_TIMEOUT (environment)\n\
         \x20 shadows     5 from [home]/honeyhive.yaml:2:10 (project file)\n\
         \x20 type        seconds, 1 to 300\n\
         \x20 default     30\n\
         \x20 variables   HH_TIMEOUT, HH_API_TIMEOUT\n\
         \x20 in files    timeout\n\
         $ honeyhive config get project\n\
         my-app\n\
         ```\n\n\
         ```yaml wrong.yaml\n\
         tiemout: 5\n\
         ```\n\n\
         ```console\n\
         $ honeyhive config validate wrong.yaml\n\
         error: wrong.yaml:1:1: unknown setting tiemout\n  hint: did you mean timeout?\n\
         ```\n\n\
         The column *project file* lists what a `honeyhive.yaml` in the working directory may set before you\n\
         [trust it](../concepts/trust.md). The column *acts on* names what uses the setting: *requests* are those of the CLI,\n\
         the client and the tracer, and *loading* is the loading of the configuration itself.\n\n\
         | setting | variables | type | default | acts on | project file | meaning |\n\
         | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    write_rows(
        &mut out,
        SETTINGS.iter().filter(|declared| !declared.is_planned()),
    )?;
    writeln!(
        out,
        "\n## Planned\n\n\
         These settings are read and validated, but they have no effect yet. Setting one to a value other than its default\n\
         prints a warning. A value that would protect data is an error instead, because data would be sent without this\n\
         protection: `true` for `mask_inputs` and `mask_outputs`, `false` for `capture_inputs`, `capture_outputs`,\n\
         `capture_exceptions` and `otlp_enabled`, and any list for `pii_patterns` and (except for the default)\n\
         `sensitive_keys`. `honeyhive config list --all` lists these settings.\n\n\
         | setting | variables | type | default | acts on | project file | meaning |\n\
         | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    write_rows(
        &mut out,
        SETTINGS.iter().filter(|declared| declared.is_planned()),
    )?;
    writeln!(
        out,
        "\n## Not supported\n\n\
         The documentation of HoneyHive mentions these variables. They have no effect here. Setting one of them prints a\n\
         warning.\n\n\
         | variable | why it has no effect |\n\
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
        "\n[Environment variables](environment-variables.md#system-variables) describes the other variables."
    )
}

fn write_rows<'a>(
    out: &mut impl io::Write,
    declared: impl Iterator<Item = &'a SettingSpec>,
) -> io::Result<()> {
    for declared in declared {
        writeln!(
            out,
            "| `{}`{} | {} | {}{} | {} | {} | {} | {} |",
            declared.name,
            aliases(declared),
            variables(declared),
            if declared.secret { "secret " } else { "" },
            declared.kind,
            declared
                .default
                .map_or_else(|| "none".to_owned(), |default| format!("`{default}`")),
            declared.acts_on.as_str(),
            project_file(declared),
            declared.doc,
        )?;
    }
    Ok(())
}

fn aliases(declared: &SettingSpec) -> String {
    if declared.aliases.is_empty() {
        return String::new();
    }
    format!(" (also `{}`)", declared.aliases.join("`, `"))
}

fn variables(declared: &SettingSpec) -> String {
    if declared.variables.is_empty() {
        return "none".to_owned();
    }
    format!("`{}`", declared.variables.join("`, `"))
}

fn project_file(declared: &SettingSpec) -> &'static str {
    match (declared.place, declared.project_file) {
        (Placement::OutsideFiles, _) => "in no file",
        (Placement::OwnFiles, _) => "no, not even if trusted",
        (_, ProjectFilePolicy::Allowed) => "yes",
        (_, ProjectFilePolicy::OnlyHosted) => "a HoneyHive host over https",
        (_, ProjectFilePolicy::OnlyTrue) => "`true` only",
        _ => "no",
    }
}
