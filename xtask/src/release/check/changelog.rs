//! Reads the sections of the changelog.

const UNRELEASED: &str = "Unreleased";

/// The sections of a changelog, newest first.
#[derive(Debug)]
pub(super) struct Changelog {
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    /// `Unreleased`, or a version. A date may follow the version in the heading.
    name: String,
    is_empty: bool,
}

impl Changelog {
    pub(super) fn parse(text: &str) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                let name = heading.split_whitespace().next().unwrap_or_default();
                sections.push(Section {
                    name: name.trim_matches(['[', ']']).to_owned(),
                    is_empty: true,
                });
            } else if !line.trim().is_empty()
                && let Some(section) = sections.last_mut()
            {
                section.is_empty = false;
            }
        }
        Self { sections }
    }

    /// Returns the name of the newest section.
    pub(super) fn newest(&self) -> Option<&str> {
        self.sections.first().map(|section| section.name.as_str())
    }

    pub(super) fn findings(&self, version: &str, is_tagged: bool) -> Vec<String> {
        let mut findings = Vec::new();
        let newest = self.newest().unwrap_or("none");
        if newest != UNRELEASED && newest != version {
            findings.push(format!(
                "the newest section of CHANGELOG.md is {newest}: it must be {version} or {UNRELEASED}"
            ));
        }
        if is_tagged {
            let section = |name: &str| self.sections.iter().find(|section| section.name == name);
            if section(version).is_none_or(|section| section.is_empty) {
                findings.push(format!(
                    "CHANGELOG.md describes no changes of version {version}: write the section `## {version}`"
                ));
            }
            if section(UNRELEASED).is_some_and(|section| !section.is_empty) {
                findings.push(format!(
                    "CHANGELOG.md has unreleased changes, but the commit has a tag: move them to `## {version}`"
                ));
            }
        }
        findings
    }
}
