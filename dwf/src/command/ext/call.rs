//! `dwf ext call`: one request, sent the way dwf sends it.

use devflow_protocol::client::ClientError;
use devflow_protocol::message::method;
use devflow_protocol::path::RelPath;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::cli::ext::Call;
use crate::command::Context;
use crate::command::ask::{Ground, tell};
use crate::config::Profile;
use crate::discover::Found;
use crate::error::{Error, Exit, Explain};
use crate::extension::{self, Extension, Problem, Words};
use crate::query;

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
enum CallError {
    /// The parameters are no JSON object.
    #[error("the parameters are not a JSON object: {0}")]
    Params(String),
    /// `initialize` is always sent as dwf sends it.
    #[error("initialize takes no parameters here: dwf has sent it before any other request")]
    Initialize,
    /// The extension's own answer is an error.
    #[error("{method} was answered with error {code}: {message}")]
    Answer { method: String, code: i32, message: String, data: Option<String> },
}

impl Explain for CallError {
    fn exit(&self) -> Exit {
        match self {
            Self::Params(_) | Self::Initialize => Exit::Usage,
            Self::Answer { .. } => Exit::Extension,
        }
    }

    fn detail(&self) -> Option<String> {
        let Self::Answer { data: Some(data), .. } = self else { return None };
        Some(format!("data: {}", pretty(data)))
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Params(_) => {
                Some("as in: dwf ext call NAME command/resolve '{\"command\":\"test:unit\"}'".to_owned())
            }
            Self::Initialize | Self::Answer { .. } => None,
        }
    }
}

pub(super) async fn run(context: &mut Context<'_>, options: Call) -> Result<bool, Error> {
    let given: Map<String, Value> =
        serde_json::from_str(&options.params).map_err(|error| CallError::Params(error.to_string()))?;
    if options.method == method::INITIALIZE && !given.is_empty() {
        return Err(CallError::Initialize.into());
    }
    let ground = Ground::load(context)?;
    let found = ground.places(context.world).find(&options.name)?;
    let host = context.global.profile == Some(Profile::Host);
    let params = params(&ground, &options, given, host);
    let with = ground.surroundings(context.world)?;
    let call = call(&found, &with, &options.method, &params);
    let (answer, words) = context.signals.unless(call).await??;
    tell(context, &options.name, &words);
    let json = answer?;
    context.reporter.json(&pretty(json.get())).map_err(crate::command::stage::print_failed)?;
    Ok(true)
}

/// What dwf itself would send, with the given members over it; for a method that dwf does not know,
/// what was given alone.
fn params(ground: &Ground, options: &Call, given: Map<String, Value>, host: bool) -> Value {
    let mut params = match options.method.as_str() {
        method::DESCRIBE | method::RESOLVE => json!({
            "project": query::folder(&ground.project, &RelPath::here()),
            "platform": query::platform(host),
            "config": query::config(&ground.project, &options.name),
        }),
        _ => json!({}),
    };
    if options.method == method::RESOLVE {
        params["args"] = json!([]);
    }
    merge(&mut params, Value::Object(given));
    params
}

/// Lays one value over another, as RFC 7396 has it: member by member, and `null` takes away.
fn merge(base: &mut Value, over: Value) {
    let Value::Object(over) = over else {
        *base = over;
        return;
    };
    if !base.is_object() {
        *base = json!({});
    }
    let Value::Object(base) = base else { return };
    for (name, value) in over {
        match value {
            Value::Null => drop(base.remove(&name)),
            value => merge(base.entry(name).or_insert(Value::Null), value),
        }
    }
}

/// Starts the extension, asks, and lets it end. An error that it answers is not its end.
async fn call(
    found: &Found,
    with: &extension::Context,
    method: &str,
    params: &Value,
) -> Result<(Result<Box<RawValue>, Error>, Words), Error> {
    let launch = with.launcher.prepare(found).await?;
    let mut extension = Extension::start(launch, with).await?;
    let outcome = match method {
        method::INITIALIZE => {
            to_raw_value(&extension.info).map_err(|error| CallError::Params(error.to_string()).into())
        }
        _ => match extension.call(method, params).await {
            Ok(result) => Ok(result),
            Err(Problem::Client(ClientError::Answer { code, message, data })) => {
                Err(CallError::Answer { method: method.to_owned(), code, message, data: data.json }.into())
            }
            Err(problem) => return Err(extension.fail(problem, None).await.into()),
        },
    };
    Ok((outcome, extension.end().await))
}

/// JSON as a person reads it; what cannot be read is left as it is.
fn pretty(json: &str) -> String {
    serde_json::from_str::<Value>(json).map_or_else(|_| json.to_owned(), |value| format!("{value:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_lies_over_what_dwf_would_send() {
        let mut value = json!({ "project": { "root": "/w", "dir": "." }, "config": { "a": 1 }, "args": [] });
        merge(
            &mut value,
            json!({ "project": { "dir": "x" }, "config": null, "args": ["b"], "new": { "c": null } }),
        );
        assert_eq!(value, json!({ "project": { "root": "/w", "dir": "x" }, "args": ["b"], "new": {} }));
    }
}
