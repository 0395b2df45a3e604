//! The JSON Schema, from the types.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::{Definition, envelope, word};
use crate::message::{
    DescribeParams, DescribeResult, ErrorObject, InitializeParams, InitializeResult, LogParams, Resolution,
    ResolveParams,
};

/// The JSON Schema of protocol 1, as [`super::PROTOCOL`] should be.
pub fn protocol() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    include::<InitializeParams>(&mut generator);
    include::<InitializeResult>(&mut generator);
    include::<DescribeParams>(&mut generator);
    include::<DescribeResult>(&mut generator);
    include::<ResolveParams>(&mut generator);
    include::<Resolution>(&mut generator);
    include::<LogParams>(&mut generator);
    include::<ErrorObject>(&mut generator);
    include::<word::Text>(&mut generator);
    let mut definitions: Map<String, Value> = generator.take_definitions(true);
    for definition in definitions.values_mut() {
        if let Ok(schema) = definition.try_into() {
            settle(schema);
        }
    }
    definitions.extend(envelope::definitions().map(|(name, schema)| (name.to_owned(), schema)));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:devflow:protocol:1",
        "title": "The devflow extension protocol, version 1",
        "description": "Generated from the types of devflow-protocol; SPEC.md is the contract. Open for unknown \
                        members, exact for values.",
        "anyOf": [
            { "$ref": Definition::HostMessage.reference() },
            { "$ref": Definition::ExtensionMessage.reference() },
        ],
        "$defs": definitions,
    })
}

fn include<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// What holds for every schema of a Rust type: a `String` is a text, an integer has its type's
/// range, and an optional member is left out, never `null`.
fn settle(schema: &mut Schema) {
    let members = schema.get_mut("properties").and_then(Value::as_object_mut);
    for member in members.into_iter().flat_map(|members| members.values_mut()) {
        without_null(member);
    }
    transform_subschemas(&mut settle, schema);
    let Some(object) = schema.as_object_mut() else { return };
    let is_plain = !["pattern", "enum", "const"].iter().any(|rule| object.contains_key(*rule));
    if object.get("type") == Some(&json!("string")) && is_plain {
        object.remove("type");
        object.insert("$ref".to_owned(), json!("#/$defs/Text"));
    }
    if let Some(Value::String(format)) = object.remove("format") {
        let (least, most) = match format.as_str() {
            "int32" => (json!(i32::MIN), json!(i32::MAX)),
            "uint32" => (json!(0), json!(u32::MAX)),
            _ => (json!(0), json!(u64::MAX)),
        };
        object.entry("minimum").or_insert(least);
        object.insert("maximum".to_owned(), most);
    }
}

/// Takes `null` from the values of an optional member.
fn without_null(member: &mut Value) {
    let Some(object) = member.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| *choice != json!({ "type": "null" }));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
}
