//! What of a repository somebody may want to work on: its branches, tags and worktrees.
//!
//! Invariant: a name is only shown; git is asked for objects by their ids, so no name can be taken for anything else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::{GitError, Repository, failed, is_id};
use crate::error::printable;
use crate::process::{self, Captured};

/// Bytes of the names of all branches and tags.
const NAMES: usize = 64 << 20;
/// What git answers to an option that it does not know.
const USAGE: i32 = 129;

/// A branch or tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// What it is called, for a person: `branch main`, `tag v1`.
    pub name: String,
    /// The object it names, of whatever kind.
    pub object: String,
}

/// A working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// Its top folder, which may be gone.
    pub path: PathBuf,
    /// The commit it is at; `None` before the first.
    pub head: Option<String>,
}

impl Repository {
    /// All local branches and tags.
    pub async fn tips(&self) -> Result<Vec<Tip>, GitError> {
        let args = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"];
        let said = self.ask_much(&args).await?;
        let broken = said.stderr.lines().find(|line| line.contains("broken ref"));
        match (broken, said.status.success()) {
            // Git leaves it out and is content.
            (Some(line), _) => Err(GitError::Broken(printable(line.trim_start_matches("warning: "), 400))),
            (None, false) => Err(failed("for-each-ref", &said.stderr)),
            (None, true) => {
                let nonsense = || failed("for-each-ref", "its answer makes no sense");
                said.stdout.lines().map(|line| tip(line).ok_or_else(nonsense)).collect()
            }
        }
    }

    /// All working trees but bare ones, the main one first.
    pub async fn worktrees(&self) -> Result<Vec<Worktree>, GitError> {
        let mut said = self.ask_much(&["worktree", "list", "--porcelain", "-z"]).await?;
        let mut end = '\0';
        if said.status.code() == Some(USAGE) {
            // Before git 2.36 there is only the form in which a line end cannot be in a name.
            said = self.ask_much(&["worktree", "list", "--porcelain"]).await?;
            end = '\n';
        }
        match said.status.success() {
            true => worktrees(&said.stdout, end)
                .ok_or_else(|| failed("worktree", "its list of worktrees makes no sense")),
            false => Err(failed("worktree", &said.stderr)),
        }
    }

    /// The tree of each of these objects that is, or leads to, a commit.
    pub async fn roots(&self, objects: Vec<String>) -> Result<BTreeMap<String, String>, GitError> {
        if objects.is_empty() {
            return Ok(BTreeMap::new());
        }
        let input = objects.iter().map(|id| format!("{id}^{{}}\n{id}^{{tree}}\n")).collect();
        let read = async |stdout: BufReader<_>| {
            let mut lines = stdout.take(NAMES as u64).lines();
            let mut roots = BTreeMap::new();
            for id in objects {
                let (Some(what), Some(tree)) = (lines.next_line().await?, lines.next_line().await?) else {
                    return Err(failed("cat-file", "it ended before its answers did"));
                };
                let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
                match (words(&what).as_slice(), words(&tree).as_slice()) {
                    ([_, kind, _], [tree, of, _]) if kind == "commit" && of == "tree" && is_id(tree) => {
                        roots.insert(id, tree.clone());
                    }
                    // A tag may name anything; only a commit can be worked on.
                    ([_, kind, _], _) if kind == "blob" || kind == "tree" => {}
                    ([.., missing], _) | (_, [.., missing]) if missing == "missing" => {
                        return Err(GitError::NoObject(id));
                    }
                    _ => return Err(failed("cat-file", &what)),
                }
            }
            Ok(roots)
        };
        self.talk(["cat-file", "--batch-check"].map(str::to_owned).into(), input, read).await
    }

    async fn ask_much(&self, args: &[&str]) -> Result<Captured, GitError> {
        let invocation = self.invocation(args.iter().copied());
        let said = process::capture(&invocation, &self.env, super::PATIENCE, NAMES).await;
        let said = said.map_err(GitError::Run)?;
        match said.stdout.len() >= NAMES {
            true => Err(failed(args.first().unwrap_or(&""), &format!("it says more than {NAMES} bytes"))),
            false => Ok(said),
        }
    }
}

fn tip(line: &str) -> Option<Tip> {
    let (object, name) = line.split_once(' ').filter(|(object, _)| is_id(object))?;
    let name = match (name.strip_prefix("refs/heads/"), name.strip_prefix("refs/tags/")) {
        (Some(branch), _) => format!("branch {branch}"),
        (None, Some(tag)) => format!("tag {tag}"),
        (None, None) => return None,
    };
    Some(Tip { name: printable(&name, 200), object: object.to_owned() })
}

fn worktrees(text: &str, end: char) -> Option<Vec<Worktree>> {
    let mut found: Vec<Option<Worktree>> = Vec::new();
    for line in text.split(end).filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, found.last_mut()) {
            ("worktree", _) => found.push(Some(Worktree { path: rest.into(), head: None })),
            // A commit before the first is written as zeros.
            ("HEAD", Some(Some(last))) if is_id(rest) => {
                last.head = Some(rest.to_owned()).filter(|id| id.bytes().any(|byte| byte != b'0'));
            }
            ("bare", Some(last)) => *last = None,
            ("branch" | "detached" | "locked" | "prunable", Some(_)) => {}
            _ => return None,
        }
    }
    Some(found.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_and_tags() {
        let id = "1".repeat(40);
        let name = |line: &str| tip(line).map(|tip| tip.name);
        assert_eq!(name(&format!("{id} refs/heads/-x")).as_deref(), Some("branch -x"));
        assert_eq!(name(&format!("{id} refs/tags/v1/\u{9b}a")).as_deref(), Some("tag v1/\\u{9b}a"));
        for line in ["", "x refs/heads/a", &format!("{id} refs/remotes/a"), &id] {
            assert_eq!(name(line), None, "{line}");
        }
    }

    #[test]
    fn worktrees_in_both_forms() {
        let (a, zero) = ("a".repeat(40), "0".repeat(40));
        let text = format!(
            "worktree /w/a b\nHEAD {a}\nbranch refs/heads/main\n\nworktree /bare\nbare\n\n\
             worktree /new\nHEAD {zero}\nbranch refs/heads/x\n\nworktree /gone\nHEAD {a}\ndetached\nprunable it is gone\n\n"
        );
        let at = |path: &str, head: Option<&String>| Worktree { path: path.into(), head: head.cloned() };
        let expected = [at("/w/a b", Some(&a)), at("/new", None), at("/gone", Some(&a))];
        assert_eq!(worktrees(&text, '\n').unwrap(), expected);
        assert_eq!(worktrees(&text.replace('\n', "\0"), '\0').unwrap(), expected);
        let odd = format!("worktree /w\nx\0HEAD {a}\0\0");
        assert_eq!(worktrees(&odd, '\0').unwrap(), [at("/w\nx", Some(&a))]);
        for text in ["HEAD x", "worktree /w\nHEAD x", "worktree /w\nmore\n"] {
            assert_eq!(worktrees(text, '\n'), None, "{text}");
        }
    }
}
