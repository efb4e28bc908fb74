use std::fs;

use super::graph::Graph;
use super::paths::Crate;

fn graph(sources: &[(&str, &str)]) -> Graph {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in sources {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        crate::files::write(&path, text).unwrap();
    }
    Crate::read(folder.path()).unwrap().graph()
}

#[test]
fn two_files_that_use_each_other_are_a_cycle() {
    let found = graph(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        (
            "b.rs",
            "pub struct B; fn f() -> crate::a::A { super::a::A }",
        ),
    ]);
    assert_eq!(found.cycles(), ["a -> b -> a"]);
}

#[test]
fn a_parent_that_only_passes_on_its_children_is_no_part_of_a_cycle() {
    let found = graph(&[
        (
            "lib.rs",
            "mod a; mod error; pub use a::{A, inner::B as C}; pub use error::Error;",
        ),
        ("error.rs", "pub struct Error;"),
        (
            "a.rs",
            "pub mod inner; pub struct A(crate::C); use crate::Error;",
        ),
        ("a/inner.rs", "use crate::Error; pub struct B(Error);"),
    ]);
    assert_eq!(found.cycles(), <[&str; 0]>::default());
    let edges: Vec<_> = found.edges().collect();
    assert_eq!(
        edges,
        [("a", "a::inner"), ("a", "error"), ("a::inner", "error")]
    );
}

#[test]
fn a_parent_and_a_child_that_use_each_other_are_a_cycle() {
    let found = graph(&[
        ("lib.rs", "mod a;"),
        ("a.rs", "mod inner; pub struct A; fn f() { inner::g() }"),
        ("a/inner.rs", "use super::A; pub fn g() -> A { A }"),
    ]);
    assert_eq!(found.cycles(), ["a -> a::inner -> a"]);
}

#[test]
fn tests_are_left_out() {
    let found = graph(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "use crate::b::B; #[cfg(test)] mod tests { use super::*; }",
        ),
        (
            "b.rs",
            "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
        ),
        ("b/tests.rs", "use crate::a::A;"),
    ]);
    assert_eq!(found.cycles(), <[&str; 0]>::default());
}

#[test]
fn other_crates_are_part_of_the_graph() {
    let found = graph(&[
        ("lib.rs", "mod domain;"),
        (
            "domain.rs",
            "use rusqlite::Connection; fn f() { http::Uri::default() }",
        ),
    ]);
    let edges: Vec<_> = found.edges().collect();
    assert_eq!(edges, [("domain", "http"), ("domain", "rusqlite")]);
}
