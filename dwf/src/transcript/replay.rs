//! A recorded conversation that answers again.
//!
//! Invariant: an answer is given only to the request that it answered, told apart by its method and
//! its parameters; the project's root, which differs between machines, is left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use devflow_protocol::client::To;
use devflow_protocol::code;
use devflow_protocol::message::method;
use devflow_protocol::name::ExtensionName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Entry, TranscriptError};
use crate::error::printable;
use crate::files;

/// Bytes of a recording that is still read.
const BYTES: u64 = 64 << 20;
/// Characters of a line in the listing.
const SHOWN: usize = 400;

/// What was asked and answered, in the order of the answers' questions.
#[derive(Debug, Default)]
pub struct Conversation {
    exchanges: Vec<Exchange>,
    lines: Vec<String>,
}

#[derive(Debug)]
struct Exchange {
    id: String,
    method: String,
    params: Value,
    answer: Option<Answer>,
}

/// The outcome of a request, as it was recorded: also one that breaks the rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Request {
    id: Option<Value>,
    method: String,
    #[serde(default)]
    params: Value,
}

/// Reads the conversation with one extension; without a name, with the only one there is.
pub fn read(
    path: &Path,
    name: Option<&ExtensionName>,
) -> Result<(ExtensionName, Conversation), TranscriptError> {
    let failed = |error| TranscriptError::Read(path.to_owned(), error);
    let bytes = files::read(path, BYTES).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|error| failed(std::io::Error::other(error)))?;
    let mut all = conversations(&text).map_err(|(line, reason)| TranscriptError::Line {
        path: path.to_owned(),
        line,
        reason,
    })?;
    let wanted = match name {
        Some(name) => Some(name.clone()),
        None if all.len() == 1 => all.keys().next().cloned(),
        None => None,
    };
    let missing = |known: &BTreeMap<ExtensionName, Conversation>| TranscriptError::Name {
        path: PathBuf::from(path),
        wanted: name.map_or("that is the only one".to_owned(), |name| format!("with `{name}`")),
        known: known.keys().map(ExtensionName::to_string).collect(),
    };
    match wanted.and_then(|name| all.remove_entry(&name)) {
        Some(found) => Ok(found),
        None => Err(missing(&all)),
    }
}

fn conversations(text: &str) -> Result<BTreeMap<ExtensionName, Conversation>, (usize, String)> {
    let mut all: BTreeMap<ExtensionName, Conversation> = BTreeMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let entry: Entry<'_> =
            serde_json::from_str(line).map_err(|error| (at + 1, printable(&error.to_string(), SHOWN)))?;
        all.entry(entry.extension.clone()).or_default().add(&entry);
    }
    Ok(all)
}

impl Conversation {
    fn add(&mut self, entry: &Entry<'_>) {
        let said = entry.message.map(RawValue::get).or(entry.line.as_deref()).unwrap_or_default();
        let arrow = if entry.to == To::Extension { "→" } else { "←" };
        self.lines.push(format!("{arrow} {}", printable(said, SHOWN)));
        match entry.to {
            To::Extension => {
                if let Ok(Request { id: Some(id), method, params }) = serde_json::from_str(said) {
                    let params = comparable(&method, params);
                    self.exchanges.push(Exchange { id: id.to_string(), method, params, answer: None });
                }
            }
            To::Host => {
                #[derive(Deserialize)]
                struct Addressed {
                    id: Value,
                }
                let Ok(Addressed { id }) = serde_json::from_str(said) else { return };
                // Ids begin anew in each run that was appended; the newest that waits is meant.
                let id = id.to_string();
                let mut waiting = self.exchanges.iter_mut().rev();
                if let Some(exchange) =
                    waiting.find(|exchange| exchange.id == id && exchange.answer.is_none())
                {
                    exchange.answer = serde_json::from_str(said).ok();
                }
            }
        }
    }

    /// The answer to a line of the host; none to a notification.
    pub fn answer(&self, line: &str) -> Option<String> {
        #[derive(Serialize)]
        struct Reply {
            jsonrpc: &'static str,
            id: Value,
            #[serde(flatten)]
            answer: Answer,
        }
        let Ok(request) = serde_json::from_str::<Request>(line) else {
            return refusal(&Value::Null, code::PARSE_ERROR, "the line is no request", "");
        };
        let id = request.id?;
        let params = comparable(&request.method, request.params);
        let mut same =
            self.exchanges.iter().filter(|known| known.method == request.method && known.params == params);
        match same.next() {
            Some(Exchange { answer: Some(answer), .. }) => {
                serde_json::to_string(&Reply { jsonrpc: "2.0", id, answer: answer.clone() }).ok()
            }
            Some(Exchange { answer: None, .. }) => {
                let message = format!("{} was not answered in the recording either", request.method);
                refusal(&id, code::OWN, &message, "the extension had broken; record it again")
            }
            None => {
                let message = format!("the recording has no such request: {}", request.method);
                refusal(&id, code::OWN, &message, &self.nearest(&request.method, &params))
            }
        }
    }

