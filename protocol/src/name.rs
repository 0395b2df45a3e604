//! Names that both sides agree on: commands, caches, extensions.
//!
//! Invariant: a name that exists is valid; parsing is the only way to get one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName {
    what: &'static str,
    text: String,
    rule: &'static str,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, text, rule } = self;
        write!(f, "{text:?} is not {what}: {rule}")
    }
}

impl std::error::Error for InvalidName {}

/// Bytes of the longest name.
const LONGEST: usize = 64;

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $pattern:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if text.len() <= LONGEST && valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    let text = text.chars().take(80).collect();
                    Err(InvalidName { what: $what, text, rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": concat!("This is ", $what, ": ", $rule, "."),
                    "type": "string",
                    "pattern": $pattern,
                    "maxLength": LONGEST
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// A command: `verb:selector`, such as `test:unit`.
    CommandName,
    "a command",
    "it is verb:selector, each [a-z][a-z0-9-]*",
    r"^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$",
    |text| text.split_once(':').is_some_and(|(verb, selector)| is_word(verb) && is_word(selector))
);

name!(
    /// The name of an extension, and so of a stack.
    ExtensionName,
    "an extension's name",
    "it is [a-z0-9][a-z0-9-]{0,62}",
    r"^[a-z0-9][a-z0-9-]{0,62}$",
    |text| {
        text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
);

name!(
    /// The name of a cache: one folder's name below the cache root.
    CacheName,
    "a cache's name",
    "it is [a-z0-9][a-z0-9_.-]*, and neither \"env\" nor \"tmp\"",
    r"^(?!(?:env|tmp)$)[a-z0-9][a-z0-9_.-]*$",
    |text| {
        !["env", "tmp"].contains(&text)
            && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b))
    }
);

name!(
    /// The name of an environment variable.
    EnvName,
    "a variable's name",
    "it is [A-Za-z_][A-Za-z0-9_]*",
    r"^[A-Za-z_][A-Za-z0-9_]*$",
    |text| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    }
);

impl CommandName {
    /// The part before the colon.
    pub fn verb(&self) -> &str {
        self.0.split_once(':').map_or("", |(verb, _)| verb)
    }

    /// The part after the colon.
    pub fn selector(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, selector)| selector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_and_names_that_are_not() {
        for good in ["test:unit", "a:b", "fmt:check-2"] {
            assert!(good.parse::<CommandName>().is_ok(), "{good}");
        }
        for bad in ["", "test", "test:", ":unit", "Test:unit", "test:unit:x", "test:un it", "a:-b", "a:b\n"] {
            assert!(bad.parse::<CommandName>().is_err(), "{bad:?}");
        }
        for bad in ["", "..", ".x", "env", "tmp", "a/b", "A", "-x", &"a".repeat(65)] {
            assert!(bad.parse::<CacheName>().is_err(), "{bad:?}");
        }
        for bad in ["", "1A", "A B", "AWS*", "A=B"] {
            assert!(bad.parse::<EnvName>().is_err(), "{bad:?}");
        }
        assert!("9p".parse::<ExtensionName>().is_ok());
    }
}
