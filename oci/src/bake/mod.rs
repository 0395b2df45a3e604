//! A bake file (`docker-bake.hcl`): which target builds the project's image, from what.
//!
//! Invariant: of a target only its Dockerfile, context, stage and arguments count, and all of them lie in the project. A
//! bake file comes with a repository, so what reaches further is refused and never left to the builder.

mod error;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use hcl::{Body, Expression, Value};

pub use error::BakeError;
use value::{Variables, text};

/// The name of the file, in the project's root.
pub const FILE: &str = "docker-bake.hcl";
/// The targets that are looked for by name, before and after the only one of the group `default`.
const NAMES: [&str; 2] = ["ci", "default"];
/// Attributes that say nothing about what is in the image, or that dwf sets itself.
const OWN: [&str; 5] = ["tags", "labels", "platforms", "description", "output"];
/// Kinds of output that stay in the engine.
const KINDS: [&str; 3] = ["image", "docker", "registry"];

/// A bake file.
#[derive(Clone, Debug)]
pub struct File {
    lines: Vec<String>,
    body: Body,
}

/// What a target builds. Paths are relative to the project's root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// The Dockerfile.
    pub dockerfile: String,
    /// The folder that COPY and ADD see; `.` is the root.
    pub context: String,
    /// The stage that is built, if not the last.
    pub stage: Option<String>,
    /// Values for ARG.
    pub args: BTreeMap<String, String>,
}

/// An attribute, and the target that has it.
struct Found<'a> {
    target: &'a str,
    key: &'a str,
    value: &'a Expression,
}

impl File {
    /// Reads one.
    pub fn parse(source: &str) -> Result<Self, BakeError> {
        let body: Body = hcl::parse(source).map_err(|error| {
            let text = error.to_string();
            let told: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            BakeError::Syntax(told.join(" "))
        })?;
        let mut names = BTreeSet::new();
        for block in body.blocks() {
            let labels: Vec<&str> = block.labels().iter().map(hcl::BlockLabel::as_str).collect();
            if !names.insert((block.identifier(), labels.clone())) {
                let problem = format!("{} {} is there twice", block.identifier(), labels.join(" "));
                return Err(BakeError::Syntax(problem));
            }
        }
        drop(names);
        Ok(Self { lines: source.lines().map(str::to_owned).collect(), body })
    }

    /// The target for the project's image: `ci`; else the only one of the group `default`; else `default`.
    #[must_use]
    pub fn chosen(&self) -> Option<&str> {
        let named =
            |name: &str| self.blocks("target").find(|(target, _)| *target == name).map(|(name, _)| name);
        named(NAMES[0]).or_else(|| self.only_default()).or_else(|| named(NAMES[1]))
    }

    /// The Dockerfile of a target, if it can be told; whatever else is asked for.
    #[must_use]
    pub fn dockerfile(&self, target: &str) -> Option<String> {
        let variables = Variables::of(&self.body);
        let attributes = self.attributes(target).ok()?;
        Some(self.paths(&attributes, &variables).ok()?.1)
    }

    /// What a target builds.
    pub fn target(&self, name: &str) -> Result<Target, BakeError> {
        let variables = Variables::of(&self.body);
        let attributes = self.attributes(name)?;
        let (context, dockerfile) = self.paths(&attributes, &variables)?;
        let mut target = Target { name: name.to_owned(), dockerfile, context, ..Target::default() };
        for found in attributes.values() {
            match found.key {
                "dockerfile" | "context" => {}
                "target" => target.stage = Some(self.text(found, &variables)?),
                "args" => target.args = self.args(found, &variables)?,
                "output" => self.check_output(found, &variables)?,
                key if OWN.contains(&key) => {}
                _ => {
                    return Err(
                        self.refused(found, "and only dockerfile, context, target and args are honoured")
                    );
                }
            }
        }
        Ok(target)
    }

    fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Body)> {
        let blocks = self.body.blocks().filter(move |block| block.identifier() == kind);
        blocks.filter_map(|block| Some((block.labels().first()?.as_str(), block.body())))
    }

    fn only_default(&self) -> Option<&str> {
        let (_, group) = self.blocks("group").find(|(name, _)| *name == "default")?;
        let targets = group.attributes().find(|attribute| attribute.key() == "targets")?;
        let Ok(Value::Array(names)) = Variables::of(&self.body).value(targets.expr()) else { return None };
        let [Value::String(only)] = names.as_slice() else { return None };
        self.blocks("target").find(|(name, _)| name == only).map(|(name, _)| name)
    }

    /// The attributes of a target, with those that it inherits: the later ones win.
    fn attributes(&self, name: &str) -> Result<BTreeMap<&str, Found<'_>>, BakeError> {
        let mut attributes = BTreeMap::new();
        self.inherit(name, &mut Vec::new(), &mut attributes)?;
        Ok(attributes)
    }

    fn inherit<'a>(
        &'a self,
        name: &str,
        above: &mut Vec<String>,
        attributes: &mut BTreeMap<&'a str, Found<'a>>,
    ) -> Result<(), BakeError> {
        let Some((target, body)) = self.blocks("target").find(|(target, _)| *target == name) else {
            return Err(BakeError::Syntax(format!("it has no target {name}")));
        };
        if above.iter().any(|known| known == name) {
            return Err(BakeError::Syntax(format!("the target {name} inherits itself")));
        }
        above.push(name.to_owned());
        if let Some(block) = body.blocks().next() {
            let found = Found { target, key: block.identifier(), value: &Expression::Null };
            return Err(self.refused(&found, "which is a block, and dwf honours none"));
        }
        for attribute in body.attributes().filter(|attribute| attribute.key() == "inherits") {
            let found = Found { target, key: attribute.key(), value: attribute.expr() };
            let names = self.list(&found, &Variables::of(&self.body))?;
            names.iter().try_for_each(|name| self.inherit(name, above, attributes))?;
        }
        for attribute in body.attributes().filter(|attribute| attribute.key() != "inherits") {
            let found = Found { target, key: attribute.key(), value: attribute.expr() };
            if found.key == "args" && attributes.contains_key("args") {
                return Err(self.refused(&found, "which would be joined with what it inherits"));
            }
            attributes.insert(attribute.key(), found);
        }
        above.pop();
        Ok(())
    }

    /// The context and the Dockerfile, which a bake file names from there.
    fn paths(
        &self,
        attributes: &BTreeMap<&str, Found<'_>>,
        variables: &Variables,
    ) -> Result<(String, String), BakeError> {
        let path = |key: &str, default: &str| match attributes.get(key) {
            None => Ok(default.to_owned()),
            Some(found) => {
                let path = inside(&self.text(found, variables)?);
                path.ok_or_else(|| self.refused(found, "which is no path inside the project"))
            }
        };
        let context = path("context", ".")?;
        let dockerfile = path("dockerfile", "Dockerfile")?;
        let below = if context == "." { dockerfile } else { format!("{context}/{dockerfile}") };
        Ok((context, below))
    }

    fn text(&self, found: &Found<'_>, variables: &Variables) -> Result<String, BakeError> {
        variables.text(found.value).map_err(|problem| self.refused(found, &problem))
    }

    fn list(&self, found: &Found<'_>, variables: &Variables) -> Result<Vec<String>, BakeError> {
        let no_list = || self.refused(found, "which is no list of texts");
        match variables.value(found.value).map_err(|problem| self.refused(found, &problem))? {
            Value::Array(values) => values.into_iter().map(text).collect::<Option<_>>().ok_or_else(no_list),
            _ => Err(no_list()),
        }
    }

    fn args(&self, found: &Found<'_>, variables: &Variables) -> Result<BTreeMap<String, String>, BakeError> {
        let no_table = || self.refused(found, "which is no table of texts");
        let Value::Object(members) =
            variables.value(found.value).map_err(|problem| self.refused(found, &problem))?
        else {
            return Err(no_table());
        };
        let mut args = BTreeMap::new();
        for (name, value) in members {
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            match value {
                // The builder leaves it at the Dockerfile's default.
                Value::Null => {}
                value if is_name => drop(args.insert(name, text(value).ok_or_else(no_table)?)),
                _ => return Err(no_table()),
            }
        }
        Ok(args)
    }

    /// An output that names a place outside the engine would be written by whoever builds.
    fn check_output(&self, found: &Found<'_>, variables: &Variables) -> Result<(), BakeError> {
        for output in self.list(found, variables)? {
            let fields: Vec<(&str, &str)> =
                output.split(',').filter_map(|field| field.split_once('=')).collect();
            let is_kept = fields.iter().any(|(key, kind)| *key == "type" && KINDS.contains(kind));
            if !is_kept || fields.iter().any(|(key, _)| *key == "dest") || output.contains('"') {
                return Err(self.refused(found, "which writes outside the engine"));
            }
        }
        Ok(())
    }

    fn refused(&self, found: &Found<'_>, problem: &str) -> BakeError {
        BakeError::Refused {
            target: found.target.to_owned(),
            attribute: found.key.to_owned(),
            line: self.line(found),
            problem: problem.to_owned(),
        }
    }

    /// The line of an attribute, as far as it can be told from the text.
    fn line(&self, found: &Found<'_>) -> Option<usize> {
        let head = [format!("target \"{}\"", found.target), format!("target {} ", found.target)];
        let start =
            self.lines.iter().position(|line| head.iter().any(|head| line.trim_start().starts_with(head)))?;
        let is_it = |line: &String| {
            let line = line
                .split_once('{')
                .filter(|(before, _)| before.contains("target"))
                .map_or(line.as_str(), |pair| pair.1);
            let rest = line.trim_start().strip_prefix(found.key);
            rest.is_some_and(|rest| rest.trim_start().starts_with(['=', '{']))
        };
        self.lines.iter().skip(start).position(is_it).map(|at| start + at + 1)
    }
}

/// A path in its only spelling, if it is one below the root.
fn inside(path: &str) -> Option<String> {
    let is_local = !path.is_empty() && !path.starts_with(['/', '-']) && !path.contains([':', '\\']);
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if !is_local || parts.contains(&"..") || path.chars().any(char::is_control) {
        return None;
    }
    // A builder would take these for addresses.
    if path.starts_with("git@") || path.starts_with("github.com/") {
        return None;
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}
