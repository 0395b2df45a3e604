//! `dwf ext update`: a pin is moved, after a look at how the answers change.

use devflow_protocol::name::ExtensionName;

use super::answers::{Answers, answers, difference};
use super::gather::{Gathered, Hints, found, gather, may_write, save, tell};
use crate::cli::ext::Update;
use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::stage::print_failed;
use crate::error::{Error, Exit, Explain, printable};
use crate::lock::{Entry, Platform, Source};
use crate::store::Store;
use crate::trust::TrustError;
use crate::world::World;

/// There is nothing to update, or nothing to compare with.
#[derive(Debug, thiserror::Error)]
enum UpdateError {
    #[error("devflow.lock does not pin `{0}`")]
    NotPinned(ExtensionName),
    #[error("the bytes that are pinned of `{0}` are not in the store, so nothing can be compared")]
    NoOld(ExtensionName),
}

impl Explain for UpdateError {
    fn exit(&self) -> Exit {
        match self {
            Self::NotPinned(_) => Exit::Usage,
            Self::NoOld(_) => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotPinned(name) => Some(format!("pin it: dwf ext pin {name} (or its path or address)")),
            Self::NoOld(_) => {
                Some("get them: dwf ext sync; or update without --diff, and without a look".to_owned())
            }
        }
    }
}

pub(super) async fn run(context: &mut Context<'_>, options: Update) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    if !options.diff {
        may_write(context, &ground)?;
    }
    let name = options.name;
    let lock = ground.project.lock.as_ref();
    let old = lock.and_then(|lock| lock.entry(&name)).ok_or_else(|| UpdateError::NotPinned(name.clone()))?;
    let words = if options.from.is_empty() { sources(&ground, context.world, old)? } else { options.from };
    let hints = Hints { name: Some(name.clone()), ..Hints::default() };
    let mut gathered = gather(context, &ground, &words, &hints).await?;
    let Some(new) = gathered.pop() else { return Err(UpdateError::NotPinned(name).into()) };

    let before = pinned(context, &ground, old).await?;
    if before.is_none() && options.diff {
        return Err(UpdateError::NoOld(name).into());
    }
    let after = answers(context, &ground, &new.found).await?;
    let text = report(old, &new, before.as_ref(), &after);
    context.reporter.result(&text).map_err(print_failed)?;
    if options.diff {
        return Ok(true);
    }
    new.keep(&Store::new(context.world)?)?;
    save(context, &ground, std::slice::from_ref(&new.entry))?;
    tell(context, &new.entry);
    Ok(true)
}

/// Where the newer bytes are looked for when nobody says: where the pinned ones came from.
fn sources(ground: &Ground, world: &World, old: &Entry) -> Result<Vec<String>, Error> {
    let name = old.name.get_ref();
    let mut words = Vec::new();
    for artifact in old.platform.values() {
        let word = match artifact.source.get_ref() {
            Source::Url(url) => url.clone(),
            Source::File(path) => path.to_string_lossy().into_owned(),
            // What came with the repository is not what the user named.
            Source::Project(path) if !ground.agreed(world, artifact.executable.hex())? => {
                return Err(TrustError::Extension {
                    name: name.to_string(),
                    path: ground.project.root.join(path.as_str()),
                    sha256: artifact.executable.hex().to_owned(),
                    reads: Vec::new(),
                }
                .into());
            }
            Source::Project(path) => ground.project.root.join(path.as_str()).to_string_lossy().into_owned(),
            Source::Installed => name.to_string(),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    Ok(words)
}

/// What the pinned bytes answer, when they are in the store.
async fn pinned(context: &mut Context<'_>, ground: &Ground, old: &Entry) -> Result<Option<Answers>, Error> {
    let Some(artifact) = Platform::this().and_then(|platform| old.artifact(platform)) else {
        return Ok(None);
    };
    let Some(root) = Store::new(context.world)?.get(old.kind, &artifact.executable)? else { return Ok(None) };
    let mut found = found(context, old.name.get_ref(), old.kind, artifact, root, &old.reads)?;
    if let Some(pin) = &mut found.pin {
        pin.brought = matches!(artifact.source.get_ref(), Source::Project(_)) || !old.reads.is_empty();
    }
    answers(context, ground, &found).await.map(Some)
}

fn report(old: &Entry, new: &Gathered, before: Option<&Answers>, after: &Answers) -> String {
    let (was, is) = (printable(old.version.get_ref(), 100), printable(new.entry.version.get_ref(), 100));
    let mut text = format!("{}  {was} → {is}\n", old.name.get_ref());
    for (platform, artifact) in &new.entry.platform {
        let known = old.platform.iter().find(|(known, _)| known.get_ref() == platform.get_ref());
        let was = known.map_or("not pinned".to_owned(), |(_, artifact)| artifact.executable.to_string());
        let is = artifact.executable.to_string();
        let line = if was == is { format!("unchanged {is}") } else { format!("{was} → {is}") };
        text += &format!("  {:<13} {line}\n", platform.get_ref());
    }
    for platform in old.platform.keys() {
        if !new.entry.platform.keys().any(|known| known.get_ref() == platform.get_ref()) {
            text += &format!("  {:<13} no longer pinned\n", platform.get_ref());
        }
    }
    text += &match before {
        Some(before) => difference(before, after),
        None => "the pinned bytes are not in the store: their answers cannot be compared\n".to_owned(),
    };
    text
}
