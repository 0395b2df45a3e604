//! An explanation as data.

use serde_json::{Value, json};

use super::row::Row;
use super::{About, Explanation, Reason};
use crate::plan::origin::Origin;

impl Explanation<'_> {
    /// The form that `dwf explain --json` prints; it only grows.
    pub fn to_json(&self) -> Value {
        let others = self.others.iter();
        let others: Vec<Value> = others
            .map(|other| json!({ "name": other.name, "needed_by": self.reasons(&other.needed_by) }))
            .collect();
        json!({
            "digest": self.plan.digest(),
            "extensions": self.plan.extensions,
            "actions": self.asked.iter().map(|about| self.action(about)).collect::<Vec<_>>(),
            "skips": self.plan.skips,
            "others": others,
        })
    }

    fn action(&self, about: &About<'_>) -> Value {
        let target = |(name, by): &(String, Origin)| json!({ "name": name, "by": self.origin(by) });
        json!({
            "name": about.action.name,
            "targets": about.targets.iter().map(target).collect::<Vec<_>>(),
            "needed_by": self.reasons(&about.needed_by),
            "parts": about.rows.iter().map(|row| self.part(row)).collect::<Vec<_>>(),
        })
    }

    fn reasons(&self, reasons: &[Reason<'_>]) -> Vec<Value> {
        reasons.iter().map(|(name, by)| json!({ "name": name, "by": self.origins(by) })).collect()
    }

    fn part(&self, row: &Row) -> Value {
        let mut part = json!({ "field": row.field, "value": row.value, "by": self.origins(&row.by) });
        if let Some(entry) = &row.entry {
            part["entry"] = entry.as_str().into();
        }
        if let Some(choice) = row.choice {
            part["choice"] = choice.into();
        }
        part
    }

    fn origins(&self, by: &[Origin]) -> Vec<Value> {
        by.iter().map(|origin| self.origin(origin)).collect()
    }

    fn origin(&self, origin: &Origin) -> Value {
        match origin {
            Origin::Extension(name) => {
                let used = self.extension(origin);
                json!({
                    "kind": "extension",
                    "name": name,
                    "version": used.map(|used| &used.version),
                    "pinned": used.and_then(|used| used.pinned.as_ref()),
                })
            }
            Origin::Config(span) => {
                let (file, line) = self.place(span.start);
                json!({ "kind": "config", "file": file, "line": line })
            }
            Origin::CommandLine => json!({ "kind": "command-line" }),
            Origin::Order => json!({ "kind": "order" }),
            Origin::Default => json!({ "kind": "default" }),
        }
    }
}
