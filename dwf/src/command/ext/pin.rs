//! `dwf ext pin`: exactly which bytes are an extension.

use super::gather::{GatherError, Hints, gather, may_write, save, tell};
use crate::cli::ext::Pin;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::error::Error;
use crate::lock::Folder;
use crate::store::Store;

pub(super) async fn run(context: &mut Context<'_>, options: Pin) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    may_write(context, &ground)?;
    let folder = |text: &String| {
        Folder::try_from(text.clone()).map_err(|reason| GatherError::Word(text.clone(), reason))
    };
    let reads = options.read.iter().map(folder).collect::<Result<Vec<_>, _>>()?;
    let reads = (!reads.is_empty()).then_some(reads);
    let hints = Hints { name: options.name, entry: options.entry, reads };
    let gathered = gather(context, &ground, &options.what, &hints).await?;
    let store = Store::new(context.world)?;
    for one in &gathered {
        one.keep(&store)?;
    }
    let entries: Vec<_> = gathered.into_iter().map(|one| one.entry).collect();
    save(context, &ground, &entries)?;
    for entry in &entries {
        tell(context, entry);
    }
    Ok(true)
}
