//! Errors where they are due.

use devflow_protocol::code;
use devflow_protocol::message::method;
use devflow_protocol::name::CommandName;
use serde_json::{Value, json};

use crate::conformance::check::Look::Try;
use crate::conformance::check::{Check, Kit, PASSED, Verdict};
use crate::conformance::scenario::{greeted, same_description};

/// A command that nobody offers.
const NO_COMMAND: &str = "conformance:no-such-command";

/// Everything about errors that a conversation of its own shows.
pub const CHECKS: &[Check] = &[
    Check {
        id: "errors/unknown-method",
        title: "an unknown method gets the error -32601, and the next request its answer",
        anchor: "W15",
        after: &[],
        look: Try(|kit| Box::pin(unknown_method(kit))),
    },
    Check {
        id: "errors/bad-parameters",
        title: "parameters that do not fit get the error -32602, and the next request its answer",
        anchor: "W16",
        after: &[],
        look: Try(|kit| Box::pin(bad_parameters(kit))),
    },
    Check {
        id: "errors/unknown-command",
        title: "a command that it does not offer gets the error 2001 with `known`",
        anchor: "R1",
        after: &["describe/fits"],
        look: Try(|kit| Box::pin(unknown_command(kit))),
    },
];

async fn unknown_method(kit: &Kit) -> Verdict {
    let mut conversation = greeted(kit).await?;
    let exchange = conversation.ask("1", "project/dance", json!({})).await?;
    match &exchange.answer.outcome {
        Err(error) if error["code"] == code::METHOD_NOT_FOUND => {}
        _ => return Err(exchange.fails("the answer is not the error -32601").into()),
    }
    same_description(kit, &mut conversation, "2").await?;
    PASSED
}

/// One that needs no project may answer as it always does.
async fn bad_parameters(kit: &Kit) -> Verdict {
    let mut conversation = greeted(kit).await?;
    let params = json!({ "platform": "none", "config": {} });
    let exchange = conversation.ask("1", method::DESCRIBE, params).await?;
    let always = kit.tour.descriptions.first().map(|first| &first.answer.outcome);
    match &exchange.answer.outcome {
        Err(error) if error["code"] == code::INVALID_PARAMS => {}
        answer if Some(answer) == always => {}
        _ => return Err(exchange.fails("the answer is not the error -32602").into()),
    }
    same_description(kit, &mut conversation, "2").await?;
    PASSED
}

async fn unknown_command(kit: &Kit) -> Verdict {
    kit.tour.description()?;
    let mut conversation = greeted(kit).await?;
    let params = kit.subject.resolve(&kit.subject.root, NO_COMMAND, &[]);
    let exchange = conversation.ask("1", method::RESOLVE, params).await?;
    let Err(error) = &exchange.answer.outcome else {
        return Err(exchange.fails("it answers with a result").into());
    };
    if error["code"] != code::UNKNOWN_COMMAND {
        return Err(exchange.fails(format!("the error's code is {}, not 2001", error["code"])).into());
    }
    let is_command = |name: &Value| name.as_str().is_some_and(|name| name.parse::<CommandName>().is_ok());
    match error["data"]["known"].as_array() {
        Some(known) if known.iter().all(is_command) => PASSED,
        _ => Err(exchange.fails("`data.known` is no list of commands").into()),
    }
}
