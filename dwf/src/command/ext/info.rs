//! `dwf ext info`: all about one extension, in general and for this project.

use std::fmt::{Display, Write};

use devflow_protocol::message::{
    CacheReadonly, CacheScope, DescribeParams, DescribeResult, InitializeResult, method,
};
use devflow_protocol::path::RelPath;
use serde::Serialize;

use crate::cli::ext::Info;
use crate::command::Context;
use crate::command::ask::{Ground, tell};
use crate::command::stage::print_failed;
use crate::config::Profile;
use crate::discover::Found;
use crate::error::{Error, printable};
use crate::extension::{Extension, Problem, Words, complaint};
use crate::plan::{Broken, check_description};
use crate::query;
use crate::report::Reporter;
use crate::world::World;

/// All that is known.
#[derive(Debug, Serialize)]
struct About {
    #[serde(flatten)]
    found: Found,
    #[serde(flatten)]
    introduction: InitializeResult,
    members: Vec<Member>,
}

/// What it makes of one folder.
#[derive(Debug, Serialize)]
struct Member {
    dir: RelPath,
    #[serde(flatten)]
    description: DescribeResult,
}

pub(super) async fn run(context: &mut Context<'_>, options: Info) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let found = ground.places(context.world).find(&options.name)?;
    let host = context.global.profile == Some(Profile::Host);
    let asking = ask(&ground, context.world, found, host);
    let (about, words) = context.signals.unless(asking).await??;
    tell(context, &options.name, &words);
    match options.json {
        true => print_json(context.reporter, &about),
        false => context.reporter.result(&text(&about)),
    }
    .map_err(print_failed)?;
    Ok(true)
}

fn print_json(reporter: &mut Reporter, about: &About) -> std::io::Result<()> {
    reporter.json(&serde_json::to_string_pretty(about)?)
}

/// Asks about every member that could be the extension's.
async fn ask(ground: &Ground, world: &World, found: Found, host: bool) -> Result<(About, Words), Error> {
    let project = &ground.project;
    let with = ground.surroundings(world)?;
    let mut extension = Extension::start(with.launcher.prepare(&found).await?, &with).await?;
    let may_have =
        |stacks: &Option<Vec<_>>| stacks.as_ref().is_none_or(|stacks| stacks.contains(&found.name));
    let mut members = Vec::new();
    for dir in project.members.iter().filter(|member| may_have(&member.stacks)).map(|member| &member.dir) {
        let params = DescribeParams {
            project: query::folder(project, dir),
            platform: query::platform(host),
            config: query::config(project, &found.name),
        };
        let checked = extension.describe(params).await.and_then(|description| {
            let reason = if description.applies { check_description(&description) } else { Ok(()) };
            let wrong = |broken: Broken| Problem::Answer { method: method::DESCRIBE, reason: broken.reason };
            reason.map(|()| description).map_err(wrong)
        });
        match checked {
            Ok(description) => members.push(Member { dir: dir.clone(), description }),
            Err(problem) => {
                if let Problem::Client(error) = &problem
                    && let Some(complaint) = complaint(project, dir, &found.name, error)
                {
                    return Err(complaint.into());
                }
                return Err(extension.fail(problem, Some(format!("`{dir}`"))).await.into());
            }
        }
    }
    let introduction = extension.info.clone();
    Ok((About { found, introduction, members }, extension.end().await))
}

fn text(about: &About) -> String {
    let mut out = String::new();
    let InitializeResult { protocol, extension, requires, provides } = &about.introduction;
    let _ = writeln!(out, "{} {}, protocol {protocol}", about.found.name, extension.version);
    let path = about.found.path.display();
    rows(&mut out, "file", [format!("{path}  ({})", about.found.origin)]);
    rows(&mut out, "shadows", about.found.shadows.iter().map(|path| path.display()));
    rows(&mut out, "requires", requires);
    rows(&mut out, "provides", provides);
    let (own, others): (Vec<_>, Vec<_>) = about.members.iter().partition(|member| member.description.applies);
    for member in &own {
        let _ = writeln!(out, "\nin {}", member.dir);
        describe(&mut out, &member.description);
    }
    // One "no" says why; of a hundred folders the user wants to see those that count.
    for member in others.iter().take(if own.is_empty() { 10 } else { 0 }) {
        let because = printable(&member.description.because.join("; "), 200);
        let _ = writeln!(out, "\nin {}\n  does not apply: {because}", member.dir);
    }
    out
}

fn describe(out: &mut String, description: &DescribeResult) {
    rows(out, "applies", &description.because);
    let width = description.commands.iter().map(|command| command.name.as_str().len()).max().unwrap_or(0);
    let commands = description.commands.iter().map(|command| {
        let writes = if command.writes { " (changes sources)" } else { "" };
        format!("{:<width$}  {}{writes}", command.name, command.summary).trim_end().to_owned()
    });
    rows(out, "commands", commands);
    rows(out, "caches", description.caches.iter().map(cache));
    rows(out, "env", description.env.iter().map(|(name, value)| format!("{name}={}", value.as_str())));
    rows(out, "wants_env", &description.wants_env);
    rows(out, "ca_env", &description.ca_env);
    rows(out, "place_env", &description.place_env);
    rows(out, "fingerprint", &description.fingerprint);
    let tools = description.tools.iter().map(|tool| match &tool.wants {
        Some(wants) => format!("{} {wants}", tool.program),
        None => tool.program.clone(),
    });
    rows(out, "tools", tools);
    rows(out, "reads", &description.reads);
}

/// A cache, its scope and the ways in which a tool finds it.
fn cache(cache: &devflow_protocol::message::Cache) -> String {
    let mut words = vec![cache.name.to_string()];
    words.push(match cache.scope {
        CacheScope::Shared => "shared".to_owned(),
        CacheScope::Environment => "environment".to_owned(),
    });
    words.extend(cache.env.as_ref().map(|name| format!("env {name}")));
    words.extend(cache.target.as_ref().map(|target| format!("at {target} (containers)")));
    words.extend(cache.at.as_ref().map(|dir| format!("over {dir} (containers)")));
    if let Some(home) = &cache.home {
        let kept: Vec<String> = cache.keep.iter().cloned().map(String::from).collect();
        words.push(format!("of {home} keeps {}", kept.join(" ")));
    }
    words.extend(cache.readonly.map(|how| match how {
        CacheReadonly::Ok => "may be read-only".to_owned(),
        CacheReadonly::Overlay => "read-only as an overlay".to_owned(),
    }));
    words.extend(cache.managed.map(|_| "managed by its tool".to_owned()));
    words.join(", ")
}

/// A head and its lines; nothing where there are none.
fn rows<T: Display>(out: &mut String, head: &str, lines: impl IntoIterator<Item = T>) {
    for (at, line) in lines.into_iter().enumerate() {
        let head = if at == 0 { head } else { "" };
        let line = printable(&line.to_string(), 200);
        let _ = writeln!(out, "  {head:<11}  {line}");
    }
}
