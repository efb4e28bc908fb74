//! `honeyhive completion`

use clap::Subcommand;
use clap_complete::Shell;

use crate::error::CliError;
use crate::lazy::LazyCommand;
use crate::output;

// Texts, since the examples of comments would be taken for Rust.
#[derive(Subcommand)]
pub(crate) enum Command {
    #[command(
        about = "Completion of bash",
        long_about = "Completion of bash

For this shell alone:

    source <(honeyhive completion bash)

For each new one, where the package bash-completion is installed:

    mkdir -p ~/.local/share/bash-completion/completions
    honeyhive completion bash > ~/.local/share/bash-completion/completions/honeyhive"
    )]
    Bash(LazyCommand<()>),
    #[command(
        about = "Completion of zsh",
        long_about = "Completion of zsh

For this shell alone, after `autoload -Uz compinit && compinit`:

    source <(honeyhive completion zsh)

For each new one:

    mkdir -p ~/.zfunc
    honeyhive completion zsh > ~/.zfunc/_honeyhive

with this in ~/.zshrc, where a line with compinit may stand already:

    fpath=(~/.zfunc $fpath)
    autoload -Uz compinit && compinit"
    )]
    Zsh(LazyCommand<()>),
    #[command(
        about = "Completion of fish",
        long_about = "Completion of fish

For this shell alone:

    honeyhive completion fish | source

For each new one:

    mkdir -p ~/.config/fish/completions
    honeyhive completion fish > ~/.config/fish/completions/honeyhive.fish"
    )]
    Fish(LazyCommand<()>),
    #[command(
        about = "Completion of PowerShell",
        long_about = "Completion of PowerShell

For this shell alone, and in the file that $PROFILE names for each new one:

    honeyhive completion powershell | Out-String | Invoke-Expression"
    )]
    Powershell(LazyCommand<()>),
}

/// Prints the script that completes a program.
pub(super) fn run(command: &Command, mut program: clap::Command) -> Result<(), CliError> {
    let shell = match command {
        Command::Bash(_) => Shell::Bash,
        Command::Zsh(_) => Shell::Zsh,
        Command::Fish(_) => Shell::Fish,
        Command::Powershell(_) => Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, "honeyhive", &mut script);
    output::verbatim(String::from_utf8_lossy(&script).trim_end())
}
