//! Recognizes tests in Rust code.

use std::path::Path;

use syn::{Attribute, ImplItemFn, Item};

/// Returns whether a file in `src` contains only code for tests.
pub(crate) fn is_test_file(path: &Path) -> bool {
    let name_of_tests = |name: &str| matches!(name, "tests" | "testing");
    path.with_extension("")
        .iter()
        .any(|name| name.to_str().is_some_and(name_of_tests))
}

/// Returns whether an item is compiled only for tests.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "other items are never only for tests in this workspace"
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

/// Returns whether a method is compiled only for tests.
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
        // Any other form of condition is not `cfg(test)`.
        drop(read);
    }
    is_test
}
