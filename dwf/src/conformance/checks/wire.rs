//! The wire: lines, ids, and when there is an answer.

use devflow_protocol::code;
use devflow_protocol::limits::IN_FLIGHT;
use devflow_protocol::message::method;
use serde_json::{Value, json};

use crate::conformance::check::Look::{Breach as Meets, Try};
use crate::conformance::check::{Check, Kit, PASSED, Verdict};
use crate::conformance::conversation::{Next, request};
use crate::conformance::message::Breach;
use crate::conformance::scenario::{greeted, same_description, start};

/// What the tour must not meet, then what has a conversation of its own.
pub const CHECKS: &[Check] = &[
    Check {
        id: "wire/first-byte",
        title: "the first byte on standard output is JSON's",
        anchor: "S2",
        after: &[],
        look: Meets(Breach::FirstByte),
    },
    Check {
        id: "wire/lines",
        title: "each message is one JSON object on one line, in UTF-8",
        anchor: "W1",
        after: &[],
        look: Meets(Breach::Lines),
    },
    Check {
        id: "wire/strict-json",
        title: "JSON is strict: no name twice, no odd number, no half character",
        anchor: "W20",
        after: &[],
        look: Meets(Breach::Strict),
    },
    Check {
        id: "wire/envelope",
        title: "an answer has `jsonrpc`, and either `result` or `error`",
        anchor: "W7",
        after: &[],
        look: Meets(Breach::Envelope),
    },
    Check {
        id: "wire/echoes-ids",
        title: "an answer has the id of its request, whatever text that is",
        anchor: "W8",
        after: &[],
        look: Meets(Breach::Ids),
    },
    Check {
        id: "wire/answers-once",
        title: "a request is answered once",
        anchor: "W6",
        after: &[],
        look: Meets(Breach::Once),
    },
    Check {
        id: "wire/only-answers",
        title: "it sends answers and `log`, nothing else",
        anchor: "W10",
        after: &[],
        look: Meets(Breach::OnlyAnswers),
    },
    Check {
        id: "wire/log-form",
        title: "a `log` has a level and a message",
        anchor: "L1",
        after: &[],
        look: Meets(Breach::LogForm),
    },
    Check {
        id: "wire/limits",
        title: "lines, messages and their sum stay within the limits",
        anchor: "N1",
        after: &[],
        look: Meets(Breach::Limits),
    },
    Check {
        id: "wire/flushes",
        title: "an answer does not wait for the end of input",
        anchor: "W4",
        after: &[],
        look: Meets(Breach::Unflushed),
    },
    Check {
        id: "wire/answers",
        title: "every request is answered, in time",
        anchor: "W6",
        after: &[],
        look: Meets(Breach::Silent),
    },
    Check {
        id: "wire/error-form",
        title: "an error has a code that is known, a message, and an object for data",
        anchor: "E1",
        after: &[],
        look: Meets(Breach::ErrorForm),
    },
    Check {
        id: "wire/log-invited",
        title: "`log` is sent only to a host that offers it",
        anchor: "W11",
        after: &[],
        look: Try(|kit| Box::pin(log_invited(kit))),
    },
    Check {
        id: "wire/ignores-members",
        title: "members that it does not know change nothing",
        anchor: "W14",
        after: &[],
        look: Try(|kit| Box::pin(ignores_members(kit))),
    },
    Check {
        id: "wire/ignores-notifications",
        title: "a notification that it does not know is not answered",
        anchor: "W13",
        after: &[],
        look: Try(|kit| Box::pin(ignores_notifications(kit))),
    },
    Check {
        id: "wire/ignores-blank-lines",
        title: "blank lines and `\\r` before the line's end are ignored",
        anchor: "W3",
        after: &[],
        look: Try(|kit| Box::pin(ignores_blank_lines(kit))),
    },
    Check {
        id: "wire/survives-garbage",
        title: "a line that is not JSON gets -32700, or ends it; it never hangs",
        anchor: "W17",
        after: &[],
        look: Try(|kit| Box::pin(survives_garbage(kit))),
    },
    Check {
        id: "wire/refuses-batches",
        title: "a batch gets -32600, or ends it; it is not answered",
        anchor: "W18",
        after: &[],
        look: Try(|kit| Box::pin(refuses_batches(kit))),
    },
    Check {
        id: "wire/pipelines",
        title: "16 requests at once are all answered",
        anchor: "W9",
        after: &[],
        look: Try(|kit| Box::pin(pipelines(kit))),
    },
];

