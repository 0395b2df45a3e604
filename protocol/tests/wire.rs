//! The examples on the bare wire: ids, pipelining, what is unknown, what is no request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is a test")]

#[allow(dead_code, reason = "each test needs a part of it")]
mod support;

use devflow_protocol::schema::Definition;
use serde_json::{Value, json};
use support::{Judge, command, examples, talk};

fn request(id: &str, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn describe(id: &str) -> Value {
    let project = json!({ "root": "/nowhere", "dir": ".", "name": "p", "x-of-tomorrow": [] });
    let platform = json!({ "os": "linux", "arch": "x86_64", "libc": "musl" });
    request(
        id,
        "project/describe",
        json!({ "project": project, "platform": platform, "config": {}, "later": {} }),
    )
}

#[tokio::test]
async fn sixteen_requests_at_once_with_all_kinds_of_ids() {
    let long = "ä".repeat(32);
    let mut ids =
        vec!["", " ", "é", "Á…😀\u{2028}", "\"\\/\u{7f}", "$HOME `id` %s \\n", "null", "1e3", &long];
    ids.extend(["a", "b", "c", "d", "e", "f", "g"]);
    assert_eq!(ids.len(), devflow_protocol::limits::IN_FLIGHT);
    for (name, program) in examples() {
        let mut judge = Judge::new();
        let hello = request(
            "0",
            "initialize",
            json!({ "protocols": [3, 2, 1], "host": { "name": "t", "version": "0" } }),
        );
        let mut input = format!("{hello}\r\n\n \t\n");
        judge.host_says(&hello);
        for id in &ids {
            let notice = json!({ "jsonrpc": "2.0", "method": "$/x", "params": { "id": id } });
            let request = describe(id);
            judge.host_says(&notice);
            judge.host_says(&request);
            input += &format!("{notice}\n{request}\n");
        }
        let (answers, status) = talk(&program, &input).await;
        assert_eq!(answers.len(), 17, "{name}: {answers:#?}");
        answers.iter().for_each(|answer| judge.extension_says(answer));
        assert!(judge.is_done() && status.success(), "{name}: {status}");
    }
}

#[tokio::test]
async fn a_line_may_be_long() {
    let arg = "x$".repeat(50_000);
    let params = json!({
        "command": "test:unit", "args": [&arg],
        "project": { "root": "/nowhere", "dir": ".", "name": "p" },
        "platform": { "os": "linux", "arch": "x86_64" },
    });
    for (name, program) in examples() {
        let (answers, status) =
            talk(&program, &format!("{}\n", request("0", "command/resolve", params.clone()))).await;
        let [answer] = answers.as_slice() else { panic!("{name}: {} answers", answers.len()) };
        let words = &answer["result"]["action"]["steps"][0]["args"];
        assert!(words[1].as_str() == Some(&arg.replace('$', "$$")), "{name}");
        assert!(status.success(), "{name}");
    }
}

#[tokio::test]
async fn each_refuses_what_it_does_not_know() {
    for (name, program) in examples() {
        let hello = json!({ "protocols": [999], "host": "of another kind", "features": {} });
        let requests = [
            (request("0", "initialize", hello), 1001),
            (request("1", "initialize", json!({})), -32602),
            (request("2", "project/describe", json!({})), -32602),
            (request("3", "project/delete", json!({})), -32601),
            (json!({ "jsonrpc": "2.0", "id": "4", "method": "shutdown" }), -32601),
        ];
        let input: String = requests.iter().map(|(request, _)| format!("{request}\n")).collect();
        let (mut answers, status) = talk(&program, &input).await;
        answers.sort_by_key(|answer| answer["id"].to_string());
        let judge = Judge::new();
        for ((request, code), answer) in requests.iter().zip(&answers) {
            assert_eq!(
                (&answer["id"], &answer["error"]["code"]),
                (&request["id"], &json!(code)),
                "{name}: {answer}"
            );
            judge.check(Definition::ExtensionMessage, answer);
        }
        assert_eq!(answers[0]["error"]["data"]["supported"], json!([1]), "{name}");
        assert!(answers.len() == requests.len() && status.success(), "{name}");
    }
}

#[tokio::test]
async fn garbage_is_answered_or_ends_it() {
    for (name, program) in examples() {
        for (line, code) in [
            ("what?", -32700),
            ("{\"jsonrpc\":\"2.0\"", -32700),
            ("{} {}", -32700),
            ("[]", -32600),
            ("[{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"initialize\"}]", -32600),
            ("7", -32600),
            ("null", -32600),
            ("{\"jsonrpc\":\"2.0\",\"id\":\"0\"}", -32600),
        ] {
            let (answers, status) = talk(&program, &format!("{line}\n{}\n", describe("1"))).await;
            match answers.as_slice() {
                [] => assert!(!status.success(), "{name}: {line}"),
                [refusal, answer] => {
                    let id = if line.starts_with('{') && code == -32600 { json!("0") } else { Value::Null };
                    assert_eq!(
                        (&refusal["error"]["code"], &refusal["id"]),
                        (&json!(code), &id),
                        "{name}: {line}"
                    );
                    assert!(answer["result"]["applies"] == false && status.success(), "{name}: {line}");
                }
                _ => panic!("{name}: {line}: {answers:#?}"),
            }
        }
    }
}

#[tokio::test]
async fn each_says_its_version() {
    for (name, program) in examples() {
        let output = command(&program).arg("--version").output().await.unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("devflow-ext-{name} 0.1.0\n"));
        assert!(output.status.success());
    }
}
