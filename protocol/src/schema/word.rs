//! The words of SPEC.md's tables that are plain texts in Rust, with the rule that each follows.
//!
//! Invariant: patterns keep to what ECMA-262 and the common engines read alike; lengths count
//! characters, where SPEC.md counts bytes.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// The schema of a text that fits a pattern.
pub(crate) fn text(description: &str, pattern: &str) -> Schema {
    json_schema!({ "description": description, "type": "string", "pattern": pattern })
}

/// A type that exists for its schema alone.
macro_rules! word {
    ($name:ident, $description:literal, { $($rule:tt)* }) => {
        #[doc = $description]
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $description, "type": "string", $($rule)* })
            }
        }
    };
}

word!(Text, "A text without NUL.", { "pattern": r"^[^\u0000]*$" });
word!(Line, "One line of text.", { "pattern": r"^[^\u0000\r\n]*$" });
word!(Word, "A text without NUL that is not empty.", { "pattern": r"^[^\u0000]+$" });
word!(AbsolutePath, "An absolute path.", { "pattern": r"^/[^\u0000]*$" });
word!(Place, "A place in an image: an absolute path without empty, `.` and `..` parts, and without signs.", {
    "pattern": r"^(?:/(?!\.{1,2}(?:/|$))[^/!-*:;<>?\[-\^`{-}\u0000-\u001f\u007f-\u009f]+)+$"
});
word!(Value, "A text without control characters.", { "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$" });
word!(Glob, "A glob: relative, without `..`, without a `/` at its end.", {
    "pattern": r"^(?!/)(?!\.\.(?:/|$))(?![^\u0000]*/\.\.(?:/|$))[^\u0000]*[^\u0000/]$"
});
word!(HomePath, "A place below the user's home: `~/…`, without `..`.", {
    "pattern": r"^~(?:/(?!\.{1,2}(?:/|$))[^/\u0000-\u001f\u007f-\u009f]+)+$"
});
word!(TargetPath, "A place in a container: `~/…` or absolute, without `..`, `,` and `:`.", {
    "pattern": r"^~?(?:/(?!\.{1,2}(?:/|$))[^/,:\u0000-\u001f\u007f-\u009f]+)+$"
});
word!(ProgramName, "A program's name, without `/`.", { "pattern": r"^[^/\u0000]+$" });
word!(Package, "A package of the distribution: `name` or `name=version`.", {
    "pattern": r"^[a-z0-9](?:[a-z0-9+.-]*[a-z0-9+.])?(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?$"
});
word!(SettableVariable, "A variable that is an extension's to set.", {
    "pattern": r"^(?!(?:PATH|HOME|USER|SHELL)$)(?!LD_|DWF_)[A-Za-z_][A-Za-z0-9_]*$",
    "maxLength": 64
});
word!(Os, "The system that actions run on.", { "enum": ["linux", "macos"] });

/// An object whose members have names of the kind `K` and values of the kind `V`.
pub(crate) struct Map<K, V>(PhantomData<(K, V)>);

impl<K: JsonSchema, V: JsonSchema> JsonSchema for Map<K, V> {
    fn schema_name() -> Cow<'static, str> {
        format!("Map_from_{}_to_{}", K::schema_name(), V::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": generator.subschema_for::<K>(),
            "additionalProperties": generator.subschema_for::<V>()
        })
    }
}
