//! The OpenRPC description, from the JSON Schema.

use serde_json::{Map, Value, json};

use super::{Definition, protocol};
use crate::code;
use crate::message::method;

/// A method, what it is for, and the codes that are its own.
const METHODS: &[(&str, &str, &[i32])] = &[
    (
        method::INITIALIZE,
        "Who speaks, and which version; the first request, once.",
        &[code::UNSUPPORTED_PROTOCOL, code::MISSING_HOST_FEATURE],
    ),
    (
        method::DESCRIBE,
        "What the extension makes of a folder.",
        &[code::INVALID_PROJECT, code::INVALID_CONFIG],
    ),
    (
        method::RESOLVE,
        "What a command means in a folder.",
        &[code::UNKNOWN_COMMAND, code::INVALID_PROJECT, code::INVALID_CONFIG],
    ),
    (method::LOG, "A line for the user; a notification from the extension to the host.", &[]),
];

/// The OpenRPC description of protocol 1, as [`super::OPENRPC`] should be.
pub fn openrpc() -> Value {
    let protocol = protocol();
    let definitions = &protocol["$defs"];
    let methods: Vec<Value> = METHODS.iter().map(|entry| describe(definitions, entry)).collect();
    let errors = code::NAMED.iter().map(|(code, name, message)| {
        let data = json!({ "$ref": "#/$defs/ErrorData" });
        ((*name).to_owned(), json!({ "code": code, "message": message, "x-data": data }))
    });
    let mut document = json!({
        "openrpc": "1.3.2",
        "info": {
            "title": protocol["title"],
            "description": "Generated from the types of devflow-protocol; SPEC.md is the contract.",
            "version": "1",
        },
        "methods": methods,
        "components": { "schemas": definitions, "errors": errors.collect::<Map<_, _>>() },
    });
    relocate(&mut document);
    document
}

fn describe(definitions: &Value, (method, summary, own): &(&str, &str, &[i32])) -> Value {
    let params = Definition::params(method).map(|params| &definitions[params.name()]);
    let empty = Map::new();
    let members = params.and_then(|params| params["properties"].as_object()).unwrap_or(&empty);
    let is_required = |name: &String| {
        params.and_then(|params| params["required"].as_array()).is_some_and(|all| all.contains(&json!(name)))
    };
    let (required, optional): (Vec<_>, Vec<_>) = members.iter().partition(|(name, _)| is_required(name));
    let params: Vec<Value> = required
        .into_iter()
        .chain(optional)
        .map(|(name, schema)| json!({ "name": name, "required": is_required(name), "schema": schema }))
        .collect();
    let mut entry =
        json!({ "name": method, "summary": summary, "paramStructure": "by-name", "params": params });
    match Definition::result(method) {
        Some(result) => {
            entry["result"] = json!({ "name": result.name(), "schema": { "$ref": result.reference() } });
            let known = code::NAMED.iter().filter(|(code, ..)| *code < 0 || own.contains(code));
            entry["errors"] =
                known.map(|(_, name, _)| json!({ "$ref": format!("#/components/errors/{name}") })).collect();
        }
        None => {
            entry["x-notification"] = json!(true);
            entry["x-sender"] = json!("extension");
        }
    }
    entry
}

/// Makes references to definitions point to where OpenRPC keeps them.
fn relocate(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref") {
                *reference = reference.replace("#/$defs/", "#/components/schemas/");
            }
            members.values_mut().for_each(relocate);
        }
        Value::Array(items) => items.iter_mut().for_each(relocate),
        _ => {}
    }
}
