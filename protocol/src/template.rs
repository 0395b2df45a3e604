//! Texts with placeholders: `${cache:NAME}`, `${workspace}`, `${home}`, `${tmp}`; `$$` is `$`.
//!
//! Invariant: an answer never knows where it runs; only placeholders name places.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::CacheName;

/// A text that may hold placeholders. It keeps the spelling it came with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(String);

/// A place that a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place<'a> {
    /// The folder of one of the stack's caches.
    Cache(&'a str),
    /// The root of the project.
    Workspace,
    /// The home directory of the user that runs the action.
    Home,
    /// A folder for temporary files.
    Tmp,
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stands for itself.
    Text(&'a str),
    /// A placeholder.
    Place(Place<'a>),
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTemplate {
    text: String,
    reason: String,
}

impl fmt::Display for InvalidTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in {:?}: placeholders are ${{cache:NAME}}, ${{workspace}}, ${{home}} and ${{tmp}}; $$ is a plain $",
            self.reason, self.text
        )
    }
}

impl std::error::Error for InvalidTemplate {}

impl Template {
    /// A template that stands for exactly this text.
    pub fn literal(text: &str) -> Self {
        Self(text.replace('$', "$$"))
    }

    /// The template as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        pieces(&self.0).unwrap_or_default()
    }

    /// The names of the caches it mentions.
    pub fn caches(&self) -> impl Iterator<Item = &str> {
        self.pieces().into_iter().filter_map(|piece| match piece {
            Piece::Place(Place::Cache(name)) => Some(name),
            _ => None,
        })
    }

    /// The text with every placeholder replaced by what `place` says; its first error ends it.
    pub fn fill<E>(&self, mut place: impl FnMut(Place<'_>) -> Result<String, E>) -> Result<String, E> {
        let mut out = String::with_capacity(self.0.len());
        for piece in self.pieces() {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Place(at) => out.push_str(&place(at)?),
            }
        }
        Ok(out)
    }
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        if at > 0 {
            out.push(Piece::Text(&rest[..at]));
        }
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('$') {
            out.push(Piece::Text("$"));
            rest = tail;
            continue;
        }
        let Some((inner, tail)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) else {
            return Err("a $ that starts no placeholder".to_owned());
        };
        out.push(Piece::Place(match inner {
            "workspace" => Place::Workspace,
            "home" => Place::Home,
            "tmp" => Place::Tmp,
            _ => match inner.strip_prefix("cache:") {
                Some(name) if name.parse::<CacheName>().is_ok() => Place::Cache(name),
                _ => return Err(format!("unknown placeholder ${{{inner}}}")),
            },
        }));
        rest = tail;
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
    }
    Ok(out)
}

impl TryFrom<String> for Template {
    type Error = InvalidTemplate;

    fn try_from(text: String) -> Result<Self, InvalidTemplate> {
        let reason = match pieces(&text) {
            Ok(_) if !text.contains('\0') => return Ok(Self(text)),
            Ok(_) => "a NUL character".to_owned(),
            Err(reason) => reason,
        };
        Err(InvalidTemplate { text: text.chars().take(120).collect(), reason })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        crate::schema::word::text(
            "A text whose placeholders are `${cache:NAME}`, `${workspace}`, `${home}` and `${tmp}`; `$$` is `$`.",
            concat!(
                r"^(?:[^$\u0000]|\$\$|\$\{(?:workspace|home|tmp",
                r"|cache:(?!(?:env|tmp)\})[a-z0-9][a-z0-9_.-]{0,63})\})*$"
            ),
        )
    }
}

impl std::str::FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        text.to_owned().try_into()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> String {
        template.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> String {
        let template: Template = text.parse().unwrap();
        template.fill(|place| Ok::<_, ()>(format!("<{place:?}>"))).unwrap()
    }

    #[test]
    fn placeholders_are_replaced_and_dollars_kept() {
        assert_eq!(fill("plain"), "plain");
        assert_eq!(fill("${workspace}/a"), "<Workspace>/a");
        assert_eq!(fill("${cache:venv}/bin:${home}:${tmp}"), "<Cache(\"venv\")>/bin:<Home>:<Tmp>");
        assert_eq!(fill("a$$b$$$$"), "a$b$$");
        assert_eq!(fill(Template::literal("${home} costs $5").as_str()), "${home} costs $5");
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in
            ["$", "$HOME", "${", "${HOME}", "${cache}", "${cache:}", "${cache:../x}", "${workspace", "a\0"]
        {
            assert!(bad.parse::<Template>().is_err(), "{bad:?}");
        }
    }
}
