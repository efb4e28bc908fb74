//! A program that prints names which another program chose.

use hh_text::{Diagnostic, escape_json, is_unsafe, one_line, shell_word};

fn main() {
    let name = "report\u{1b}[2J\u{202e}txt\n";
    assert!(name.chars().any(is_unsafe));

    let shown = one_line(name);
    assert!(!shown.chars().any(is_unsafe));
    println!("file {shown}");

    let json = escape_json("{\"name\": \"a\u{202e}b\"}");
    assert_eq!(json, "{\"name\": \"a\\u202eb\"}");

    let error = Diagnostic::new("cannot open the file")
        .with_prefix("report.txt: ")
        .with_hint(format!("run ls -l {}", shell_word("my report.txt")));
    assert_eq!(error.message(), "report.txt: cannot open the file");
    assert_eq!(error.hint(), Some("run ls -l 'my report.txt'"));
}
