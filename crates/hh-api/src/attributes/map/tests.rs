use proptest::prelude::*;
use serde_json::json;

use super::super::fields::NoLimits;
use super::*;

/// Maps inputs with these names and numbers.
fn inputs(values: &[(&str, i64)]) -> Value {
    let attributes = values
        .iter()
        .map(|(name, number)| (format!("honeyhive_inputs.{name}"), Value::from(*number)));
    let span = Span {
        attributes: attributes.collect(),
        ..Span::default()
    };
    let Ok(fields) = map_span(span, &Origin::of_tracer(), &mut NoLimits);
    Value::Object(fields.inputs)
}

#[test]
fn names_that_collide_stay_flat_in_any_order() {
    for (values, expected) in [
        (&[("a.b", 1), ("a", 5)][..], json!({"a": 5, "a.b": 1})),
        (&[("a.b", 1), ("a.c", 2)], json!({"a": {"b": 1, "c": 2}})),
        (
            &[("a.b.c", 1), ("a.b", 2), ("a.b.c.d", 3)],
            json!({"a": {"b": 2}, "a.b.c": 1, "a.b.c.d": 3}),
        ),
        (
            &[("a.", 1), ("a", 2), (".a", 3), (".", 4), ("..", 5), ("", 6)],
            json!({"a": 2, "a.": 1, "": 6, ".a": 3, ".": 4, "..": 5}),
        ),
    ] {
        assert_eq!(inputs(values), expected, "{values:?}");
        let reversed: Vec<_> = values.iter().rev().copied().collect();
        assert_eq!(inputs(&reversed), expected, "{reversed:?}");
    }
    assert_eq!(inputs(&[("a.b", 1), ("a.b", 2)]), json!({"a": {"b": 2}}));
}

#[test]
fn an_object_value_keeps_its_members_when_dotted_names_add_more() {
    for (member, expected) in [
        ("c", json!({"a": {"c": 1, "b": 2}})),
        ("b", json!({"a": {"b": 1}, "a.b": 2})),
        ("x.y", json!({"a": {"x.y": 1, "b": 2}})),
    ] {
        let whole = ("honeyhive_metadata.a".to_owned(), json!({member: 1}));
        let dotted = ("honeyhive_metadata.a.b".to_owned(), json!(2));
        for attributes in [vec![whole.clone(), dotted.clone()], vec![dotted, whole]] {
            let span = Span {
                attributes,
                ..Span::default()
            };
            let Ok(fields) = map_span(span, &Origin::of_tracer(), &mut NoLimits);
            assert_eq!(Value::Object(fields.metadata), expected);
        }
    }
}

/// Every number in a value.
fn numbers(value: &Value) -> Vec<i64> {
    match value.as_object() {
        Some(members) => members.values().flat_map(numbers).collect(),
        None => value.as_i64().into_iter().collect(),
    }
}

proptest! {
    #[test]
    fn no_value_is_lost_and_the_order_does_not_matter(
        names in prop::collection::btree_set("[ab.]{0,6}|([ab]\\.){28,36}[ab]", 0..24),
        seed in any::<u64>(),
    ) {
        let values: Vec<_> = names.iter().map(String::as_str).zip(0..).collect();
        let mapped = inputs(&values);
        let mut found = numbers(&mapped);
        found.sort_unstable();
        prop_assert_eq!(found, (0..).take(values.len()).collect::<Vec<i64>>());
        let mut shuffled = values.clone();
        shuffled.sort_by_key(|(_, number)| seed.rotate_left(u32::try_from(*number).unwrap() * 7) ^ seed);
        prop_assert_eq!(inputs(&shuffled), mapped);
    }
}