async fn log_invited(kit: &Kit) -> Verdict {
    kit.tour.whole()?;
    let mut conversation = start(kit, &kit.subject.invocation())?;
    conversation.greet(&[1], false).await?;
    same_description(kit, &mut conversation, "1").await?;
    for (at, (command, _)) in kit.tour.resolutions.iter().enumerate() {
        let params = kit.subject.resolve(&kit.subject.root, command.as_str(), &[]);
        conversation.ask(&format!("r{at}"), method::RESOLVE, params).await?;
    }
    PASSED
}

async fn ignores_members(kit: &Kit) -> Verdict {
    let mut conversation = greeted(kit).await?;
    let mut params = kit.subject.describe(&kit.subject.root);
    let later = json!({ "later": [1, null] });
    for place in ["", "/project", "/platform"] {
        if let Some(Value::Object(members)) = params.pointer_mut(place) {
            members.insert("x-check".to_owned(), later.clone());
        }
    }
    let line = json!({ "jsonrpc": "2.0", "id": "1", "method": method::DESCRIBE, "params": params, "x-check": later });
    conversation.send(&line.to_string()).await?;
    let deadline = conversation.deadline(method::DESCRIBE);
    let (answer, _) = conversation.answer("1", deadline).await?;
    match kit.tour.steady() {
        Some(first) if first.answer.outcome != answer.outcome => {
            Err(conversation.fails("the answer is not what it was without these members").into())
        }
        _ => PASSED,
    }
}

async fn ignores_notifications(kit: &Kit) -> Verdict {
    let mut conversation = greeted(kit).await?;
    for notification in [
        json!({ "jsonrpc": "2.0", "method": "$/x", "params": { "a": 1 } }),
        json!({ "jsonrpc": "2.0", "method": "later/than-this" }),
    ] {
        conversation.send(&notification.to_string()).await?;
    }
    same_description(kit, &mut conversation, "1").await?;
    PASSED
}

async fn ignores_blank_lines(kit: &Kit) -> Verdict {
    let mut conversation = greeted(kit).await?;
    conversation.send("").await?;
    conversation.send("\r").await?;
    let params = kit.subject.describe(&kit.subject.root);
    conversation.send(&(request("1", method::DESCRIBE, params) + "\r")).await?;
    let deadline = conversation.deadline(method::DESCRIBE);
    conversation.answer("1", deadline).await?;
    PASSED
}

async fn survives_garbage(kit: &Kit) -> Verdict {
    refused(kit, "GET / HTTP/1.1 {\"", code::PARSE_ERROR).await
}

async fn refuses_batches(kit: &Kit) -> Verdict {
    let params = kit.subject.describe(&kit.subject.root);
    let batch = format!("[{}]", request("1", method::DESCRIBE, params));
    refused(kit, &batch, code::INVALID_REQUEST).await
}

/// A line that is no request must get this error, for nobody's id, or end the extension as failed.
async fn refused(kit: &Kit, line: &str, code: i32) -> Verdict {
    let mut conversation = greeted(kit).await?;
    conversation.send(line).await?;
    let deadline = conversation.deadline(method::DESCRIBE);
    match conversation.next(deadline).await? {
        Next::End(Some(status)) if status.success() => {
            Err(conversation.fails("it ends with status 0, as if all were well").into())
        }
        Next::End(Some(_)) => PASSED,
        Next::End(None) => Err(conversation.fails("it closes its output, and does not end").into()),
        Next::Answer(answer, _) => match (&answer.id, &answer.outcome) {
            (None, Err(error)) if error["code"] == code => PASSED,
            _ => {
                Err(conversation.fails(format!("the answer is not the error {code} with the id null")).into())
            }
        },
        Next::Silence => Err(conversation.fails("it neither answers nor ends").into()),
    }
}

async fn pipelines(kit: &Kit) -> Verdict {
    let mut conversation = greeted(kit).await?;
    let first = kit.tour.steady();
    let params = kit.subject.describe(&kit.subject.root);
    let mut open: Vec<String> = (0..IN_FLIGHT).map(|at| format!("p{at}")).collect();
    let lines: Vec<String> = open.iter().map(|id| request(id, method::DESCRIBE, params.clone())).collect();
    conversation.send(&lines.join("\n")).await?;
    while !open.is_empty() {
        let deadline = conversation.deadline(method::DESCRIBE);
        let (answer, _) = conversation.any_answer(deadline).await?;
        let Some(at) = open.iter().position(|id| answer.id.as_ref() == Some(id)) else {
            return Err(conversation.fails("the answer's id is of no request that is open").into());
        };
        open.remove(at);
        if first.is_some_and(|first| first.answer.outcome != answer.outcome) {
            return Err(conversation.fails("the answer is not what it was alone").into());
        }
    }
    PASSED
}
