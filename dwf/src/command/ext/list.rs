//! `dwf ext list`: the extensions that can be found; none is started.

use std::fmt::Write;

use crate::command::Context;
use crate::command::ask::Ground;
use crate::discover::DiscoverError;
use crate::error::Error;
use crate::launch;

pub(super) async fn run(context: &mut Context<'_>, json: bool) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let places = ground.places(context.world);
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for name in places.names() {
        match places.find(&name) {
            Ok(one) => match launch::verify(&one, context.world).await {
                Ok(()) => found.push(one),
                Err(error) => problems.push(error),
            },
            Err(DiscoverError::Pin(error)) => problems.push(error.into()),
            // A file that is no extension is told of with the places that are not looked at.
            Err(_) => {}
        }
    }
    let refused: Vec<_> = places.refused.iter().cloned().chain(places.misnamed()).collect();
    let mut text = String::new();
    if json {
        let value = serde_json::json!({ "extensions": found, "refused": refused });
        let _ = writeln!(text, "{value:#}");
    } else {
        let width = found.iter().map(|found| found.name.as_str().len()).max().unwrap_or(0);
        for found in &found {
            let _ = writeln!(text, "{:<width$}  {}  ({})", found.name, found.path.display(), found.origin);
            if let Some(pin) = &found.pin {
                let _ = writeln!(text, "{:<width$}  sha256:{}", "", pin.sha256);
            }
            for path in &found.shadows {
                let _ = writeln!(text, "{:<width$}  {}  (shadowed)", "", path.display());
            }
        }
    }
    context.reporter.result(&text).map_err(crate::command::stage::print_failed)?;
    for error in problems {
        context.reporter.note(&format!("note: {error}"));
    }
    for refused in &refused {
        context.reporter.detail(&format!("not looked at: {} {}", refused.path.display(), refused.reason));
    }
    Ok(true)
}
