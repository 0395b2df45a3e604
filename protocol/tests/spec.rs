//! SPEC.md is true: its JSON fits the types, its examples are the files in `examples/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is a test")]

#[allow(dead_code, reason = "each test needs a part of it")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::message::{
    Action, Cache, DescribeParams, DescribeResult, ErrorObject, Image, InitializeParams, InitializeResult,
    LogParams, Resolution, ResolveParams,
};
use devflow_protocol::spec::{self, TEXT as SPEC};
use devflow_protocol::{code, limits, schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use support::Judge;

/// The blocks of SPEC.md: what follows the fence, and the text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut fences = SPEC.split("```");
    let mut blocks = Vec::new();
    while let (Some(_), Some(block)) = (fences.next(), fences.next()) {
        blocks.push(block.split_once('\n').expect("a fence has a line of its own"));
    }
    blocks
}

/// Every member of `part` is in `whole`, with the same value.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        _ => whole == part,
    }
}

/// The text is a `T`, and no member of it is unknown to `T`.
fn fits<T: DeserializeOwned + Serialize>(text: &str) {
    let value: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let whole = serde_json::to_value(value).unwrap();
    let part = serde_json::from_str(text).unwrap();
    assert!(contains(&whole, &part), "some member of this is lost or changed: {text}");
}

/// The text is a message of JSON-RPC.
fn message(kind: &str, text: &str) {
    let message: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(message["jsonrpc"], "2.0", "{text}");
    assert_eq!(message["id"].is_string(), kind != "Notification", "{text}");
    let method = message["method"].as_str();
    match (kind, method) {
        ("Request", Some("initialize")) => fits::<InitializeParams>(&message["params"].to_string()),
        ("Response", None) => assert!(message["result"].is_object() != message["error"]["code"].is_i64()),
        ("Notification", Some("log")) => fits::<LogParams>(&message["params"].to_string()),
        _ => panic!("{kind}: {text}"),
    }
    assert!(!text.trim_end().contains('\n'), "a message is one line: {text}");
}

/// The text is what the definition of its kind says.
fn follows_the_schema(kind: &str, text: &str) {
    let kind = match kind {
        "Request" => "HostMessage",
        "Response" | "Notification" => "ExtensionMessage",
        kind => kind,
    };
    let mut schema: Value = serde_json::from_str(schema::PROTOCOL).unwrap();
    schema.as_object_mut().unwrap().remove("anyOf");
    schema["$ref"] = format!("#/$defs/{kind}").into();
    let validator = jsonschema::draft202012::options().build(&schema).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&serde_json::from_str(text).unwrap()).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}: {text}");
}

#[test]
fn its_json_fits_the_types_and_the_schema() {
    let mut count = 0;
    for (tag, text) in blocks() {
        let Some(kind) = tag.strip_prefix("json ") else { continue };
        count += 1;
        if kind != "Transcript" {
            follows_the_schema(kind, text);
        }
        match kind {
            "Request" | "Response" | "Notification" => message(kind, text),
            "InitializeParams" => fits::<InitializeParams>(text),
            "InitializeResult" => fits::<InitializeResult>(text),
            "DescribeParams" => fits::<DescribeParams>(text),
            "DescribeResult" => fits::<DescribeResult>(text),
            "ResolveParams" => fits::<ResolveParams>(text),
            "Resolution" => fits::<Resolution>(text),
            "Action" => fits::<Action>(text),
            "Cache" => fits::<Cache>(text),
            "Image" => fits::<Image>(text),
            "LogParams" => fits::<LogParams>(text),
            "ErrorObject" => fits::<ErrorObject>(text),
            "Transcript" => {
                let mut judge = Judge::new();
                for line in text.lines() {
                    let line: Value = serde_json::from_str(line).unwrap();
                    match line["to"].as_str() {
                        Some("extension") => judge.host_says(&line["message"]),
                        Some("host") => judge.extension_says(&line["message"]),
                        _ => panic!("to whom? {line}"),
                    }
                }
                assert!(judge.is_done());
            }
            _ => panic!("no type for a block tagged {tag:?}"),
        }
    }
    assert!(count >= 20, "only {count} blocks of JSON were found");
}

#[test]
fn its_extensions_are_the_files() {
    for (name, file) in [
        ("devflow-ext-hello-py", include_str!("../examples/devflow-ext-hello-py")),
        ("devflow-ext-hello-sh", include_str!("../examples/devflow-ext-hello-sh")),
    ] {
        let text =
            blocks().into_iter().find(|(tag, _)| tag.split_once(' ').is_some_and(|(_, tag)| tag == name));
        assert_eq!(text.map(|(_, text)| text), Some(file), "{name} in SPEC.md differs from examples/{name}");
    }
}

