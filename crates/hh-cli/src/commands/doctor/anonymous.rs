//! Text without what nobody else may know: keys and passwords everywhere, and names of people in what is given away.

use std::path::Path;

use hh_text::one_line;

use crate::ui::without_keys;

/// Returns a text for this terminal: one line, without keys, and with addresses that end where a password or a token may
/// stand.
pub(super) fn clean(text: &str) -> String {
    one_line(&without_url_secrets(&without_keys(text))).into_owned()
}

/// What tells who somebody is: the home directory, the user's name as its last part, and often the names of profiles.
pub(super) struct Anonymizer {
    home: Option<String>,
    user: Option<String>,
    profiles: Vec<String>,
}

impl Anonymizer {
    pub(super) fn new(home: Option<&Path>, mut profiles: Vec<String>) -> Self {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let home = home.filter(|home| home.parent().is_some());
        Self {
            user: home
                .and_then(Path::file_name)
                .map(|name| name.to_string_lossy().into_owned()),
            home: home.map(text),
            profiles: {
                // The name that every first login gets says nothing.
                profiles.retain(|name| !name.is_empty() && name != "default");
                profiles
            },
        }
    }

    /// Returns a text that may be given away.
    pub(super) fn anonymize(&self, text: &str) -> String {
        let mut text = clean(text);
        if let Some(home) = &self.home {
            text = without_part(&text, home, "~");
        }
        if let Some(user) = &self.user {
            text = without_part(&text, &format!("/{user}"), "/[user]");
        }
        for profile in &self.profiles {
            text = without_word(&text, profile, "[profile]");
        }
        // An e-mail address, in what a server said.
        let word = |word| {
            if str::contains(word, '@') {
                "[name]"
            } else {
                word
            }
        };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }
}

/// Replaces whole parts of a path; where a longer word begins with them, it is another.
fn without_part(text: &str, part: &str, instead: &str) -> String {
    let mut pieces = text.split(part);
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let ends_here = !piece.starts_with(|c: char| c.is_alphanumeric() || "-_".contains(c));
        shown.push_str(if ends_here { instead } else { part });
        shown.push_str(piece);
    }
    shown
}

/// Replaces a whole word; where it is a part of a longer one, it is another.
fn without_word(text: &str, word: &str, instead: &str) -> String {
    let is_inside = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, found) = rest.split_at(at);
        let after = &found[word.len()..];
        shown.push_str(before);
        let is_part = shown.ends_with(is_inside) || after.starts_with(is_inside);
        shown.push_str(if is_part { word } else { instead });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Takes the user, the password and the query out of every address in a text.
fn without_url_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        shown.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "\"'`<>|,;)".contains(c));
        let (address, next) = after.split_at(end.unwrap_or(after.len()));
        let address = address.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = match address.find('/') {
            Some(slash) => address.split_at(slash),
            None => (address, ""),
        };
        shown.push_str(authority.rsplit('@').next().unwrap_or_default());
        shown.push_str(path);
        rest = next;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_what_may_be_secret() {
        let text = "a https://u:p@w@h:1/b?token=x#y, http://h \"ftp://u@h\" x://?q 1 @ 2";
        let shown = "a https://h:1/b, http://h \"ftp://h\" x:// 1 @ 2";
        assert_eq!(without_url_secrets(text), shown);
    }

    #[test]
    fn people_are_not_named() {
        let profiles = ["default", "alice", "al.ice"].map(str::to_owned).to_vec();
        let people = Anonymizer::new(Some(Path::new("/home/alice")), profiles);
        let text = "/home/alice/x and /srv/alice, /srv/alice2 for alices by alice@example.com";
        let shown = "~/x and /srv/[user], /srv/alice2 for alices by [name]";
        assert_eq!(people.anonymize(text), shown);
        let text = "/home/alice /home/alice/a /home/alicea/x /home/alice-b, --profile alice (profile \"al.ice\")";
        let shown =
            "~ ~/a /home/alicea/x /home/alice-b, --profile [profile] (profile \"[profile]\")";
        assert_eq!(people.anonymize(text), shown);
        let text = "the stored profiles are default, alice, al.ice and malice";
        let shown = "the stored profiles are default, [profile], [profile] and malice";
        assert_eq!(people.anonymize(text), shown);
        let root = Anonymizer::new(Some(Path::new("/")), Vec::new());
        assert_eq!(root.anonymize("/etc/x"), "/etc/x");
    }
}
