//! The programs that stacks rely on, asked where actions run.
//!
//! Invariant: an image is asked in one container, without the project, without a network.

use std::collections::BTreeMap;
use std::time::Duration;

use devflow_oci::mount::TmpfsOptions;
use devflow_oci::{Container, Engine, EnvValue, Image, ImageName, Invocation, Mount, Network, user_args};
use futures_util::future::join_all;

use super::check::{Check, State};
use crate::cache;
use crate::command::ask::{Answered, Ground};
use crate::command::stage::{StageError, estate, owner_of, selinux_enforces};
use crate::config::Versions;
use crate::engine::{self, run};
use crate::error::{Error, printable};
use crate::estate::Estate;
use crate::lower::HOME;
use crate::owner;
use crate::reaper::Reaper;
use crate::session::{Target, remove_until_gone};
use crate::world::World;

/// For all programs of an image, or for one of the host.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program, the arguments that make it tell its version, and the versions that are wanted, by whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tool {
    program: String,
    args: Vec<String>,
    wants: Option<String>,
}

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// It is not there.
    Absent,
    /// It failed, with these words.
    Failed(String),
    /// It told its version, with these words.
    Said(String),
}

/// Every tool once, with the stacks that rely on it.
fn tools(answered: &Answered) -> BTreeMap<Tool, Vec<String>> {
    let mut tools: BTreeMap<Tool, Vec<String>> = BTreeMap::new();
    for described in &answered.asked.answers.described {
        for tool in &described.result.tools {
            let key =
                Tool { program: tool.program.clone(), args: tool.args.clone(), wants: tool.wants.clone() };
            let stacks = tools.entry(key).or_default();
            if !stacks.contains(&described.stack.to_string()) {
                stacks.push(described.stack.to_string());
            }
        }
    }
    tools
}

fn judged(tool: &Tool, stacks: &[String], answer: &Answer, place: &str) -> Check {
    let about = format!("tool {}", printable(&tool.program, 60));
    let for_whom = format!("{} needs it", stacks.join(", "));
    let wants = tool.wants.as_deref().map(|wants| printable(wants, 80));
    let wanted = wants.as_ref().map(|wants| format!(" {wants}")).unwrap_or_default();
    let bad = |text: String, fix: String| Check::new("tool", State::Bad, text).fix(fix);
    let program = printable(&tool.program, 60);
    let check = match answer {
        Answer::Absent => bad(format!("not {place}; {for_whom}"), format!("put {program}{wanted} {place}")),
        Answer::Failed(words) => {
            bad(format!("{place}, and does not work: {words}"), format!("try it: {}", line(tool)))
        }
        Answer::Said(words) => match (version(words), tool.wants.as_ref()) {
            (_, None) => Check::new("tool", State::Good, words.clone()),
            (Some(found), Some(range)) => match Versions::try_from(range.clone()) {
                Ok(range) if range.contains(found) => {
                    Check::new("tool", State::Good, format!("{words} (wanted: {range})"))
                }
                Ok(range) => bad(
                    format!("{words}, and {range} is wanted; {for_whom}"),
                    format!("put {program} {range} {place}"),
                ),
                Err(message) => Check::new("tool", State::Poor, format!("{words}; {message}")),
            },
            (None, Some(_)) => Check::new(
                "tool",
                State::Poor,
                format!("{words} is no version that dwf can read;{wanted} is wanted"),
            ),
        },
    };
    check.about(about)
}

fn line(tool: &Tool) -> String {
    Invocation::new(tool.program.as_str()).args(tool.args.iter().cloned()).to_string()
}

/// The first word of a text that is a version: a number with a dot in it, whatever letter stands before it.
fn version(text: &str) -> Option<&str> {
    let plain = |word: &'_ str| word.trim_matches(|c: char| "(),;".contains(c)).to_owned();
    let is = |word: &str| {
        let word = word.strip_prefix('v').unwrap_or(word);
        word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.')
    };
    let word = text.split_whitespace().find(|word| is(&plain(word)))?;
    let word = word.trim_matches(|c: char| "(),;".contains(c));
    let word = word.strip_prefix('v').unwrap_or(word);
    // What follows the numbers is for people: a build, a platform.
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let numbers = word[..end].trim_end_matches('.');
    let third = numbers.match_indices('.').nth(2).map_or(numbers.len(), |(at, _)| at);
    Some(&numbers[..third])
}

