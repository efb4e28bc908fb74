//! `honeyhive completion`

use clap::Subcommand;
use clap_complete::Shell;

use crate::error::CliError;
use crate::{cli, output};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Completion of bash
    ///
    /// For this shell alone:
    ///
    ///     source <(honeyhive completion bash)
    ///
    /// For each new one, where the package bash-completion is installed:
    ///
    ///     mkdir -p ~/.local/share/bash-completion/completions
    ///     honeyhive completion bash > ~/.local/share/bash-completion/completions/honeyhive
    #[command(verbatim_doc_comment)]
    Bash,
    /// Completion of zsh
    ///
    /// For this shell alone, after `autoload -Uz compinit && compinit`:
    ///
    ///     source <(honeyhive completion zsh)
    ///
    /// For each new one:
    ///
    ///     mkdir -p ~/.zfunc
    ///     honeyhive completion zsh > ~/.zfunc/_honeyhive
    ///
    /// with this in ~/.zshrc, where a line with compinit may stand already:
    ///
    ///     fpath=(~/.zfunc $fpath)
    ///     autoload -Uz compinit && compinit
    #[command(verbatim_doc_comment)]
    Zsh,
    /// Completion of fish
    ///
    /// For this shell alone:
    ///
    ///     honeyhive completion fish | source
    ///
    /// For each new one:
    ///
    ///     mkdir -p ~/.config/fish/completions
    ///     honeyhive completion fish > ~/.config/fish/completions/honeyhive.fish
    #[command(verbatim_doc_comment)]
    Fish,
    /// Completion of PowerShell
    ///
    /// For this shell alone, and in the file that $PROFILE names for each new one:
    ///
    ///     honeyhive completion powershell | Out-String | Invoke-Expression
    #[command(verbatim_doc_comment)]
    Powershell,
}

pub(super) fn run(command: &Command) -> Result<(), CliError> {
    let shell = match command {
        Command::Bash => Shell::Bash,
        Command::Zsh => Shell::Zsh,
        Command::Fish => Shell::Fish,
        Command::Powershell => Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "honeyhive", &mut script);
    output::lines([String::from_utf8_lossy(&script).trim_end()])
}