#[test]
fn its_members_are_all_of_them() {
    // Filled in completely, so that a member that is added to a type is missed in SPEC.md here.
    let everything = r#"{"applies":true,"because":["x"],"commands":[{"name":"a:b","summary":"s","writes":true}],
        "caches":[{"name":"c","env":"E","home":"~/x","keep":["k"],"target":"~/y","at":"z","scope":"shared",
        "readonly":"ok","managed":"self"}],"env":{"A":"b"},"wants_env":["W"],"ca_env":["X"],"place_env":["Y"],"fingerprint":["f"],
        "tools":[{"program":"p","args":["a"],"wants":">=1"}],"image":{"base":["b"],"options":[{"source":"images",
        "packages":["p"],"copy":[{"from":"f","paths":["/p"]}],"links":[["a","b"]],"files":["f"],
        "steps":[{"run":["r"],"user":"root"}],"env":{"A":"b"},"path":["/p"],"probe":[["p"]]}]},"reads":["r"]}"#;
    fits::<DescribeResult>(everything);
    let names = |text: &str| {
        let mut names = Vec::new();
        collect(&serde_json::from_str(text).unwrap(), &mut names);
        names
    };
    let default = serde_json::to_string(&DescribeResult::default()).unwrap();
    for name in names(everything).into_iter().chain(names(&default)) {
        let known = SPEC.contains(&format!("`{name}`")) || SPEC.contains(&format!(".{name}`"));
        assert!(known, "SPEC.md does not say what `{name}` means");
    }
}

/// The names of all members, those of maps from the user's own names excepted.
fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                names.push(name.clone());
                if name != "env" {
                    collect(value, names);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

#[test]
fn its_numbers_are_the_constants() {
    for (wanted, number) in [
        ("| a line, either way, without its end [N1] | 1 MiB |", limits::LINE == 1 << 20),
        ("| 16 MiB, 10,000 messages |", limits::RUN_BYTES == 16 << 20 && limits::RUN_MESSAGES == 10_000),
        ("| 128 levels |", limits::DEPTH == 128),
        ("| requests under way | 16 |", limits::IN_FLIGHT == 16),
        ("| 30 s; the user is told after 2 s |", limits::INITIALIZE.as_secs() == 30),
        ("from its sending [N4] | 10 s |", limits::REQUEST.as_secs() == 10),
        ("| 64 KiB, the newest |", limits::STDERR_RING == 64 << 10),
        ("SIGTERM after 500 ms", limits::END_GRACE.as_millis() == 500),
    ] {
        assert!(SPEC.contains(wanted) && number, "{wanted}");
    }
    for (code, name, _) in code::NAMED {
        assert!(SPEC.contains(&format!("\n| {code} | {name} | ")), "{code} is not in the table of codes");
    }
    assert!(SPEC.contains(&format!("\n| {} and above ", code::OWN)));
}

#[test]
fn its_rules_have_marks_that_stay() {
    let rules: Vec<_> = spec::rules().collect();
    let mut marks: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for rule in &rules {
        let (letter, number) = rule.mark.split_at(1);
        let is_new = marks.entry(letter).or_default().insert(number.parse().unwrap());
        assert!(is_new, "[{}] stands there twice", rule.mark);
        assert!(rule.heading.starts_with('#') && rule.text.contains(&format!("[{}]", rule.mark)));
        assert_eq!(SPEC.lines().nth(rule.line - 1), Some(rule.text));
    }
    // More may come; none may go.
    let least = [
        ("A", 15),
        ("B", 4),
        ("C", 11),
        ("D", 9),
        ("E", 9),
        ("I", 8),
        ("L", 2),
        ("M", 14),
        ("N", 5),
        ("R", 8),
        ("S", 4),
        ("T", 13),
        ("W", 23),
        ("X", 3),
    ];
    for (letter, count) in least {
        let there = marks.get(letter).cloned().unwrap_or_default();
        let missing: Vec<u32> = (1..=count).filter(|number| !there.contains(number)).collect();
        assert!(missing.is_empty(), "rules are gone: {letter}{missing:?}");
    }
    let is_marked = |line: &usize| rules.iter().any(|rule| rule.line == *line);
    let binding = SPEC.lines().zip(1..).filter(|(text, _)| text.contains("xtension must "));
    let unmarked: Vec<_> = binding.filter(|(_, line)| !is_marked(line)).collect();
    assert!(unmarked.is_empty(), "rules without marks: {unmarked:#?}");
    assert_eq!(spec::rule("W8").map(|rule| rule.heading), Some("## 3. Framing and messages"));
    assert_eq!(spec::rule("W0"), None);
}
