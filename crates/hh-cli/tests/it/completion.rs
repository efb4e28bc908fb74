//! Tests of completion in the shells themselves.

use std::path::Path;
use std::process::Command;

use hh_testing::run;

use crate::support::TestEnv;

/// The words after `honeyhive` on the line, and the sorted completions that the shell offers.
const ASKED: [(&str, &str); 8] = [
    ("au", "auth"),
    ("auth lo", "login logout"),
    ("auth keys cr", "create"),
    ("auth login --api", "--api-key --api-key-stdin"),
    ("auth login --storage ", "auto file keyring"),
    // The options of all commands: on a group, on a command and on a command two groups down.
    ("project --security", "--security-log"),
    ("config list --output ", "csv json jsonl table yaml"),
    ("auth keys create --security", "--security-log"),
];

const BASH: &str = r#"
source <(honeyhive completion bash)
complete -p honeyhive >/dev/null || exit
for line; do
  read -ra words <<<"$line"
  [[ $line == *' ' ]] && words+=('')
  COMP_WORDS=(honeyhive "${words[@]}")
  COMP_CWORD=${#words[@]}
  COMPREPLY=()
  _honeyhive honeyhive "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  printf '%s\n' "${COMPREPLY[@]}" ''
done
"#;

const FISH: &str = r"
honeyhive completion fish | source
for line in $argv
    complete --do-complete 'honeyhive '$line | cut -f 1
    echo
end
";

/// Completion in zsh needs a terminal: the script types each line into one and records the completions.
const ZSH: &str = r#"
zmodload zsh/zpty || exit
honeyhive completion zsh >_honeyhive
for line; do
  : >found
  zpty shell zsh -f -i
  zpty -w shell "source $HOME/start; print -r -- re''ady"
  zpty -r shell seen '*ready*'
  zpty -w -n shell "honeyhive $line"$'\t'
  while zpty -r shell seen; do :; done
  zpty -d shell
  print -r -- "$(<found)"
  print
done
"#;

const ZSH_START: &str = r#"
fpath=($HOME $fpath)
autoload -Uz compinit && compinit -D -u
compadd() {
  # With these options compadd fills arrays and adds no completions.
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a found
  builtin compadd -O found "$@"
  print -rl -- $found >>$HOME/found
  builtin compadd "$@"
}
complete-and-leave() { zle complete-word; exit }
zle -N complete-and-leave
bindkey '^I' complete-and-leave
"#;

#[test]
fn bash_completes() {
    asked("bash", &["--norc", "--noprofile", "-c", BASH, "bash"]);
}

#[test]
fn fish_completes() {
    asked("fish", &["--no-config", "-c", FISH]);
}

#[test]
fn zsh_completes() {
    asked("zsh", &["-f", "-c", ZSH, "zsh"]);
}

/// PowerShell is not available here: the test checks that the script contains every command, not that it runs.
#[test]
fn the_script_for_powershell_knows_the_same() {
    let script = TestEnv::new().run(&["completion", "powershell"]).stdout;
    assert!(script.contains("Register-ArgumentCompleter -Native -CommandName 'honeyhive'"));
    let part = |path: &str| {
        let start = format!("        '{path}' {{\n");
        let (_, rest) = script.split_once(&start).unwrap();
        rest.split_once("            break\n").unwrap().0
    };
    assert!(part("honeyhive").contains("::new('auth', 'auth'"));
    assert!(part("honeyhive;auth").contains("::new('login', 'login'"));
    let create = part("honeyhive;auth;keys;create");
    assert!(create.contains("::new('--level', '--level'"));
    assert!(create.contains("::new('--security-log', '--security-log'"));
}

#[test]
fn a_shell_that_is_not_known_is_a_usage_error() {
    let done = TestEnv::new().run(&["completion", "tcsh"]);
    assert_eq!((done.code, &*done.stdout), (2, ""));
}

/// Runs a script with the lines as its arguments; it prints the completions of each line and then an empty line.
fn asked(shell: &str, arguments: &[&str]) {
    if !is_installed(shell) {
        return;
    }
    let env = TestEnv::new();
    env.write("start", ZSH_START);
    let lines = ASKED.map(|(line, _)| line);
    let mut command = in_shell(&env, shell, arguments);
    command.args(lines).env("TERM", "dumb");
    let done = run(&mut command);
    assert_eq!(done.code, 0, "{done:?}");
    let mut parts = done.stdout.split("\n\n");
    for (line, expected) in ASKED {
        let part = parts.next().unwrap_or_default();
        let mut offers: Vec<_> = part.split_whitespace().collect();
        offers.sort_unstable();
        assert_eq!(
            offers.join(" "),
            expected,
            "{shell}: honeyhive {line}\n{done:?}"
        );
    }
}

/// Returns a shell command that finds `honeyhive` and every program that this process finds.
pub(crate) fn in_shell(env: &TestEnv, shell: &str, arguments: &[&str]) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folder = Path::new(env!("CARGO_BIN_EXE_honeyhive")).parent().unwrap();
    let folders = [folder.to_owned()]
        .into_iter()
        .chain(std::env::split_paths(&path));
    let mut command = env.program(shell, arguments);
    command.env("PATH", std::env::join_paths(folders).unwrap());
    command
}

/// Returns whether a program can be run. `.ci/run` installs the programs that tests check with this function.
#[expect(
    clippy::print_stdout,
    reason = "a skipped test prints that it is skipped"
)]
pub(crate) fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "install {program}");
        println!("skipped: {program} is not installed");
    }
    found
}
