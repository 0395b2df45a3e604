//! A command as data: what to start, with which arguments, environment and directory.
//!
//! Invariant: an [`Invocation`] shows everything that will be started except the values of hidden variables, and
//! showing it starts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::quote;

/// A command that something else may start.
#[derive(Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments, without the program itself.
    pub args: Vec<String>,
    /// On top of the environment that the spawner gives; `None` removes.
    pub env: BTreeMap<String, Option<String>>,
    /// Names in `env` whose values are shown nowhere. Each has its value from the host's variable of the same name, so
    /// that the line one pastes works without it.
    pub hidden: BTreeSet<String>,
    /// Where it runs; `None` is wherever the spawner is.
    pub cwd: Option<PathBuf>,
}

impl Invocation {
    /// A program without arguments.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let (args, env, hidden) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        Self { program: program.into(), args, env, hidden, cwd: None }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), Some(value.into()));
        self
    }

    /// Sets a variable whose value is shown nowhere.
    #[must_use]
    pub fn hidden_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.hidden.insert(name.clone());
        self.env(name, value)
    }

    /// Removes a variable.
    #[must_use]
    pub fn without_env(mut self, name: impl Into<String>) -> Self {
        self.env.insert(name.into(), None);
        self
    }

    /// Sets the directory.
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// The program and its arguments for an `sh -c` that no person reads: any `sh` understands it, and a newline in an
    /// argument is a newline in it.
    #[must_use]
    pub fn script(&self) -> String {
        let program = self.program.to_string_lossy();
        let words = std::iter::once(program.as_ref()).chain(self.args.iter().map(String::as_str));
        words.map(quote::posix).collect::<Vec<_>>().join(" ")
    }

    /// The environment with hidden values replaced.
    fn shown_env(&self) -> BTreeMap<&str, Option<&str>> {
        let shown = |(name, value): (&'_ String, &'_ Option<String>)| match value {
            Some(_) if self.hidden.contains(name) => Some("***"),
            _ => None,
        };
        self.env.iter().map(|pair| (pair.0.as_str(), shown(pair).or(pair.1.as_deref()))).collect()
    }
}

/// One line that can be pasted into a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cwd) = &self.cwd {
            // `cd` takes `-` and names it finds in CDPATH for something else.
            let cwd = cwd.to_string_lossy();
            let prefix = if cwd.starts_with(['/', '.']) { "" } else { "./" };
            write!(f, "cd {} && ", quote::word(&format!("{prefix}{cwd}")))?;
        }
        let shown = || self.env.iter().filter(|(name, _)| !self.hidden.contains(*name));
        if shown().next().is_some() {
            f.write_str("env ")?;
        }
        for (name, _) in shown().filter(|(_, value)| value.is_none()) {
            write!(f, "-u {} ", quote::word(name))?;
        }
        for (name, value) in shown() {
            if let Some(value) = value {
                write!(f, "{} ", quote::word(&format!("{name}={value}")))?;
            }
        }
        f.write_str(&quote::word(&self.program.to_string_lossy()))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quote::word(arg)))
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &self.shown_env())
            .field("cwd", &self.cwd)
            .finish()
    }
}

impl Serialize for Invocation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Invocation", 4)?;
        fields.serialize_field("program", &self.program.to_string_lossy())?;
        fields.serialize_field("args", &self.args)?;
        fields.serialize_field("env", &self.shown_env())?;
        fields.serialize_field("cwd", &self.cwd.as_ref().map(|cwd| cwd.to_string_lossy()))?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::Invocation;

    #[test]
    fn one_line_for_a_shell() {
        let plain = Invocation::new("/usr/bin/x").args(["--flag", "a b", ""]);
        assert_eq!(plain.to_string(), "/usr/bin/x --flag 'a b' ''");

        let full = plain.cwd("/w/my shop").env("K", "v w").env("A", "1").without_env("GONE");
        assert_eq!(full.to_string(), "cd '/w/my shop' && env -u GONE A=1 'K=v w' /usr/bin/x --flag 'a b' ''");
        assert_eq!(Invocation::new("x").cwd("-").to_string(), "cd ./- && x");
    }

    #[test]
    fn a_script_for_any_shell() {
        let odd = Invocation::new("a=b").args(["plain", "", "it's", "two\nlines", "$x"]);
        assert_eq!(odd.script(), "'a=b' plain '' 'it'\\''s' 'two\nlines' '$x'");
    }

    #[test]
    fn hidden_values_are_shown_nowhere() {
        let secret = Invocation::new("x").arg("--env=TOKEN").hidden_env("TOKEN", "s3cret");
        assert_eq!(secret.to_string(), "x --env=TOKEN");
        assert_eq!(secret.env["TOKEN"].as_deref(), Some("s3cret"));
        assert!(!format!("{secret:?}").contains("s3cret"));
        let json = serde_json::to_string(&secret).unwrap();
        assert_eq!(json, r#"{"program":"x","args":["--env=TOKEN"],"env":{"TOKEN":"***"},"cwd":null}"#);
    }
}
