//! The JSON Schema says what the types say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is a test")]

use std::collections::BTreeSet;

use devflow_protocol::message::{
    DescribeParams, DescribeResult, ErrorObject, InitializeParams, InitializeResult, LogParams, Resolution,
    ResolveParams,
};
use devflow_protocol::schema::{self, Definition};
use jsonschema::Validator;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The schema of a definition.
fn validator(name: &str) -> Validator {
    let definition = Definition::ALL.into_iter().find(|definition| definition.name() == name).unwrap();
    jsonschema::draft202012::options().build(&definition.schema().unwrap()).unwrap()
}

#[test]
fn it_is_a_schema_and_has_every_definition() {
    let whole: Value = serde_json::from_str(schema::PROTOCOL).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&whole));
    for definition in Definition::ALL {
        assert!(whole["$defs"][definition.name()].is_object(), "{definition:?}");
        assert!(!validator(definition.name()).is_valid(&Value::Null), "{definition:?}");
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

/// Whether a type takes a value.
fn takes<T: DeserializeOwned>(value: &Value) -> bool {
    serde_json::from_value::<T>(value.clone()).is_ok()
}

/// A definition, whether its type takes a value, and a value that has every member.
type Case = (&'static str, fn(&Value) -> bool, Value);

fn cases() -> Vec<Case> {
    let project = json!({ "root": "/w/shop", "dir": "crates/core", "name": "shop" });
    let platform = json!({ "os": "linux", "arch": "x86_64" });
    let party = json!({ "name": "sample", "version": "0.1.0" });
    let action = json!({
        "steps": [{ "program": "a", "args": ["${cache:c}/x", "$$"] }], "cwd": "src", "env": { "A": null, "B": "${home}" },
        "path": ["${tmp}/bin"], "needs": ["setup:deps"], "locks": ["l"], "fetches": true, "writes": false,
        "warm": [{ "program": "b", "args": [] }], "inputs": { "files": ["**"], "exclude": ["docs/**"], "env": ["E"] },
        "outputs": [{ "path": "dist" }, { "cache": "c" }], "reports": [{ "format": "junit", "cache": "c", "path": "j.xml" }],
        "timeout_s": 60,
    });
    let mut resolve = json!({ "command": "test:unit", "args": ["a"], "config": {} });
    resolve["project"] = project.clone();
    resolve["platform"] = platform.clone();
    vec![
        (
            "InitializeParams",
            takes::<InitializeParams>,
            json!({ "protocols": [1], "host": party, "features": ["log"] }),
        ),
        (
            "InitializeResult",
            takes::<InitializeResult>,
            json!({ "protocol": 1, "extension": party, "requires": ["r"], "provides": ["p"] }),
        ),
        (
            "DescribeParams",
            takes::<DescribeParams>,
            json!({ "project": project, "platform": platform, "config": { "any": [1] } }),
        ),
        (
            "DescribeResult",
            takes::<DescribeResult>,
            json!({
                "applies": true, "because": ["b"], "commands": [{ "name": "a:b", "summary": "s", "writes": true }],
                "caches": [
                    { "name": "c", "env": "C", "home": "~/.c", "keep": ["k/"], "scope": "shared", "readonly": "ok" },
                    { "name": "d", "target": "~/.d", "managed": "self", "readonly": "overlay" },
                    { "name": "e", "at": "e", "scope": "environment" },
                ],
                "env": { "A": "${workspace}" }, "wants_env": ["W"], "ca_env": ["X"], "place_env": ["Y"], "fingerprint": ["*.lock"],
                "tools": [{ "program": "t", "args": ["--version"], "wants": ">=1" }],
                "image": { "base": ["debian:bookworm"], "options": [{
                    "source": "images", "packages": ["p=1:2.3-4~x"], "copy": [{ "from": "i:1", "paths": ["/p"] }],
                    "links": [["/a", "/b"]], "files": ["f"], "steps": [{ "run": ["r"], "user": "root" }],
                    "env": { "A": "b" }, "path": ["/p/bin"], "probe": [["p", "-v"]],
                }] },
                "reads": ["r", "."],
            }),
        ),
        ("ResolveParams", takes::<ResolveParams>, resolve),
        ("Resolution", takes::<Resolution>, json!({ "action": action })),
        ("Resolution", takes::<Resolution>, json!({ "skip": { "because": "b" } })),
        (
            "Resolution",
            takes::<Resolution>,
            json!({ "alternatives": [{ "when": { "program": "p" }, "action": action }, { "action": action }] }),
        ),
        ("LogParams", takes::<LogParams>, json!({ "level": "info", "message": "m" })),
        (
            "ErrorObject",
            takes::<ErrorObject>,
            json!({ "code": 2002, "message": "m", "data": {
                "supported": [1], "features": ["log"], "known": ["a:b"], "file": "f", "line": 1, "help": "h",
            } }),
        ),
    ]
}

/// What is put in the place of a part, and of a member's name.
fn values() -> Vec<Value> {
    let texts = [
        "",
        "x",
        ".",
        "..",
        "/",
        "/x",
        "x/",
        "a/b",
        "../x",
        "a/../b",
        "a//b",
        "./a",
        "a\\b",
        "a\nb",
        "a\rb",
        "a\0b",
        "a:b",
        "A:b",
        "a:b:c",
        "~/x",
        "~",
        "~/../x",
        "~/a,b",
        "é",
        "$",
        "$$",
        "${home}",
        "${HOME}",
        "${cache:env}",
        "${cache:c}/x",
        "PATH",
        "LD_X",
        "A B",
        "1A",
        "env",
        "tmp",
        "-x",
        "x=1",
        "ok",
        "shared",
        "root",
        "linux",
        "junit",
        "*.{a,b}",
        "a\u{85}b",
    ];
    let long = [
        "a".repeat(64),
        "a".repeat(65),
        "a".repeat(4096),
        "a".repeat(4097),
        format!("${{cache:{}}}", "a".repeat(65)),
    ];
    let numbers = [
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(1u64 << 32),
        json!(-32700),
        json!(9999),
        json!(10000),
    ];
    let others = [
        Value::Null,
        json!(true),
        json!([]),
        json!(["x"]),
        json!([null]),
        json!([["x"]]),
        json!({}),
        json!({ "x": 1 }),
    ];
    let texts = texts.into_iter().map(str::to_owned).chain(long).map(Value::String);
    texts.chain(numbers).chain(others).collect()
}

/// The pointers to all parts of a value.
fn parts(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, part)| parts(part, &format!("{at}/{name}"), out))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, part)| parts(part, &format!("{at}/{index}"), out))
        }
        _ => {}
    }
}

