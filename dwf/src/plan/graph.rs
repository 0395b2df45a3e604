//! The plan as a graph, in the languages that draw one.
//!
//! Invariant: a node's id follows from its action's name alone, and no name can leave its label.

use std::fmt::Write;

use super::model::{Action, Plan};
use crate::name::FullName;

/// A class of nodes: its name, its style, and who is in it.
type Class = (&'static str, &'static str, fn(&Action) -> bool);

/// For Graphviz: `needs` are solid, `after` is dashed; an arrow leads to what runs later.
pub fn dot(plan: &Plan) -> String {
    let mut text = "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for action in &plan.actions {
        let id = dot_id(&action.name);
        let styles: Vec<&str> =
            [(action.fetches, "rounded"), (action.writes, "bold"), (!action.requested, "dashed")]
                .into_iter()
                .filter_map(|(is, style)| is.then_some(style))
                .collect();
        let style = match styles.is_empty() {
            true => String::new(),
            false => format!(" style=\"{}\"", styles.join(",")),
        };
        let _ = writeln!(text, "  {id} [label=\"{}\"{style}];", dot_label(&caption(action)));
    }
    for (before, after, needed) in edges(plan) {
        let style = if needed { "" } else { " [style=dashed]" };
        let _ = writeln!(text, "  {} -> {}{style};", dot_id(before), dot_id(after));
    }
    text.push_str("}\n");
    text
}

/// For Mermaid: `needs` are solid, `after` is dotted; an arrow leads to what runs later.
pub fn mermaid(plan: &Plan) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for action in &plan.actions {
        let _ = writeln!(text, "  {}[\"{}\"]", mermaid_id(&action.name), mermaid_label(&caption(action)));
    }
    for (before, after, needed) in edges(plan) {
        let arrow = if needed { "-->" } else { "-.->" };
        let _ = writeln!(text, "  {} {arrow} {}", mermaid_id(before), mermaid_id(after));
    }
    let classes: [Class; 3] = [
        ("fetches", "stroke:#06c", |action| action.fetches),
        ("writes", "stroke-width:3px", |action| action.writes),
        ("needed", "stroke-dasharray:4", |action| !action.requested),
    ];
    for (class, style, is) in classes {
        let members: Vec<String> =
            plan.actions.iter().filter(|action| is(action)).map(|action| mermaid_id(&action.name)).collect();
        if !members.is_empty() {
            let _ = writeln!(text, "  classDef {class} {style}\n  class {} {class}", members.join(","));
        }
    }
    text
}

/// The name, and what is special about the action.
fn caption(action: &Action) -> String {
    let marks = [(action.fetches, "fetches"), (action.writes, "writes")];
    let marks: Vec<&str> = marks.into_iter().filter_map(|(is, mark)| is.then_some(mark)).collect();
    match marks.is_empty() {
        true => action.name.to_string(),
        false => format!("{} ({})", action.name, marks.join(", ")),
    }
}

/// What runs before what, and whether it is needed or only made before it is read.
fn edges(plan: &Plan) -> impl Iterator<Item = (&FullName, &FullName, bool)> {
    plan.actions.iter().flat_map(|action| {
        let needs = action.needs.iter().map(move |before| (before, &action.name, true));
        needs.chain(action.after.iter().map(move |before| (before, &action.name, false)))
    })
}

fn dot_id(name: &FullName) -> String {
    format!("\"{}\"", dot_quoted(&name.to_string()))
}

/// In a label a backslash begins an escape, and `&` an entity.
fn dot_label(text: &str) -> String {
    dot_quoted(text).replace('&', "&amp;")
}

/// Graphviz reads `\\` in quotes as one backslash of a label, and never as the end of the text.
fn dot_quoted(text: &str) -> String {
    crate::error::printable(text, usize::MAX).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Letters and digits stand for themselves; whatever else is a `_` and its bytes in hexadecimal, so that two names
/// never meet. The first letters keep it from being a word of the language.
fn mermaid_id(name: &FullName) -> String {
    let mut id = "a_".to_owned();
    for byte in name.to_string().bytes() {
        match byte.is_ascii_alphanumeric() {
            true => id.push(char::from(byte)),
            false => {
                let _ = write!(id, "_{byte:02x}");
            }
        }
    }
    id
}

/// Whatever could mean something to Mermaid, or to the page that shows it, is a character's number.
fn mermaid_label(text: &str) -> String {
    let mut label = String::new();
    for c in text.chars() {
        match c.is_alphanumeric() || " /:.-(),_".contains(c) {
            true => label.push(c),
            false => {
                let _ = write!(label, "#{};", u32::from(c));
            }
        }
    }
    label
}

#[cfg(test)]
mod tests;
