//! Answers depend on the request and the project's files, and on nothing else.

use std::time::Duration;

use devflow_protocol::message::method;
use serde_json::Value;

use crate::conformance::apart::Cut;
use crate::conformance::check::Look::{At, Try};
use crate::conformance::check::{Check, Kit, PASSED, Verdict, skip};
use crate::conformance::conversation::{Exchange, Failure};
use crate::conformance::fits;
use crate::conformance::scenario::{Order, again, again_in, replica, same};
use crate::process;

/// What the comparisons stand on.
const REPEATS: &[&str] = &["pure/repeats"];
/// How long the machine may take to say whether it permits a cut.
const PROBE: Duration = Duration::from_secs(5);

/// Everything about what answers depend on and hold.
pub const CHECKS: &[Check] = &[
    Check {
        id: "answers/known-members",
        title: "no answer has a member that nobody defined",
        anchor: "W14",
        after: &[],
        look: At(known_members),
    },
    Check {
        id: "answers/no-places",
        title: "no answer holds a path of this machine",
        anchor: "D1",
        after: &[],
        look: At(no_places),
    },
    Check {
        id: "pure/repeats",
        title: "the same request gets the same answer",
        anchor: "B2",
        after: &[],
        look: At(repeats),
    },
    Check {
        id: "pure/order",
        title: "earlier requests change no answer",
        anchor: "I5",
        after: REPEATS,
        look: Try(|kit| Box::pin(async { again(kit, &kit.subject.invocation(), Order::Reverse).await })),
    },
    Check {
        id: "pure/directory",
        title: "the working directory changes no answer",
        anchor: "S3",
        after: REPEATS,
        look: Try(|kit| {
            Box::pin(async { again(kit, &kit.subject.invocation().cwd("/"), Order::Tour).await })
        }),
    },
    Check {
        id: "pure/environment",
        title: "language, time zone and other variables change no answer",
        anchor: "B2",
        after: REPEATS,
        look: Try(|kit| Box::pin(environment(kit))),
    },
    Check {
        id: "pure/reads",
        title: "answers depend on no file that `reads` does not name",
        anchor: "D7",
        after: &["describe/fits", "answers/no-places", "pure/repeats"],
        look: Try(|kit| Box::pin(reads(kit))),
    },
    Check {
        id: "pure/writes-nothing",
        title: "no file of the project is changed",
        anchor: "B1",
        after: &[],
        look: At(writes_nothing),
    },
    Check {
        id: "pure/read-only",
        title: "a project that cannot be written changes no answer",
        anchor: "B1",
        after: REPEATS,
        look: Try(|kit| Box::pin(cut(kit, Cut::ReadOnly))),
    },
    Check {
        id: "pure/offline",
        title: "a machine without network changes no answer",
        anchor: "B1",
        after: REPEATS,
        look: Try(|kit| Box::pin(cut(kit, Cut::Offline))),
    },
];

fn known_members(kit: &Kit) -> Verdict {
    kit.tour.introduction()?;
    let mut warnings = Vec::new();
    let mut look = |method: &str, exchange: &Exchange| {
        let Ok(value) = &exchange.answer.outcome else { return };
        let envelope = exchange.answer.unknown.iter().map(|name| format!("`{name}` beside `result`"));
        let inside = fits::unknown(method, value).into_iter().map(|path| format!("`{path}` in {method}"));
        warnings.extend(envelope.chain(inside));
    };
    kit.tour.introduction.iter().for_each(|exchange| look(method::INITIALIZE, exchange));
    kit.tour.descriptions.iter().take(1).for_each(|exchange| look(method::DESCRIBE, exchange));
    kit.tour.resolutions.iter().for_each(|(_, [exchange, _])| look(method::RESOLVE, exchange));
    warnings.dedup();
    Ok(warnings)
}

/// Images are other machines, and their paths may look like this one's.
fn no_places(kit: &Kit) -> Verdict {
    kit.tour.introduction()?;
    let subject = &kit.subject;
    let home = subject.env.get("HOME").map(String::as_str).filter(|home| home.len() > "/root".len());
    let root = subject.root.to_str().filter(|root| root.len() > 1);
    for exchange in kit.tour.exchanges() {
        let mut value = match &exchange.answer.outcome {
            Ok(value) | Err(value) => value.clone(),
        };
        if let Value::Object(members) = &mut value {
            members.remove("image");
        }
        if let Some(text) = texts(&value).iter().find(|text| root.is_some_and(|root| text.contains(root))) {
            return Err(exchange.fails(format!("{text:?} holds the project's root")).into());
        }
        if let Some(text) = texts(&value).iter().find(|text| home.is_some_and(|home| text.contains(home))) {
            return Err(exchange.fails(format!("{text:?} holds the user's home")).into());
        }
    }
    PASSED
}

/// Every text of a value, names of members included.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| std::iter::once(name.as_str()).chain(texts(value)))
            .collect(),
        _ => Vec::new(),
    }
}

fn repeats(kit: &Kit) -> Verdict {
    kit.tour.whole()?;
    if let [first, second] = kit.tour.descriptions.as_slice() {
        same(first, second)?;
    }
    for (_, [first, second]) in &kit.tour.resolutions {
        same(first, second)?;
    }
    PASSED
}

async fn environment(kit: &Kit) -> Verdict {
    // Not HOME nor PATH: interpreters are found there.
    let mut how = kit.subject.invocation();
    for (name, value) in [
        ("TZ", "UTC-14"),
        ("LANG", "C"),
        ("LC_ALL", "C"),
        ("USER", "somebody"),
        ("LOGNAME", "somebody"),
        ("TMPDIR", "/nonexistent"),
        ("XDG_CONFIG_HOME", "/nonexistent"),
        ("XDG_CACHE_HOME", "/nonexistent"),
        ("CONFORMANCE", "1"),
    ] {
        how = how.env(name, value);
    }
    again(kit, &how, Order::Tour).await
}

async fn reads(kit: &Kit) -> Verdict {
    let description = kit.tour.description()?;
    let folder = tempfile::Builder::new().prefix("dwf-check-").tempdir();
    let Ok(folder) = folder else { return skip("no folder for a copy could be made") };
    if let Err(error) = replica::make(&kit.subject.root, folder.path(), &description.reads) {
        return skip(format!("the files could not be copied: {error}"));
    }
    again_in(kit, folder.path(), &kit.subject.invocation(), Order::Tour).await
}

fn writes_nothing(kit: &Kit) -> Verdict {
    match &kit.tour.changed {
        Some(Ok(changed)) if changed.is_empty() => kit.tour.whole().and(PASSED),
        Some(Ok(changed)) => {
            let what = format!("while it was asked, these changed: {}", changed.join(", "));
            Err(Failure::new(what).into())
        }
        Some(Err(reason)) => skip(reason),
        None => skip("the project was not compared"),
    }
}

async fn cut(kit: &Kit, cut: Cut) -> Verdict {
    kit.tour.whole()?;
    let (dwf, root) = (&kit.subject.dwf, &kit.subject.root);
    let probe = process::capture(&cut.invocation(dwf, root), &kit.subject.env, PROBE, 4 << 10).await;
    match probe {
        Ok(said) if said.status.success() => {}
        Ok(said) => return skip(said.stderr.trim().replace("error: ", "").replace('\n', " ")),
        Err(error) => return skip(format!("this machine does not permit it: {error}")),
    }
    again(kit, &cut.around(dwf, root, &kit.subject.invocation()), Order::Tour).await
}
