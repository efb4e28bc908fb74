//! The names by which the scan knows errors: the only ones it depends on.

/// A crate whose errors no user sees.
pub(super) const TOOLS: &str = "hh-tools";

/// The crate whose errors are responses.
pub(super) const SERVER: &str = "hh-server";

/// Types that carry a message end with one of these.
const ERRORS: [&str; 4] = ["Error", "Problem", "Refusal", "Diagnostic"];
/// Types whose variants classify errors end with this.
const KIND: &str = "Kind";
/// The exit codes of the command line: an enum whose variants have numbers.
pub(super) const EXIT: &str = "Exit";
/// The HTTP status of a response.
pub(super) const STATUS: &str = "StatusCode";

/// Methods that set the hint, with it as their argument.
pub(super) const WITH_HINT: [&str; 1] = ["with_hint"];
/// Methods that put text before the message.
pub(super) const WITH_PREFIX: [&str; 1] = ["with_prefix"];
/// Fields of an error that hold the message.
pub(super) const MESSAGE_FIELDS: [&str; 3] = ["message", "diagnostic", "diagnostics"];

/// The field and the method of an error that hold the hint.
pub(super) const HINT: &str = "hint";

/// Methods whose arguments, texts of errors, become the error of a result.
pub(super) const RESULTS: [&str; 3] = ["ok_or", "ok_or_else", "map_err"];
/// Methods and functions that return the text or error that they get.
pub(super) const SAME: [&str; 14] = [
    "into",
    "to_owned",
    "to_string",
    "clone",
    "as_str",
    "as_ref",
    "cleaned",
    "into_owned",
    "from",
    "new",
    "Some",
    "Ok",
    "Borrowed",
    "Owned",
];
/// Methods whose arguments may be the result, most often as closures.
pub(super) const BRANCHES: [&str; 10] = [
    "and_then",
    "find_map",
    "map",
    "map_or",
    "map_or_else",
    "or_else",
    "then",
    "then_some",
    "unwrap_or",
    "unwrap_or_else",
];
/// Macros that build a text.
pub(super) const FORMAT: [&str; 3] = ["format", "format_args", "concat"];

/// Methods and macros that show a warning, with its text as their argument.
pub(super) const WARN: [&str; 2] = ["warn", "add_warning"];
/// Lists whose entries are warnings or notes.
pub(super) const WARNINGS: [&str; 2] = ["warnings", "notes"];
/// The first word of a printed warning.
pub(super) const WARNING: &str = "warning: ";

/// Statuses with their numbers.
const STATUSES: [(&str, u16); 20] = [
    ("OK", 200),
    ("BAD_REQUEST", 400),
    ("UNAUTHORIZED", 401),
    ("FORBIDDEN", 403),
    ("NOT_FOUND", 404),
    ("METHOD_NOT_ALLOWED", 405),
    ("NOT_ACCEPTABLE", 406),
    ("REQUEST_TIMEOUT", 408),
    ("CONFLICT", 409),
    ("GONE", 410),
    ("LENGTH_REQUIRED", 411),
    ("PAYLOAD_TOO_LARGE", 413),
    ("URI_TOO_LONG", 414),
    ("UNSUPPORTED_MEDIA_TYPE", 415),
    ("UNPROCESSABLE_ENTITY", 422),
    ("TOO_MANY_REQUESTS", 429),
    ("INTERNAL_SERVER_ERROR", 500),
    ("NOT_IMPLEMENTED", 501),
    ("SERVICE_UNAVAILABLE", 503),
    ("GATEWAY_TIMEOUT", 504),
];

/// Returns whether a type carries a message.
pub(super) fn is_error(name: &str) -> bool {
    ERRORS.iter().any(|end| name.ends_with(end))
}

/// Returns whether the variants of a type classify errors.
pub(super) fn is_kind(name: &str) -> bool {
    name.ends_with(KIND) || name == EXIT || name == STATUS
}

/// Returns the type of the errors that a type of kinds classifies.
pub(super) fn error_of_kind(name: &str) -> &str {
    name.strip_suffix(KIND).unwrap_or(name)
}

/// Returns the number of a status.
pub(super) fn status_number(name: &str) -> Option<u16> {
    let found = STATUSES.iter().find(|(status, _)| *status == name);
    found.map(|(_, number)| *number)
}
