mod faults;

use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

use super::*;
use crate::code;
use crate::message::{Level, LogParams, Party, Platform, Project};

const HELLO: &str = r#"{"protocol":1,"extension":{"name":"x","version":"2"},"later":1}"#;

/// A client and the other ends of its pipes.
fn pipes(limits: Limits) -> (Client, BufReader<DuplexStream>, DuplexStream) {
    let (stdin, theirs_in) = duplex(1 << 16);
    let (stdout, theirs_out) = duplex(1 << 16);
    (Client::start(stdin, stdout, limits), BufReader::new(theirs_in), theirs_out)
}

/// A client whose peer sends what `script` makes of each request.
fn scripted(script: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Client {
    let (client, stdin, mut stdout) = pipes(Limits::default());
    tokio::spawn(async move {
        let mut lines = stdin.lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if stdout.write_all(&script(&line)).await.is_err() {
                return;
            }
        }
    });
    client
}

/// A client whose peer sends these bytes at the first request, and then ends.
fn saying(bytes: impl Into<Vec<u8>>) -> Client {
    let bytes = bytes.into();
    let (client, mut stdin, mut stdout) = pipes(Limits::default());
    tokio::spawn(async move {
        let mut line = String::new();
        let _ = stdin.read_line(&mut line).await;
        let _ = stdout.write_all(&bytes).await;
    });
    client
}

fn id(request: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(request).unwrap();
    value["id"].to_string()
}

fn result(request: &str, result: &str) -> Vec<u8> {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}\n", id(request)).into_bytes()
}

fn error(request: &str, error: &str) -> Vec<u8> {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{error}}}\n", id(request)).into_bytes()
}

fn hello() -> InitializeParams {
    let host = Party { name: "dwf".to_owned(), version: "0.1.0".to_owned() };
    InitializeParams { protocols: vec![1], host, features: vec!["log".to_owned()] }
}

fn describe() -> DescribeParams {
    let project = Project { root: "/w".to_owned(), dir: Default::default(), name: "shop".to_owned() };
    let platform = Platform { os: "linux".to_owned(), arch: "x86_64".to_owned() };
    DescribeParams { project, platform, config: Default::default() }
}

fn resolve() -> ResolveParams {
    let DescribeParams { project, platform, config } = describe();
    ResolveParams { command: "test:unit".parse().unwrap(), args: Vec::new(), project, platform, config }
}

