//! The greeting: versions, name, what is required.

use devflow_protocol::code;
use devflow_protocol::message::method;
use serde_json::{Value, json};

use crate::conformance::check::Look::{At, Try};
use crate::conformance::check::{Check, Kit, PASSED, Verdict};
use crate::conformance::conversation::Exchange;
use crate::conformance::fits::Form;
use crate::conformance::scenario::start;

/// A version that nobody speaks.
const NEVER: u32 = 999;

/// Everything about `initialize`.
pub const CHECKS: &[Check] = &[
    Check {
        id: "initialize/accepts-1",
        title: "a host that speaks protocol 1 is answered with a result",
        anchor: "I1",
        after: &[],
        look: At(accepts_1),
    },
    Check {
        id: "initialize/fits",
        title: "the result has the form of InitializeResult",
        anchor: "I6",
        after: &["initialize/accepts-1"],
        look: At(fits),
    },
    Check {
        id: "initialize/name",
        title: "its name is that of its file",
        anchor: "I7",
        after: &["initialize/fits"],
        look: At(name),
    },
    Check {
        id: "initialize/requires-nothing-unknown",
        title: "`requires` has only what protocol 1 defines, which is nothing",
        anchor: "I6",
        after: &["initialize/fits"],
        look: At(requires_nothing_unknown),
    },
    Check {
        id: "initialize/picks-highest",
        title: "of [1], [1,999] and [999,1] it picks 1",
        anchor: "I1",
        after: &["initialize/fits"],
        look: Try(|kit| Box::pin(picks_highest(kit))),
    },
    Check {
        id: "initialize/refuses-unknown",
        title: "of [999] it picks nothing: error 1001 with `supported`",
        anchor: "I2",
        after: &[],
        look: Try(|kit| Box::pin(refuses_unknown(kit))),
    },
    Check {
        id: "initialize/looks-at-protocols-first",
        title: "error 1001 comes whatever form the rest of the request has",
        anchor: "I3",
        after: &["initialize/refuses-unknown"],
        look: Try(|kit| Box::pin(looks_at_protocols_first(kit))),
    },
];

fn accepts_1(kit: &Kit) -> Verdict {
    match &kit.tour.introduction {
        Some(exchange) if exchange.answer.outcome.is_err() => {
            Err(exchange.fails("it answers with an error").into())
        }
        _ => kit.tour.introduction().and(PASSED),
    }
}

fn fits(kit: &Kit) -> Verdict {
    let (exchange, value) = kit.tour.introduction()?;
    match Form::of(method::INITIALIZE)?.complaints(value, false) {
        complaints if complaints.is_empty() => PASSED,
        complaints => Err(exchange.fails(complaints.join("; ")).into()),
    }
}

fn name(kit: &Kit) -> Verdict {
    let (exchange, value) = kit.tour.introduction()?;
    let own = &value["extension"]["name"];
    match own == kit.subject.name.as_str() {
        true => PASSED,
        false => Err(exchange
            .fails(format!("its file says {:?}, it says {own}", kit.subject.name.as_str()))
            .into()),
    }
}

fn requires_nothing_unknown(kit: &Kit) -> Verdict {
    let (exchange, value) = kit.tour.introduction()?;
    match value["requires"].as_array() {
        Some(required) if !required.is_empty() => {
            Err(exchange.fails(format!("it requires {}", value["requires"])).into())
        }
        _ => PASSED,
    }
}

async fn picks_highest(kit: &Kit) -> Verdict {
    let (exchange, value) = kit.tour.introduction()?;
    is_1(exchange, value)?;
    kit.tour.whole()?;
    for protocols in [[1, NEVER], [NEVER, 1]] {
        let exchange = start(kit, &kit.subject.invocation())?.greet(&protocols, true).await?;
        match &exchange.answer.outcome {
            Ok(value) => is_1(&exchange, value)?,
            Err(_) => return Err(exchange.fails("it answers with an error").into()),
        };
    }
    PASSED
}

fn is_1(exchange: &Exchange, value: &Value) -> Verdict {
    match value["protocol"] == 1 {
        true => PASSED,
        false => Err(exchange.fails(format!("it picked protocol {}", value["protocol"])).into()),
    }
}

async fn refuses_unknown(kit: &Kit) -> Verdict {
    kit.tour.whole()?;
    let exchange = start(kit, &kit.subject.invocation())?.greet(&[NEVER], true).await?;
    refuses(&exchange)
}

async fn looks_at_protocols_first(kit: &Kit) -> Verdict {
    kit.tour.whole()?;
    let mut conversation = start(kit, &kit.subject.invocation())?;
    let params = json!({ "protocols": [NEVER], "host": "of another form", "features": { "log": 2 } });
    let exchange = conversation.ask("0", method::INITIALIZE, params).await?;
    refuses(&exchange)
}

fn refuses(exchange: &Exchange) -> Verdict {
    let Err(error) = &exchange.answer.outcome else {
        return Err(exchange.fails("it answers with a result").into());
    };
    if error["code"] != code::UNSUPPORTED_PROTOCOL {
        return Err(exchange.fails(format!("the error's code is {}, not 1001", error["code"])).into());
    }
    let supported = error["data"]["supported"].as_array();
    match supported.is_some_and(|list| list.contains(&json!(1)) && list.iter().all(Value::is_u64)) {
        true => PASSED,
        false => Err(exchange.fails("`data.supported` does not list the versions that it speaks").into()),
    }
}
