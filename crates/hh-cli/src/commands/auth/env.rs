//! Implements `honeyhive auth env`, which prints a line for a shell's startup file.

use clap::{Args, ValueEnum};
use hh_sdk::auth::Profile;
use zeroize::Zeroizing;

use super::token;
use crate::context::Context;
use crate::error::CliError;
use crate::output;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Shell to generate the command for
    #[arg(long, value_enum, value_name = "SHELL")]
    shell: Shell,
    /// Include the key itself instead of a call to `honeyhive auth token`
    #[arg(long)]
    reveal: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    if arguments.reveal {
        let key = token::key(context)?;
        return output::verbatim(&line(arguments.shell, &quoted(arguments.shell, &key)));
    }
    let profile = context.global().profile.as_deref();
    // The name becomes part of a shell command, so it must not contain special characters of a shell.
    if profile.is_some_and(|name| !Profile::is_valid_name(name)) {
        return Err(CliError::usage(
            "invalid profile name: expected 1 to 64 letters, digits, -, _ or .",
        ));
    }
    let profile = profile.map_or_else(String::new, |name| format!(" --profile {name}"));
    let command = format!("honeyhive auth token{profile}");
    let value = match arguments.shell {
        Shell::Bash | Shell::Zsh => format!("\"$({command})\""),
        Shell::Fish => format!("({command})"),
    };
    output::verbatim(&line(arguments.shell, &value))
}

/// Quotes a key for a shell. A key may contain any character except white space and may come from an untrusted file, so
/// the shell must not execute any part of it.
fn quoted(shell: Shell, key: &str) -> Zeroizing<String> {
    let inner = match shell {
        Shell::Bash | Shell::Zsh => Zeroizing::new(key.replace('\'', r"'\''")),
        Shell::Fish => {
            let slashes = Zeroizing::new(key.replace('\\', r"\\"));
            Zeroizing::new(slashes.replace('\'', r"\'"))
        }
    };
    Zeroizing::new(format!("'{}'", inner.as_str()))
}

/// Returns the line that sets `HH_API_KEY` to a quoted value.
fn line(shell: Shell, value: &str) -> String {
    match shell {
        Shell::Bash | Shell::Zsh => format!("export HH_API_KEY={value}"),
        Shell::Fish => format!("set -gx HH_API_KEY {value}"),
    }
}
