use super::*;

#[tokio::test(start_paused = true)]
async fn what_comes_instead_of_an_answer() {
    let long = vec![b'x'; limits::LINE + 5];
    let big_message = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"error\":{{\"code\":10000,\"message\":\"{}\"}}}}\n",
        "\\u001b".repeat(100_000)
    );
    for (bytes, wanted) in [
        (&b""[..], "closed its standard output before it had answered"),
        (b"\n\r\n", "closed its standard output before it had answered"),
        (
            b"Welcome to \x1b[1mfoo\n",
            "wrote a line that is not a JSON object: \"Welcome to \\u{1b}[1mfoo\"; its standard output is the protocol's alone: log to standard error",
        ),
        (b"\xef\xbb\xbf{}\n", "wrote a line that is not a JSON object: \"\\u{feff}{}\"; its standard output"),
        (b"\xff\xfe\n", "wrote a line that is not a JSON object: \"\\xff\\xfe\"; its standard output"),
        (
            b"{\"jsonrpc\":\"2.0\"",
            "closed its standard output in the middle of a line: \"{\"jsonrpc\":\"2.0\"\"; a message ends with",
        ),
        (b"[]\n", "broke the protocol: it sent a batch; messages come one by one"),
        (&long, "sent more than the limit of 1048576 bytes in one line: \"xxxx"),
        (big_message.as_bytes(), "\\u{1b}\\u{1b}"),
    ] {
        let error = saying(bytes).initialize(hello()).await.unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{error}");
        assert!(error.len() < 7000, "{error}");
    }
}

#[tokio::test]
async fn answers_that_do_not_fit_name_the_member() {
    for (answer, wanted) in [
        (
            r#"{"applies":1}"#,
            "gave a wrong answer to project/describe: applies: invalid type: integer `1`, expected a boolean",
        ),
        (
            r#"{"applies":true,"caches":[{"name":"c","env":"A B"}]}"#,
            "gave a wrong answer to project/describe: caches[0].env: \"A B\" is not a variable's name: it is [A-Za-z_][A-Za-z0-9_]*",
        ),
        (r#"[]"#, "gave a wrong answer to project/describe: "),
    ] {
        let client = scripted(move |line| result(line, answer));
        let error = client.describe(describe()).await.unwrap_err();
        assert!(error.to_string().starts_with(wanted), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn deadlines() {
    let (client, _stdin, _stdout) = pipes(Limits::default());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let asked = Instant::now();
    let error = client.initialize(hello()).await.unwrap_err();
    assert_eq!(error.to_string(), "did not answer initialize within 30s");
    assert_eq!(asked.elapsed().as_secs(), 10, "the clock runs from the start");
    let asked = Instant::now();
    let error = client.describe(describe()).await.unwrap_err();
    assert_eq!(error, ClientError::Timeout { method: "project/describe".to_owned(), after: limits::REQUEST });
    assert_eq!(asked.elapsed().as_secs(), 10);
    let (client, _stdin, _stdout) = pipes(Limits { request: Duration::MAX, ..Limits::default() });
    assert!(client.describe(describe()).await.is_err(), "a deadline without end is no panic");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read() {
    let (client, stdin, _stdout) = pipes(Limits::default());
    let mut params = describe();
    params.config.insert("long".to_owned(), "x".repeat(200_000).into());
    assert!(matches!(client.describe(params).await, Err(ClientError::Timeout { .. })));
    drop(stdin);
    let (client, stdin, _stdout) = pipes(Limits::default());
    drop(stdin);
    let error = client.describe(describe()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot be reached: it closed its standard input");
}

#[tokio::test]
async fn last_words_count_more_than_a_broken_pipe() {
    let (client, stdin, mut stdout) = pipes(Limits::default());
    drop(stdin);
    stdout.write_all(b"usage: foo\n").await.unwrap();
    assert!(matches!(client.describe(describe()).await, Err(ClientError::Noise { .. })));
}

#[tokio::test]
async fn budgets() {
    let log = "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"level\":\"info\",\"message\":\"m\"}}\n";
    for (limits, bytes, wanted) in [
        (
            Limits { messages: 5, ..Limits::default() },
            log.repeat(6),
            "sent more than the limit of 5 messages in one run",
        ),
        (
            Limits { bytes: 300, ..Limits::default() },
            log.repeat(6),
            "sent more than the limit of 300 bytes in one run",
        ),
        (
            Limits { bytes: 300, ..Limits::default() },
            "\n".repeat(301),
            "sent more than the limit of 300 bytes in one run",
        ),
        (
            Limits { line: 600, ..Limits::default() },
            " ".repeat(700),
            "sent more than the limit of 600 bytes in one line: \"",
        ),
    ] {
        let (client, _stdin, mut stdout) = pipes(limits);
        stdout.write_all(bytes.as_bytes()).await.unwrap();
        let error = client.describe(describe()).await.unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{error}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_sent() {
    let client = scripted(|line| result(line, r#"{"applies":false}"#));
    let mut params = describe();
    params.config.insert("long".to_owned(), "x".repeat(limits::LINE).into());
    let error = client.describe(params).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot be asked project/describe: it has more than the 1048576 bytes of a line"
    );
    assert!(client.describe(describe()).await.is_ok());
}
