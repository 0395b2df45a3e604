//! `dwf plan`: what would run; nothing does.

use super::Context;
use super::ask::Ground;
use crate::cli::explain::Graph;
use crate::config::Profile;
use crate::error::Error;
use crate::plan;
use crate::query::Request;

pub(super) async fn run(
    context: &mut Context<'_>,
    what: Vec<String>,
    args: Vec<String>,
    json: bool,
    graph: Option<Graph>,
) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let request = match what.as_slice() {
        [] => Request::Target("pr".to_owned()),
        [name] if args.is_empty() && is_target(&ground, name) => Request::Target(name.clone()),
        _ => Request::Commands(what, args),
    };
    let asking = ground.ask(context.world, &request, context.global.profile == Some(Profile::Host));
    let answered = context.signals.unless(asking).await??;
    answered.tell(context);
    let plan = answered.plan(&ground.project)?;
    let text = match (graph, json) {
        (Some(Graph::Mermaid), _) => plan::mermaid(&plan),
        (Some(Graph::Dot), _) => plan::dot(&plan),
        (None, true) => {
            let mut value = serde_json::to_value(&plan).unwrap_or_default();
            value["digest"] = plan.digest().into();
            format!("{value:#}\n")
        }
        (None, false) => plan.to_string(),
    };
    context.reporter.result(&text).map_err(super::stage::print_failed)?;
    Ok(true)
}

fn is_target(ground: &Ground, name: &str) -> bool {
    let own = ground.project.config.file.targets.keys().any(|target| target.get_ref() == name);
    own || crate::config::default_target(name).is_some()
}
