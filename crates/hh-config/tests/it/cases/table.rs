//! The format of the tables, and their expansion into single cases.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Checked, fails};

/// A file of cases for one rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The behavior that the cases show, for the reader.
    rule: String,
    /// Texts that several cases share.
    #[serde(default)]
    texts: Map<String, Value>,
    /// Input that all cases share.
    #[serde(default)]
    given: Map<String, Value>,
    cases: Vec<Template>,
}

/// A case as it is written: a single check, or one for each row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    name: String,
    #[serde(default)]
    rows: BTreeMap<String, Value>,
    #[serde(default)]
    formats: BTreeMap<String, Value>,
    #[serde(default)]
    given: Map<String, Value>,
    expect: Value,
    #[serde(default)]
    secrets: Vec<String>,
}

/// A single check.
pub(super) struct Case {
    /// Name and row.
    pub(super) title: String,
    pub(super) given: CaseInput,
    pub(super) expect: Outcome,
    /// Texts that no output may contain: at least the value of every secret in `expect`.
    pub(super) secrets: Vec<String>,
}

/// The input of a case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseInput {
    /// Variables. `HOME` is `[root]/home` unless it is set here.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Direct parameters.
    #[serde(default)]
    pub(super) args: BTreeMap<String, String>,
    /// The stored profile.
    #[serde(default)]
    pub(super) stored: BTreeMap<String, String>,
    /// Files by their path below `[root]`.
    #[serde(default)]
    pub(super) files: BTreeMap<PathBuf, String>,
    /// Files that are trusted with the content in `files`.
    #[serde(default)]
    pub(super) trust: Vec<PathBuf>,
    /// Texts that are appended to files after they were trusted.
    #[serde(default)]
    pub(super) append: BTreeMap<PathBuf, String>,
}

/// The result of loading.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcome {
    /// The settings to look at.
    #[serde(default)]
    pub(super) settings: BTreeMap<String, FoundValue>,
    /// Each error as its kind and its message.
    #[serde(default)]
    pub(super) errors: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
}

/// A setting after loading.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FoundValue {
    /// The typed value; a text if it is a secret or a proxy, or if there is any error.
    pub(super) value: Value,
    /// The short form of the source.
    pub(super) source: String,
    /// Variables and files that the value came through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) via: Vec<String>,
    /// The sources that were overridden, highest precedence first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) shadowed: Vec<String>,
}

/// Reads the cases of a table.
pub(super) fn read(path: &Path) -> Checked<Vec<Case>> {
    let text = fails(std::fs::read_to_string(path), "the table")?;
    // `no` and `on` are texts, as in YAML 1.2.
    let options = serde_saphyr::options! { strict_booleans: true };
    let table: Table = fails(
        serde_saphyr::from_str_with_options(&text, options),
        "the table",
    )?;
    if table.rule.is_empty() {
        return Err("the rule is empty".to_owned());
    }
    let mut cases = Vec::new();
    let mut names = BTreeSet::new();
    let mut used = BTreeSet::new();
    for template in table.cases {
        let name = template.name.clone();
        if name.is_empty() || !names.insert(name.clone()) {
            return Err(format!("the name {name:?} is empty or used twice"));
        }
        let found = template.expand(&table.texts, &table.given, &mut used);
        cases.extend(found.map_err(|error| format!("{name}: {error}"))?);
    }
    match table.texts.keys().find(|text| !used.contains(*text)) {
        Some(unused) => Err(format!("the text [{unused}] is not used")),
        None => Ok(cases),
    }
}

