use proptest::prelude::*;
use serde_json::json;

use super::super::event_body::EventBody as Body;
use super::*;

fn object(value: &Value) -> Object {
    value.as_object().unwrap().clone()
}

fn body() -> Body {
    Body {
        source: "s \u{1} \"".to_owned(),
        config: object(&json!({"c": [1, {"d": 0.1}]})),
        inputs: object(&json!({"i": "\u{1f600}"})),
        outputs: object(&json!({"o": null})),
        error: Some("e\n".to_owned()),
        metadata: object(&json!({"": 1, "a\"": {"b": {}}, "z": 1e300})),
        metrics: object(&json!({"m": -0.0})),
        feedback: object(&json!({"f": true})),
        user_properties: object(&json!({"u": []})),
    }
}

fn encode(body: &StoredBody<'_>) -> String {
    serde_json::to_string(body).unwrap()
}

#[test]
fn a_body_without_a_change_is_encoded_as_it_was_stored() {
    for stored in [Body::default(), body()] {
        let stored = stored.encode().unwrap();
        let parsed = StoredBody::parse(&stored).unwrap();
        assert_eq!(encode(&parsed).as_bytes(), stored);
    }
}

#[test]
fn an_invalid_body_is_an_error() {
    for damaged in ["", "{", "1", "{\"metadata\":[]}", "{\"config\":{\"a\":}}"] {
        let parsed = StoredBody::parse(damaged.as_bytes());
        assert!(parsed.is_err(), "{damaged}");
    }
}

fn small_object() -> impl Strategy<Value = Object> {
    let value = prop_oneof![
        any::<f64>().prop_map(Value::from),
        "[a-c\"]{0,2}".prop_map(Value::from),
        Just(json!({"n": [1, {}]})),
    ];
    prop::collection::btree_map("[a-c\"]{0,1}", value, 0..4)
        .prop_map(|map| map.into_iter().collect())
}

proptest! {
    /// The same as a merge of decoded values.
    #[test]
    fn a_merge_of_texts_is_a_merge_of_values(
        stored in small_object(), set in small_object(), added in small_object(), whole in small_object(),
    ) {
        let mut values = Body { metadata: stored.clone(), outputs: stored.clone(), ..body() };
        let before = values.encode().unwrap();
        let mut texts = StoredBody::parse(&before).unwrap();
        texts.metadata.set(&set);
        texts.config.add(&added);
        texts.set_outputs(&whole);
        texts.set_inputs(&whole);
        texts.set_source("sent");
        values.metadata.extend(set.clone());
        for (name, value) in &added {
            values.config.entry(name).or_insert_with(|| value.clone());
        }
        values.outputs.clone_from(&whole);
        values.inputs.clone_from(&whole);
        "sent".clone_into(&mut values.source);
        prop_assert_eq!(encode(&texts).into_bytes(), values.encode().unwrap());
    }

    #[test]
    fn an_object_has_all_members_of_its_parts(one in small_object(), other in small_object()) {
        let encode = |metadata: &Object| {
            Body { metadata: metadata.clone(), ..Body::default() }.encode().unwrap()
        };
        let (one_text, other_text) = (encode(&one), encode(&other));
        let [parsed, others] = [&one_text, &other_text].map(|text| StoredBody::parse(text).unwrap());
        // As text: -0.0 equals 0.0 as a value.
        let text_of = |value: &Value| value.to_string();
        let expected = other
            .iter()
            .all(|(name, value)| one.get(name).map(text_of) == Some(text_of(value)));
        prop_assert_eq!(parsed.metadata.has_all(&others.metadata), expected);
        prop_assert!(parsed.metadata.has_all(&parsed.metadata));
    }
}
