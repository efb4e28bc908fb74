use std::fs;

use super::graph::Graph;
use super::paths::Crate;
use super::{EXCLUSIVE, LAYERS, uses_of_others, violations};

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

#[test]
fn each_layer_of_the_server_rejects_what_lies_above_it() {
    for (file, used, is_allowed) in [
        ("domain/keys.rs", "rusqlite::Error", false),
        ("domain/keys.rs", "http::StatusCode", false),
        ("domain/keys.rs", "crate::store::Store", false),
        ("domain/keys.rs", "crate::auth::access::Access", false),
        ("domain/keys.rs", "jiff::Timestamp", true),
        ("auth/access.rs", "crate::store::Store", false),
        ("auth/access.rs", "crate::auth::authorize::authorize", false),
        ("auth/access.rs", "crate::domain::keys::KeyRecord", true),
        ("auth/key_cache.rs", "crate::store::Store", true),
        ("store/port.rs", "rusqlite::Connection", false),
        ("store/sqlite/keys.rs", "rusqlite::Connection", true),
        ("store/sqlite/keys.rs", "crate::auth::access::Access", true),
        (
            "store/sqlite/keys.rs",
            "crate::auth::authorize::authorize",
            false,
        ),
        (
            "store/sqlite/keys.rs",
            "crate::http::error::ApiError",
            false,
        ),
        ("store/sqlite/keys.rs", "axum::Router", false),
    ] {
        let text = format!("use {used};");
        let mut sources = vec![
            ("auth.rs", "mod access; mod authorize; mod key_cache;"),
            ("auth/access.rs", "pub struct Access;"),
            ("auth/authorize.rs", "pub fn authorize() {}"),
            ("auth/key_cache.rs", ""),
            ("domain.rs", "mod keys;"),
            ("domain/keys.rs", "pub struct KeyRecord;"),
            ("store.rs", "mod port; mod sqlite; pub struct Store;"),
            ("store/port.rs", ""),
            ("store/sqlite.rs", "mod keys;"),
            ("store/sqlite/keys.rs", ""),
            ("http.rs", "pub mod error;"),
            ("http/error.rs", "pub struct ApiError;"),
        ];
        sources.retain(|(path, _)| *path != file);
        sources.push((file, &text));
        let graph = graph(&sources);
        let mut found = Vec::new();
        for layer in &LAYERS {
            found.extend(violations(layer, &graph));
        }
        for rule in &EXCLUSIVE {
            found.extend(uses_of_others(rule, &graph));
        }
        assert_eq!(
            found.is_empty(),
            is_allowed,
            "{file} uses {used}: {found:?}"
        );
    }
}
