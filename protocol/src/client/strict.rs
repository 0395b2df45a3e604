//! JSON read for its form alone: nesting, duplicate names, numbers and texts that no type can hold.
//!
//! Invariant: what passes here means the same to every reader of JSON.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits;

/// Nesting depth of a text: brackets outside of strings.
pub(super) fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Checks that a text that is JSON means the same to every reader; if not, says where and why.
pub fn form(json: &str) -> Result<(), String> {
    if depth(json) > limits::DEPTH {
        return Err(format!("it is nested deeper than {} levels", limits::DEPTH));
    }
    check(json).map_err(|_| fault(json))
}

/// Checks a text whose depth has been checked.
pub(super) fn check(json: &str) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.disable_recursion_limit();
    Form::deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Where a text that does not pass is wrong, and why.
pub(super) fn fault(json: &str) -> String {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.disable_recursion_limit();
    match serde_path_to_error::deserialize::<_, Form>(&mut deserializer) {
        Ok(_) => "more follows the object".to_owned(),
        Err(error) => crate::decode::reason(&error.path().to_string(), error.inner()),
    }
}

struct Form;

struct FormVisitor;

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FormVisitor)
    }
}

impl<'de> Visitor<'de> for FormVisitor {
    type Value = Form;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Form, E> {
        Ok(Form)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Form, E> {
        Ok(Form)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Form, E> {
        Ok(Form)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Form, E> {
        Ok(Form)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Form, E> {
        Ok(Form)
    }

    fn visit_unit<E: Error>(self) -> Result<Form, E> {
        Ok(Form)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Form, A::Error> {
        while items.next_element::<Form>()?.is_some() {}
        Ok(Form)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Form, A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if let Some(name) = seen.replace(name) {
                return Err(A::Error::custom(format!("the name {name:?} stands there twice")));
            }
            members.next_value::<Form>()?;
        }
        Ok(Form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (json, wanted) in [("1", 0), ("{}", 1), ("[[],[[]]]", 3), (r#"{"[[\"[":[]}"#, 2), ("]]]]", 0)] {
            assert_eq!(depth(json), wanted, "{json}");
        }
    }

    #[test]
    fn only_what_every_reader_reads_alike() {
        for good in ["{}", r#"{"a":[1,-0,1.5,"\u0000",null,true],"b":{"a":{}}}"#, r#"{"a":9007199254740993}"#]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        for (bad, wanted) in [
            (r#"{"a":1,"a":2}"#, "the name \"a\" stands there twice"),
            (r#"{"a":1,"\u0061":2}"#, "the name \"a\" stands there twice"),
            (r#"{"r":{"env":{"A":"1","A":"2"}}}"#, "r.env: the name \"A\" stands there twice"),
            (r#"{"a":["x",{"b":1e400}]}"#, "a[1].b: number out of range"),
            (r#"{"a":"\ud800"}"#, "a: "),
            (r"{} {}", "more follows the object"),
        ] {
            assert!(check(bad).is_err(), "{bad}");
            let text = fault(bad);
            assert!(text.starts_with(wanted), "{bad}: {text}");
        }
    }
}
