//! `dwf image refresh`: pins the base images anew.
//!
//! Invariant: the lock is written once, when all digests are known, and a Dockerfile of the project never.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use devflow_oci::{Engine, ImageRef, bases};

use crate::command::Context;
use crate::command::ask::Ground;
use crate::command::composed::composed;
use crate::command::stage::print_failed;
use crate::engine;
use crate::error::{Error, Exit, Explain, printable};
use crate::files;
use crate::identity;
use crate::image;
use crate::lock::{self, Hash, Lock};
use crate::profile::engine_choice;
use crate::query::Request;

/// Bytes of a Dockerfile.
const MAX_BYTES: u64 = 1 << 20;

/// Nothing can be pinned.
#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error("--locked (or CI) leaves {} as it is", lock::FILE)]
    Locked,
    #[error("the project's image begins with no image that dwf knows of")]
    Nothing,
    #[error("{0} cannot be read")]
    Dockerfile(String, #[source] std::io::Error),
    #[error("the engine says that {name} is {digest:?}, which is no digest")]
    Digest { name: ImageRef, digest: String },
}

impl Explain for RefreshError {
    fn exit(&self) -> Exit {
        match self {
            Self::Locked => Exit::Refused,
            Self::Nothing | Self::Dockerfile(..) => Exit::Usage,
            Self::Digest { .. } => Exit::Engine,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Locked => Some("do it on your own machine, and commit the lock".to_owned()),
            Self::Nothing => Some("name one: base in [image] of devflow.toml".to_owned()),
            _ => None,
        }
    }
}

pub(super) async fn run(context: &mut Context<'_>) -> Result<bool, Error> {
    let ground = Ground::load(context)?;
    let project = &ground.project;
    if let Some(path) = identity::dockerfile(project) {
        return tell(context, &ground, &path).await;
    }
    if ground.is_locked(context) {
        return Err(RefreshError::Locked.into());
    }
    let nothing = Request::Commands(Vec::new(), Vec::new());
    let answered = context.signals.unless(ground.ask(context.world, &nothing, false)).await??;
    answered.tell(context);
    let names =
        composed(project, &answered.asked.answers)?.map(|composed| composed.images).unwrap_or_default();
    if names.is_empty() {
        return Err(RefreshError::Nothing.into());
    }
    let engine = find(context, &ground).await?;
    let lock = project.lock.as_ref();
    let mut now = BTreeMap::new();
    for name in names {
        let digest = ask(context, &engine, &name, lock).await?;
        now.insert(name, digest);
    }
    let text = changes(lock, &now);
    if is_news(lock, &now) {
        ground.relock(context.world, || lock::write_images(&project.root, lock, &now))?;
    }
    context.reporter.result(&text).map_err(print_failed)?;
    Ok(true)
}

/// Tells what the images of a Dockerfile are today. It is the project's own, and so is what is written there.
async fn tell(context: &mut Context<'_>, ground: &Ground, path: &str) -> Result<bool, Error> {
    let text = read(&ground.project.root.join(path))
        .map_err(|error| RefreshError::Dockerfile(printable(path, 200), error))?;
    let engine = find(context, ground).await?;
    let mut told = String::new();
    for written in bases::named(&text) {
        let name = match written.parse::<ImageRef>() {
            Ok(name) => name,
            Err(_) => {
                let _ = writeln!(told, "{}  depends on how it is built", printable(&written, 200));
                continue;
            }
        };
        let tagged = name.tag().and_then(|tag| name.with_tag(tag).ok());
        if name.digest().is_some() && tagged.is_none() {
            let _ = writeln!(told, "{name}  has no tag that could move");
            continue;
        }
        let digest = ask(context, &engine, tagged.as_ref().unwrap_or(&name), None).await?.to_string();
        let _ = match name.digest() {
            Some(old) if old == digest => writeln!(told, "{name}  unchanged"),
            Some(old) => writeln!(told, "{}  {old} → {digest}", tagged.as_ref().unwrap_or(&name)),
            None => writeln!(told, "{name}  not pinned → {name}@{digest}"),
        };
    }
    context.reporter.result(&told).map_err(print_failed)?;
    context
        .reporter
        .note(&format!("{path} is the project's own: dwf does not change it, nor {}", lock::FILE));
    Ok(true)
}

