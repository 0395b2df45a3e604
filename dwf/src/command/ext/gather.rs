//! From what a user names to one extension's bytes, and to what the lock will say about them.
//!
//! Invariant: nothing is kept in the store before the program has been started and has said who it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;
use toml::Spanned;

use crate::command::Context;
use crate::command::ask::Ground;
use crate::discover::{Found, Origin, Pinned};
use crate::error::{Error, Exit, Explain, printable};
use crate::extension::Extension;
use crate::fetch::{self, Brought, FetchError, From, Http, Wanted};
use crate::lock::{self, Artifact, Entry, Folder, Hash, Kind, Platform, Source};
use crate::store::{PROGRAM, Stage, Store};
use crate::trust::token;

/// What a user asked to pin makes no sense.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatherError {
    #[error("{0}: {1}")]
    Word(String, String),
    #[error("the name of the extension in {0} cannot be told")]
    Name(String),
    #[error("extension `{0}` is given twice for {1}")]
    Twice(ExtensionName, Platform),
    #[error("extension `{0}` is a native program here and a script there")]
    Kinds(ExtensionName),
    #[error("{0} runs on no platform that dwf knows")]
    Unknown(String),
    #[error("nothing of extension `{0}` runs on this machine, so it cannot say its version")]
    NotHere(ExtensionName),
    #[error("--locked (or CI) leaves {} as it is", lock::FILE)]
    Locked,
    #[error("work was lost: a thread of dwf ended early")]
    Lost,
}

impl Explain for GatherError {
    fn exit(&self) -> Exit {
        match self {
            Self::Locked => Exit::Refused,
            Self::Lost => Exit::Bug,
            _ => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Name(_) => Some("say it: dwf ext pin --name NAME".to_owned()),
            Self::NotHere(_) => Some("name the bytes for this platform, too".to_owned()),
            Self::Locked => Some("do it on your own machine, and commit the lock".to_owned()),
            _ => None,
        }
    }
}

/// What the command line says besides.
#[derive(Debug, Default)]
pub(super) struct Hints {
    pub(super) name: Option<ExtensionName>,
    pub(super) entry: Option<RelPath>,
    pub(super) reads: Option<Vec<Folder>>,
}

/// One place that was named.
struct Subject {
    source: Source,
    from: From,
    name: Option<ExtensionName>,
    /// It is one of several that may be absent.
    platform: Option<Platform>,
}

/// One extension, brought here and not kept yet.
pub(super) struct Gathered {
    pub(super) entry: Entry,
    /// The program for this platform, ready to be started.
    pub(super) found: Found,
    stage: Stage,
    hash: Hash,
}

impl Gathered {
    /// Keeps the bytes for this platform.
    pub(super) fn keep(&self, store: &Store) -> Result<(), Error> {
        store.keep(&self.stage, self.entry.kind, &self.hash)?;
        Ok(())
    }
}

/// Fails where the lock must stay as it is.
pub(super) fn may_write(context: &Context<'_>, ground: &Ground) -> Result<(), GatherError> {
    if ground.is_locked(context) { Err(GatherError::Locked) } else { Ok(()) }
}

