//! The description of a folder.

use devflow_protocol::message::{DescribeResult, method};

use crate::conformance::check::Look::{At, Try};
use crate::conformance::check::{Check, Kit, PASSED, Verdict, skip};
use crate::conformance::fits::Form;
use crate::conformance::scenario::greeted;
use crate::plan::{Rule, check_description};

/// What a description must have before the rules say anything.
const FITS: &[&str] = &["describe/fits"];

/// Everything about `project/describe`.
pub const CHECKS: &[Check] = &[
    Check {
        id: "describe/answers",
        title: "the project gets a description, not an error",
        anchor: "B4",
        after: &["initialize/accepts-1"],
        look: At(answers),
    },
    Check {
        id: "describe/fits",
        title: "the result has the form of DescribeResult",
        anchor: "D2",
        after: &["describe/answers"],
        look: At(fits),
    },
    Check {
        id: "describe/applies",
        title: "it applies to the project that was given",
        anchor: "D2",
        after: FITS,
        look: At(applies),
    },
    Check {
        id: "describe/declines",
        title: "it declines an empty folder, and says why",
        anchor: "B4",
        after: &["initialize/accepts-1"],
        look: Try(|kit| Box::pin(declines(kit))),
    },
    Check {
        id: "describe/names-once",
        title: "no command, cache or variable is there twice",
        anchor: "D3",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Once)),
    },
    Check {
        id: "describe/caches",
        title: "the members of each cache go together",
        anchor: "C10",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Cache)),
    },
    Check {
        id: "describe/variables",
        title: "it sets no variable that is not its to set",
        anchor: "D8",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Variable)),
    },
    Check {
        id: "describe/globs",
        title: "every glob is one, and stays in the member",
        anchor: "T10",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Glob)),
    },
    Check {
        id: "describe/placeholders",
        title: "placeholders name caches of the description",
        anchor: "T12",
        after: FITS,
        look: At(|kit| holds(kit, Rule::CacheName)),
    },
    Check {
        id: "describe/image-names",
        title: "images have tags, and there is one way from each source",
        anchor: "M2",
        after: FITS,
        look: At(|kit| holds(kit, Rule::ImageName)),
    },
    Check {
        id: "describe/image-places",
        title: "what is put into an image has a place of its own",
        anchor: "M11",
        after: FITS,
        look: At(|kit| holds(kit, Rule::ImagePlace)),
    },
    Check {
        id: "describe/image-commands",
        title: "the steps and probes of an image have programs",
        anchor: "M7",
        after: FITS,
        look: At(|kit| holds(kit, Rule::ImageCommand)),
    },
    Check {
        id: "describe/image-files",
        title: "the files that an image depends on are in `fingerprint`",
        anchor: "M12",
        after: FITS,
        look: At(|kit| holds(kit, Rule::ImageFile)),
    },
];

fn answers(kit: &Kit) -> Verdict {
    match kit.tour.descriptions.first() {
        Some(exchange) if exchange.answer.outcome.is_err() => {
            Err(exchange.fails("it answers with an error").into())
        }
        _ => kit.tour.described().and(PASSED),
    }
}

fn fits(kit: &Kit) -> Verdict {
    let (exchange, value) = kit.tour.described()?;
    let judged = kit.tour.description().is_ok_and(|description| check_description(&description).is_err());
    match Form::of(method::DESCRIBE)?.complaints(value, judged) {
        complaints if complaints.is_empty() => PASSED,
        complaints => Err(exchange.fails(complaints.join("; ")).into()),
    }
}

fn applies(kit: &Kit) -> Verdict {
    if !kit.subject.given {
        return skip("no project of its own was given with --project");
    }
    let (exchange, value) = kit.tour.described()?;
    match value["applies"] == true {
        true => PASSED,
        false => Err(exchange.fails("it declines").into()),
    }
}

async fn declines(kit: &Kit) -> Verdict {
    let mut conversation = greeted(kit).await?;
    let params = kit.subject.describe(&kit.subject.empty);
    let exchange = conversation.ask("1", method::DESCRIBE, params).await?;
    let Ok(value) = &exchange.answer.outcome else {
        return Err(exchange.fails("it answers with an error").into());
    };
    match serde_json::from_value::<DescribeResult>(value.clone()) {
        Err(error) => Err(exchange.fails(error.to_string()).into()),
        Ok(result) if result.applies => {
            Ok(vec!["it applies to an empty folder, and so to every folder it is asked about".to_owned()])
        }
        Ok(result) if result.because.iter().all(|reason| reason.trim().is_empty()) => {
            Err(exchange.fails("it declines, and `because` does not say why").into())
        }
        Ok(_) => PASSED,
    }
}

fn holds(kit: &Kit, rule: Rule) -> Verdict {
    let (exchange, _) = kit.tour.described()?;
    match check_description(&kit.tour.description()?) {
        Err(broken) if broken.rule == rule => Err(exchange.fails(broken.reason).into()),
        _ => PASSED,
    }
}
