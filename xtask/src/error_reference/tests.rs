use std::path::Path;

use tempfile::TempDir;

use super::page;

/// Returns the rows of the page for crates with this code.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own file in its own folder"
)]
fn rows(crates: &[(&str, &str)]) -> Vec<String> {
    let root = TempDir::new().unwrap();
    for (path, code) in crates {
        let path = root.path().join("crates").join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
        std::fs::write(path, code).unwrap();
    }
    let page = page(root.path()).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let is_head = |line: &&str| {
        ["| kind ", "| crate ", "| --- "]
            .iter()
            .any(|s| line.starts_with(s))
    };
    rows.filter(|line| !is_head(line))
        .map(str::to_owned)
        .collect()
}

const EXIT: &str = "
enum Exit { Usage = 2, Config = 5 }
impl CliError {
    fn new(exit: Exit, diagnostic: impl Into<Diagnostic>) -> Self {
        Self { exit, diagnostics: vec![diagnostic.into()] }
    }
    fn usage(diagnostic: impl Into<Diagnostic>) -> Self { Self::new(Exit::Usage, diagnostic) }
    fn with_help(self) -> Self { self.with_hint(HELP) }
}
const HELP: &str = \"see the help\";
impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self { Self { exit: Exit::Config, diagnostics: list(error) } }
}
";

#[test]
fn message_hint_kind_and_exit_code_of_an_error_are_in_one_row() {
    let load = r#"
        fn load(path: &Path) -> Result<(), LoadError> {
            let what = Diagnostic::new(format!("cannot read {}: {error}", path.display()));
            Err(LoadError::new(LoadErrorKind::Unreadable, what.with_hint("check its mode")))
        }
        #[cfg(test)]
        mod tests { fn f() { LoadError::new(LoadErrorKind::Invalid, "only in tests") } }
    "#;
    let cli = r#"fn run() { return Err(CliError::usage("name a file").with_help()); }"#;
    let found = rows(&[
        ("hh-config/src/lib.rs", load),
        (
            "hh-config/src/tests.rs",
            "fn f() { LoadError::new(\"only in tests\") }",
        ),
        ("hh-cli/src/exit.rs", EXIT),
        ("hh-cli/src/main.rs", cli),
    ]);
    let expected = [
        "| Usage | name a file | see the help | 2 |",
        "| Unreadable | cannot read {path}: {error} | check its mode | 5 |",
        "| every `LoadError` | 5 | – |",
    ];
    assert_eq!(found, expected);
}

#[test]
fn messages_of_helpers_closures_and_branches_are_followed() {
    let code = r#"
        fn start(dir: &Path) -> Result<(), StartError> {
            let fail = |why: &str| StartError::new(StartErrorKind::DataDir, format!("cannot use {dir}: {why}"));
            let why = if dir.is_file() { "it is a file" } else { "it does not exist" };
            check().map_err(|error| fail(&error_text(&error)))?;
            Err(fail(why))
        }
        fn error_text(error: &Error) -> String { format!("the system refused ({error})") }
    "#;
    let found = rows(&[("hh-server/src/lib.rs", code)]);
    let expected = [
        "| DataDir | cannot use {dir}: it does not exist | – | – |",
        "| DataDir | cannot use {dir}: it is a file | – | – |",
        "| DataDir | cannot use {dir}: the system refused ({error}) | – | – |",
    ];
    assert_eq!(found, expected);
}

#[test]
fn attributes_and_conversions_give_messages_their_statuses() {
    let code = r#"
        enum StoreError {
            #[error("the server cannot write; nothing was stored")]
            DiskFull,
            #[error("{0}")]
            NotFound(String),
        }
        fn find() -> Result<(), StoreError> { Err(StoreError::NotFound(format!("no event {id}"))) }
        impl ApiError {
            fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
                Self { status, code, message: message.into() }
            }
            fn not_found(message: String) -> Self { Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message) }
            fn large() -> Self { Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", "send less") }
        }
        impl From<StoreError> for ApiError {
            fn from(error: StoreError) -> Self {
                match error {
                    StoreError::DiskFull => Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", text),
                    StoreError::NotFound(message) => Self::not_found(message),
                }
            }
        }
    "#;
    let found = rows(&[("hh-server/src/lib.rs", code)]);
    let expected = [
        "| DiskFull | the server cannot write; nothing was stored | – | 503 |",
        "| NotFound | no event {id} | – | 404 |",
        "| TOO_LARGE | send less | – | 413 |",
    ];
    assert_eq!(found, expected);
}

#[test]
fn texts_of_results_hints_of_variants_and_warnings_are_listed() {
    let code = r#"
        fn number(text: &str) -> Result<u8, String> { text.parse().map_err(|_| "is not a number".to_owned()) }
        impl fmt::Display for KeyError {
            fn fmt(&self, f: &mut Formatter) -> Result {
                match self { Self::Short { most } => write!(f, "is shorter than {most} characters") }
            }
        }
        impl KeyError {
            fn hint(&self) -> &'static str { match self { Self::Short { .. } => "copy the key again" } }
        }
        fn warn(context: &Context) {
            context.print("warning: certificates are not checked");
            context.add_warning(format!("{name} has no effect"));
        }
    "#;
    let found = rows(&[("hh-key/src/lib.rs", code)]);
    let expected = [
        "| Short | is shorter than {most} characters | copy the key again | – |",
        "| – | is not a number | – | – |",
        "| hh-key | certificates are not checked |",
        "| hh-key | {name} has no effect |",
    ];
    assert_eq!(found, expected);
}