fn read(path: &Path) -> std::io::Result<String> {
    let bytes = files::read(path, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8 text"))
}

async fn find(context: &mut Context<'_>, ground: &Ground) -> Result<Engine, Error> {
    let choice = engine_choice(&ground.project, &ground.user, context.global.engine);
    let found = context
        .signals
        .unless(engine::find(choice, &ground.project.root, context.world, engine::Belief::Asked))
        .await?;
    Ok(found?)
}

async fn ask(
    context: &mut Context<'_>,
    engine: &Engine,
    name: &ImageRef,
    lock: Option<&Lock>,
) -> Result<Hash, Error> {
    context.reporter.note(&format!("asking {} for {name} …", engine.kind));
    let old = lock.and_then(|lock| lock.digest_of(&name.to_string())).map(ToString::to_string);
    let asker =
        image::Asker { engine, world: context.world, reporter: context.reporter, signals: context.signals };
    let digest = asker.digest(name, old.as_deref()).await?;
    let wrong = |_| RefreshError::Digest { name: name.clone(), digest: printable(&digest, 100) };
    Ok(Hash::try_from(digest.clone()).map_err(wrong)?)
}

fn is_news(lock: Option<&Lock>, now: &BTreeMap<ImageRef, Hash>) -> bool {
    let old = lock.map_or(&[][..], |lock| &lock.images);
    old.len() != now.len() || old.iter().any(|base| now.get(base.name.get_ref()) != Some(&base.digest))
}

/// What becomes of every image that is or was pinned.
fn changes(lock: Option<&Lock>, now: &BTreeMap<ImageRef, Hash>) -> String {
    let mut text = String::new();
    for (name, digest) in now {
        let _ = match lock.and_then(|lock| lock.digest_of(&name.to_string())) {
            Some(old) if old == digest => writeln!(text, "{name}  unchanged {digest}"),
            Some(old) => writeln!(text, "{name}  {old} → {digest}"),
            None => writeln!(text, "{name}  not pinned → {digest}"),
        };
    }
    let old = lock.into_iter().flat_map(|lock| &lock.images).map(|base| base.name.get_ref());
    for name in old.filter(|name| !now.contains_key(*name)) {
        let _ = writeln!(text, "{name}  no longer needed, no longer pinned");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(digit: char) -> Hash {
        Hash::try_from(format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
    }

    fn pins(all: &[(&str, char)]) -> BTreeMap<ImageRef, Hash> {
        all.iter().map(|(name, digit)| (name.parse().unwrap(), hash(*digit))).collect()
    }

    #[test]
    fn every_change_is_shown_and_only_changes_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let old =
            lock::write_images(dir.path(), None, &pins(&[("a:1", 'a'), ("b:1", 'b'), ("c:1", 'c')])).unwrap();
        let now = pins(&[("a:1", 'a'), ("b:1", 'd'), ("e:1", 'e')]);
        let (a, b, d, e) = (hash('a'), hash('b'), hash('d'), hash('e'));
        assert_eq!(
            changes(Some(&old), &now),
            format!(
                "a:1  unchanged {a}\nb:1  {b} → {d}\ne:1  not pinned → {e}\nc:1  no longer needed, no longer pinned\n"
            )
        );
        assert!(is_news(Some(&old), &now) && is_news(None, &now));
        assert!(is_news(Some(&old), &pins(&[("a:1", 'a'), ("b:1", 'b')])));
        assert!(!is_news(Some(&old), &pins(&[("b:1", 'b'), ("c:1", 'c'), ("a:1", 'a')])));
    }
}
