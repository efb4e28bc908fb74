//! Suggests the command or the option that a mistyped one was probably meant to be.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Names of commands in other programs, with the names in this program. A name applies only where such a
/// command exists.
const COMMANDS: &[(&str, &[&str])] = &[
    ("add", &["create", "set"]),
    ("apikey", &["auth keys"]),
    ("apikeys", &["auth keys"]),
    ("api-key", &["auth keys"]),
    ("api-keys", &["auth keys"]),
    ("completions", &["completion"]),
    ("configure", &["auth login"]),
    ("cat", &["show", "list"]),
    ("check", &["auth check"]),
    ("create", &["keys create"]),
    ("current", &["whoami"]),
    ("delete", &["revoke", "unset", "disable"]),
    ("describe", &["show", "explain"]),
    ("diagnose", &["doctor"]),
    ("get", &["show", "list"]),
    ("edit", &["update"]),
    ("health", &["server health"]),
    ("info", &["show", "whoami", "status"]),
    ("init", &["auth login"]),
    ("key", &["auth keys"]),
    ("keys", &["auth keys"]),
    ("log", &["event list"]),
    ("logs", &["event list"]),
    ("ls", &["list"]),
    ("me", &["whoami"]),
    ("new", &["create"]),
    ("owner", &["auth owners"]),
    ("owners", &["auth owners"]),
    ("ping", &["doctor"]),
    ("profile", &["auth list"]),
    ("profiles", &["auth list", "list"]),
    ("print", &["show", "get", "token"]),
    ("remove", &["revoke", "unset", "disable"]),
    ("request", &["api"]),
    ("rm", &["revoke", "unset", "disable"]),
    ("revoke", &["keys revoke"]),
    ("roll", &["rotate"]),
    ("rotate", &["auth rotate"]),
    ("run", &["server start", "start"]),
    ("scan", &["auth scan"]),
    ("serve", &["server start", "start"]),
    ("setup", &["auth login"]),
    ("show", &["list", "status"]),
    ("signin", &["login"]),
    ("signout", &["logout"]),
    ("span", &["event list"]),
    ("spans", &["event list"]),
    ("start", &["server start"]),
    ("switch", &["auth switch"]),
    ("test", &["check", "auth check"]),
    ("token", &["auth token"]),
    ("trace", &["event list"]),
    ("traces", &["event list"]),
    ("up", &["start", "server start"]),
    ("use", &["switch", "auth switch"]),
    ("user", &["auth owners"]),
    ("users", &["auth owners"]),
    ("verify", &["check", "auth check"]),
    ("view", &["show", "list"]),
];

/// Names of options in other programs, with the names in this program. A name applies only where it exists.
const OPTIONS: &[(&str, &str)] = &[
    ("address", "bind"),
    ("config", "config-file"),
    ("count", "limit"),
    ("data", "data-dir"),
    ("dir", "data-dir"),
    ("endpoint", "base-url"),
    ("expires", "expires-in"),
    ("expiry", "expires-in"),
    ("host", "base-url"),
    ("key", "api-key"),
    ("listen", "bind"),
    ("max", "limit"),
    ("n", "limit"),
    ("out", "output"),
    ("per-page", "limit"),
    ("port", "bind"),
    ("query", "jq"),
    ("server", "base-url"),
    ("session", "session-id"),
    ("silent", "quiet"),
    ("stdin", "api-key-stdin"),
    ("template", "jq"),
    ("token", "api-key"),
    ("type", "event-type"),
    ("url", "base-url"),
];

/// Returns a hint for the error of a complete command tree: a similar command or option, or where to find all of them.
pub(super) fn hint(error: &clap::Error, root: &Command, arguments: &[String]) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (path, command) = reached(root, arguments);
    if error.kind() == ErrorKind::InvalidSubcommand {
        let typed = text(ContextKind::InvalidSubcommand)?;
        return Some(similar_command(command, typed).map_or_else(
            || format!("run `{path} --help` to list the commands"),
            |found| format!("did you mean `{path} {found}`?"),
        ));
    }
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let option = text(ContextKind::InvalidArg)?.trim_start_matches('-');
    Some(similar_option(command, option).map_or_else(
        || format!("run `{path} --help` to list the options"),
        |found| format!("did you mean --{found}?"),
    ))
}

/// Returns the last command that the arguments name, with its path.
fn reached<'a>(root: &'a Command, arguments: &[String]) -> (String, &'a Command) {
    let mut path = root.get_name().to_owned();
    let mut command = root;
    for word in arguments {
        let Some(below) = command.find_subcommand(word) else {
            // The value of an option, or the mistyped word.
            continue;
        };
        command = below;
        path = format!("{path} {}", below.get_name());
    }
    (path, command)
}

/// Returns the command below `command`, or below the root, that a word probably means.
fn similar_command(command: &Command, typed: &str) -> Option<String> {
    let typed = typed.to_ascii_lowercase();
    let exists = |path: &&&str| {
        let mut words = path.split(' ');
        words
            .try_fold(command, |command, word| command.find_subcommand(word))
            .is_some()
    };
    let known = COMMANDS.iter().find(|(word, _)| *word == typed);
    if let Some(path) = known.and_then(|(_, paths)| paths.iter().find(exists)) {
        return Some((*path).to_owned());
    }
    let names = command.get_subcommands().flat_map(|below| {
        let name = below.get_name();
        let spelled = below.get_all_aliases().chain([name]);
        spelled.map(move |spelling| (spelling.to_owned(), name.to_owned()))
    });
    nearest(&typed, names)
}

/// Returns the long option of a command that a word probably means.
fn similar_option(command: &Command, typed: &str) -> Option<String> {
    let typed = typed
        .split('=')
        .next()?
        .to_ascii_lowercase()
        .replace('_', "-");
    let all: Vec<_> = command
        .get_arguments()
        .filter_map(|option| option.get_long())
        .collect();
    let known = OPTIONS
        .iter()
        .find(|(word, _)| *word == typed)
        .map(|(_, option)| *option);
    if let Some(option) = known.filter(|option| all.contains(option)) {
        return Some(option.to_owned());
    }
    // The beginning of exactly one option.
    let mut longer = all
        .iter()
        .filter(|option| option.starts_with(&format!("{typed}-")));
    if let (Some(option), None) = (longer.next(), longer.next()) {
        return Some((*option).to_owned());
    }
    nearest(
        &typed,
        all.iter()
            .map(|option| ((*option).to_owned(), (*option).to_owned())),
    )
}

/// Returns the meaning of the spelling that is one typing mistake away, or two in a long word.
fn nearest(typed: &str, names: impl Iterator<Item = (String, String)>) -> Option<String> {
    names
        .map(|(spelling, name)| (strsim::osa_distance(typed, &spelling), spelling, name))
        .filter(|(distance, spelling, _)| {
            let allowed = match spelling.len() {
                0..=2 => 0,
                3..=5 => 1,
                _ => 2,
            };
            *distance <= allowed
        })
        .min_by_key(|(distance, ..)| *distance)
        .map(|(_, _, name)| name)
}