    /// What to do about a request that is not there: the member in which the nearest one differs.
    fn nearest(&self, method: &str, params: &Value) -> String {
        let again = "record it again with --trace-ext";
        let Some(known) = self.exchanges.iter().find(|known| known.method == method) else {
            return again.to_owned();
        };
        let members = ["command", "args", "project", "platform", "config"];
        let differs = members.iter().find(|member| known.params.get(*member) != params.get(*member));
        match differs {
            Some(member) => {
                let shown =
                    |value: Option<&Value>| printable(&value.map(Value::to_string).unwrap_or_default(), 100);
                let (now, then) = (shown(params.get(member)), shown(known.params.get(member)));
                format!("{again}: `{member}` is {now}, and was {then}")
            }
            None => again.to_owned(),
        }
    }

    /// What was said, a line each, safe to print.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// What of the parameters decides the answer. The host of `initialize` may be a newer one: that an
/// answer does not suit it is told by the answer.
fn comparable(method: &str, mut params: Value) -> Value {
    if method == method::INITIALIZE {
        return Value::Null;
    }
    if let Some(project) = params.get_mut("project").and_then(Value::as_object_mut) {
        project.remove("root");
    }
    params
}

fn refusal(id: &Value, code: i32, message: &str, help: &str) -> Option<String> {
    let error = serde_json::json!({ "code": code, "message": message, "data": { "help": help } });
    Some(serde_json::json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        r#"{"extension":"x","to":"extension","message":{"jsonrpc":"2.0","id":"0","method":"initialize","params":{"protocols":[1]}}}"#,
        "\n",
        r#"{"extension":"x","to":"extension","message":{"jsonrpc":"2.0","id":"1","method":"a","params":{"project":{"root":"/one","dir":"."},"n":1}}}"#,
        "\n",
        r#"{"extension":"x","to":"host","message":{"jsonrpc":"2.0","id":"1","result":{"big":9007199254740993}}}"#,
        "\n",
        r#"{"extension":"x","to":"host","message":{"jsonrpc":"2.0","id":"0","error":{"code":5,"message":"m"}}}"#,
        "\n",
        r#"{"extension":"x","to":"extension","message":{"jsonrpc":"2.0","id":"2","method":"b","params":{}}}"#,
        "\n",
        r#"{"extension":"x","to":"host","line":"no \u001b[1mJSON"}"#,
        "\n",
    );

    fn conversation() -> Conversation {
        conversations(TEXT).unwrap().remove(&"x".parse().unwrap()).unwrap()
    }

    #[track_caller]
    fn answers(request: &str, wanted: &str) {
        assert_eq!(conversation().answer(request).unwrap(), wanted);
    }

    #[test]
    fn requests_find_their_answers_whatever_the_id_the_order_and_the_root() {
        answers(
            r#"{"id":"7","method":"a","params":{"n":1,"project":{"dir":".","root":"/two"}}}"#,
            r#"{"jsonrpc":"2.0","id":"7","result":{"big":9007199254740993}}"#,
        );
        answers(
            r#"{"id":"8","method":"initialize","params":{"protocols":[1,2]}}"#,
            r#"{"jsonrpc":"2.0","id":"8","error":{"code":5,"message":"m"}}"#,
        );
        assert_eq!(conversation().answer(r#"{"method":"note"}"#), None);
    }

    #[test]
    fn what_is_not_there_is_an_error_that_says_why() {
        for (request, wanted) in [
            (r#"{"id":"1","method":"c"}"#, "no such request: c"),
            (r#"{"id":"1","method":"b","params":{}}"#, "b was not answered in the recording either"),
            (
                r#"{"id":"1","method":"a","params":{"project":{"root":"/","dir":"x"},"n":1}}"#,
                r#"`project` is {\"dir\":\"x\"}, and was {\"dir\":\".\"}"#,
            ),
            ("nonsense", "the line is no request"),
        ] {
            let answer = conversation().answer(request).unwrap();
            assert!(answer.contains(wanted) && answer.contains("error"), "{answer}");
        }
    }

    #[test]
    fn the_listing_is_safe_to_print() {
        assert_eq!(conversation().lines()[5], r"← no \u{1b}[1mJSON");
    }

    #[test]
    fn what_is_no_recording_is_told_with_its_line() {
        let (line, reason) = conversations("\n{\"extension\":\"x\"}\n").unwrap_err();
        assert_eq!((line, reason.contains("missing field `to`")), (2, true), "{reason}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        std::fs::write(&path, TEXT.replace("\"x\"", "\"y\"") + TEXT).unwrap();
        let error = read(&path, None).unwrap_err();
        assert!(crate::error::Explain::hint(&error).unwrap().contains("x, y"));
        assert_eq!(read(&path, Some(&"y".parse().unwrap())).unwrap().0.as_str(), "y");
    }
}
