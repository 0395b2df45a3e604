//! `dwf ext sync`: what the lock pins is brought into the store.

use devflow_protocol::name::ExtensionName;

use super::gather::bring;
use crate::cli::ext::Sync;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::error::{Error, Exit, Explain, nearest};
use crate::fetch::{From, Pins, Wanted};
use crate::launch;
use crate::lock::{self, Artifact, Entry, Lock, Platform, Source};
use crate::store::{Store, StoreError};

/// Nothing is brought.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error("this project has no {}", lock::FILE)]
    NoLock,
    #[error("{} does not pin `{name}`", lock::FILE)]
    Name { name: ExtensionName, near: Option<String> },
    #[error("nobody outside this project has agreed that its extensions are fetched")]
    Consent { list: Vec<String>, hashes: Vec<String> },
}

impl Explain for SyncError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoLock | Self::Name { .. } => Exit::Usage,
            Self::Consent { .. } => Exit::Refused,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Consent { list, .. } => Some(list.join("\n")),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoLock => Some("write one: dwf ext pin NAME".to_owned()),
            Self::Name { near, .. } => near.as_ref().map(|near| format!("did you mean `{near}`?")),
            Self::Consent { hashes, .. } => Some(format!(
                "if you trust them: dwf trust, then dwf ext sync; in a CI of your own: DWF_TRUST={}",
                hashes.join(",")
            )),
        }
    }
}

/// One extension that is not in the store.
struct Missing<'a> {
    entry: &'a Entry,
    artifact: &'a Artifact,
    from: From,
}

pub(super) async fn run(context: &mut Context<'_>, options: Sync) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let lock = ground.project.lock.as_ref().ok_or(SyncError::NoLock)?;
    let store = Store::new(context.world)?;
    let mut missing = Vec::new();
    for entry in wanted(lock, &options.names)? {
        missing.extend(look(context, &ground, &store, entry).await?);
    }
    let mut refused: Vec<&Missing<'_>> = Vec::new();
    for one in &missing {
        if !ground.agreed(context.world, one.artifact.executable.hex())? {
            refused.push(one);
        }
    }
    if !refused.is_empty() {
        let list = refused.iter().map(|one| {
            let (name, artifact) = (one.entry.name.get_ref(), one.artifact);
            format!("  {name}  {}  {}", artifact.executable, artifact.source.get_ref())
        });
        let hashes = refused.iter().map(|one| one.artifact.executable.hex().to_owned()).collect();
        return Err(SyncError::Consent { list: list.collect(), hashes }.into());
    }
    for one in missing {
        fetch(context, &store, one).await?;
    }
    Ok(true)
}

/// The entries that were asked for.
fn wanted<'a>(lock: &'a Lock, names: &[ExtensionName]) -> Result<Vec<&'a Entry>, SyncError> {
    if names.is_empty() {
        return Ok(lock.extensions.iter().collect());
    }
    let known = || lock.extensions.iter().map(|entry| entry.name.get_ref().as_str());
    let entry = |name: &ExtensionName| {
        let near = || nearest(name.as_str(), known()).map(str::to_owned);
        lock.entry(name).ok_or_else(|| SyncError::Name { name: name.clone(), near: near() })
    };
    names.iter().map(entry).collect()
}

/// What is missing of an entry; what is there is said.
async fn look<'a>(
    context: &mut Context<'_>,
    ground: &Ground,
    store: &Store,
    entry: &'a Entry,
) -> Result<Option<Missing<'a>>, Error> {
    let name = entry.name.get_ref();
    let artifact = Platform::this().and_then(|platform| entry.artifact(platform));
    let Some(artifact) = artifact else {
        // The search says why, with its place.
        ground.places(context.world).pinned(name)?;
        return Ok(None);
    };
    match store.get(entry.kind, &artifact.executable) {
        Ok(Some(_)) => {
            context.reporter.note(&format!("there already: {name}  {}", artifact.executable));
            return Ok(None);
        }
        Ok(None) => {}
        Err(error @ StoreError::Changed { .. }) => context.reporter.note(&format!("note: {error}")),
        Err(error) => return Err(error.into()),
    }
    let from = match artifact.source.get_ref() {
        Source::Url(url) => From::Url(url.clone()),
        Source::File(path) => From::Path(path.clone()),
        Source::Project(path) => From::Path(ground.project.root.join(path.as_str())),
        Source::Installed => {
            if let Some(found) = ground.places(context.world).pinned(name)? {
                launch::verify(&found, context.world).await?;
            }
            context.reporter.note(&format!("installed: {name}  {}", artifact.executable));
            return Ok(None);
        }
    };
    Ok(Some(Missing { entry, artifact, from }))
}

async fn fetch(context: &mut Context<'_>, store: &Store, missing: Missing<'_>) -> Result<(), Error> {
    let Missing { entry, artifact, from } = missing;
    let name = entry.name.get_ref();
    let pins =
        Pins { kind: entry.kind, archive: artifact.archive.clone(), executable: artifact.executable.clone() };
    let wanted = Wanted {
        from,
        shown: artifact.source.get_ref().to_string(),
        name: Some(name.clone()),
        entry: artifact.entry.as_ref().map(|entry| entry.get_ref().clone()),
        pinned: Some(pins),
    };
    let stage = store.stage()?;
    bring(context, &stage, wanted).await??;
    store.keep(&stage, entry.kind, &artifact.executable)?;
    let source = artifact.source.get_ref();
    context.reporter.note(&format!("fetched: {name}  {}  from {source}", artifact.executable));
    Ok(())
}
