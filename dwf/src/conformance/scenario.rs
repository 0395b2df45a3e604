//! The conversations that several checks have.

pub mod changes;
pub mod replica;

use std::path::Path;

use devflow_oci::Invocation;
use devflow_protocol::message::method;
use serde_json::Value;

use super::check::{Kit, PASSED, Unmet, Verdict};
use super::conversation::{Conversation, Exchange, Failure, Said};

/// Starts the extension as `how` says.
pub fn start(kit: &Kit, how: &Invocation) -> Result<Conversation, Unmet> {
    Conversation::start(&kit.subject, &kit.limits, how)
        .map_err(|error| Unmet::Skipped(format!("it could not be started again: {error}")))
}

/// A conversation after the greeting, if the tour found nothing wrong.
pub async fn greeted(kit: &Kit) -> Result<Conversation, Unmet> {
    kit.tour.whole()?;
    let mut conversation = start(kit, &kit.subject.invocation())?;
    conversation.greet(&[1], true).await?;
    Ok(conversation)
}

/// Asks for the description, which must be that of the tour.
pub async fn same_description(kit: &Kit, conversation: &mut Conversation, id: &str) -> Result<(), Unmet> {
    let params = kit.subject.describe(&kit.subject.root);
    let exchange = conversation.ask(id, method::DESCRIBE, params).await?;
    match kit.tour.steady() {
        Some(first) => Ok(same(first, &exchange)?),
        None => Ok(()),
    }
}

/// Which questions come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As in the tour: the description, then the commands.
    Tour,
    /// The other way round.
    Reverse,
}

/// Asks everything again, of an extension started as `how` says; every answer must be that of the tour.
pub async fn again(kit: &Kit, how: &Invocation, order: Order) -> Verdict {
    again_in(kit, &kit.subject.root, how, order).await
}

/// The same, about another folder.
pub async fn again_in(kit: &Kit, root: &Path, how: &Invocation, order: Order) -> Verdict {
    kit.tour.whole()?;
    let mut questions = vec![(kit.subject.describe(root), method::DESCRIBE)];
    questions.truncate(kit.tour.descriptions.len());
    let mut known: Vec<&Exchange> = kit.tour.descriptions.first().into_iter().collect();
    for (command, [exchange, _]) in &kit.tour.resolutions {
        questions.push((kit.subject.resolve(root, command.as_str(), &[]), method::RESOLVE));
        known.push(exchange);
    }
    if order == Order::Reverse {
        questions.reverse();
        known.reverse();
    }
    let mut conversation = start(kit, how)?;
    conversation.greet(&[1], true).await?;
    for (at, ((params, method), known)) in questions.into_iter().zip(known).enumerate() {
        let exchange = conversation.ask(&at.to_string(), method, params).await?;
        same(known, &exchange)?;
    }
    PASSED
}

/// Two answers to one question must say the same.
pub fn same(first: &Exchange, second: &Exchange) -> Result<(), Failure> {
    if first.answer.outcome == second.answer.outcome {
        return Ok(());
    }
    let place = difference(&outcome(first), &outcome(second));
    let mut failure = second.fails(format!("the answer differs at `{place}` from the one it gave first"));
    failure.said.push(Said { sent: false, text: first.fails("").said.remove(1).text });
    Err(failure)
}

fn outcome(exchange: &Exchange) -> Value {
    match &exchange.answer.outcome {
        Ok(value) => serde_json::json!({ "result": value }),
        Err(value) => serde_json::json!({ "error": value }),
    }
}

/// The path to the first member in which two values differ.
fn difference(one: &Value, two: &Value) -> String {
    let step = |name: String, one: &Value, two: &Value| match difference(one, two) {
        rest if rest.is_empty() || rest.starts_with('[') => format!("{name}{rest}"),
        rest => format!("{name}.{rest}"),
    };
    match (one, two) {
        (Value::Object(one), Value::Object(two)) => {
            let names = one.keys().chain(two.keys());
            let mut differ = names.filter(|name| one.get(*name) != two.get(*name));
            let null = Value::Null;
            let name = differ.next().cloned().unwrap_or_default();
            let [one, two] = [one, two].map(|members| members.get(&name).unwrap_or(&null));
            step(name, one, two)
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            let at = one.iter().zip(two).position(|(one, two)| one != two).unwrap_or_default();
            step(format!("[{at}]"), &one[at], &two[at])
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_place_of_a_difference_is_a_path() {
        for (one, two, place) in [
            (json!({ "a": 1 }), json!({ "a": 2 }), "a"),
            (json!({ "a": [{ "b": 1 }] }), json!({ "a": [{ "b": 2 }] }), "a[0].b"),
            (json!({ "a": [[1]] }), json!({ "a": [[2]] }), "a[0][0]"),
            (json!({ "a": [1] }), json!({ "a": [1, 2] }), "a"),
            (json!({}), json!({ "b": 2 }), "b"),
        ] {
            assert_eq!(difference(&one, &two), place);
        }
    }
}
