//! The parts of an action, one a row.

use devflow_oci::Invocation;
use devflow_protocol::message::Step;
use devflow_protocol::template::Template;
use serde::Serialize;
use serde_json::Value;

use crate::plan::model::{Action, Choice, Plan, Stack};
use crate::plan::origin::{Origin, Origins, Part};

/// One part.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    /// What it is, with the name of an entry after a blank.
    pub(super) field: &'static str,
    /// Which entry of the field, where entries have names.
    pub(super) entry: Option<String>,
    /// The choice it is of, where an action has choices.
    pub(super) choice: Option<usize>,
    /// What it is set to.
    pub(super) value: Value,
    /// The same, for a person.
    pub(super) shown: String,
    /// Who set it.
    pub(super) by: Vec<Origin>,
}

impl Row {
    fn new(field: &'static str, value: impl Serialize, by: &[Origin]) -> Self {
        let value = serde_json::to_value(value).unwrap_or_default();
        let shown = shown(&value);
        Self { field, entry: None, choice: None, value, shown, by: by.to_vec() }
    }

    fn entry(self, entry: impl Into<String>) -> Self {
        Self { entry: Some(entry.into()), ..self }
    }

    fn shown(self, shown: impl Into<String>) -> Self {
        Self { shown: shown.into(), ..self }
    }

    fn choice(self, choice: usize) -> Self {
        Self { choice: Some(choice), ..self }
    }
}

/// What a value is in words.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "nothing".to_owned(),
        other => other.to_string(),
    }
}

/// Every part of an action, and of the stack that it belongs to.
pub(super) fn rows(plan: &Plan, action: &Action, origins: &Origins) -> Vec<Row> {
    let of = |part: Part| origins.of(&action.name, part);
    let mut rows = Vec::new();
    for (at, choice) in action.choices.iter().enumerate() {
        rows.extend(choice_rows(at, choice, &of).into_iter().map(|row| row.choice(at)));
    }
    let named = |field, list: &[_], part: fn(_) -> Part| {
        let row = |name: &crate::name::FullName| Row::new(field, name, of(part(name.clone())));
        list.iter().map(row).collect::<Vec<_>>()
    };
    rows.extend(named("needs", &action.needs, Part::Need));
    rows.extend(named("after", &action.after, Part::After));
    rows.extend(action.locks.iter().map(|lock| Row::new("locks", lock, of(Part::Lock(lock.clone())))));
    let inputs = Row::new("inputs", &action.inputs, of(Part::Inputs));
    rows.extend([
        Row::new("fetches", action.fetches, of(Part::Fetches)),
        Row::new("writes", action.writes, of(Part::Writes)),
        Row::new("timeout_s", action.timeout_s, of(Part::Timeout)).shown(format!("{} s", action.timeout_s)),
        match action.inputs {
            Some(_) => inputs,
            None => inputs.shown("every file of the member"),
        },
        Row::new("outputs", &action.outputs, of(Part::Outputs)),
        Row::new("reports", &action.reports, of(Part::Reports)),
    ]);
    if let Some(stack) = plan.stack_of(&action.name) {
        rows.extend(stack_rows(stack, origins));
    }
    rows
}

fn choice_rows<'a>(at: usize, choice: &Choice, of: &impl Fn(Part) -> &'a [Origin]) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(when) = &choice.when {
        rows.push(Row::new("when", when, of(Part::When(at))).shown(format!("{when} is there")));
    }
    for (number, step) in choice.steps.iter().enumerate() {
        rows.push(Row::new("steps", step, of(Part::Step(at, number))).shown(line(step)));
    }
    rows.push(Row::new("cwd", &choice.cwd, of(Part::Cwd(at))));
    for (name, value) in &choice.env {
        let row = Row::new("env", value, of(Part::Env(at, name.clone()))).entry(name.as_str());
        rows.push(match value {
            Some(_) => row,
            None => row.shown("taken away"),
        });
    }
    rows.push(Row::new("path", &choice.path, of(Part::Path(at))).shown(list(&choice.path)));
    rows
}

fn stack_rows(stack: &Stack, origins: &Origins) -> Vec<Row> {
    let by: Vec<Origin> = origins.of_stack(&stack.member, &stack.stack).cloned().into_iter().collect();
    let mut rows: Vec<Row> = Vec::new();
    let env = stack.env.iter();
    rows.extend(env.map(|(name, value)| Row::new("stack.env", value, &by).entry(name.as_str())));
    let caches = stack.caches.iter();
    rows.extend(caches.map(|cache| Row::new("stack.caches", cache, &by).entry(cache.name.as_str())));
    rows.extend(stack.wants_env.iter().map(|name| Row::new("stack.wants_env", name, &by)));
    let tools = stack.tools.iter();
    rows.extend(tools.map(|tool| {
        let wants = tool.wants.as_deref().unwrap_or("any version");
        Row::new("stack.tools", tool, &by).entry(tool.program.as_str()).shown(wants)
    }));
    rows
}

fn line(step: &Step) -> String {
    let args = step.args.iter().map(Template::as_str);
    Invocation::new(step.program.as_str()).args(args).to_string()
}

fn list(folders: &[Template]) -> String {
    match folders {
        [] => "nothing".to_owned(),
        some => some.iter().map(Template::as_str).collect::<Vec<_>>().join(":"),
    }
}