#[tokio::test]
async fn the_three_methods() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let client = scripted(move |line| {
        log.lock().unwrap().push(line.to_owned());
        match () {
            () if line.contains("initialize") => result(line, HELLO),
            () if line.contains("describe") => {
                result(line, r#"{"applies":true,"commands":[{"name":"test:unit"}]}"#)
            }
            () => result(line, r#"{"skip":{"because":"no tests"}}"#),
        }
    });
    assert_eq!(client.initialize(hello()).await.unwrap().extension.version, "2");
    assert!(client.describe(describe()).await.unwrap().applies);
    assert_eq!(client.resolve(resolve()).await.unwrap(), Resolution::skip("no tests"));
    let seen = seen.lock().unwrap();
    assert_eq!(
        seen[0],
        r#"{"jsonrpc":"2.0","id":"0","method":"initialize","params":{"protocols":[1],"host":{"name":"dwf","version":"0.1.0"},"features":["log"]}}"#
    );
    assert!(seen[2].starts_with(
        r#"{"jsonrpc":"2.0","id":"2","method":"command/resolve","params":{"command":"test:unit""#
    ));
}

#[tokio::test]
async fn versions_come_first() {
    for (answer, wanted) in [
        (
            r#"{"code":1001,"message":"no","data":{"supported":[2,3]}}"#,
            "speaks protocol 2, 3, and this dwf speaks 1: upgrade dwf",
        ),
        (
            r#"{"code":1001,"message":"no","data":{"supported":[0],"more":{}},"x":1}"#,
            "speaks protocol 0, and this dwf speaks 1: upgrade the extension",
        ),
        (r#"{"code":1001,"message":"no"}"#, "does not speak protocol 1, and does not say which it speaks"),
        (r#"{"code":10001,"message":"no\nway"}"#, "no\\nway (code 10001)"),
    ] {
        let client = scripted(move |line| error(line, answer));
        assert_eq!(client.initialize(hello()).await.unwrap_err().to_string(), wanted);
    }
    for (answer, wanted) in [
        // Its other members may be anything: they belong to version 7.
        (
            r#"{"protocol":7,"extension":"?","requires":{}}"#,
            "speaks protocol 7, and this dwf speaks 1: upgrade dwf",
        ),
        (
            r#"{"protocol":1,"extension":"?","requires":["teleport"]}"#,
            "requires teleport, which this version of dwf does not know: upgrade dwf",
        ),
        (r#"{"protocol":1}"#, "gave a wrong answer to initialize: missing field `extension`"),
        (
            r#"{"protocol":"1"}"#,
            "gave a wrong answer to initialize: protocol: invalid type: string \"1\", expected u32",
        ),
    ] {
        let client = scripted(move |line| result(line, answer));
        assert_eq!(client.initialize(hello()).await.unwrap_err().to_string(), wanted);
    }
}

#[tokio::test]
async fn an_error_answer_is_not_the_end() {
    let client = scripted(|line| match line.contains("resolve") {
        true => error(line, r#"{"code":2001,"message":"no","data":{"known":["a:b","\u0007"],"file":3}}"#),
        false => result(line, r#"{"applies":false}"#),
    });
    let data = AnswerData {
        known: vec!["a:b".to_owned(), "\\u{7}".to_owned()],
        json: Some(r#"{"known":["a:b","\u0007"],"file":3}"#.to_owned()),
        ..AnswerData::default()
    };
    let wanted =
        ClientError::Answer { code: code::UNKNOWN_COMMAND, message: "no".to_owned(), data: Box::new(data) };
    assert_eq!(client.resolve(resolve()).await, Err(wanted));
    assert!(!client.describe(describe()).await.unwrap().applies);
    let client =
        scripted(|line| error(line, r#"{"code":2002,"message":"broken","data":{"file":"a","line":3}}"#));
    assert_eq!(client.resolve(resolve()).await.unwrap_err().to_string(), "a:3: broken (code 2002)");
}

#[tokio::test]
async fn answers_in_any_order_and_a_fault_for_all() {
    let (client, stdin, mut stdout) = pipes(Limits::default());
    tokio::spawn(async move {
        let mut lines = stdin.lines();
        let mut requests = Vec::new();
        while requests.len() < 3 {
            requests.push(lines.next_line().await.unwrap().unwrap());
        }
        for request in requests[1..].iter().rev() {
            stdout.write_all(&result(request, r#"{"applies":true}"#)).await.unwrap();
        }
        stdout.write_all(b"oops\n").await.unwrap();
        let _ = lines.next_line().await;
    });
    let (a, b, c) =
        tokio::join!(client.describe(describe()), client.describe(describe()), client.describe(describe()));
    let noise = ClientError::Noise { excerpt: "oops".to_owned() };
    assert_eq!(a.unwrap_err(), noise);
    assert!(b.unwrap().applies && c.unwrap().applies);
    assert_eq!(client.describe(describe()).await.unwrap_err(), noise);
}

#[tokio::test(start_paused = true)]
async fn sixteen_at_once() {
    let (client, stdin, mut stdout) = pipes(Limits::default());
    let peer = tokio::spawn(async move {
        let mut lines = stdin.lines();
        let mut waiting = Vec::new();
        let mut most = 0;
        loop {
            match tokio::time::timeout(Duration::from_secs(1), lines.next_line()).await {
                Ok(Ok(Some(line))) => waiting.push(line),
                Ok(_) => return most,
                Err(_) => {
                    most = most.max(waiting.len());
                    for request in waiting.drain(..) {
                        stdout.write_all(&result(&request, r#"{"applies":true}"#)).await.unwrap();
                    }
                }
            }
        }
    });
    let client = Arc::new(client);
    let asking: Vec<_> = (0..40)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.describe(describe()).await.unwrap() })
        })
        .collect();
    for answer in asking {
        answer.await.unwrap();
    }
    client.close();
    assert_eq!(peer.await.unwrap(), limits::IN_FLIGHT);
    assert_eq!(client.describe(describe()).await.unwrap_err(), ClientError::Closed);
}

#[tokio::test]
async fn dropping_the_client_closes_both_pipes() {
    let (client, mut stdin, mut stdout) = pipes(Limits::default());
    drop(client);
    let mut line = String::new();
    assert_eq!(stdin.read_line(&mut line).await.unwrap(), 0);
    while stdout.write_all(b"x").await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_slow_reader_of_the_log_loses_lines_and_nothing_else() {
    let log = |n: usize| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{{\"level\":\"warn\",\"message\":\"{n}\"}}}}\n"
        )
    };
    let lines: String = (0..100).map(log).collect();
    let client =
        scripted(move |line| [lines.clone().into_bytes(), result(line, r#"{"applies":false}"#)].concat());
    let mut logs = client.logs();
    client.describe(describe()).await.unwrap();
    assert_eq!(logs.next().await, Some(LogEvent::Lost(36)));
    let line = LogParams { level: Level::Warn, message: "36".to_owned() };
    assert_eq!(logs.next().await, Some(LogEvent::Line(line)));
    drop(client);
    let mut rest = 0;
    while logs.next().await.is_some() {
        rest += 1;
    }
    assert_eq!(rest, 63);
}

#[tokio::test]
async fn a_tap_sees_every_line_also_the_one_that_breaks_everything() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&heard);
    let tap: Tap = Arc::new(move |to, line| into.lock().unwrap().push((to, line.to_owned())));
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (stdout, stdin) = tokio::io::split(ours);
    let client = Client::tapped(stdin, stdout, Limits::default(), Some(tap));
    tokio::spawn(async move {
        let (lines, mut answers) = tokio::io::split(theirs);
        let request = BufReader::new(lines).lines().next_line().await.unwrap().unwrap();
        answers.write_all(&result(&request, HELLO)).await.unwrap();
        answers.write_all(b"\xffoops\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    client.initialize(hello()).await.unwrap();
    assert!(client.describe(describe()).await.is_err());
    let heard = heard.lock().unwrap();
    let is = |at: usize, to: To, start: &str| heard[at].0 == to && heard[at].1.starts_with(start);
    assert!(is(0, To::Extension, r#"{"jsonrpc":"2.0","id":"0","method":"initialize""#), "{heard:?}");
    assert!(is(1, To::Host, r#"{"jsonrpc":"2.0","id":"0","result""#), "{heard:?}");
    assert!(heard.iter().any(|line| *line == (To::Host, "\\xffoops".to_owned())), "{heard:?}");
}
