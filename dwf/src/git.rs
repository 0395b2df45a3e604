//! What git knows of commits: asked of the git that is on the user's `PATH`.
//!
//! Invariant: git only reads objects that are here. It is told to fetch nothing, and no command is used that starts a
//! hook, a filter or a program of the repository's configuration.

mod tips;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use devflow_oci::Invocation;
use devflow_oci::fingerprint::{MOST_FOLDERS, Trees};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::ChildStdout;

use crate::engine::{last_line, on_path};
use crate::error::{Exit, Explain, printable};
use crate::process::{self, CaptureError, Captured, Streams};
use crate::world::World;

pub use tips::Worktree;

/// How long git may take to name a commit.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a short answer.
const SHORT: usize = 64 << 10;
/// Bytes of all the folders of some commits: some millions of files.
const FOLDERS: usize = 512 << 20;
/// Variables that git needs of the user's own; those that lead it to another repository are not among them.
const KEPT: [&str; 3] = ["PATH", "HOME", "XDG_CONFIG_HOME"];
/// What keeps git at reading what is here.
const QUIET: [(&str, &str); 6] = [
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("LC_ALL", "C"),
];

/// Why git has no answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It is not installed.
    #[error("no `git` is on PATH, and only git knows what a revision is")]
    Missing,
    /// There is no repository.
    #[error("{} is in no git repository", .0.display())]
    NoRepository(PathBuf),
    /// There is no such commit.
    #[error("git knows no commit {name:?}")]
    NoCommit {
        /// As it was written.
        name: String,
        /// Whether there are commits that this clone was made without.
        shallow: bool,
    },
    /// An object is not here.
    #[error("this clone is without the object {0}")]
    NoObject(String),
    /// A branch or tag cannot be read.
    #[error("git cannot read a branch or tag: {0}")]
    Broken(String),
    /// It said no, or nothing that makes sense.
    #[error("git {asked}: {reason}")]
    Failed {
        /// Its subcommand.
        asked: String,
        /// What it said.
        reason: String,
    },
    /// It could not be run.
    #[error("git cannot be run")]
    Run(#[source] CaptureError),
    /// Its streams broke.
    #[error("git cannot be talked to")]
    Talk(#[from] io::Error),
}

impl Explain for GitError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoCommit { .. } | Self::NoRepository(_) | Self::NoObject(_) => Exit::Usage,
            Self::Missing | Self::Broken(_) | Self::Failed { .. } | Self::Run(_) | Self::Talk(_) => {
                Exit::Machine
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoCommit { shallow: true, .. } => {
                Some("this clone is shallow; get the rest with: git fetch --unshallow".to_owned())
            }
            Self::NoCommit { .. } => Some("look for it with: git log --all --oneline".to_owned()),
            Self::NoObject(_) => Some("get what it was made without with: git fetch --refetch".to_owned()),
            Self::Broken(_) => Some("look for what is damaged with: git fsck".to_owned()),
            Self::Missing => Some("install git, or name an earlier fingerprint".to_owned()),
            _ => None,
        }
    }
}

/// The repository around a project.
#[derive(Debug)]
pub struct Repository {
    program: PathBuf,
    root: PathBuf,
    env: BTreeMap<String, String>,
    /// The project's folder in it.
    pub prefix: PathBuf,
    /// Its own file of ignore rules.
    pub exclude: PathBuf,
    /// Whether there are commits that this clone was made without.
    pub shallow: bool,
}

impl Repository {
    /// The repository that a folder is in.
    pub async fn around(root: &Path, world: &World) -> Result<Self, GitError> {
        if !root.ancestors().any(|dir| dir.join(".git").symlink_metadata().is_ok()) {
            return Err(GitError::NoRepository(root.to_owned()));
        }
        let kept = KEPT.iter().filter_map(|name| Some((*name, world.var(name)?)));
        let env = kept.chain(QUIET).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut this = Self {
            program: on_path("git", root, world).ok_or(GitError::Missing)?,
            root: root.to_owned(),
            env,
            prefix: PathBuf::new(),
            exclude: PathBuf::new(),
            shallow: false,
        };
        let args = ["rev-parse", "--is-shallow-repository", "--git-path", "info/exclude", "--show-prefix"];
        let said = this.ask(&args).await?;
        let mut lines = said.stdout.splitn(3, '\n');
        let (Some(shallow), Some(exclude), true) = (lines.next(), lines.next(), said.status.success()) else {
            return Err(failed("rev-parse", &said.stderr));
        };
        this.shallow = shallow == "true";
        this.exclude = root.join(exclude);
        // git shows it with a slash and a line end behind, or as an empty line.
        this.prefix = lines.next().unwrap_or("").trim_end_matches('\n').trim_end_matches('/').into();
        Ok(this)
    }

