//! Answers into values: the version first, then everything else.
//!
//! Invariant: no text of the extension leaves here unescaped or unbounded, except inside results
//! and the `json` of an error's data.

use jsonrpsee::types::ErrorObjectOwned;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{AnswerData, ClientError};
use crate::code;
use crate::decode::decode;
use crate::excerpt;
use crate::message::{InitializeResult, method};

/// What an extension may require of this host: nothing yet.
const KNOWN: &[&str] = &[];
/// Entries of a list in an error's `data` that are kept.
const ENTRIES: usize = 200;

/// A result of the type its method has.
pub(super) fn read<T: DeserializeOwned>(method: &str, json: &str) -> Result<T, ClientError> {
    decode(json).map_err(|reason| ClientError::BadAnswer { method: method.to_owned(), reason })
}

/// The result of `initialize`, if both sides can go on from there.
pub(super) fn agree(ours: &[u32], json: &str) -> Result<InitializeResult, ClientError> {
    #[derive(Deserialize)]
    struct Agreed {
        protocol: u32,
    }
    // The rest of the answer may have a form that only the agreed version explains.
    let Agreed { protocol } = read(method::INITIALIZE, json)?;
    if !ours.contains(&protocol) {
        return Err(ClientError::Version { host: ours.to_vec(), extension: vec![protocol] });
    }
    #[derive(Deserialize)]
    struct Required {
        #[serde(default)]
        requires: Vec<String>,
    }
    let Required { requires } = read(method::INITIALIZE, json)?;
    let unknown = requires.iter().filter(|required| !KNOWN.contains(&required.as_str()));
    let unknown: Vec<String> = unknown.take(ENTRIES).map(|name| excerpt::message(name)).collect();
    match unknown.is_empty() {
        true => read(method::INITIALIZE, json),
        false => Err(ClientError::Requires { unknown }),
    }
}

/// What a failed `initialize` means: error 1001 is a version that does not fit.
pub(super) fn refused(ours: &[u32], error: ClientError) -> ClientError {
    match error {
        ClientError::Answer { code: code::UNSUPPORTED_PROTOCOL, data, .. } => {
            ClientError::Version { host: ours.to_vec(), extension: data.supported }
        }
        error => error,
    }
}

/// The extension's own error.
pub(super) fn failure(error: &ErrorObjectOwned) -> ClientError {
    let data = error.data().map(|data| data_of(data.get())).unwrap_or_default();
    ClientError::Answer {
        code: error.code(),
        message: excerpt::message(error.message()),
        data: Box::new(data),
    }
}

/// What `data` says. It only helps, so a member of a wrong type is left out.
fn data_of(json: &str) -> AnswerData {
    let texts = |texts: Vec<String>| texts.iter().take(ENTRIES).map(|text| excerpt::message(text)).collect();
    let text = |text: String| excerpt::message(&text);
    let mut supported: Vec<u32> = member(json, "supported").unwrap_or_default();
    supported.truncate(ENTRIES);
    AnswerData {
        known: member(json, "known").map(texts).unwrap_or_default(),
        file: member(json, "file").map(text),
        line: member(json, "line"),
        help: member(json, "help").map(text),
        supported,
        features: member(json, "features").map(texts).unwrap_or_default(),
        json: Some(json.to_owned()),
    }
}

/// One member of an object, if it is there and of this type.
fn member<T: DeserializeOwned>(json: &str, name: &str) -> Option<T> {
    let members: std::collections::HashMap<String, &serde_json::value::RawValue> =
        serde_json::from_str(json).ok()?;
    serde_json::from_str(members.get(name)?.get()).ok()
}