impl Template {
    fn expand(
        self,
        texts: &Map<String, Value>,
        shared: &Map<String, Value>,
        used: &mut BTreeSet<String>,
    ) -> Checked<Vec<Case>> {
        let mut given = shared.clone();
        for (member, value) in self.given {
            join(&mut given, member, value)?;
        }
        let body = serde_json::json!({
            "given": given,
            "expect": self.expect,
            "secrets": self.secrets,
        });
        let body = filled(body, texts, used);
        let (label, rows) = match (self.rows.is_empty(), self.formats.is_empty()) {
            (true, true) => return Ok(vec![case(self.name, body)?]),
            (false, true) => ("row", self.rows),
            (true, false) => ("format", self.formats),
            (false, false) => return Err("it has both rows and formats".to_owned()),
        };
        let mut cases = Vec::new();
        let mut first: Option<BTreeSet<String>> = None;
        for (name, row) in rows {
            let row_name = format!("{label} {name:?}");
            let mut columns = Map::new();
            flatten("", filled(row, texts, used), &mut columns);
            let names: BTreeSet<_> = columns.keys().cloned().collect();
            columns.insert(label.to_owned(), name.into());
            let mut used = BTreeSet::new();
            let body = filled(body.clone(), &columns, &mut used);
            if let Some(unused) = names.difference(&used).next() {
                return Err(format!("{row_name}: the column [{unused}] is not used"));
            }
            if first.get_or_insert_with(|| names.clone()) != &names {
                return Err(format!("{row_name}: the columns differ from the first row"));
            }
            let found = case(format!("{}, {row_name}", self.name), body);
            cases.push(found.map_err(|error| format!("{row_name}: {error}"))?);
        }
        Ok(cases)
    }
}

/// Adds input of a case to the shared input. A case cannot override shared input.
fn join(given: &mut Map<String, Value>, member: String, value: Value) -> Checked<()> {
    let Some(shared) = given.get_mut(&member) else {
        given.insert(member, value);
        return Ok(());
    };
    let (Value::Object(shared), Value::Object(own)) = (shared, value) else {
        return Err(format!("{member} is given for all cases and again"));
    };
    for (name, value) in own {
        if shared.insert(name.clone(), value).is_some() {
            return Err(format!("{name} is given for all cases and again"));
        }
    }
    Ok(())
}

fn case(title: String, body: Value) -> Checked<Case> {
    #[derive(Deserialize)]
    struct Body {
        given: CaseInput,
        expect: Outcome,
        secrets: Vec<String>,
    }
    let body: Body = fails(serde_json::from_value(body), "the case")?;
    Ok(Case {
        title,
        given: body.given,
        expect: body.expect,
        secrets: body.secrets,
    })
}

/// Names the columns of a row: `{at: {project: 1}}` has the column `at.project`.
fn flatten(prefix: &str, value: Value, columns: &mut Map<String, Value>) {
    let Value::Object(members) = value else {
        columns.insert(prefix.to_owned(), value);
        return;
    };
    for (name, value) in members {
        let dot = if prefix.is_empty() { "" } else { "." };
        flatten(&format!("{prefix}{dot}{name}"), value, columns);
    }
}

/// Replaces `[name]` in all keys and texts. A text that is `[name]` alone becomes the value with its type.
fn filled(value: Value, columns: &Map<String, Value>, used: &mut BTreeSet<String>) -> Value {
    match value {
        Value::String(text) => {
            let name = text
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            if let Some((name, column)) = name.and_then(|name| columns.get_key_value(name)) {
                used.insert(name.clone());
                return column.clone();
            }
            Value::String(filled_text(&text, columns, used))
        }
        Value::Array(items) => {
            let items = items.into_iter();
            items.map(|item| filled(item, columns, used)).collect()
        }
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let name = filled_text(&name, columns, used);
                (name, filled(value, columns, used))
            });
            members.collect()
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

/// Replaces `[name]` in a text. Inserted text is not searched again.
fn filled_text(text: &str, columns: &Map<String, Value>, used: &mut BTreeSet<String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        result.push_str(before);
        let column = after.split_once(']').and_then(|(name, after)| {
            let (name, value) = columns.get_key_value(name)?;
            Some((name, value, after))
        });
        if let Some((name, value, after)) = column {
            used.insert(name.clone());
            match value.as_str() {
                Some(text) => result.push_str(text),
                None => result.push_str(&value.to_string()),
            }
            rest = after;
        } else {
            result.push('[');
            rest = after;
        }
    }
    result + rest
}