    /// The commit that a revision means.
    pub async fn commit(&self, revision: &str) -> Result<String, GitError> {
        let unknown = || GitError::NoCommit { name: printable(revision, 80), shallow: self.shallow };
        if revision.is_empty() || revision.starts_with('-') || revision.contains('\0') {
            return Err(unknown());
        }
        let name = format!("{revision}^{{commit}}");
        let said = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).await?;
        let id = said.stdout.trim();
        match said.status.success() && is_id(id) {
            true => Ok(id.to_owned()),
            false => Err(unknown()),
        }
    }

    /// The folders of some commits, whose trees these are; each object is read once, whoever shares it.
    pub async fn trees(&self, roots: BTreeSet<String>) -> Result<Trees, GitError> {
        let (mut trees, mut wanted, mut bytes) = (Trees::default(), roots, 0);
        for _ in 0..=MOST_FOLDERS {
            if wanted.is_empty() {
                return Ok(trees);
            }
            let take = |tree: &mut Vec<u8>, piece: &[u8]| {
                tree.extend_from_slice(piece);
                bytes += piece.len();
                match bytes > FOLDERS {
                    true => Err(failed("cat-file", &format!("the folders have more than {FOLDERS} bytes"))),
                    false => Ok(()),
                }
            };
            let ids = wanted.iter().map(String::as_str).collect();
            let read: BTreeMap<String, Vec<u8>> = self.objects("tree", ids, take).await?;
            let mut next = BTreeSet::new();
            for (id, bytes) in &read {
                let unknown = trees.learn(id, bytes).ok_or_else(|| failed("cat-file", "this is no tree"))?;
                next.extend(unknown);
            }
            next.retain(|id| !read.contains_key(id));
            wanted = next;
        }
        Err(failed("cat-file", &format!("there are more than {MOST_FOLDERS} folders in folders")))
    }

    /// What is in some objects of one kind, `blob` or `tree`, taken a piece at a time.
    pub async fn objects<T: Default>(
        &self,
        kind: &str,
        ids: BTreeSet<&str>,
        mut take: impl FnMut(&mut T, &[u8]) -> Result<(), GitError>,
    ) -> Result<BTreeMap<String, T>, GitError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let input: String = ids.iter().flat_map(|id| [*id, "\n"]).collect();
        let read = async |mut stdout: BufReader<ChildStdout>| {
            let (mut objects, mut buffer) = (BTreeMap::new(), vec![0; 64 << 10]);
            for id in ids {
                let mut head = String::new();
                (&mut stdout).take(200).read_line(&mut head).await?;
                let Some(mut left) = head.trim_end().strip_prefix(id).and_then(|rest| size(rest, kind))
                else {
                    return Err(match head.trim_end().ends_with(" missing") {
                        true => GitError::NoObject(id.to_owned()),
                        false => failed("cat-file", &head),
                    });
                };
                let mut object = T::default();
                while left > 0 {
                    let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    let count = stdout.read(&mut buffer[..most]).await?;
                    if count == 0 {
                        return Err(failed("cat-file", "it ended in the middle of an object"));
                    }
                    take(&mut object, &buffer[..count])?;
                    left -= count as u64;
                }
                stdout.read_u8().await?;
                objects.insert(id.to_owned(), object);
            }
            Ok(objects)
        };
        self.talk(vec!["cat-file".to_owned(), "--batch".to_owned()], input, read).await
    }

    fn invocation<S: Into<String>>(&self, args: impl IntoIterator<Item = S>) -> Invocation {
        let invocation = Invocation::new(&self.program).args(args).cwd(&self.root);
        tracing::debug!(target: "devflow::git", "\n{invocation}");
        invocation
    }

    async fn ask(&self, args: &[&str]) -> Result<Captured, GitError> {
        let invocation = self.invocation(args.iter().copied());
        process::capture(&invocation, &self.env, PATIENCE, SHORT).await.map_err(GitError::Run)
    }

    /// Runs git, gives it its input, and hears what it says until it ends.
    async fn talk<T>(
        &self,
        args: Vec<String>,
        input: String,
        read: impl AsyncFnOnce(BufReader<ChildStdout>) -> Result<T, GitError>,
    ) -> Result<T, GitError> {
        let asked = args.first().cloned().unwrap_or_default();
        let mut process = process::spawn(&self.invocation(args), &self.env, Streams::Piped)?;
        let (stdin, stdout, stderr) = (process.stdin(), process.stdout(), process.stderr());
        let write = async move {
            match stdin {
                // Git that has ended says on its other streams why.
                Some(mut stdin) => stdin.write_all(input.as_bytes()).await.or(Ok(())),
                None => Ok(()),
            }
        };
        let words = process::tail(stderr, SHORT);
        let read = read(BufReader::new(stdout.ok_or_else(|| io::Error::other("git has no output"))?));
        let ((), words, result) = tokio::try_join!(write, words, async { Ok(read.await) })?;
        let status = process.wait().await?;
        match result {
            Err(GitError::Failed { .. } | GitError::Talk(_)) | Ok(_) if !status.success() => {
                Err(match unfetched(&words) {
                    Some(id) => GitError::NoObject(id.to_owned()),
                    None => failed(&asked, &words),
                })
            }
            result => result,
        }
    }
}

/// The size in `<id> <kind> <size>`, of which the id is gone.
fn size(rest: &str, kind: &str) -> Option<u64> {
    rest.strip_prefix(' ')?.strip_prefix(kind)?.strip_prefix(' ')?.parse().ok()
}

/// The object that git would have fetched: before 2.44 it cannot be told to look here only, and ends where it may not.
fn unfetched(words: &str) -> Option<&str> {
    let rest = words.split("could not fetch ").nth(1)?;
    rest.split_whitespace().next().filter(|id| is_id(id))
}

fn is_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn failed(asked: &str, said: &str) -> GitError {
    let reason = last_line(said).unwrap_or_else(|| "it failed and does not say why".to_owned());
    let reason = reason.strip_prefix("fatal: ").unwrap_or(&reason).to_owned();
    GitError::Failed { asked: asked.to_owned(), reason }
}
