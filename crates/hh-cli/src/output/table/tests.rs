use super::*;

const COLUMNS: [Column; 5] = [
    Column::id("ID"),
    Column::text("NAME"),
    Column::whole("STARTED").optional(2),
    Column::text("OWNER").optional(1),
    Column::whole("STATE"),
];

fn rows() -> Vec<[String; 5]> {
    let long = "n".repeat(200);
    let wide = "名前".repeat(50);
    let hostile = format!(
        "\u{202e}evil\u{1b}[31m\u{200d}\r\n{}",
        "e\u{301}".repeat(100)
    );
    [
        [
            "0123456789abcdef0123",
            "short",
            "2026-11-30T08:15:49.169Z",
            "ann",
            "active",
        ],
        [
            "0123456789abcdef4567",
            &long,
            "2026-11-30T08:15:49.169Z",
            "a very long owner name",
            "revoked",
        ],
        [
            "fedcba9876543210fedc",
            &wide,
            "2026-11-30T08:15:49.169Z",
            "👍🏽🇩🇪👍🏽🇩🇪👍🏽🇩🇪",
            "active",
        ],
        ["fedcba98765432100000", &hostile, "-", "", "active"],
    ]
    .map(|row| row.map(str::to_owned))
    .to_vec()
}

fn render(width: Option<usize>) -> Vec<String> {
    Table::new(COLUMNS, rows()).lines(&Screen::of_width(width))
}

#[test]
fn tables_fit_every_width_and_contain_nothing_unsafe() {
    for width in 1..300 {
        for line in render(Some(width)) {
            assert!(columns(&line) <= width, "{width}: {line}");
            assert_eq!(line, one_line(&line), "{width}");
        }
    }
}

#[test]
fn wide_tables_are_cut_by_priority() {
    for width in [60, 80, 120, 200] {
        let text = render(Some(width)).join("\n");
        insta::assert_snapshot!(format!("table_{width}"), text);
    }
}

#[test]
fn tables_without_a_width_are_complete() {
    let lines = render(None);
    assert!(lines[2].contains(&"n".repeat(200)));
    assert!(lines[1].starts_with("0123456789abcdef0123  short "));
    assert!(lines.iter().all(|line| !line.ends_with(' ')));
}

#[test]
fn shortened_ids_are_unique_and_have_at_least_eight_characters() {
    let shortened = |ids: &[&str]| {
        let rows = ids.iter().map(|id| [*id]);
        let lines = Table::new([Column::id("")], rows).lines(&Screen::of_width(Some(80)));
        lines[1..].join(" ")
    };
    assert_eq!(
        shortened(&["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"]),
        "aaaaaaaa bbbbbbbb"
    );
    assert_eq!(
        shortened(&["aaaaaaaaaaaab", "aaaaaaaaaaaac"]),
        "aaaaaaaaaaaab aaaaaaaaaaaac"
    );
    assert_eq!(
        shortened(&["aaaaaaaaaaaab", "aaaaaaaaaaaab"]),
        "aaaaaaaa aaaaaaaa"
    );
    assert_eq!(shortened(&["abc", "abcdefghijkl"]), "abc abcdefgh");
    assert_eq!(shortened(&[]), "");
}
