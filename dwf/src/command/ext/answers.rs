//! All that one extension says about this project, and how that differs between two of them.

use std::collections::BTreeMap;

use devflow_protocol::client::ClientError;
use devflow_protocol::message::{DescribeParams, ResolveParams};
use devflow_protocol::path::RelPath;
use serde::Serialize;
use similar::TextDiff;

use crate::command::Context;
use crate::command::ask::Ground;
use crate::discover::Found;
use crate::error::{Error, printable};
use crate::extension::{Extension, Problem};
use crate::query;

/// What was asked, and the answer as canonical JSON on several lines.
pub(super) type Answers = BTreeMap<String, String>;

/// Asks an extension about every member, and about every command that it offers there.
pub(super) async fn answers(
    context: &mut Context<'_>,
    ground: &Ground,
    found: &Found,
) -> Result<Answers, Error> {
    let with = ground.surroundings(context.world)?;
    let work = async {
        let launch = with.launcher.prepare(found).await?;
        let mut extension = Extension::start(launch, &with).await?;
        let mut answers = Answers::new();
        for member in &ground.project.members {
            if let Err((asked, problem)) = member_of(ground, &extension, &member.dir, &mut answers).await {
                return Err(Error::from(extension.fail(problem, Some(asked)).await));
            }
        }
        extension.end().await;
        Ok(answers)
    };
    context.signals.unless(work).await?
}

async fn member_of(
    ground: &Ground,
    extension: &Extension,
    dir: &RelPath,
    answers: &mut Answers,
) -> Result<(), (String, Problem)> {
    let project = query::folder(&ground.project, dir);
    let config = query::config(&ground.project, extension.name());
    let platform = query::platform(false);
    let params =
        DescribeParams { project: project.clone(), platform: platform.clone(), config: config.clone() };
    let asked = format!("describe {dir}");
    let described = extension.describe(params).await;
    let commands = match &described {
        Ok(described) if described.applies => described.commands.clone(),
        _ => Vec::new(),
    };
    answers.insert(asked.clone(), shown(described).map_err(|problem| (asked, problem))?);
    for command in commands {
        let params = ResolveParams {
            command: command.name.clone(),
            args: Vec::new(),
            project: project.clone(),
            platform: platform.clone(),
            config: config.clone(),
        };
        let asked = format!("resolve {} in {dir}", command.name);
        let answer = shown(extension.resolve(params).await).map_err(|problem| (asked.clone(), problem))?;
        answers.insert(asked, answer);
    }
    Ok(())
}

/// An answer as text; that it says what is wrong with the project is an answer, too.
fn shown(answer: Result<impl Serialize, Problem>) -> Result<String, Problem> {
    let value = match answer {
        Ok(answer) => serde_json::to_value(answer).unwrap_or_default(),
        Err(Problem::Client(ClientError::Answer { code, message, .. })) => {
            serde_json::json!({ "error": { "code": code, "message": message } })
        }
        Err(problem) => return Err(problem),
    };
    Ok(format!("{value:#}\n"))
}

/// How the answers differ, for a person.
pub(super) fn difference(old: &Answers, new: &Answers) -> String {
    let mut out = String::new();
    let asked: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for asked in asked {
        let (was, is) = (old.get(asked), new.get(asked));
        if was == is {
            continue;
        }
        let what = match (was, is) {
            (None, _) => "only now",
            (_, None) => "no longer",
            _ => "another answer",
        };
        out += &format!("\n{asked}: {what}\n");
        let text = |answer: Option<&String>| answer.cloned().unwrap_or_default();
        let (was, is) = (text(was), text(is));
        let diff = TextDiff::from_lines(&was, &is).unified_diff().context_radius(3).to_string();
        for line in diff.lines() {
            out += &format!("{}\n", printable(line, 400));
        }
    }
    if out.is_empty() { "the answers about this project are the same\n".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let answers = |pairs: &[(&str, &str)]| -> Answers {
            pairs
                .iter()
                .map(|(asked, answer)| ((*asked).to_owned(), format!("{{\n  {answer}\n}}\n")))
                .collect()
        };
        let old = answers(&[("describe .", "\"a\": 1"), ("resolve fmt:fix in .", "2"), ("same", "3")]);
        let new =
            answers(&[("describe .", "\"a\": \u{9b}2"), ("resolve test:unit in .", "2"), ("same", "3")]);
        assert_eq!(difference(&old, &old), "the answers about this project are the same\n");
        let text = difference(&old, &new);
        for part in [
            "describe .: another answer\n@@ -1,3 +1,3 @@\n {\n-  \"a\": 1\n+  \"a\": \\u{9b}2\n }\n",
            "\nresolve fmt:fix in .: no longer\n",
            "\nresolve test:unit in .: only now\n",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        assert!(!text.contains("same"), "{text}");
    }
}
