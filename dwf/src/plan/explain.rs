//! Every part of an action with whoever set it, and why the action is in the plan.
//!
//! Invariant: what is told is what the merge took down; a part of which it took down nobody is shown as such.

mod json;
mod row;
mod text;

#[cfg(test)]
mod tests;

use super::error::PlanError;
use super::model::{Action, Plan, Used};
use super::origin::{Origin, Origins, Part};
use super::select::Catalog;
use crate::config::Source;
use crate::name::FullName;
use row::{Row, rows};

/// All that is known about the actions that were asked for.
#[derive(Debug)]
pub struct Explanation<'a> {
    plan: &'a Plan,
    source: Option<&'a Source>,
    asked: Vec<About<'a>>,
    others: Vec<Other<'a>>,
}

/// An action that was asked for.
#[derive(Debug)]
struct About<'a> {
    action: &'a Action,
    targets: Vec<(String, Origin)>,
    needed_by: Vec<Reason<'a>>,
    rows: Vec<Row>,
}

/// An action that nobody asked for.
#[derive(Debug)]
struct Other<'a> {
    name: &'a FullName,
    needed_by: Vec<Reason<'a>>,
}

/// An action that needs another one, and who says that it does.
type Reason<'a> = (&'a FullName, &'a [Origin]);

/// Explains the actions of a plan that were asked for.
pub fn explain<'a>(
    plan: &'a Plan,
    origins: &'a Origins,
    catalog: &Catalog<'a>,
) -> Result<Explanation<'a>, PlanError> {
    let needed_by = |name: &'a FullName| -> Vec<Reason<'a>> {
        let needing = plan.actions.iter().filter(|other| other.needs.contains(name));
        needing.map(|other| (&other.name, origins.of(&other.name, Part::Need(name.clone())))).collect()
    };
    let (asked, others): (Vec<&Action>, Vec<&Action>) =
        plan.actions.iter().partition(|action| action.requested);
    let about = |action: &'a Action| {
        Ok(About {
            action,
            targets: catalog.targets_of(&action.name)?,
            needed_by: needed_by(&action.name),
            rows: rows(plan, action, origins),
        })
    };
    Ok(Explanation {
        plan,
        source: catalog.source(),
        asked: asked.into_iter().map(about).collect::<Result<_, PlanError>>()?,
        others: others
            .into_iter()
            .map(|action| Other { name: &action.name, needed_by: needed_by(&action.name) })
            .collect(),
    })
}

impl Explanation<'_> {
    /// The file and line of a place in devflow.toml.
    fn place(&self, at: usize) -> (String, usize) {
        match self.source {
            Some(source) => (source.path.display().to_string(), source.line(at)),
            None => (crate::config::FILE.to_owned(), 1),
        }
    }

    fn extension(&self, origin: &Origin) -> Option<&Used> {
        match origin {
            Origin::Extension(name) => self.plan.extensions.iter().find(|used| used.name == *name),
            _ => None,
        }
    }
}
