//! Generates unusual values for tests of decoders.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

/// The number of unusual values of each field.
const ODD_VALUES: usize = 2_000;

/// Generates the unusual values, which are the same in every run.
pub(crate) fn odd_values<T: std::fmt::Debug>(values: impl Strategy<Value = T>) -> Vec<T> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let values = (0..ODD_VALUES).map(|_| values.new_tree(&mut runner).unwrap().current());
    values.collect()
}

/// Values that are unusual or of the wrong type, as the text of JSON.
pub(crate) fn odd_json() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "0",
        "-1",
        "-0",
        "1e21",
        "1.5",
        "3.0",
        "1e-400",
        "1e400",
        "NaN",
        "-Infinity",
        "18446744073709551616",
        "1180591620717411303424",
        "\"1e3\"",
        "\" 5 \"",
        "\"0x5\"",
        "[null]",
        "[[[]]]",
        "{\"values\": null}",
        "{\"values\": 5}",
        "{\"stringValue\": null}",
        "{\"intValue\": {}}",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\u0000\"",
        "\"\\x\"",
        "{\"key\": null}",
        "{\"a\": {\"b\": [1, {}]}}",
    ]);
    let deep = (55_usize..75).prop_map(|depth| {
        format!(
            "{}{}",
            "{\"arrayValue\": {\"values\": [".repeat(depth),
            "]}}".repeat(depth)
        )
    });
    prop_oneof![
        known.prop_map(str::to_owned),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        "[0-9]{1,40}",
        "-?[0-9]{1,5}\\.[0-9]{1,30}[eE][+-]?[0-9]{1,3}",
        "\"([a-f0-9]{0,40}|[^\"\\\\]{0,20})\"",
        any::<u64>().prop_map(|number| format!("\"{number}\"")),
        "\"(\\\\u[0-9a-fA-F]{4}){1,4}\"",
        deep,
        prop::collection::vec((".{0,5}", any::<bool>()), 0..5)
            .prop_map(|pairs| json!(pairs).to_string()),
    ]
}
