//! The meaning of commands.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::message::{Action, Resolution, method};
use devflow_protocol::name::CommandName;

use crate::conformance::check::Look::{At, Try};
use crate::conformance::check::{Check, Kit, PASSED, Verdict, skip};
use crate::conformance::fits::Form;
use crate::conformance::scenario::greeted;
use crate::plan::{Rule, check_resolution};

/// What the answers must have before the rules say anything.
const FITS: &[&str] = &["resolve/fits"];

/// Everything about `command/resolve`.
pub const CHECKS: &[Check] = &[
    Check {
        id: "resolve/every-command",
        title: "every command of the description gets an action, alternatives or a skip",
        anchor: "R7",
        after: &["describe/fits"],
        look: At(every_command),
    },
    Check {
        id: "resolve/fits",
        title: "each result has the form of Resolution",
        anchor: "R3",
        after: &["describe/fits"],
        look: At(fits),
    },
    Check {
        id: "resolve/steps",
        title: "each action has steps, each a program, and time to run",
        anchor: "A1",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Steps)),
    },
    Check {
        id: "resolve/when",
        title: "a condition names a program without a path",
        anchor: "R5",
        after: FITS,
        look: At(|kit| holds(kit, Rule::When)),
    },
    Check {
        id: "resolve/variables",
        title: "no action sets a variable that is not its to set",
        anchor: "D8",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Variable)),
    },
    Check {
        id: "resolve/globs",
        title: "every glob is one, and stays in the member",
        anchor: "T10",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Glob)),
    },
    Check {
        id: "resolve/caches",
        title: "placeholders, outputs and reports name caches of the description",
        anchor: "A15",
        after: FITS,
        look: At(|kit| holds(kit, Rule::CacheName)),
    },
    Check {
        id: "resolve/path",
        title: "folders in front of PATH start with a placeholder or /",
        anchor: "A6",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Path)),
    },
    Check {
        id: "resolve/outputs",
        title: "an output is a path, or in a cache",
        anchor: "A7",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Output)),
    },
    Check {
        id: "resolve/needs",
        title: "what an action needs is offered",
        anchor: "A10",
        after: FITS,
        look: At(|kit| holds(kit, Rule::Need)),
    },
    Check {
        id: "resolve/no-circle",
        title: "no action needs itself in the end",
        anchor: "A11",
        after: &["resolve/fits", "resolve/needs"],
        look: At(no_circle),
    },
    Check {
        id: "resolve/writes",
        title: "`writes` of a command is that of its action",
        anchor: "D5",
        after: FITS,
        look: At(writes),
    },
    Check {
        id: "resolve/doubles-dollars",
        title: "a `$` in the user's arguments is doubled",
        anchor: "T13",
        after: FITS,
        look: Try(|kit| Box::pin(doubles_dollars(kit))),
    },
];

fn every_command(kit: &Kit) -> Verdict {
    let description = kit.tour.description()?;
    for (name, [exchange, _]) in &kit.tour.resolutions {
        if exchange.answer.outcome.is_err() {
            return Err(exchange.fails(format!("{name} is offered, and gets an error")).into());
        }
    }
    match description.commands.len() {
        0 => skip("the description offers no command"),
        all if all > kit.tour.resolutions.len() => match &kit.tour.failure {
            Some(failure) => skip(format!("the conversation ended early: {}", failure.what)),
            None => Ok(vec![format!("only {} of {all} commands were tried", kit.tour.resolutions.len())]),
        },
        _ => PASSED,
    }
}

fn fits(kit: &Kit) -> Verdict {
    let form = Form::of(method::RESOLVE)?;
    let description = kit.tour.description()?;
    for (name, exchange, value) in kit.tour.resolved()? {
        let resolution = serde_json::from_value::<Resolution>(value.clone());
        let judged = resolution.is_ok_and(|resolution| check_resolution(&resolution, &description).is_err());
        let complaints = form.complaints(value, judged);
        if !complaints.is_empty() {
            return Err(exchange.fails(format!("{name}: {}", complaints.join("; "))).into());
        }
    }
    PASSED
}

fn holds(kit: &Kit, rule: Rule) -> Verdict {
    let description = kit.tour.description()?;
    for (name, exchange, resolution) in kit.tour.actions()? {
        match check_resolution(&resolution, &description) {
            Err(broken) if broken.rule == rule => {
                return Err(exchange.fails(format!("{name}: {}", broken.reason)).into());
            }
            _ => {}
        }
    }
    PASSED
}

/// The actions that a resolution may become.
fn actions(resolution: &Resolution) -> Vec<&Action> {
    match resolution {
        Resolution::Skip(_) => Vec::new(),
        Resolution::Action(action) => vec![action],
        Resolution::Alternatives(list) => list.iter().map(|alternative| &alternative.action).collect(),
    }
}

fn no_circle(kit: &Kit) -> Verdict {
    let all = kit.tour.actions()?;
    let mut needs: BTreeMap<&CommandName, BTreeSet<CommandName>> = BTreeMap::new();
    for (name, _, resolution) in &all {
        let own = actions(resolution).into_iter().flat_map(|action| action.needs.clone()).collect();
        needs.insert(name, own);
    }
    // What needs nothing is done; what is left when no more can be done goes in a circle.
    while let Some(done) =
        needs.iter().find(|(_, own)| own.iter().all(|need| !needs.contains_key(need))).map(|(name, _)| *name)
    {
        needs.remove(done);
    }
    match all.iter().find(|(name, ..)| needs.contains_key(name)) {
        Some((name, exchange, _)) => Err(exchange.fails(format!("{name} is in a circle of needs")).into()),
        None => PASSED,
    }
}

fn writes(kit: &Kit) -> Verdict {
    let description = kit.tour.description()?;
    for (name, exchange, resolution) in kit.tour.actions()? {
        let Some(command) = description.commands.iter().find(|command| command.name == *name) else {
            continue;
        };
        if actions(&resolution).iter().any(|action| action.writes != command.writes) {
            let what =
                format!("the description says {} for {name}, the action says otherwise", command.writes);
            return Err(exchange.fails(what).into());
        }
    }
    PASSED
}

async fn doubles_dollars(kit: &Kit) -> Verdict {
    let all = kit.tour.actions()?;
    let first = all.iter().find(|(.., resolution)| !matches!(resolution, Resolution::Skip(_)));
    let Some((name, ..)) = first else { return skip("every command is skipped") };
    let mut conversation = greeted(kit).await?;
    // Undoubled, the first is no placeholder, and the second is one.
    for arg in ["costs $5", "${home}"] {
        let exchange = conversation
            .ask(arg, method::RESOLVE, kit.subject.resolve(&kit.subject.root, name.as_str(), &[arg]))
            .await?;
        let Ok(value) = &exchange.answer.outcome else {
            return skip(format!("{name} takes no arguments"));
        };
        let resolution = match serde_json::from_value::<Resolution>(value.clone()) {
            Ok(resolution) => resolution,
            Err(error) => return Err(exchange.fails(error.to_string()).into()),
        };
        let steps = actions(&resolution).into_iter().flat_map(|action| &action.steps);
        if steps.flat_map(|step| &step.args).any(|template| template.as_str() == arg) {
            return Err(exchange.fails(format!("{arg:?} is in the action as it is")).into());
        }
    }
    PASSED
}
