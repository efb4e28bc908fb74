//! Selects an object by the beginning of its id, which tables show.

use crate::error::CliError;

/// The minimum length of a part of an id, in characters, so that a typing error does not select another object.
pub(crate) const MIN_LENGTH: usize = 8;
/// The maximum number of ids that an error lists.
const MAX_LISTED: usize = 5;

/// Returns the only id of a list that begins with `part`, or `None` if no id does.
///
/// # Errors
/// A usage error if `part` is too short or if several ids begin with it.
pub(crate) fn find<'a>(
    what: &str,
    part: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<Option<&'a str>, CliError> {
    if part.len() < MIN_LENGTH {
        let message = format!("{part} is too short for the id of a {what}");
        let hint = format!("specify at least the first {MIN_LENGTH} characters of the id");
        return Err(CliError::usage(message).with_hint(hint));
    }
    let found: Vec<_> = ids.filter(|id| id.starts_with(part)).collect();
    the_only(what, part, &found)
}

/// Returns the only id of a list, or `None` if the list is empty. All ids of the list begin with `part`.
///
/// # Errors
/// A usage error if there are several.
pub(crate) fn the_only<'a>(
    what: &str,
    part: &str,
    ids: &[&'a str],
) -> Result<Option<&'a str>, CliError> {
    match ids {
        [] => Ok(None),
        [id] => Ok(Some(id)),
        several => {
            let listed = several.iter().take(MAX_LISTED).copied();
            let listed = listed.collect::<Vec<_>>().join(", ");
            let message = format!(
                "{} {what}s have an id that begins with {part}",
                several.len()
            );
            Err(CliError::usage(message).with_hint(format!("specify more characters: {listed}")))
        }
    }
}