/// Asks the programs of an image.
pub(super) async fn in_image(
    ground: &Ground,
    answered: &Answered,
    engine: &Engine,
    image: &Image,
    world: &World,
) -> Result<Vec<Check>, Error> {
    let tools = tools(answered);
    if tools.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<&Tool> = tools.keys().collect();
    let estate = estate(engine, &cache::root(&ground.project, world)?);
    let _reaper = Reaper::start(estate.clone(), world);
    let container = container(ground, image, engine, &estate, &script(&asked, &estate.run))?;
    let target = Target { engine: engine.clone(), name: container.name.clone() };
    let invocation = container.run(engine).map_err(StageError::Container)?;
    let answers = match run(&invocation, world, PATIENCE).await {
        Ok(said) => parse(&said.stdout, asked.len(), &estate.run)
            .ok_or_else(|| engine::last_line(&said.stderr).unwrap_or_else(|| "it said nothing".to_owned())),
        Err(error) => {
            remove_until_gone(&target, world).await?;
            Err(error.to_string())
        }
    };
    Ok(match answers {
        Ok(answers) => tools
            .iter()
            .zip(&answers)
            .map(|((tool, stacks), answer)| judged(tool, stacks, answer, "in the image"))
            .collect(),
        Err(reason) => {
            let fix = "try it: RUST_LOG=devflow=debug dwf doctor".to_owned();
            vec![Check::new("tool", State::Bad, format!("the image could not be asked: {reason}")).fix(fix)]
        }
    })
}

fn container(
    ground: &Ground,
    image: &Image,
    engine: &Engine,
    estate: &Estate,
    script: &str,
) -> Result<Container, Error> {
    let config = &ground.project.config.file.container;
    let insist = config.user.as_ref().map(|user| (user.get_ref().uid, user.get_ref().gid));
    let user = user_args(engine, owner_of(&ground.project.root)?, insist).map_err(StageError::User)?;
    let name = ImageName::Id(image.id.clone());
    let mut container =
        Container::new(format!("dwf-{}-doctor", estate.run), name, user, ["/bin/sh", "-c", script]);
    container.labels = [("dwf.run", &estate.run), (owner::LABEL, &estate.owner)]
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .into();
    container.entrypoint = image.entrypoint_policy();
    container.env = vec![("HOME".to_owned(), EnvValue::from(HOME))];
    let options = TmpfsOptions { exec: true, ..TmpfsOptions::default() };
    container.mounts = vec![Mount::Tmpfs { target: HOME.to_owned(), options }];
    container.volumes = image.volumes.clone();
    container.network = Network::None;
    container.unconfined_labels = selinux_enforces();
    Ok(container)
}

/// A shell's text that asks one program after the other, and puts a mark before and after each answer.
fn script(tools: &[&Tool], mark: &str) -> String {
    let one = |tool: &&Tool| {
        let ask = Invocation::new(tool.program.as_str()).args(tool.args.iter().cloned()).script();
        let look = Invocation::new("command").args(["-v", "--", &tool.program]).script();
        format!(
            "printf '\\n{mark}\\n'; if {look} >/dev/null; then {ask} </dev/null 2>&1; printf '\\n{mark} %s\\n' \"$?\"; else printf '\\n{mark} absent\\n'; fi\n"
        )
    };
    tools.iter().map(one).collect()
}

/// Reads what [`script`] made the programs say; none, where not all were asked.
fn parse(stdout: &str, count: usize, mark: &str) -> Option<Vec<Answer>> {
    let mut answers = Vec::new();
    let mut words: Option<Vec<&str>> = None;
    for line in stdout.lines() {
        match (line.strip_prefix(mark), &mut words) {
            (Some(""), _) => words = Some(Vec::new()),
            (Some(end), Some(said)) => {
                let first = said.iter().find(|line| !line.trim().is_empty()).copied().unwrap_or_default();
                let first = printable(first.trim(), 120);
                answers.push(match end.trim() {
                    "absent" => Answer::Absent,
                    "0" => Answer::Said(first),
                    code => Answer::Failed(format!("exit code {code}: {first}")),
                });
                words = None;
            }
            (None, Some(said)) => said.push(line),
            _ => {}
        }
    }
    (answers.len() == count).then_some(answers)
}

/// Asks the programs of this machine.
pub(super) async fn on_host(ground: &Ground, answered: &Answered, world: &World) -> Vec<Check> {
    let tools = tools(answered);
    let answers = join_all(tools.keys().map(|tool| async move {
        let Some(path) = engine::on_path(&tool.program, &ground.project.root, world) else {
            return Answer::Absent;
        };
        let question = Invocation::new(path).args(tool.args.iter().cloned()).cwd(&ground.project.root);
        match engine::run(&question, world, PATIENCE).await {
            Ok(said) => {
                let lines = said.stdout.lines().chain(said.stderr.lines());
                let first = lines.map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
                let first = printable(first, 120);
                match said.status.success() {
                    true => Answer::Said(first),
                    false => Answer::Failed(format!("{}: {first}", crate::process::ending(said.status))),
                }
            }
            Err(error) => Answer::Failed(error.to_string()),
        }
    }))
    .await;
    let judge =
        |((tool, stacks), answer): ((&Tool, &Vec<String>), &Answer)| judged(tool, stacks, answer, "on PATH");
    tools.iter().zip(&answers).map(judge).collect()
}

#[cfg(test)]
mod tests;
