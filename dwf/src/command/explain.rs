//! `dwf explain`: who set each part of an action, and why it is in the plan; nothing runs.

use super::Context;
use super::ask::Ground;
use crate::cli::explain::Explain;
use crate::config::Profile;
use crate::error::Error;
use crate::plan::{Catalog, explain};
use crate::query::Request;

pub(super) async fn run(context: &mut Context<'_>, args: Explain) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let request = Request::Commands(args.commands, args.args);
    let asking = ground.ask(context.world, &request, context.global.profile == Some(Profile::Host));
    let answered = context.signals.unless(asking).await??;
    answered.tell(context);
    let (plan, origins) = answered.explained_plan(&ground.project)?;
    let catalog = Catalog::new(&ground.project.config, &answered.asked.answers)?;
    let explanation = explain(&plan, &origins, &catalog)?;
    let text = match args.json {
        true => format!("{:#}\n", explanation.to_json()),
        false => explanation.to_string(),
    };
    context.reporter.result(&text).map_err(super::stage::print_failed)?;
    Ok(true)
}