/// Brings everything that was named, starts it, and says what is to be pinned.
pub(super) async fn gather(
    context: &mut Context<'_>,
    ground: &Ground,
    words: &[String],
    hints: &Hints,
) -> Result<Vec<Gathered>, Error> {
    let mut subjects = Vec::new();
    for word in words {
        subjects.extend(read(context, ground, word).await?);
    }
    let store = Store::new(context.world)?;
    let mut batches: BTreeMap<ExtensionName, Vec<(Subject, Brought, Stage)>> = BTreeMap::new();
    for subject in subjects {
        let stage = store.stage()?;
        let wanted = Wanted {
            from: subject.from.clone(),
            shown: subject.source.to_string(),
            name: hints.name.clone().or_else(|| subject.name.clone()),
            entry: hints.entry.clone(),
            pinned: None,
        };
        match bring(context, &stage, wanted).await? {
            Ok(brought) => {
                let name = name_of(hints, &subject, &brought)?;
                batches.entry(name).or_default().push((subject, brought, stage));
            }
            Err(error) if error.is_absent() && subject.platform.is_some() => {
                context.reporter.note(&format!("note: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if batches.is_empty() {
        return Err(GatherError::Word(words.join(" "), "there is nothing at any of these".to_owned()).into());
    }
    let mut gathered = Vec::new();
    for (name, batch) in batches {
        gathered.push(one(context, ground, name, batch, hints).await?);
    }
    Ok(gathered)
}

/// Brings something here; a signal leaves it at that.
pub(super) async fn bring(
    context: &mut Context<'_>,
    stage: &Stage,
    wanted: Wanted,
) -> Result<Result<Brought, FetchError>, Error> {
    let (http, path) = (Http::new(context.world), stage.path().to_owned());
    let work = fetch::apart(move || fetch::bring(&path, &http, &wanted));
    Ok(context.signals.unless(work).await?.ok_or(GatherError::Lost)?)
}

/// What a word of the command line names.
async fn read(context: &Context<'_>, ground: &Ground, word: &str) -> Result<Vec<Subject>, Error> {
    let wrong = |reason: String| GatherError::Word(printable(word, 200), reason);
    if word.contains("://") {
        return Ok(addresses(word).map_err(wrong)?);
    }
    if !word.contains('/') {
        let name: ExtensionName = word.parse().map_err(|error| wrong(format!("{error}")))?;
        return Ok(vec![named(context, ground, name).await?]);
    }
    let mut base = context.world.cwd.clone();
    base.extend(&context.global.directory);
    let path = base.join(word.strip_prefix("file:").unwrap_or(word));
    let path = path.canonicalize().map_err(|error| wrong(error.to_string()))?;
    Ok(vec![Subject { source: source_of(ground, &path), from: From::Path(path), name: None, platform: None }])
}

/// An address, or those that one with placeholders stands for.
fn addresses(word: &str) -> Result<Vec<Subject>, String> {
    const PLACES: [&str; 3] = ["{target}", "{os}", "{arch}"];
    let subject = |text: &str, name, platform| {
        let source: Source = text.parse()?;
        Ok(Subject { source, from: From::Url(text.to_owned()), name, platform })
    };
    let Some(first) = PLACES.iter().filter_map(|place| word.find(place)).min() else {
        return Ok(vec![subject(word, None, None)?]);
    };
    let stem = word[..first].rsplit('/').next().unwrap_or_default().trim_end_matches(['-', '_', '.']);
    let name = stem.strip_prefix("devflow-ext-").and_then(|name| name.parse().ok());
    let on = |platform: Platform| {
        let texts = [platform.as_str(), platform.os(), platform.arch()];
        let text =
            PLACES.iter().zip(texts).fold(word.to_owned(), |text, (place, with)| text.replace(place, with));
        subject(&text, Option::clone(&name), Some(platform))
    };
    Platform::NATIVE.into_iter().map(on).collect()
}

/// An extension that dwf finds by its name.
async fn named(context: &Context<'_>, ground: &Ground, name: ExtensionName) -> Result<Subject, Error> {
    let found = ground.places(context.world).unpinned(&name)?;
    ground.launcher(context.world)?.may_start(&found).await?;
    let source = match found.origin {
        Origin::Own | Origin::SearchPath => Source::Installed,
        _ => source_of(ground, &found.path),
    };
    let path = found.path.canonicalize().unwrap_or(found.path);
    Ok(Subject { source, from: From::Path(path), name: Some(name), platform: None })
}

/// How the lock names a file or folder of this machine.
fn source_of(ground: &Ground, path: &Path) -> Source {
    let inside = path.strip_prefix(&ground.project.root).ok().and_then(Path::to_str);
    match inside.and_then(|inside| inside.parse().ok()) {
        Some(inside) => Source::Project(inside),
        None => Source::File(path.to_owned()),
    }
}

fn name_of(hints: &Hints, subject: &Subject, brought: &Brought) -> Result<ExtensionName, GatherError> {
    let known = hints.name.clone().or_else(|| subject.name.clone());
    let told = || brought.file_name.strip_prefix("devflow-ext-")?.parse().ok();
    known.or_else(told).ok_or_else(|| GatherError::Name(subject.source.to_string()))
}

/// Starts one extension and says what is to be pinned of it.
async fn one(
    context: &mut Context<'_>,
    ground: &Ground,
    name: ExtensionName,
    batch: Vec<(Subject, Brought, Stage)>,
    hints: &Hints,
) -> Result<Gathered, Error> {
    let mut platforms = BTreeMap::new();
    let mut here = None;
    let mut kinds = Vec::new();
    for (subject, brought, stage) in batch {
        let platform = brought.platform.ok_or_else(|| GatherError::Unknown(subject.source.to_string()))?;
        kinds.push(brought.kind);
        let artifact = Artifact {
            source: plain(subject.source),
            archive: brought.archive,
            entry: brought.entry.map(plain),
            executable: brought.executable,
        };
        if Platform::this() == Some(platform) || platform == Platform::Any {
            here = Some((artifact.clone(), stage));
        }
        if platforms.insert(plain(platform), artifact).is_some() {
            return Err(GatherError::Twice(name, platform).into());
        }
    }
    let kind = kinds.first().copied().unwrap_or(Kind::Elf);
    if kinds.iter().any(|other| *other != kind) {
        return Err(GatherError::Kinds(name).into());
    }
    let Some((artifact, stage)) = here else { return Err(GatherError::NotHere(name).into()) };
    let old = ground.project.lock.as_ref().and_then(|lock| lock.entry(&name));
    let reads = hints.reads.clone().or_else(|| old.map(|old| old.reads.clone())).unwrap_or_default();
    let found = found(context, &name, kind, &artifact, stage.content(), &reads)?;
    let with = ground.surroundings(context.world)?;
    let launch = with.launcher.prepare(&found).await?;
    let started = context.signals.unless(Extension::start(launch, &with)).await??;
    let info = started.info.clone();
    context.signals.unless(started.end()).await?;
    let (version, protocol) = (info.extension.version, info.protocol);
    if let Some(old) = old
        && *old.version.get_ref() == version
        && (old.protocol, old.kind) == (protocol, kind)
    {
        for (platform, artifact) in &old.platform {
            platforms.entry(platform.clone()).or_insert_with(|| artifact.clone());
        }
    }
    let hash = artifact.executable;
    let entry =
        Entry { name: plain(name), version: plain(version), protocol, kind, reads, platform: platforms };
    Ok(Gathered { entry, found, stage, hash })
}

/// A program that lies in a folder of the store, or in a stage.
pub(super) fn found(
    context: &Context<'_>,
    name: &ExtensionName,
    kind: Kind,
    artifact: &Artifact,
    root: PathBuf,
    reads: &[Folder],
) -> Result<Found, Error> {
    let home = context.world.home()?;
    let path = match (&artifact.entry, kind) {
        (Some(entry), Kind::Tree) => root.join(entry.get_ref().as_str()),
        _ => root.join(PROGRAM),
    };
    let reads = reads.iter().map(|folder| folder.path(&home)).collect();
    let pin = Pinned {
        kind,
        sha256: artifact.executable.hex().to_owned(),
        root,
        reads,
        brought: false,
        stored: false,
        source_shown: artifact.source.get_ref().to_string(),
        witness: None,
    };
    Ok(Found { name: name.clone(), path, origin: Origin::Lock, shadows: Vec::new(), pin: Some(pin) })
}

/// A value that stands in no text.
fn plain<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// Writes the lock. Consent that was given covers what is pinned now.
pub(super) fn save(context: &Context<'_>, ground: &Ground, entries: &[Entry]) -> Result<(), Error> {
    let project = &ground.project;
    let write = || lock::write(&project.root, project.lock.as_ref(), entries);
    let Some(mut record) = ground.relock(context.world, write)? else { return Ok(()) };
    let home = context.world.home()?;
    for entry in entries {
        let reads: Vec<PathBuf> = entry.reads.iter().map(|folder| folder.path(&home)).collect();
        for artifact in entry.platform.values() {
            record.allow(&token(artifact.executable.hex(), &reads))?;
        }
    }
    Ok(())
}

/// What the lock says of an extension, for a person.
pub(super) fn tell(context: &mut Context<'_>, entry: &Entry) {
    let (name, version) = (entry.name.get_ref(), printable(entry.version.get_ref(), 100));
    context.reporter.note(&format!("pinned: {name} {version}, protocol {}", entry.protocol));
    for (platform, artifact) in &entry.platform {
        let (hash, source) = (&artifact.executable, artifact.source.get_ref());
        context.reporter.note(&format!("  {:<13} {hash}  {source}", platform.get_ref()));
    }
}
