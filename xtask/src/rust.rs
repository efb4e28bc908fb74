//! Recognizes code for tests in the syntax trees of the workspace.

use std::path::Path;

use syn::{Attribute, ImplItemFn, Item};

/// Returns whether a file below `src` contains only code for tests.
pub(crate) fn is_test_file(path: &Path) -> bool {
    let name_of_tests = |name: &str| matches!(name, "tests" | "testing");
    path.with_extension("")
        .iter()
        .any(|name| name.to_str().is_some_and(name_of_tests))
}

/// Returns whether an item exists in tests only.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "no other item is only for tests here"
)]
pub(crate) fn is_test_item(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(is_for_tests)
}

/// Returns whether a method exists in tests only.
pub(crate) fn is_test_method(method: &ImplItemFn) -> bool {
    method.attrs.iter().any(is_for_tests)
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let mut is_test = false;
    if attribute.path().is_ident("cfg") {
        let read = attribute.parse_nested_meta(|meta| {
            is_test |= meta.path.is_ident("test");
            Ok(())
        });
        // Any other condition can also be true outside of tests.
        drop(read);
    }
    is_test
}
