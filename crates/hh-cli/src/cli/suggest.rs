//! Suggests the command or the option that a mistyped one was probably meant to be.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use hh_sdk::auth::check_name;
use hh_sdk::config::SettingName;

use crate::context::is_part_of_id;

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
    ("remove", &["delete", "revoke", "unset", "disable"]),
    ("request", &["api"]),
    ("rm", &["delete", "revoke", "unset", "disable"]),
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

/// Commands that do not exist in a group, by the path of the group, with the hint for them.
const ADVICE: &[(&str, &[&str], &str)] = &[
    ("honeyhive", &["stop"], STOP),
    (
        "honeyhive server",
        &["down", "exit", "kill", "quit", "shutdown", "stop"],
        STOP,
    ),
    (
        "honeyhive server",
        &["restart"],
        "stop the server with Ctrl-C or SIGTERM, then run `honeyhive server start`; SIGHUP reloads server.yaml",
    ),
    (
        "honeyhive project",
        &["default", "select", "set", "set-default", "switch", "use"],
        "run `honeyhive config set project NAME` to select a project",
    ),
];
/// Names for the command that shows one object.
const TO_SHOW: &[&str] = &["cat", "describe", "get", "info", "print", "show", "view"];
const STOP: &str = "press Ctrl-C in the terminal of the server, or send SIGTERM to its process";

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
    let typed = text(ContextKind::InvalidSubcommand);
    let (path, command) = reached(root, arguments, typed);
    if error.kind() == ErrorKind::MissingRequiredArgument {
        return assignment(&path, arguments);
    }
    if error.kind() == ErrorKind::InvalidSubcommand {
        let typed = typed?;
        if TO_SHOW.contains(&typed)
            && ["honeyhive session", "honeyhive event"].contains(&path.as_str())
        {
            return Some(format!("did you mean `{path} get`?"));
        }
        let advice = ADVICE.iter().find(|(group, words, _)| {
            group == &path && words.contains(&typed.to_ascii_lowercase().as_str())
        });
        if let Some((_, _, advice)) = advice {
            return Some((*advice).to_owned());
        }
        return Some(similar_command(command, typed).map_or_else(
            || format!("run `{path} --help` to list the commands"),
            |found| format!("did you mean `{path} {found}`?"),
        ));
    }
    if matches!(
        error.kind(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation
    ) {
        let value = text(ContextKind::InvalidValue)?;
        return of_value(text(ContextKind::InvalidArg)?, value, command);
    }
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let argument = text(ContextKind::InvalidArg)?;
    let of_id = match path.as_str() {
        "honeyhive event list" => Some("event list --session-id ID"),
        "honeyhive session list" => Some("session get ID"),
        _ => None,
    };
    if let Some(found) = of_id.filter(|_| is_part_of_id(argument)) {
        return Some(format!("did you mean `honeyhive {found}`?"));
    }
    let option = argument.trim_start_matches('-');
    Some(similar_option(command, option).map_or_else(
        || format!("run `{path} --help` to list the options"),
        |found| format!("did you mean --{found}?"),
    ))
}

/// Returns the hint for an invalid value of an option.
fn of_value(option: &str, value: &str, command: &Command) -> Option<String> {
    let mut options = command.get_arguments();
    if option.starts_with("--where ") {
        return Some(
            "the operators are =, !=, >, >=, <, <=, contains, not contains, exists, not exists, after and before"
                .to_owned(),
        );
    }
    let is_member = option.contains("--output ") && value.contains('=');
    let has_outputs = is_member && options.any(|option| option.get_long() == Some("outputs"));
    has_outputs.then(|| "did you mean --outputs?".to_owned())
}

/// Returns the path of the last command that the arguments name.
pub(super) fn path(root: &Command, arguments: &[String]) -> String {
    reached(root, arguments, None).0
}

/// Returns the hint for `config set NAME=VALUE`. The value of a secret setting is not repeated.
fn assignment(path: &str, arguments: &[String]) -> Option<String> {
    if path != "honeyhive config set" {
        return None;
    }
    let assignment = arguments
        .iter()
        .find(|word| !word.starts_with('-') && word.contains('='));
    let (name, value) = assignment?.split_once('=')?;
    let setting = SettingName::find(name)?;
    let value = if setting.spec().secret || check_name(value).is_err() {
        "-"
    } else {
        value
    };
    Some(format!(
        "did you mean `honeyhive config set {setting} {value}`?"
    ))
}

/// Returns the last command that the arguments name, with its path.
/// The words after the mistyped word `typed` name no command.
fn reached<'a>(
    root: &'a Command,
    arguments: &[String],
    typed: Option<&str>,
) -> (String, &'a Command) {
    let mut path = root.get_name().to_owned();
    let mut command = root;
    let before = arguments
        .iter()
        .take_while(|word| Some(word.as_str()) != typed);
    for word in before {
        let Some(below) = command.find_subcommand(word) else {
            // An option or its value.
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
