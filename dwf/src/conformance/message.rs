//! One line from an extension: what it is, or which rule it breaks.

use devflow_protocol::client::form;
use devflow_protocol::code;
use devflow_protocol::excerpt::excerpt;
use devflow_protocol::frame::FrameError;
use devflow_protocol::message::{LogParams, method};
use serde_json::{Map, Value};

/// A rule of the wire. Each is one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// Something else came before the first message.
    FirstByte,
    /// A line is no JSON object.
    Lines,
    /// The JSON means different things to different readers.
    Strict,
    /// The members around the answer are wrong.
    Envelope,
    /// The id is not that of a request.
    Ids,
    /// A request was answered twice.
    Once,
    /// A request, or a notification that nobody knows.
    OnlyAnswers,
    /// A log line without a level or a text.
    LogForm,
    /// A log line that nobody asked for.
    LogUninvited,
    /// More than the limits allow.
    Limits,
    /// The answer came when standard input was closed.
    Unflushed,
    /// No answer came.
    Silent,
    /// The error is none.
    ErrorForm,
}

/// A rule that a line breaks, and how.
pub type Broken = (Breach, String);

/// What an extension may send.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// An answer.
    Answer(Answer),
    /// A line for the user.
    Log,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The request's id; none where the request could not be read.
    pub id: Option<String>,
    /// `result`, or `error`.
    pub outcome: Result<Value, Value>,
    /// Members that the protocol does not know.
    pub unknown: Vec<String>,
}

/// Reads a line.
pub fn read(line: &str) -> Result<Message, Broken> {
    let quoted = || excerpt(line.as_bytes(), 200);
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    match line.trim_start().as_bytes().first() {
        Some(b'{') if is_json() => {}
        Some(b'[') if is_json() => {
            return Err((Breach::Lines, "it sent a batch; messages come one by one".into()));
        }
        _ => return Err((Breach::Lines, format!("it wrote a line that is no JSON object: {}", quoted()))),
    }
    form(line).map_err(|reason| (Breach::Strict, format!("this JSON is not strict: {reason}")))?;
    let members: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| (Breach::Strict, format!("this JSON is odd: {error}")))?;
    match members.get("jsonrpc") {
        Some(version) if version == "2.0" => {}
        Some(_) => return Err((Breach::Envelope, "`jsonrpc` is not \"2.0\"".into())),
        None => return Err((Breach::Envelope, "the message lacks `jsonrpc`".into())),
    }
    match members.get("method") {
        Some(name) => notification(&members, name),
        None => answer(&members).map(Message::Answer),
    }
}

fn notification(members: &Map<String, Value>, name: &Value) -> Result<Message, Broken> {
    if members.contains_key("id") {
        return Err((Breach::OnlyAnswers, format!("it sent a request, {name}; an extension only answers")));
    }
    if name != method::LOG {
        return Err((Breach::OnlyAnswers, format!("it sent a notification {name}; there is only \"log\"")));
    }
    let params = members.get("params").cloned().unwrap_or_default();
    match serde_json::from_value::<LogParams>(params) {
        Ok(_) => Ok(Message::Log),
        Err(error) => Err((Breach::LogForm, format!("the params of a `log` are wrong: {error}"))),
    }
}

fn answer(members: &Map<String, Value>) -> Result<Answer, Broken> {
    let outcome = match (members.get("result"), members.get("error")) {
        (Some(result @ Value::Object(_)), None) => Ok(result.clone()),
        (Some(_), None) => return Err((Breach::Envelope, "the `result` is no object".into())),
        (None, Some(error)) => {
            error_form(error).map_err(|reason| (Breach::ErrorForm, reason))?;
            Err(error.clone())
        }
        (Some(_), Some(_)) => {
            return Err((Breach::Envelope, "the answer has both `result` and `error`".into()));
        }
        (None, None) => {
            return Err((Breach::Envelope, "the message has none of `method`, `result` and `error`".into()));
        }
    };
    let id = match members.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Null) if outcome.is_err() => None,
        Some(id) => return Err((Breach::Ids, format!("it answers with the id {id}, which is no text"))),
        None => return Err((Breach::Ids, "the answer has no `id`".into())),
    };
    let known = |name: &&String| !["jsonrpc", "id", "result", "error"].contains(&name.as_str());
    Ok(Answer { id, outcome, unknown: members.keys().filter(known).cloned().collect() })
}

