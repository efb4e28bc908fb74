//! Finds the links of a page, and changes those that lead to files outside the site.

use std::path::{Component, Path, PathBuf};

/// Returns the title and target of each link of a line, outside code.
pub(super) fn of_line(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split("](")
        .zip(line.split("](").skip(1))
        .filter_map(|(before, after)| {
            let (_, title) = before.rsplit_once('[')?;
            let (target, _) = after.split_once(')')?;
            Some((title, target))
        })
}

/// Returns the text with changed targets of links outside code. `change` returns `None` to keep a target.
pub(super) fn rewrite(text: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut is_code = false;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            result.push_str(line);
        } else if is_code {
            result.push_str(line);
        } else if let Some((start, target)) = definition(line) {
            result.push_str(start);
            let (target, end) = target.split_at(target.trim_end().len());
            result.push_str(change(target).as_deref().unwrap_or(target));
            result.push_str(end);
        } else {
            for (index, part) in line.split('`').enumerate() {
                if index > 0 {
                    result.push('`');
                }
                if index % 2 == 0 {
                    rewrite_prose(part, &change, &mut result);
                } else {
                    result.push_str(part);
                }
            }
        }
    }
    result
}

/// Returns the start and the target of a line such as `[name]: target`.
fn definition(line: &str) -> Option<(&str, &str)> {
    let end = line.find("]: ")? + "]: ".len();
    let is_definition = line.starts_with('[') && !line.starts_with("[^");
    is_definition.then(|| line.split_at(end))
}

fn rewrite_prose(prose: &str, change: impl Fn(&str) -> Option<String>, result: &mut String) {
    let mut parts = prose.split("](");
    result.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(')').unwrap_or(part.len());
        let (target, rest) = part.split_at(end);
        let changed = change(target);
        result.push_str("](");
        result.push_str(changed.as_deref().unwrap_or(target));
        result.push_str(rest);
    }
}

/// Returns the target in the site of a target in the repository; `None` if it does not change.
pub(super) fn target(
    root: &Path,
    page: &Path,
    target: &str,
    pages: &[PathBuf],
    repository: &str,
) -> Option<String> {
    if target.starts_with('#') || target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let path = resolve(page, target);
    if pages.contains(&path) {
        // mdBook writes a README as the index of its directory, but does not change links to it.
        return target
            .contains("README.md")
            .then(|| target.replace("README.md", "index.md"));
    }
    let kind = if root.join(&path).is_dir() {
        "tree"
    } else {
        "blob"
    };
    // A section of code is the name of a function, for which GitHub has no anchor.
    Some(format!("{repository}/{kind}/main/{}", path.display()))
}

/// Returns the path of a target relative to the root, without its section.
pub(super) fn resolve(page: &Path, target: &str) -> PathBuf {
    let target = target.split('#').next().unwrap_or_default();
    let base = page.parent().unwrap_or(Path::new(""));
    let mut path = PathBuf::new();
    for component in base.join(target).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            // A leading slash means the root of the repository, as on GitHub.
            Component::RootDir | Component::Prefix(_) => path.clear(),
            Component::CurDir => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{rewrite, target};

    #[test]
    fn links_to_files_outside_the_site_lead_to_the_repository() {
        let page = Path::new("docs/guides/a.md");
        let pages = ["docs/README.md", "docs/b.md", "SECURITY.md"].map(PathBuf::from);
        let text = "[`b`](../b.md#part) [s](../../SECURITY.md) [code](../../crates/a/src/lib.rs#run)\n[x](https://example.org) [y](#part) `[z](none.rs)`\n```\n[z](none.rs)\n```\n[root](/LICENSE)\n[all](../README.md)\n[d]: ../../LICENSE\n";
        let changed = rewrite(text, |link| {
            target(Path::new("/none"), page, link, &pages, "https://host/repo")
        });
        let expected = text
            .replace(
                "../../crates/a/src/lib.rs#run",
                "https://host/repo/blob/main/crates/a/src/lib.rs",
            )
            .replace("../../LICENSE", "https://host/repo/blob/main/LICENSE")
            .replace("(/LICENSE", "(https://host/repo/blob/main/LICENSE")
            .replace("README.md", "index.md");
        assert_eq!(changed, expected);
    }
}
