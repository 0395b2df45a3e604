use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::plan::tests::{answers, config, plan, run};

/// A stack with every kind of node and edge, in this member.
fn sample(member: &str) -> Plan {
    let build = json!({ "action": { "steps": [{ "program": "x" }], "needs": ["setup:deps"], "outputs": [{ "path": "dist" }] } });
    let deps = json!({ "action": { "steps": [{ "program": "x" }], "fetches": true } });
    let fix = json!({ "action": { "steps": [{ "program": "x" }], "writes": true, "fetches": true } });
    let pack = json!({ "action": { "steps": [{ "program": "x" }], "inputs": { "files": ["dist/**"] } } });
    let commands = json!({ "build:debug": build, "setup:deps": deps, "fmt:fix": fix, "package:artifact": pack,
        "test:unit": run("x") });
    let answers = answers(&[(member, "a", json!({}), commands)]);
    plan(&config(""), &answers, &["build", "package", "fmt:fix", "test"]).unwrap()
}

#[test]
fn graphviz() {
    assert_eq!(
        dot(&sample(".")),
        r#"digraph plan {
  rankdir=LR;
  node [shape=box];
  "a/build:debug" [label="a/build:debug"];
  "a/fmt:fix" [label="a/fmt:fix (fetches, writes)" style="rounded,bold"];
  "a/package:artifact" [label="a/package:artifact"];
  "a/setup:deps" [label="a/setup:deps (fetches)" style="rounded,dashed"];
  "a/test:unit" [label="a/test:unit"];
  "a/setup:deps" -> "a/build:debug";
  "a/build:debug" -> "a/package:artifact" [style=dashed];
}
"#
    );
}