/// What section 4 says of an error.
fn error_form(error: &Value) -> Result<(), String> {
    const STANDARD: &[i32] = &[
        code::PARSE_ERROR,
        code::INVALID_REQUEST,
        code::METHOD_NOT_FOUND,
        code::INVALID_PARAMS,
        code::INTERNAL_ERROR,
        code::UNSUPPORTED_PROTOCOL,
        code::MISSING_HOST_FEATURE,
        code::UNKNOWN_COMMAND,
        code::INVALID_PROJECT,
        code::INVALID_CONFIG,
    ];
    let number = error.get("code").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok());
    match number {
        None => return Err("the error has no `code` that is a 32-bit integer".to_owned()),
        Some(code) if code < code::OWN && !STANDARD.contains(&code) => {
            return Err(format!("the error has the code {code}, which is reserved"));
        }
        Some(_) => {}
    }
    match error.get("message").and_then(Value::as_str) {
        None => return Err("the error has no `message`".to_owned()),
        Some(text) if text.contains('\n') => return Err("the error's `message` has a newline".to_owned()),
        Some(_) => {}
    }
    match error.get("data") {
        Some(data) if !data.is_object() => Err("the error's `data` is no object".to_owned()),
        _ => Ok(()),
    }
}

/// The rule that a bad frame breaks.
pub fn frame(error: &FrameError) -> Broken {
    let breach = match error {
        FrameError::TooLong { .. } => Breach::Limits,
        FrameError::NotUtf8 { .. } | FrameError::Bom { .. } | FrameError::Torn { .. } => Breach::Lines,
        FrameError::Io(_) | FrameError::Unserialisable(_) => Breach::Silent,
    };
    let what = match error {
        FrameError::Torn { excerpt } => format!("its output ended in the middle of a line: \"{excerpt}\""),
        _ => format!("it wrote {error}"),
    };
    (breach, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_breaks_its_own_rule() {
        for (line, breach) in [
            ("hello", Breach::Lines),
            ("{", Breach::Lines),
            ("[{}]", Breach::Lines),
            (r#"{"a":1,"a":2}"#, Breach::Strict),
            (r#"{"id":"1","result":{}}"#, Breach::Envelope),
            (r#"{"jsonrpc":"2.0","id":"1"}"#, Breach::Envelope),
            (r#"{"jsonrpc":"2.0","id":"1","result":[]}"#, Breach::Envelope),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Breach::Ids),
            (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, Breach::Ids),
            (r#"{"jsonrpc":"2.0","id":"1","method":"log"}"#, Breach::OnlyAnswers),
            (r#"{"jsonrpc":"2.0","method":"progress"}"#, Breach::OnlyAnswers),
            (r#"{"jsonrpc":"2.0","method":"log","params":{"level":"warn"}}"#, Breach::LogForm),
            (r#"{"jsonrpc":"2.0","id":"1","error":{"code":3,"message":""}}"#, Breach::ErrorForm),
            (r#"{"jsonrpc":"2.0","id":"1","error":{"code":-32603,"message":"a\nb"}}"#, Breach::ErrorForm),
        ] {
            assert_eq!(read(line).unwrap_err().0, breach, "{line}");
        }
    }

    #[test]
    fn members_that_nobody_knows_are_named() {
        let Ok(Message::Answer(answer)) = read(r#"{"jsonrpc":"2.0","id":"1","result":{},"resluts":1}"#)
        else {
            panic!("it is an answer");
        };
        assert_eq!(answer.unknown, ["resluts"]);
    }
}
