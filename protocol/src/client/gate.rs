//! The gate: what a line from the extension is, and whether it may come in.
//!
//! Invariant: jsonrpsee sees answers to requests that are under way, well-formed to the last member
//! of their envelope, and nothing else.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{ClientError, strict};
use crate::decode::decode;
use crate::excerpt;
use crate::limits;
use crate::message::{LogParams, method};

/// What came in.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// An answer, in the form that jsonrpsee takes.
    Answer(String),
    /// A line for the user.
    Log(LogParams),
}

/// Keeps account of one conversation.
#[derive(Default)]
pub(super) struct Gate {
    asked: HashSet<String>,
    answered: HashSet<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// `error` without the members that nobody defined.
#[derive(Deserialize)]
#[serde(expecting = "an object with `code` and `message`")]
struct ErrorMember {
    code: i32,
    message: String,
    #[serde(default)]
    data: Option<Box<RawValue>>,
}

impl Gate {
    /// Notes a request that is about to be sent.
    pub(super) fn ask(&mut self, request: &str) {
        #[derive(Deserialize)]
        struct Request {
            id: String,
        }
        if let Ok(Request { id }) = serde_json::from_str(request) {
            self.asked.insert(id);
        }
    }

    /// Judges a line.
    pub(super) fn admit(&mut self, line: &str) -> Result<Incoming, ClientError> {
        let envelope = envelope(line)?;
        match envelope.jsonrpc.map(RawValue::get) {
            Some(r#""2.0""#) => {}
            Some(other) => return Err(broken(format!("`jsonrpc` is {}, not \"2.0\"", brief(other)))),
            None => return Err(broken("a message lacks `jsonrpc`")),
        }
        if let Some(name) = envelope.method {
            return notification(&envelope, name.get());
        }
        match (envelope.id, envelope.result, envelope.error) {
            (_, Some(_), Some(_)) => Err(broken("an answer has both `result` and `error`")),
            (_, None, None) => Err(broken("a message has none of `method`, `result` and `error`")),
            (None, Some(_), None) => Err(broken("an answer lacks `id`")),
            (None, None, Some(error)) => {
                let message = error_member(error).map(|error| excerpt::message(&error.message));
                Err(broken(format!("it could not read a request: {}", message?)))
            }
            (Some(id), Some(result), None) => {
                let id = self.answer(id.get())?;
                Ok(Incoming::Answer(rebuilt(&id, "result", result.get())))
            }
            (Some(id), None, Some(error)) => {
                let ErrorMember { code, message, data } = error_member(error)?;
                let id = self.answer(id.get())?;
                let data = data.map(|data| format!(r#","data":{data}"#)).unwrap_or_default();
                let error = format!(r#"{{"code":{code},"message":{}{data}}}"#, quoted(&message));
                Ok(Incoming::Answer(rebuilt(&id, "error", &error)))
            }
        }
    }

    /// Takes an id off the list of those under way, and gives it back.
    fn answer(&mut self, id: &str) -> Result<String, ClientError> {
        match serde_json::from_str::<String>(id) {
            Ok(text) if self.asked.remove(&text) => {
                self.answered.insert(text.clone());
                Ok(text)
            }
            Ok(text) if self.answered.contains(&text) => {
                Err(broken(format!("it answered the request with the id {} twice", brief(id))))
            }
            _ => Err(broken(format!("it answered a request that nobody sent, with the id {}", brief(id)))),
        }
    }
}

/// The members of a line that is one JSON object of a good form.
fn envelope(line: &str) -> Result<Envelope<'_>, ClientError> {
    let noise = || ClientError::Noise { excerpt: excerpt::excerpt(line.as_bytes(), excerpt::LINE) };
    let is_json = || serde_json::from_str::<IgnoredAny>(line).is_ok();
    match line.trim_start().as_bytes().first() {
        Some(b'{') => {}
        Some(b'[') if is_json() => return Err(broken("it sent a batch; messages come one by one")),
        _ => return Err(noise()),
    }
    if strict::depth(line) > limits::DEPTH {
        return match is_json() {
            true => Err(broken(format!("a message is nested deeper than {} levels", limits::DEPTH))),
            false => Err(noise()),
        };
    }
    match strict::check(line) {
        Ok(()) => serde_json::from_str(line).map_err(|_| noise()),
        Err(_) if is_json() => Err(broken(strict::fault(line))),
        Err(_) => Err(noise()),
    }
}

fn notification(envelope: &Envelope<'_>, name: &str) -> Result<Incoming, ClientError> {
    if envelope.id.is_some() {
        return Err(broken(format!("it sent a request, {}; an extension only answers", brief(name))));
    }
    if serde_json::from_str::<String>(name).ok().as_deref() != Some(method::LOG) {
        return Err(broken(format!("it sent a notification {}; there is only \"log\"", brief(name))));
    }
    let params = envelope.params.map_or("{}", RawValue::get);
    let log: LogParams =
        decode(params).map_err(|reason| broken(format!("a `log` has bad params: {reason}")))?;
    Ok(Incoming::Log(LogParams { level: log.level, message: excerpt::message(&log.message) }))
}

fn error_member(error: &RawValue) -> Result<ErrorMember, ClientError> {
    decode(error.get()).map_err(|reason| broken(format!("the `error` of an answer is wrong: {reason}")))
}

fn rebuilt(id: &str, member: &str, value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"{member}":{value}}}"#, quoted(id))
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A piece of JSON from the extension, short enough for a message.
fn brief(json: &str) -> String {
    excerpt::excerpt(json.as_bytes(), 80)
}

fn broken(reason: impl Into<String>) -> ClientError {
    ClientError::protocol(reason)
}

#[cfg(test)]
mod tests;
