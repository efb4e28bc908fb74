//! A thousand keys in files of twenty kinds, and in the history of git.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hh_auth::Level;

use super::{commit, found, git, minted, with_repository};

/// The number of keys in each file.
const EACH: usize = 50;

/// A kind of file: its name, a line with a key, and a line without one.
struct Kind {
    name: &'static str,
    with: fn(&str) -> String,
    without: &'static str,
}

const fn kind(name: &'static str, without: &'static str, with: fn(&str) -> String) -> Kind {
    Kind {
        name,
        with,
        without,
    }
}

const KINDS: [Kind; 20] = [
    kind(".env", "DEBUG=true", |key| format!("HH_API_KEY={key}")),
    kind("honeyhive.yaml", "timeout: 30", |key| {
        format!("api_key: {key}")
    }),
    kind("settings.json", "  \"timeout\": 30,", |key| {
        format!("  \"api_key\": \"{key}\",")
    }),
    kind("pyproject.toml", "name = \"x\"", |key| {
        format!("api_key = '{key}'")
    }),
    kind("app.py", "import os", |key| {
        format!("tracer = init(api_key=\"{key}\")  # é")
    }),
    kind("app.ts", "const a = 1;", |key| {
        format!("const key: string = `{key}`;")
    }),
    kind("main.go", "\tx := 1", |key| format!("\tkey := \"{key}\"")),
    kind("Main.java", "  int a;", |key| {
        format!("  String key = \"Bearer {key}\";")
    }),
    kind("main.rs", "let a = 1;", |key| {
        format!("let key = r#\"{key}\"#;")
    }),
    kind("notes.ipynb", "    \"a = 1\\n\",", |key| {
        format!("    \"print()\\n{key}\\n\",")
    }),
    kind("Dockerfile", "RUN true", |key| {
        format!("ENV HH_API_KEY={key}")
    }),
    kind("compose.yaml", "      - A=1", |key| {
        format!("      - HH_API_KEY={key}")
    }),
    kind(".github/workflows/ci.yml", "  - run: true", |key| {
        format!("  HH_API_KEY: {key}")
    }),
    kind(".gitlab-ci.yml", "  script: true", |key| {
        format!("  HH_API_KEY: \"{key}\"")
    }),
    kind(".circleci/config.yml", "  - checkout", |key| {
        format!("  - run: HH_API_KEY={key} make")
    }),
    kind("k8s/secret.yaml", "kind: Secret", |key| {
        format!("  api-key: {}", STANDARD.encode(key))
    }),
    kind("env.b64.tfvars", "a = 1", |key| {
        format!(
            "data = \"{}\"",
            STANDARD.encode(format!("HH_API_KEY={key}\nA=1"))
        )
    }),
    kind("run.sh", "set -e", |key| {
        format!("curl -H 'Authorization: Bearer {key}' https://api.honeyhive.ai")
    }),
    kind("bundle.min.js", "", |key| format!("e(\"{key}\");")),
    kind("windows.txt", "nothing", |key| format!("key is {key}.")),
];

/// Returns the content of a file with these keys, and the line of each.
fn content(kind: &Kind, keys: &[String]) -> (Vec<u8>, Vec<usize>) {
    let is_one_line = kind.name.ends_with(".min.js");
    let mut text = String::new();
    let mut lines = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        if is_one_line {
            text += &"function(){return 1};".repeat(index * 40);
            text += &(kind.with)(key);
            lines.push(1);
            continue;
        }
        text += &format!("{}\n", kind.without).repeat(index % 7);
        lines.push(text.lines().count() + 1);
        text += &(kind.with)(key);
        text += if index % 2 == 0 { "\n" } else { "\r\n" };
    }
    if kind.name == "windows.txt" {
        let wide = format!("\u{feff}{text}");
        return (
            wide.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            lines,
        );
    }
    (text.into_bytes(), lines)
}

/// Returns keys of every kind; kinds that no level issues are built in the same format.
pub(super) fn keys() -> impl Iterator<Item = String> {
    let issue = |index: usize| match index % 5 {
        0 => minted(Level::ReadWrite),
        1 => minted(Level::ReadOnly),
        2 => minted(Level::IngestOnly),
        3 => fine_grained("hh_fgdp_"),
        _ => fine_grained("hh_fgcp_"),
    };
    (0..).map(issue)
}

fn fine_grained(prefix: &str) -> String {
    let ingestion = minted(Level::IngestOnly);
    let rest = ingestion.strip_prefix("hh_ingst_").unwrap();
    let front = format!("{prefix}{}", &rest[..rest.len() - 6]);
    let mut check = crc32fast::hash(front.as_bytes());
    let mut digits = [0_u8; 6];
    for digit in digits.iter_mut().rev() {
        *digit = u8::try_from(check % 62).unwrap();
        check /= 62;
    }
    let digit = |digit: u8| match digit {
        0..10 => char::from(b'0' + digit),
        10..36 => char::from(b'A' + digit - 10),
        _ => char::from(b'a' + digit - 36),
    };
    front + &digits.map(digit).iter().collect::<String>()
}

fn shown(key: &str) -> String {
    hh_auth::redact(key)
}

#[test]
fn a_thousand_of_a_thousand_are_confirmed_at_their_lines() {
    let env = with_repository();
    let mut keys = keys();
    let mut wanted = Vec::new();
    let mut commits = Vec::new();
    for kind in &KINDS {
        let keys: Vec<_> = keys.by_ref().take(EACH).collect();
        let (content, lines) = content(kind, &keys);
        env.write(kind.name, content);
        for (key, line) in keys.iter().zip(lines) {
            wanted.push((kind.name, line, shown(key)));
        }
        commits.push((kind.name, commit(&env)));
    }
    assert_eq!(wanted.len(), 1_000);
    let line = |(path, line, key): &(&str, usize, String), commit: &str| {
        format!("confirmed {path}:{line} {key} {commit}")
            .trim_end()
            .to_owned()
    };
    let mut in_files: Vec<_> = wanted.iter().map(|one| line(one, "")).collect();
    let mut in_history: Vec<_> = wanted
        .iter()
        .map(|one| {
            line(
                one,
                &commits.iter().find(|(path, _)| *path == one.0).unwrap().1,
            )
        })
        .collect();
    in_files.sort();
    in_history.sort();
    assert_eq!(without_columns(&found(&env, &[])), in_files);
    // The files are deleted, but the history still contains them.
    git(&env, &["rm", "--quiet", "-r", "."]);
    commit(&env);
    assert_eq!(found(&env, &[]), Vec::<String>::new());
    assert_eq!(without_columns(&found(&env, &["--history"])), in_history);
}

fn without_columns(found: &[String]) -> Vec<String> {
    let mut found: Vec<_> = found
        .iter()
        .map(|line| {
            let mut words: Vec<_> = line.split(' ').collect();
            words[1] = words[1].rsplit_once(':').unwrap().0;
            words.join(" ")
        })
        .collect();
    found.sort();
    found
}
