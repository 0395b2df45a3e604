//! `dwf image scan`: looks for known vulnerabilities.

use std::fmt::Write;

use devflow_oci::scan::{IGNORE_FILE, Report, Severity, Verdict};

use super::found::Found;
use crate::cache;
use crate::cli;
use crate::command::Context;
use crate::command::stage;
use crate::error::{Error, printable};
use crate::image;
use crate::reaper::Reaper;
use crate::scan::{Destination, Sandbox, Scan, ScanError, ignored};

/// Findings that are shown one by one.
const SHOWN: usize = 100;

pub(super) async fn run(context: &mut Context<'_>, args: &cli::image::Scan) -> Result<bool, Error> {
    let world = context.world;
    let start = context.global.directory.as_ref().map_or(world.cwd.clone(), |dir| world.cwd.join(dir));
    let destination = args.report.as_ref().map(|file| Destination::new(start.join(file))).transpose()?;
    let found = Found::new(context).await?;
    let (engine, project) = (&found.engine, &found.ground.project);
    let accepted = ignored(&project.root)?;
    let name = image::name(project, &found.fingerprint)?;
    let owner = (world.uid == 0).then(|| stage::owner_of(&project.root)).transpose()?;
    let cache_root = cache::open(&cache::root(project, world)?, &project.root, owner, world)?;
    let mut scan =
        Scan { engine, world, cache_root: &cache_root, reporter: context.reporter, signals: context.signals };
    let Some(image) = scan.look(&name).await? else {
        return Err(ScanError::Absent(name.to_string()).into());
    };
    let sandbox = Sandbox { estate: stage::estate(engine, &cache_root), selinux: stage::selinux_enforces() };
    let _reaper = Reaper::start(sandbox.estate.clone(), world);
    let scanner = scan.scanner(&project.root, found.ground.user.image.scanner.as_ref()).await?;
    let list = accepted.as_deref().unwrap_or_default();
    let scanned = scan.scan(&name, &image, list, &scanner, &sandbox).await?;
    if let Some(destination) = &destination {
        destination.write(&scanned.json)?;
    }
    let report = &scanned.report;
    if accepted.is_some() {
        context.reporter.note(&format!("note: what {IGNORE_FILE} lists is left out"));
    }
    if let Some(os) = report.os.as_ref().filter(|os| os.ended) {
        let os = printable(&format!("{} {}", os.family, os.name), 80);
        context.reporter.note(&format!("warning: {os} gets no more fixes: what has none stays open"));
    }
    let ignore_unfixed = project.config.file.image.scan.ignore_unfixed;
    let verdict = report.verdict(ignore_unfixed);
    context.reporter.result(&summary(report, &verdict, ignore_unfixed)).map_err(stage::print_failed)?;
    for finding in &verdict.unfixed {
        context.reporter.detail(&finding.to_string());
    }
    let good = verdict.failing.is_empty();
    context.reporter.verdict(good, &last_word(verdict.failing.len()));
    Ok(good)
}

fn summary(report: &Report, verdict: &Verdict<'_>, ignore_unfixed: bool) -> String {
    let counts = report.counts();
    let count = |severity: &Severity| format!("{severity} {}", counts.get(severity).copied().unwrap_or(0));
    let mut text = Severity::ALL.iter().map(count).collect::<Vec<_>>().join(", ");
    text.push('\n');
    let _ = match ignore_unfixed {
        true => writeln!(
            text,
            "{} of HIGH or worse without a fix: told, not counted (ignore_unfixed = true in [image.scan])",
            verdict.unfixed.len()
        ),
        false => writeln!(text, "what has no fix counts, too (ignore_unfixed = false in [image.scan])"),
    };
    for finding in verdict.failing.iter().take(SHOWN) {
        let _ = writeln!(text, "{}", printable(&finding.to_string(), 400));
    }
    if let more @ 1.. = verdict.failing.len().saturating_sub(SHOWN) {
        let _ = writeln!(text, "… and {more} more; --report FILE has them all");
    }
    text
}

fn last_word(failing: usize) -> String {
    match failing {
        0 => "no finding that fails".to_owned(),
        1 => "1 finding of HIGH or worse".to_owned(),
        more => format!("{more} findings of HIGH or worse"),
    }
}
