use super::*;
use crate::message::{Because, DescribeParams, DescribeResult, Resolution, ResolveParams};

struct Sample;

impl Extension for Sample {
    fn name(&self) -> &str {
        "sample"
    }

    fn version(&self) -> &str {
        "0.0.1"
    }

    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure> {
        match request.project.name.as_str() {
            "panic" => panic!("oh no"),
            "huge" => Ok(DescribeResult { because: vec!["x".repeat(limits::LINE)], ..Default::default() }),
            "broken" => Err(Failure::invalid_project("a.toml", Some(3), "it is broken")),
            _ => Ok(DescribeResult::default()),
        }
    }

    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure> {
        match request.command.as_str() {
            "test:unit" => Ok(Resolution::Skip(Because { because: "no tests".to_owned() })),
            _ => Err(Failure::unknown_command(&request.command, &["test:unit".parse().unwrap()])),
        }
    }
}

fn answers(requests: &[u8]) -> (Vec<String>, Result<(), FrameError>) {
    let mut out = Vec::new();
    let outcome = serve(&Sample, requests, &mut out);
    (String::from_utf8(out).unwrap().lines().map(str::to_owned).collect(), outcome)
}

fn describe(name: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":"1","method":"project/describe","params":{{"project":{{"root":"/w","dir":".","name":"{name}"}},"platform":{{"os":"linux","arch":"x86_64"}}}}}}"#
    )
}

fn resolve(command: &str) -> String {
    describe("x")
        .replace("project/describe", "command/resolve")
        .replace(r#""params":{"#, &format!(r#""params":{{"command":"{command}","#))
}

#[test]
fn one_answer_a_request() {
    for (request, wanted) in [
        (
            r#"{"jsonrpc":"2.0","id":"0","method":"initialize","params":{"protocols":[999,1],"host":"later"}}"#.to_owned(),
            r#"{"jsonrpc":"2.0","id":"0","result":{"protocol":1,"extension":{"name":"sample","version":"0.0.1"},"requires":[],"provides":[]}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"0","method":"initialize","params":{"protocols":[999]}}"#.to_owned(),
            r#"{"jsonrpc":"2.0","id":"0","error":{"code":1001,"message":"the host speaks protocols [999], this extension [1]","data":{"supported":[1]}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"0","method":"initialize"}"#.to_owned(),
            r#"{"jsonrpc":"2.0","id":"0","error":{"code":-32602,"message":"invalid params: missing field `protocols`"}}"#,
        ),
        (describe("x"), r#"{"jsonrpc":"2.0","id":"1","result":{"applies":false,"because":[]}}"#),
        (
            describe("panic"),
            r#"{"jsonrpc":"2.0","id":"1","error":{"code":-32603,"message":"a bug in this extension: oh no"}}"#,
        ),
        (
            describe("huge"),
            r#"{"error":{"code":-32603,"message":"the answer has 1048644 bytes, more than the limit of 1048576"},"id":"1","jsonrpc":"2.0"}"#,
        ),
        (
            describe("broken"),
            r#"{"jsonrpc":"2.0","id":"1","error":{"code":2002,"message":"it is broken","data":{"file":"a.toml","line":3}}}"#,
        ),
        (
            describe("x").replace(r#""dir":".""#, r#""dir":"..""#),
            r#"{"jsonrpc":"2.0","id":"1","error":{"code":-32602,"message":"invalid params: project.dir: \"..\" is not a path inside the project: it is relative, separated by /, without .."}}"#,
        ),
        (resolve("test:unit"), r#"{"jsonrpc":"2.0","id":"1","result":{"skip":{"because":"no tests"}}}"#),
        (
            resolve("test:x"),
            r#"{"jsonrpc":"2.0","id":"1","error":{"code":2001,"message":"test:x is not a command here","data":{"known":["test:unit"]}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"é","method":"shutdown","x":1}"#.to_owned(),
            r#"{"jsonrpc":"2.0","id":"é","error":{"code":-32601,"message":"Method not found"}}"#,
        ),
        (
            "[{}]".to_owned(),
            r#"{"error":{"code":-32600,"message":"the message is not a request of JSON-RPC 2.0; batches are not taken"},"id":null,"jsonrpc":"2.0"}"#,
        ),
        (
            r#"{"id":"3","method":"initialize"}"#.to_owned(),
            r#"{"error":{"code":-32600,"message":"the message is not a request of JSON-RPC 2.0; batches are not taken"},"id":"3","jsonrpc":"2.0"}"#,
        ),
        (
            "what?".to_owned(),
            r#"{"error":{"code":-32700,"message":"the line is not JSON"},"id":null,"jsonrpc":"2.0"}"#,
        ),
    ] {
        let (lines, outcome) = answers(format!("{request}\n").as_bytes());
        assert_eq!(lines, [wanted], "{request}");
        assert!(outcome.is_ok());
    }
}

#[test]
fn notifications_are_not_answered() {
    let notice = r#"{"jsonrpc":"2.0","method":"$/cancel","params":{}}"#;
    let (lines, outcome) = answers(format!("{notice}\n\n{}\n", describe("x")).as_bytes());
    assert_eq!(lines.len(), 1);
    assert!(outcome.is_ok());
}

#[test]
fn a_panic_and_garbage_cost_one_answer_each() {
    let input = format!("{}\n\u{0}garbage\n", describe("panic"));
    let mut input = input.into_bytes();
    input.extend_from_slice(b"\xff\n");
    input.extend_from_slice(describe("x").as_bytes());
    input.push(b'\n');
    let (lines, outcome) = answers(&input);
    assert_eq!(lines.len(), 4);
    assert!(lines[3].contains(r#""applies":false"#));
    assert!(outcome.is_ok());
}

#[test]
fn a_line_without_end_ends_it() {
    let (lines, outcome) = answers(&vec![b'x'; limits::LINE + 2]);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("-32700"));
    assert!(matches!(outcome, Err(FrameError::TooLong { .. })));
    assert!(matches!(answers(b"{\"torn\"").1, Err(FrameError::Torn { .. })));
}

#[test]
fn own_codes_start_where_the_protocol_says() {
    assert_eq!(Failure::own(7, "x").code, 10_007);
    assert_eq!(Failure::invalid_config("x").code, code::INVALID_CONFIG);
}
