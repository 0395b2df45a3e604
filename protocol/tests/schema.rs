//! The JSON Schema says what the types say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is a test")]

use devflow_protocol::schema::{self, Definition};
use jsonschema::Validator;
use serde_json::Value;

fn validator(definition: Definition) -> Validator {
    let schema = definition.schema().unwrap();
    jsonschema::draft202012::options().build(&schema).unwrap()
}

#[test]
fn it_is_a_schema_and_has_every_definition() {
    let whole: Value = serde_json::from_str(schema::PROTOCOL).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&whole));
    for definition in Definition::ALL {
        assert!(whole["$defs"][definition.name()].is_object(), "{definition:?}");
        assert!(!validator(definition).is_valid(&Value::Null), "{definition:?}");
    }
}

#[test]
fn the_files_are_what_the_types_say() {
    for (name, file, value) in [
        ("protocol.schema.json", schema::PROTOCOL, schema::protocol()),
        ("openrpc.json", schema::OPENRPC, schema::openrpc()),
    ] {
        assert!(
            file == format!("{value:#}\n"),
            "schema/1/{name} is not what the types say: \
             cargo run -p devflow-protocol --features schema --example schema"
        );
    }
}
