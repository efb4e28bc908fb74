//! The limit on the names of events and sessions.

/// The limit of the name of an event or a session, in bytes.
pub const MAX_NAME: usize = 1024;

/// The last character of a truncated name.
const ELLIPSIS: char = '…';

/// Truncates a name to [`MAX_NAME`] bytes; the last character of a truncated name is an ellipsis.
///
/// ```
/// assert_eq!(hh_api::limit_name("chat".to_owned()), "chat");
/// assert!(hh_api::limit_name("x".repeat(2_000)).ends_with("x…"));
/// ```
#[must_use]
pub fn limit_name(mut name: String) -> String {
    if name.len() > MAX_NAME {
        name.truncate(name.floor_char_boundary(MAX_NAME - ELLIPSIS.len_utf8()));
        name.push(ELLIPSIS);
        name.shrink_to_fit();
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_of_the_longest_length_is_kept_and_a_longer_one_is_marked() {
        let longest = "n".repeat(MAX_NAME);
        assert_eq!(limit_name(longest.clone()), longest);
        let truncated = limit_name(longest + "n");
        assert_eq!(truncated.len(), MAX_NAME);
        assert!(truncated.ends_with('…'));
    }

    proptest! {
        #[test]
        fn a_name_never_exceeds_the_limit_and_keeps_its_beginning(name in any::<String>(), times in 1..600_usize) {
            let name = name.repeat(times);
            let limited = limit_name(name.clone());
            prop_assert!(limited.len() <= MAX_NAME);
            let kept = limited.strip_suffix(ELLIPSIS).unwrap_or(&limited);
            prop_assert!(name.starts_with(kept));
            prop_assert_eq!(limited == name, name.len() <= MAX_NAME);
        }
    }
}
