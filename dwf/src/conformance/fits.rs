//! Whether an answer has the form of its method, by the types and by the schema; and which members
//! of it nobody knows.

use devflow_protocol::message::{DescribeResult, InitializeResult, Resolution, method};
use devflow_protocol::schema::Definition;
use jsonschema::Validator;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::check::{Unmet, skip};

/// Complaints about one answer that are told.
const COMPLAINTS: usize = 5;

/// The form of the results of one method.
pub struct Form {
    method: &'static str,
    schema: Validator,
}

impl Form {
    /// The form of a method's results.
    pub fn of(method: &'static str) -> Result<Self, Unmet> {
        let schema = Definition::result(method).and_then(|definition| definition.schema().ok());
        match schema.and_then(|schema| jsonschema::validator_for(&schema).ok()) {
            Some(schema) => Ok(Self { method, schema }),
            None => skip(format!("there is no schema of the results of {method}")),
        }
    }

    /// What is wrong with a result. The types say it best; the schema may know more, but for what the
    /// rules of other checks say better: `judged` is whether one of these is broken.
    pub fn complaints(&self, result: &Value, judged: bool) -> Vec<String> {
        match read(self.method, result) {
            Err(reason) => return vec![reason],
            Ok(_) if judged => return Vec::new(),
            Ok(_) => {}
        }
        let place = |path: String| if path.is_empty() { "the result".to_owned() } else { path };
        let errors = self.schema.iter_errors(result);
        errors
            .take(COMPLAINTS)
            .map(|error| format!("{}: {error}", place(error.instance_path().to_string())))
            .collect()
    }
}

/// The paths of members that no type knows; `x-` is free for experiments.
pub fn unknown(method: &str, result: &Value) -> Vec<String> {
    let free = |path: &String| path.rsplit('.').next().is_some_and(|name| name.starts_with("x-"));
    read(method, result).unwrap_or_default().into_iter().filter(|path| !free(path)).collect()
}

fn read(method: &str, result: &Value) -> Result<Vec<String>, String> {
    match method {
        method::INITIALIZE => typed::<InitializeResult>(result),
        method::DESCRIBE => typed::<DescribeResult>(result),
        method::RESOLVE => typed::<Resolution>(result),
        _ => Ok(Vec::new()),
    }
}

/// The ignored members, or where the value does not fit and why.
fn typed<T: DeserializeOwned>(value: &Value) -> Result<Vec<String>, String> {
    let mut ignored = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(value, &mut track);
    let read = serde_ignored::deserialize::<_, _, T>(deserializer, |path| ignored.push(path.to_string()));
    match read {
        Ok(_) => Ok(ignored),
        Err(error) => Err(match track.path().to_string().as_str() {
            "." => error.to_string(),
            path => format!("{path}: {error}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let result = json!({ "applies": true, "caches": [{ "name": "a", "scope": "galaxy" }] });
        let form = Form::of(method::DESCRIBE).unwrap();
        let complaints = form.complaints(&result, false);
        assert!(complaints[0].starts_with("caches[0].scope: unknown variant"), "{complaints:?}");
        // A type takes any text for a format; the schema does not.
        let report = json!({ "format": "tables", "path": "a" });
        let result = json!({ "action": { "steps": [{ "program": "a" }], "reports": [report] } });
        let complaints = Form::of(method::RESOLVE).unwrap().complaints(&result, false);
        assert!(!complaints.is_empty());
    }

    #[test]
    fn what_nobody_knows_is_named() {
        let step = json!({ "program": "a", "arg": ["b"], "x-note": 1 });
        let result = json!({ "action": { "steps": [step], "env": { "A": "1" } } });
        assert_eq!(unknown(method::RESOLVE, &result), ["action.steps.0.arg"]);
        let result = json!({ "protocol": 1, "extension": { "name": "a", "version": "1", "vendor": "b" } });
        assert_eq!(unknown(method::INITIALIZE, &result), ["extension.vendor"]);
    }
}
