//! Which fingerprints somebody needs: every local branch, tag and worktree, and the files as they are now.
//!
//! Invariant: a commit whose fingerprint cannot be computed is an error, never a commit that needs nothing; what the
//! answers are made of is that of today (see [`super::revision`]).

use std::collections::{BTreeMap, BTreeSet};

use devflow_oci::Fingerprint;

use super::revision::{Named, RevisionError, fingerprints};
use super::{current, fingerprint, origin};
use crate::error::printable;
use crate::git::{Repository, Worktree};
use crate::plan::Answers;
use crate::project::Project;
use crate::world::World;

/// Who needs the fingerprint of the files as they are now.
pub const HERE: &str = "this tree";

/// The fingerprints that are needed.
#[derive(Debug, Default)]
pub struct Needs {
    by: BTreeMap<String, BTreeSet<String>>,
    /// What its reader should know.
    pub notes: Vec<String>,
}

impl Needs {
    /// Those of the files as they are now, and nobody else's.
    pub fn here(now: &Fingerprint) -> Self {
        let mut needs = Self::default();
        needs.add(&now.hex, HERE.to_owned());
        needs
    }

    /// Those of everybody.
    pub async fn all(
        project: &Project,
        answers: &Answers,
        now: &Fingerprint,
        world: &World,
    ) -> Result<Self, RevisionError> {
        let repository = Repository::around(&project.root, world).await?;
        let mut needs = Self::here(now);
        if repository.shallow {
            needs.notes.push(
                "this clone is shallow: branches and tags that it was made without are not known".to_owned(),
            );
        }
        let worktrees = repository.worktrees().await?;
        needs.commits(&repository, &worktrees, answers).await?;
        for worktree in &worktrees {
            needs.files(&repository, worktree, project, answers).await;
        }
        Ok(needs)
    }

    /// Who needs a fingerprint; empty is nobody.
    pub fn of(&self, fingerprint: &str) -> Vec<&str> {
        self.by.get(fingerprint).into_iter().flatten().map(String::as_str).collect()
    }

    fn add(&mut self, fingerprint: &str, who: String) {
        self.by.entry(fingerprint.to_owned()).or_default().insert(who);
    }

    /// What the commits of branches, tags and worktrees need. Those of the same tree need the same.
    async fn commits(
        &mut self,
        repository: &Repository,
        worktrees: &[Worktree],
        answers: &Answers,
    ) -> Result<(), RevisionError> {
        let tips = repository.tips().await?.into_iter().map(|tip| (tip.name, tip.object));
        let at = |worktree: &Worktree| Some((shown(worktree), worktree.head.clone()?));
        let named: Vec<Named> = tips.chain(worktrees.iter().filter_map(at)).collect();
        let objects: BTreeSet<String> = named.iter().map(|(_, object)| object.clone()).collect();
        let roots = repository.roots(objects.into_iter().collect()).await?;
        let mut trees: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, object) in &named {
            if let Some(tree) = roots.get(object) {
                trees.entry(tree).or_default().push(name);
            }
        }
        let first =
            |(tree, names): (&&str, &Vec<&str>)| Some(((*names.first()?).to_owned(), (*tree).to_owned()));
        let commits: Vec<Named> = trees.iter().filter_map(first).collect();
        for (tree, fingerprint) in fingerprints(repository, &commits, answers).await? {
            for name in trees.get(tree.as_str()).into_iter().flatten() {
                self.add(&fingerprint.hex, (*name).to_owned());
            }
        }
        Ok(())
    }

    /// What the files of another worktree need as they are now. Its commit counts whether they can be read or not.
    async fn files(
        &mut self,
        repository: &Repository,
        worktree: &Worktree,
        here: &Project,
        answers: &Answers,
    ) {
        let Ok(root) = worktree.path.join(&repository.prefix).canonicalize() else { return };
        if root == here.root {
            return;
        }
        let of = |reason: String| format!("only the commit of {} counts: {reason}", shown(worktree));
        let project = match Project::load(&root) {
            Ok(project) if project.root == root => project,
            Ok(_) => return,
            Err(error) => return self.notes.push(of(error.to_string())),
        };
        let origin = match origin(&project, answers) {
            Ok(origin) => origin,
            Err(error) => return self.notes.push(of(error.to_string())),
        };
        match fingerprint(&root, &current(&project, &origin, answers)).await {
            Ok(fingerprint) => self.add(&fingerprint.hex, shown(worktree)),
            Err(error) => self.notes.push(of(error.to_string())),
        }
    }
}

fn shown(worktree: &Worktree) -> String {
    format!("worktree {}", printable(&worktree.path.to_string_lossy(), 400))
}
