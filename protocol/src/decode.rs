//! JSON into the types of the protocol, with errors that name the member.
//!
//! Invariant: an error is one bounded, escaped line; it holds no position that the user cannot see.

use serde::de::DeserializeOwned;

use crate::excerpt;

/// A value of the protocol, or what is wrong with it and where: `caches[0].scope: unknown variant …`.
pub(crate) fn decode<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    // The path costs time, and good answers need none.
    serde_json::from_str(json).or_else(|_| {
        let deserializer = &mut serde_json::Deserializer::from_str(json);
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let path = error.path().to_string();
            reason(&path, error.inner())
        })
    })
}

/// What is wrong, and where.
pub(crate) fn reason(path: &str, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
    match path {
        "." => excerpt::message(text),
        path => excerpt::message(&format!("{path}: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::DescribeResult;

    #[test]
    fn errors_name_the_member() {
        for (json, wanted) in [
            (r#"{}"#, "missing field `applies`"),
            (
                r#"{"applies":true,"caches":[{"name":"a"},{"name":"a","scope":"x"}]}"#,
                "caches[1].scope: unknown variant `x`",
            ),
            (r#"{"applies":true,"env":{"A B":"1"}}"#, "env"),
            (r#"{"applies":true,"reads":["../x"]}"#, "reads[0]: \"../x\" is not a path"),
        ] {
            let error = decode::<DescribeResult>(json).unwrap_err();
            assert!(error.starts_with(wanted), "{error}");
            assert!(!error.contains("line 1"), "{error}");
        }
    }
}
