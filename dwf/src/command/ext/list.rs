//! `dwf ext list`: the extensions that can be found; none is started.

use std::fmt::Write;

use crate::command::Context;
use crate::command::ask::Ground;
use crate::discover::Places;
use crate::error::Error;

pub(super) fn run(context: &mut Context<'_>, json: bool) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let places = Places::new(context.world, &ground.project);
    let found = places.list();
    let refused: Vec<_> = places.refused.iter().cloned().chain(places.misnamed()).collect();
    let mut text = String::new();
    if json {
        let value = serde_json::json!({ "extensions": found, "refused": refused });
        let _ = writeln!(text, "{value:#}");
    } else {
        let width = found.iter().map(|found| found.name.as_str().len()).max().unwrap_or(0);
        for found in &found {
            let _ = writeln!(text, "{:<width$}  {}  ({})", found.name, found.path.display(), found.origin);
            for path in &found.shadows {
                let _ = writeln!(text, "{:<width$}  {}  (shadowed)", "", path.display());
            }
        }
    }
    context.reporter.result(&text).map_err(crate::command::stage::print_failed)?;
    for refused in &refused {
        context.reporter.detail(&format!("not looked at: {} {}", refused.path.display(), refused.reason));
    }
    Ok(true)
}
