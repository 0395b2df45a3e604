//! Whole lines, around what the types in `message` say.

use serde_json::{Value, json};

use super::Definition;
use crate::code;
use crate::message::method;

/// Bytes of the longest id.
const ID: usize = 64;

/// The definitions of whole lines, by name.
pub(super) fn definitions() -> [(&'static str, Value); 3] {
    let requests: Vec<Value> = [method::INITIALIZE, method::DESCRIBE, method::RESOLVE]
        .into_iter()
        .filter_map(|method| Some((method, Definition::params(method)?)))
        .map(|(method, params)| {
            json!({
                "if": { "properties": { "method": { "const": method } }, "required": ["method"] },
                "then": { "required": ["id", "params"], "properties": { "params": { "$ref": params.reference() } } },
            })
        })
        .collect();
    let version = json!({ "const": "2.0" });
    let host = json!({
        "description": "A line from the host: a request, or a notification, which has no `id`.",
        "type": "object",
        "required": ["jsonrpc", "method"],
        "properties": {
            "jsonrpc": version,
            "id": { "$ref": "#/$defs/Id" },
            "method": { "$ref": "#/$defs/Text" },
            "params": { "type": "object" },
        },
        "allOf": requests,
    });
    let extension = json!({
        "description": "A line from the extension: an answer, or the notification `log`.",
        "type": "object",
        "required": ["jsonrpc"],
        "properties": { "jsonrpc": version },
        "oneOf": [
            {
                "title": "a result",
                "required": ["id", "result"],
                "properties": { "id": { "$ref": "#/$defs/Id" }, "result": { "type": "object" }, "error": false, "method": false },
            },
            {
                "title": "an error",
                "required": ["id", "error"],
                "properties": {
                    "id": { "anyOf": [{ "$ref": "#/$defs/Id" }, { "type": "null" }] },
                    "error": { "$ref": Definition::ErrorObject.reference() },
                    "result": false,
                    "method": false,
                },
                "if": { "properties": { "id": { "type": "null" } } },
                "then": { "properties": { "error": { "properties": {
                    "code": { "enum": [code::PARSE_ERROR, code::INVALID_REQUEST] },
                } } } },
            },
            {
                "title": "a log line",
                "required": ["method", "params"],
                "properties": {
                    "method": { "const": method::LOG },
                    "params": { "$ref": Definition::LogParams.reference() },
                    "id": false,
                    "result": false,
                    "error": false,
                },
            },
        ],
    });
    let id = json!({
        "description": "The id of a request: any text of at most 64 bytes, to be sent back as it came.",
        "type": "string",
        "pattern": r"^[^\u0000]*$",
        "maxLength": ID,
    });
    [("HostMessage", host), ("ExtensionMessage", extension), ("Id", id)]
}
