use super::*;

/// A gate with the requests "0" and "1" under way and "9" answered.
fn gate() -> Gate {
    let mut gate = Gate::default();
    for id in ["0", "1", "9"] {
        gate.ask(&format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"m","params":{{}}}}"#));
    }
    gate.admit(r#"{"jsonrpc":"2.0","id":"9","result":{}}"#).unwrap();
    gate
}

fn nested(depth: usize) -> String {
    let inner = depth - 1;
    format!(r#"{{"jsonrpc":"2.0","id":"0","result":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
}

#[test]
fn answers_come_in_clean() {
    for (line, wanted) in [
        (r#"{"jsonrpc":"2.0","id":"0","result":{"a":1}}"#, r#"{"jsonrpc":"2.0","id":"0","result":{"a":1}}"#),
        (
            r#" {"result" : {} ,"id":"\u0030", "jsonrpc":"2.0" } "#,
            r#"{"jsonrpc":"2.0","id":"0","result":{}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"0","result":{},"error":null,"method":null,"x":[1]}"#,
            r#"{"jsonrpc":"2.0","id":"0","result":{}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"1","result":null,"error":{"code":1,"message":"m\n","x":{},"data":{"y":[2]}}}"#,
            r#"{"jsonrpc":"2.0","id":"1","error":{"code":1,"message":"m\n","data":{"y":[2]}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"1","error":{"code":-32603,"message":"m","data":null}}"#,
            r#"{"jsonrpc":"2.0","id":"1","error":{"code":-32603,"message":"m"}}"#,
        ),
    ] {
        assert_eq!(gate().admit(line), Ok(Incoming::Answer(wanted.to_owned())), "{line}");
    }
    assert!(gate().admit(&nested(128)).is_ok());
}

#[test]
fn logs_are_escaped() {
    let line = r#"{"jsonrpc":"2.0","method":"log","params":{"level":"warn","message":"a\u001b[31m","x":1}}"#;
    let Ok(Incoming::Log(log)) = gate().admit(line) else { panic!("{line}") };
    assert_eq!(log.message, "a\\u{1b}[31m");
}

#[test]
fn noise_is_quoted() {
    for line in [
        "hello",
        "42",
        "null",
        "\"text\"",
        "{",
        "{foo}",
        "{}}",
        "{} {}",
        "[INFO] starting",
        "[",
        "<html>",
        "{'a': 1}",
        r#"{"a":NaN}"#,
        "{\"a\":\"\t\"}",
        "\u{1b}[31mred",
        "Content-Length: 12",
    ] {
        let error = gate().admit(line).unwrap_err();
        assert_eq!(error, ClientError::Noise { excerpt: excerpt::excerpt(line.as_bytes(), 200) }, "{line}");
        assert!(error.to_string().ends_with("log to standard error"));
    }
    let ClientError::Noise { excerpt } = gate().admit(&"x".repeat(5000)).unwrap_err() else { panic!() };
    assert_eq!(excerpt, "x".repeat(200) + "…");
    let deep_noise = "{".repeat(100_000);
    assert!(matches!(gate().admit(&deep_noise), Err(ClientError::Noise { .. })));
}

#[test]
fn broken_rules_are_named() {
    for (line, wanted) in [
        ("[]", "it sent a batch; messages come one by one"),
        (r#"[{"jsonrpc":"2.0","id":"0","result":{}}]"#, "it sent a batch; messages come one by one"),
        (r#"{"id":"0","result":{}}"#, "a message lacks `jsonrpc`"),
        (r#"{"method":"log","params":{"level":"info","message":""}}"#, "a message lacks `jsonrpc`"),
        (r#"{"jsonrpc":"1.0","id":"0","result":{}}"#, "`jsonrpc` is \"1.0\", not \"2.0\""),
        (r#"{"jsonrpc":2.0,"id":"0","result":{}}"#, "`jsonrpc` is 2.0, not \"2.0\""),
        (
            r#"{"jsonrpc":"2.0","id":"0","result":{},"error":{"code":1,"message":"m"}}"#,
            "an answer has both `result` and `error`",
        ),
        (r#"{"jsonrpc":"2.0","id":"0"}"#, "a message has none of `method`, `result` and `error`"),
        (
            r#"{"jsonrpc":"2.0","id":"0","result":null}"#,
            "a message has none of `method`, `result` and `error`",
        ),
        (r#"{"jsonrpc":"2.0","result":{}}"#, "an answer lacks `id`"),
        (
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"bad\u001b"}}"#,
            "it could not read a request: bad\\u{1b}",
        ),
        (
            r#"{"jsonrpc":"2.0","id":"7","result":{}}"#,
            "it answered a request that nobody sent, with the id \"7\"",
        ),
        (r#"{"jsonrpc":"2.0","id":0,"result":{}}"#, "it answered a request that nobody sent, with the id 0"),
        (
            r#"{"jsonrpc":"2.0","id":{},"result":{}}"#,
            "it answered a request that nobody sent, with the id {}",
        ),
        (
            r#"{"jsonrpc":"2.0","id":9007199254740993,"result":{}}"#,
            "it answered a request that nobody sent, with the id 9007199254740993",
        ),
        (r#"{"jsonrpc":"2.0","id":"9","result":{}}"#, "it answered the request with the id \"9\" twice"),
        (
            r#"{"jsonrpc":"2.0","id":"5","method":"fs/read","params":{}}"#,
            "it sent a request, \"fs/read\"; an extension only answers",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"$/progress"}"#,
            "it sent a notification \"$/progress\"; there is only \"log\"",
        ),
        (r#"{"jsonrpc":"2.0","method":1}"#, "it sent a notification 1; there is only \"log\""),
        (
            r#"{"jsonrpc":"2.0","method":"log","params":{"level":"loud","message":""}}"#,
            "a `log` has bad params: level: unknown variant `loud`, expected one of `debug`, `info`, `warn`, `error`",
        ),
        (
            r#"{"jsonrpc":"2.0","id":"0","error":{"code":1e9,"message":"m"}}"#,
            "the `error` of an answer is wrong: code: invalid type: floating point `1000000000.0`, expected i32",
        ),
        (
            r#"{"jsonrpc":"2.0","id":"0","error":{"code":4294967296,"message":"m"}}"#,
            "the `error` of an answer is wrong: code: invalid value: integer `4294967296`, expected i32",
        ),
        (
            r#"{"jsonrpc":"2.0","id":"0","error":{"code":1,"data":{}}}"#,
            "the `error` of an answer is wrong: missing field `message`",
        ),
        (
            r#"{"jsonrpc":"2.0","id":"0","error":"no"}"#,
            "the `error` of an answer is wrong: invalid type: string \"no\", expected an object with `code` and `message`",
        ),
        (r#"{"jsonrpc":"2.0","id":"0","id":"0","result":{}}"#, "the name \"id\" stands there twice"),
        (
            r#"{"jsonrpc":"2.0","id":"0","result":{"env":{"A":"1","A":"2"}}}"#,
            "result.env: the name \"A\" stands there twice",
        ),
        (r#"{"jsonrpc":"2.0","id":"0","result":{"a":[1e400]}}"#, "result.a[0]: number out of range"),
        (r#"{"jsonrpc":"2.0","id":"0","result":{"a":"\ud800"}}"#, "result.a: unexpected end of hex escape"),
        (nested(129).as_str(), "a message is nested deeper than 128 levels"),
        (nested(200_000).as_str(), "a message is nested deeper than 128 levels"),
    ] {
        let error = gate().admit(line).unwrap_err();
        assert_eq!(error, ClientError::protocol(wanted), "{}", &line[..line.len().min(200)]);
    }
}

#[test]
fn an_answered_id_is_gone() {
    let mut gate = gate();
    let line = r#"{"jsonrpc":"2.0","id":"0","result":{}}"#;
    assert!(gate.admit(line).is_ok());
    assert!(gate.admit(line).unwrap_err().to_string().contains("twice"));
}

#[test]
fn whatever_comes_there_is_a_verdict() {
    let seeds = [
        r#"{"jsonrpc":"2.0","id":"0","result":{"a":[1,-2.5e3,"\u00e9",null,true],"b":{"c":{}}}}"#,
        r#"{"jsonrpc":"2.0","id":"1","error":{"code":-32603,"message":"m","data":{"known":["a:b"]}}}"#,
        r#"{"jsonrpc":"2.0","method":"log","params":{"level":"warn","message":"m"}}"#,
    ];
    let alphabet = b"{}[]\",:\\u0d8-+.e\x00\x1b\n\t \xc3\xa9\xff19nt";
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut admitted = 0;
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = alphabet[random(alphabet.len())],
                1 => bytes.insert(at, alphabet[random(alphabet.len())]),
                _ => drop(bytes.splice(at.., [])),
            }
            if bytes.is_empty() {
                break;
            }
        }
        let Ok(line) = String::from_utf8(bytes) else { continue };
        match gate().admit(&line) {
            Ok(Incoming::Answer(text)) => {
                admitted += 1;
                let answer = serde_json::from_str::<jsonrpsee::types::Response<Box<RawValue>>>(&text);
                assert!(answer.is_ok(), "jsonrpsee does not take {text}, made of {line}");
            }
            Ok(Incoming::Log(_)) => admitted += 1,
            Err(error) => assert!(error.to_string().len() < 8000),
        }
    }
    assert!(admitted > 300, "{admitted}");
}