/// Every value that differs from this one in one part: another value, none, or another name.
fn variants(value: &Value) -> Vec<(String, Value)> {
    let mut pointers = Vec::new();
    parts(value, "", &mut pointers);
    let mut out = Vec::new();
    for pointer in pointers {
        for replacement in values() {
            let mut variant = value.clone();
            *variant.pointer_mut(&pointer).unwrap() = replacement;
            out.push((pointer.clone(), variant));
        }
        let Some((parent, name)) = pointer.rsplit_once('/') else { continue };
        let mut without = value.clone();
        let Some(Value::Object(members)) = without.pointer_mut(parent) else { continue };
        let part = members.remove(name).unwrap();
        out.push((pointer.clone(), without.clone()));
        for other in values().iter().filter_map(Value::as_str) {
            let mut renamed = without.clone();
            renamed.pointer_mut(parent).unwrap()[other] = part.clone();
            out.push((format!("{parent}/*"), renamed));
        }
    }
    out
}

/// Parts of which the schema refuses more than the types do, and why. `#` is any number.
const STRICTER: &[(&str, &[&str])] = &[
    (
        "dwf looks at these together with the rest of the answer, where it makes the plan",
        &[
            "/ca_env/#",
            "/place_env/#",
            "/caches/#/*",
            "/caches/#/env",
            "/caches/#/home",
            "/caches/#/keep",
            "/caches/#/target",
            "/caches/#/at",
            "/env/*",
            "/fingerprint/#",
            "/inputs/files/#",
            "/inputs/exclude/#",
            "/action/path/#",
            "/outputs/#",
            "/outputs/#/*",
            "/outputs/#/path",
            "/outputs/#/cache",
            "/steps",
            "/program",
            "/timeout_s",
            "/extension/name",
        ],
    ),
    (
        "dwf looks at these where it makes the image, or reads the report",
        &[
            "/source",
            "/packages/#",
            "/copy/#/from",
            "/copy/#/paths/#",
            "/options/#/env/A",
            "/options/#/path/#",
            "/probe/#",
            "/run",
            "/user",
            "/format",
        ],
    ),
    ("the client shows them on one line, whatever they hold", &["/summary", "/message", "/help"]),
    ("the client is content with less of an error: it is one in any case", &["/code", "/data/line"]),
    ("the host is trusted to send what is right", &["/platform/os", "/project/root"]),
];

