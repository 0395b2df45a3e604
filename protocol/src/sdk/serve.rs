//! Requests in, answers out: jsonrpsee's `RpcModule` over blocking lines.
//!
//! Invariant: a handler that panics costs one answer, not the extension.

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use jsonrpsee::RpcModule;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Extension, Failure};
use crate::decode::decode;
use crate::frame::{FrameError, read_line, write_line};
use crate::message::{InitializeResult, Party, method};
use crate::{PROTOCOLS, code, limits};

/// Answers every request of `reader` on `writer`, in order, until `reader` ends.
pub fn serve(
    extension: impl Extension + Send + Sync + 'static,
    mut reader: impl BufRead,
    mut writer: impl Write,
) -> Result<(), FrameError> {
    let module = module(extension).map_err(bug)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    loop {
        let line = match read_line(&mut reader, limits::LINE) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(error @ (FrameError::NotUtf8 { .. } | FrameError::Bom { .. })) => {
                write_line(&mut writer, &refusal(None, code::PARSE_ERROR, &error.to_string()), limits::LINE)?;
                continue;
            }
            Err(error @ FrameError::TooLong { .. }) => {
                write_line(&mut writer, &refusal(None, code::PARSE_ERROR, &error.to_string()), limits::LINE)?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        match runtime.block_on(module.raw_json_request(&line, 1)) {
            Ok((answer, _)) => reply(&mut writer, &line, &answer)?,
            Err(_) => {
                if let Some(refusal) = not_a_request(&line) {
                    write_line(&mut writer, &refusal, limits::LINE)?;
                }
            }
        }
    }
}

/// The three methods.
fn module(
    extension: impl Extension + Send + Sync + 'static,
) -> Result<RpcModule<impl Extension + Send + Sync + 'static>, impl std::error::Error> {
    let mut module = RpcModule::new(extension);
    module.register_method(method::INITIALIZE, |params, extension, _| {
        handle(&params, |hello: Hello| initialize(extension, &hello))
    })?;
    module.register_method(method::DESCRIBE, |params, extension, _| {
        handle(&params, |params| extension.describe(&params))
    })?;
    module.register_method(method::RESOLVE, |params, extension, _| {
        handle(&params, |params| extension.resolve(&params))
    })?;
    Ok::<_, jsonrpsee::core::RegisterMethodError>(module)
}

fn bug(error: impl std::error::Error) -> FrameError {
    FrameError::Io(std::io::Error::other(error.to_string()))
}

/// Reads the parameters and runs a handler, whatever it does.
fn handle<P: DeserializeOwned, R>(
    params: &Params<'_>,
    handler: impl FnOnce(P) -> Result<R, Failure>,
) -> Result<R, ErrorObjectOwned> {
    let params = decode(params.as_str().unwrap_or("{}"))
        .map_err(|reason| Failure::new(code::INVALID_PARAMS, format!("invalid params: {reason}")))?;
    let outcome = catch_unwind(AssertUnwindSafe(|| handler(params))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Failure::internal(format!("a bug in this extension: {text}")))
    });
    Ok(outcome?)
}

/// What of `initialize` never changes, and is all that the answer depends on.
#[derive(Deserialize)]
struct Hello {
    protocols: Vec<u32>,
}

fn initialize(extension: &impl Extension, hello: &Hello) -> Result<InitializeResult, Failure> {
    let common = PROTOCOLS.iter().filter(|ours| hello.protocols.contains(ours)).max();
    let Some(protocol) = common else {
        let message =
            format!("the host speaks protocols {:?}, this extension {PROTOCOLS:?}", hello.protocols);
        return Err(Failure::new(code::UNSUPPORTED_PROTOCOL, message).with("supported", PROTOCOLS.to_vec()));
    };
    Ok(InitializeResult {
        protocol: *protocol,
        extension: Party { name: extension.name().to_owned(), version: extension.version().to_owned() },
        requires: Vec::new(),
        provides: Vec::new(),
    })
}

/// Sends an answer, or the news that it is too long to send.
fn reply(writer: &mut impl Write, request: &str, answer: &RawValue) -> Result<(), FrameError> {
    match write_line(writer, answer, limits::LINE) {
        Err(FrameError::TooLong { cap, .. }) => {
            let id = serde_json::from_str(request).ok().and_then(|Addressed { id }| id);
            let text = format!("the answer has {} bytes, more than the limit of {cap}", answer.get().len());
            write_line(writer, &refusal(id, code::INTERNAL_ERROR, &text), limits::LINE)
        }
        outcome => outcome,
    }
}

#[derive(Deserialize)]
struct Addressed {
    #[serde(default)]
    id: Option<Value>,
}

/// What a message that is no request gets for an answer: nothing, if it is a notification.
fn not_a_request(line: &str) -> Option<impl Serialize> {
    #[derive(Deserialize)]
    struct Notice {
        #[serde(rename = "method")]
        _method: String,
    }
    if serde_json::from_str::<IgnoredAny>(line).is_err() {
        return Some(refusal(None, code::PARSE_ERROR, "the line is not JSON"));
    }
    let id = serde_json::from_str(line).ok().and_then(|Addressed { id }| id);
    let is_object = line.trim_start().starts_with('{');
    if is_object && id.is_none() && serde_json::from_str::<Notice>(line).is_ok() {
        return None;
    }
    let id = id.filter(|id| id.is_string() || id.is_number());
    Some(refusal(
        id,
        code::INVALID_REQUEST,
        "the message is not a request of JSON-RPC 2.0; batches are not taken",
    ))
}

fn refusal(id: Option<Value>, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

#[cfg(test)]
mod tests;
