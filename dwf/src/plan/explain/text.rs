//! An explanation as a person reads it: a row is the part, who set it, and what it is.

use std::fmt;

use super::row::Row;
use super::{About, Explanation, Reason};
use crate::error::printable;
use crate::plan::origin::Origin;

/// Characters that are shown of one value.
const WIDTH: usize = 2000;

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan  {}", self.plan.digest())?;
        for about in &self.asked {
            writeln!(f)?;
            self.write_action(f, about)?;
        }
        for skip in &self.plan.skips {
            let because = printable(&skip.because, 200);
            let by = skip.name.stack.clone().map_or(Origin::Default, Origin::Extension);
            writeln!(f, "\n{}\n  nothing to do: {because} ({})", skip.name, self.who(&by))?;
        }
        if !self.others.is_empty() {
            writeln!(f, "\nbesides in this plan:")?;
        }
        for other in &self.others {
            writeln!(f, "  {}  {}", other.name, self.needed_by(&other.needed_by))?;
        }
        if !self.plan.extensions.is_empty() {
            writeln!(f, "\nextensions:")?;
        }
        for used in &self.plan.extensions {
            let pinned =
                used.pinned.as_ref().map_or("not pinned".to_owned(), |pin| format!("pinned as {pin}"));
            writeln!(f, "  {} {}  {pinned}", used.name, printable(&used.version, 80))?;
        }
        Ok(())
    }
}

impl Explanation<'_> {
    fn write_action(&self, f: &mut fmt::Formatter<'_>, about: &About<'_>) -> fmt::Result {
        writeln!(f, "{}", about.action.name)?;
        writeln!(f, "  asked for on the command line")?;
        if !about.targets.is_empty() {
            let target =
                |(name, by): &(String, Origin)| format!("{} ({})", printable(name, 80), self.who(by));
            let targets: Vec<String> = about.targets.iter().map(target).collect();
            writeln!(f, "  in the targets {}", targets.join(", "))?;
        }
        if !about.needed_by.is_empty() {
            writeln!(f, "  {}", self.needed_by(&about.needed_by))?;
        }
        let cells: Vec<(String, String)> =
            about.rows.iter().map(|row| (label(row), self.all(&row.by))).collect();
        let width = |cell: fn(&(String, String)) -> &String| {
            cells.iter().map(|pair| cell(pair).chars().count()).max().unwrap_or(0)
        };
        let (left, middle) = (width(|pair| &pair.0), width(|pair| &pair.1));
        let several = about.action.choices.len() > 1;
        let mut choice = None;
        for (row, (label, who)) in about.rows.iter().zip(&cells) {
            if several && row.choice != choice {
                match row.choice {
                    Some(at) => writeln!(f, "  choice {} of {}", at + 1, about.action.choices.len())?,
                    None => writeln!(f, "  in every case")?,
                }
            }
            choice = row.choice;
            let indent = if several { "    " } else { "  " };
            writeln!(f, "{indent}{label:<left$}  {who:<middle$}  {}", printable(&row.shown, WIDTH))?;
        }
        Ok(())
    }

    fn needed_by(&self, reasons: &[Reason<'_>]) -> String {
        let reason = |(name, by): &Reason<'_>| format!("{name} ({})", self.all(by));
        match reasons {
            [] => "not needed by any other".to_owned(),
            some => format!("needed by {}", some.iter().map(reason).collect::<Vec<_>>().join(", ")),
        }
    }

    fn all(&self, by: &[Origin]) -> String {
        match by {
            [] => "unknown".to_owned(),
            some => some.iter().map(|origin| self.who(origin)).collect::<Vec<_>>().join(" + "),
        }
    }

    fn who(&self, origin: &Origin) -> String {
        match origin {
            Origin::Extension(name) => match self.extension(origin) {
                Some(used) => format!("extension {name} {}", printable(&used.version, 40)),
                None => format!("extension {name}"),
            },
            Origin::Config(span) => {
                let (file, line) = self.place(span.start);
                format!("{file}:{line}")
            }
            Origin::CommandLine => "command line".to_owned(),
            Origin::Order => "dwf: that one makes what this one reads".to_owned(),
            Origin::Default => "dwf's default".to_owned(),
        }
    }
}

/// What a row is about, as a person would say it.
fn label(row: &Row) -> String {
    let field = match row.field {
        "steps" => "step",
        "locks" => "lock",
        "timeout_s" => "timeout",
        "stack.env" => "env",
        "stack.caches" => "cache",
        "stack.wants_env" => "would like to see",
        "stack.tools" => "tool",
        other => other,
    };
    match &row.entry {
        Some(entry) => format!("{field} {}", printable(entry, 80)),
        None => field.to_owned(),
    }
}
