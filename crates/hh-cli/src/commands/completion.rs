//! Implements `honeyhive completion`.

use clap::Subcommand;
use clap_complete::Shell;

use crate::error::CliError;
use crate::lazy::LazyCommand;
use crate::output;

// Attributes instead of doc comments, because rustdoc would compile the indented examples as Rust.
#[derive(Subcommand)]
pub(crate) enum Command {
    #[command(
        about = "Generate bash completions",
        long_about = "Generate bash completions

Load completions in the current shell:

    source <(honeyhive completion bash)

Load completions in every new shell (requires the bash-completion package):

    dir=~/.local/share/bash-completion/completions
    mkdir -p $dir && honeyhive completion bash > $dir/honeyhive"
    )]
    Bash(LazyCommand<()>),
    #[command(
        about = "Generate zsh completions",
        long_about = "Generate zsh completions

Load completions in the current shell (after `autoload -Uz compinit && compinit`):

    source <(honeyhive completion zsh)

Load completions in every new shell:

    mkdir -p ~/.zfunc
    honeyhive completion zsh > ~/.zfunc/_honeyhive

Then add these lines to ~/.zshrc, unless they are already there:

    fpath=(~/.zfunc $fpath)
    autoload -Uz compinit && compinit"
    )]
    Zsh(LazyCommand<()>),
    #[command(
        about = "Generate fish completions",
        long_about = "Generate fish completions

Load completions in the current shell:

    honeyhive completion fish | source

Load completions in every new shell:

    mkdir -p ~/.config/fish/completions
    honeyhive completion fish > ~/.config/fish/completions/honeyhive.fish"
    )]
    Fish(LazyCommand<()>),
    #[command(
        about = "Generate PowerShell completions",
        long_about = "Generate PowerShell completions

Load completions in the current shell; to load them in every new shell, add this line to the file
$PROFILE:

    honeyhive completion powershell | Out-String | Invoke-Expression"
    )]
    Powershell(LazyCommand<()>),
}

/// Prints the completion script of a program.
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