/// Whether a pointer ends like this.
fn ends_like(pointer: &str, pattern: &str) -> bool {
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (mut parts, mut wanted) = (pointer.rsplit('/'), pattern[1..].rsplit('/'));
    wanted.all(|wanted| parts.next().is_some_and(|part| part == wanted || wanted == "#" && is_number(part)))
}

/// Why the schema may refuse what the type takes, with this in the place of that.
fn excuse(pointer: &str, original: Option<&Value>, part: Option<&Value>) -> Option<&'static str> {
    let is_object = |value: &Value| value.is_object() || value.get(0).is_some_and(Value::is_object);
    match part {
        Some(Value::String(text)) if text.contains('\0') => Some("NUL is looked for where a text is used"),
        Some(Value::Array(_)) if original.is_some_and(is_object) => Some("serde takes a list for an object"),
        // A list is as good as what is in it.
        part => {
            let first = format!("{pointer}/0");
            let at = |pattern: &str| {
                ends_like(pointer, pattern) || part.is_some_and(Value::is_array) && ends_like(&first, pattern)
            };
            let known = STRICTER.iter().find(|(_, patterns)| patterns.iter().any(|pattern| at(pattern)));
            known.map(|(reason, _)| *reason)
        }
    }
}

#[test]
fn it_takes_what_the_types_take() {
    let mut excuses = BTreeSet::new();
    for (name, takes, value) in cases() {
        let schema = validator(name);
        assert!(takes(&value) && schema.is_valid(&value), "{name}: {value}");
        for (pointer, variant) in variants(&value) {
            let (by_type, by_schema) = (takes(&variant), schema.is_valid(&variant));
            assert!(
                by_type || !by_schema,
                "{name}: the schema takes, and the type refuses, at {pointer}: {variant}"
            );
            if by_type && !by_schema {
                let excuse = excuse(&pointer, value.pointer(&pointer), variant.pointer(&pointer));
                assert!(
                    excuse.is_some(),
                    "{name}: the type takes, and the schema refuses, at {pointer}: {variant}"
                );
                excuses.extend(excuse);
            }
        }
    }
    for (reason, _) in STRICTER {
        assert!(excuses.contains(reason), "nothing is excused because {reason}");
    }
}

#[test]
fn what_no_schema_can_say_is_known() {
    let plain = r#"{"action":{"steps":[{"program":"a"}]}}"#;
    let when = r#"{"when":{"program":"p"},"action":{"steps":[{"program":"a"}]}}"#;
    for (reason, name, takes, text) in [
        (
            "which of the alternatives is the last",
            "Resolution",
            takes::<Resolution> as fn(&Value) -> bool,
            format!(r#"{{"alternatives":[{plain},{when}]}}"#),
        ),
        (
            "that 1.0 is not written like an integer",
            "InitializeResult",
            takes::<InitializeResult>,
            r#"{"protocol":1.0,"extension":{"name":"x","version":"1"}}"#.to_owned(),
        ),
        (
            "how many bytes a character has",
            "DescribeResult",
            takes::<DescribeResult>,
            format!(r#"{{"applies":true,"reads":["{}"]}}"#, "ä".repeat(4096)),
        ),
    ] {
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(validator(name).is_valid(&value) && !takes(&value), "a schema can say {reason}");
    }
}
