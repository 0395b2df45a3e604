//! Rules over several members of one object, which no Rust type shows.

use schemars::Schema;
use serde_json::{Value, json};

use crate::code;

/// Adds keywords to a schema.
fn add(schema: &mut Schema, keywords: Value) {
    let object = schema.ensure_object();
    if let Value::Object(keywords) = keywords {
        object.extend(keywords);
    }
}

/// A cache has at most one of `home`, `target` and `at`; `home` and `keep` go together.
pub(crate) fn cache(schema: &mut Schema) {
    add(
        schema,
        json!({
            "not": { "anyOf": [
                { "required": ["home", "target"] },
                { "required": ["home", "at"] },
                { "required": ["target", "at"] },
            ] },
            "dependentRequired": { "home": ["env", "keep"] },
            "dependentSchemas": {
                "home": { "properties": { "keep": { "minItems": 1 } } },
                "keep": { "anyOf": [{ "required": ["home"] }, { "properties": { "keep": { "maxItems": 0 } } }] },
            },
        }),
    );
}

/// A resolution is exactly one thing; of alternatives, one has no `when`.
pub(crate) fn resolution(schema: &mut Schema) {
    add(
        schema,
        json!({
            "description": "Result of `command/resolve`: exactly one of the three.",
            "oneOf": [{ "required": ["skip"] }, { "required": ["action"] }, { "required": ["alternatives"] }],
        }),
    );
    if let Some(list) = schema.pointer_mut("/properties/alternatives").and_then(Value::as_object_mut) {
        list.insert("contains".to_owned(), json!({ "not": { "required": ["when"] } }));
        list.insert("maxContains".to_owned(), 1.into());
    }
}

/// Each of these folders is absolute once its placeholders are filled in.
pub(crate) fn folders(schema: &mut Schema) {
    if let Some(items) = schema.get_mut("items").and_then(Value::as_object_mut) {
        items.insert("pattern".to_owned(), json!(r"^(?:/|\$\{)"));
    }
}

/// An output is a path, a cache, or a path in a cache.
pub(crate) fn output(schema: &mut Schema) {
    add(schema, json!({ "anyOf": [{ "required": ["path"] }, { "required": ["cache"] }] }));
}

/// An error has a code that is not reserved; 1001 says which versions there are.
pub(crate) fn error_object(schema: &mut Schema) {
    let named: Vec<i32> = code::NAMED.iter().map(|(code, ..)| *code).collect();
    if let Some(code) = schema.pointer_mut("/properties/code").and_then(Value::as_object_mut) {
        code.insert("anyOf".to_owned(), json!([{ "enum": named }, { "minimum": code::OWN }]));
    }
    add(
        schema,
        json!({
            "if": { "properties": { "code": { "const": code::UNSUPPORTED_PROTOCOL } } },
            "then": { "required": ["data"], "properties": { "data": { "required": ["supported"] } } },
        }),
    );
}