#[test]
fn mermaids() {
    assert_eq!(
        mermaid(&sample(".")),
        "flowchart LR
  a_a_2fbuild_3adebug[\"a/build:debug\"]
  a_a_2ffmt_3afix[\"a/fmt:fix (fetches, writes)\"]
  a_a_2fpackage_3aartifact[\"a/package:artifact\"]
  a_a_2fsetup_3adeps[\"a/setup:deps (fetches)\"]
  a_a_2ftest_3aunit[\"a/test:unit\"]
  a_a_2fsetup_3adeps --> a_a_2fbuild_3adebug
  a_a_2fbuild_3adebug -.-> a_a_2fpackage_3aartifact
  classDef fetches stroke:#06c
  class a_a_2ffmt_3afix,a_a_2fsetup_3adeps fetches
  classDef writes stroke-width:3px
  class a_a_2ffmt_3afix writes
  classDef needed stroke-dasharray:4
  class a_a_2fsetup_3adeps needed
"
    );
}

/// Members that would leave a label, or be taken for another, if they could.
const HOSTILE: &[&str] = &[
    r#"a"b"#,
    r#"a" ]; evil -> "b"#,
    r#"x"] --> evil["#,
    "a]b[c",
    "end",
    "a;b",
    "a%%b",
    "a#quot;b",
    "a&quot;b",
    "<img src=x onerror=alert(1)>",
    "a`b`c",
    "{a}|b|(c)",
    "$(id)",
    "ä ö",
    "a\u{202e}b",
    "a_23b",
    "a#b",
    "a b",
    "a-->b",
];

#[test]
fn no_name_leaves_its_label() {
    let mut ids: BTreeSet<String> = BTreeSet::new();
    for member in HOSTILE {
        let plan = sample(member);
        let names: BTreeSet<String> = plan.actions.iter().map(|action| action.name.to_string()).collect();

        let parsed = parse_dot(&dot(&plan));
        assert_eq!(parsed.nodes.keys().cloned().collect::<BTreeSet<_>>(), names, "{member}");
        for (name, label) in &parsed.nodes {
            let plain = label.replace("&amp;", "&");
            assert!(
                plain == *name
                    || plain.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(" ("))
            );
        }
        assert_eq!(parsed.edges.len(), 2, "{member}");
        assert!(parsed.edges.iter().all(|(from, to)| names.contains(from) && names.contains(to)));

        let parsed = parse_mermaid(&mermaid(&plan));
        let labels: BTreeSet<String> =
            parsed.nodes.values().map(|label| label.split(" (").next().unwrap().to_owned()).collect();
        let first = |name: &String| name.split(" (").next().unwrap().to_owned();
        assert_eq!(labels, names.iter().map(first).collect(), "{member}");
        assert_eq!(parsed.edges.len(), 2, "{member}");
        for id in parsed.nodes.keys() {
            assert!(ids.insert(id.clone()), "{id} stands for two actions");
        }
    }
}

#[derive(Default)]
struct Parsed {
    nodes: BTreeMap<String, String>,
    edges: Vec<(String, String)>,
}

/// Reads what Graphviz would, and nothing that [`dot`] should not write.
fn parse_dot(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let body = text.strip_prefix("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n").unwrap();
    for line in body.strip_suffix("}\n").unwrap().lines() {
        let (first, rest) = quoted(line.strip_prefix("  ").unwrap());
        if let Some(rest) = rest.strip_prefix(" -> ") {
            let (second, rest) = quoted(rest);
            assert!(matches!(rest, ";" | " [style=dashed];"), "{line}");
            parsed.edges.push((first, second));
        } else {
            let (label, rest) = quoted(rest.strip_prefix(" [label=").unwrap());
            let style = rest.strip_prefix(" style=").map_or(rest, |rest| {
                let (style, rest) = quoted(rest);
                assert!(style.bytes().all(|b| b.is_ascii_lowercase() || b == b','), "{line}");
                rest
            });
            assert_eq!(style, "];", "{line}");
            assert!(parsed.nodes.insert(first, label).is_none(), "{line}");
        }
    }
    parsed
}

/// A text in double quotes as Graphviz's scanner takes it, and what follows.
fn quoted(text: &str) -> (String, &str) {
    let inside = text.strip_prefix('"').unwrap_or_else(|| panic!("not quoted: {text}"));
    let mut out = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (out, &inside[at + 1..]),
            '\\' => out.push(chars.next().unwrap().1),
            '\n' => panic!("a line ends in quotes: {text}"),
            other => out.push(other),
        }
    }
    panic!("no end: {text}");
}

/// Reads what Mermaid would, and nothing that [`mermaid`] should not write.
fn parse_mermaid(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let is_id = |id: &str| id.starts_with("a_") && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    for line in text.strip_prefix("flowchart LR\n").unwrap().lines() {
        let line = line.strip_prefix("  ").unwrap();
        if line.starts_with("classDef ") || line.starts_with("class ") {
            continue;
        }
        let arrow = [" --> ", " -.-> "].into_iter().find_map(|arrow| line.split_once(arrow));
        if let Some((from, to)) = arrow.filter(|(from, _)| is_id(from)) {
            assert!(is_id(to), "{line}");
            parsed.edges.push((from.to_owned(), to.to_owned()));
            continue;
        }
        let (id, label) = line.strip_suffix("\"]").unwrap().split_once("[\"").unwrap();
        assert!(is_id(id), "{line}");
        let safe = |c: char| c.is_alphanumeric() || " /:.-(),_#;".contains(c);
        assert!(label.chars().all(safe), "{line}");
        parsed.nodes.insert(id.to_owned(), entities(label));
    }
    assert!(
        parsed
            .edges
            .iter()
            .all(|(from, to)| parsed.nodes.contains_key(from) && parsed.nodes.contains_key(to))
    );
    parsed
}

/// A label with every `#NUMBER;` replaced; anything else that begins with `#` is a mistake.
fn entities(label: &str) -> String {
    let mut out = String::new();
    let mut parts = label.split('#');
    out.push_str(parts.next().unwrap());
    for part in parts {
        let (number, rest) = part.split_once(';').unwrap();
        out.push(char::from_u32(number.parse().unwrap()).unwrap());
        out.push_str(rest);
    }
    out
}
