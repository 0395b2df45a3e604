//! What is asked of `skip` for a run of the gate: what is known of the place where its actions would run.

use std::collections::BTreeMap;

use devflow_oci::EngineKind;

use super::ask::{Answered, Ground};
use super::stage::{passed, seen_on_host};
use crate::cache;
use crate::cli::RunOptions;
use crate::config::{self, EngineChoice};
use crate::error::Error;
use crate::identity::apart;
use crate::image;
use crate::lower::{self, CachePlace, HostHome};
use crate::plan::Plan;
use crate::query::Request;
use crate::skip::{CacheFolders, Environment, KnownImage, Ledger, Seen, Store, Survey};
use crate::world::World;

/// Where the actions of a run would run.
#[derive(Debug, Clone)]
pub(super) enum Whereabouts {
    /// In a container of this image.
    Container(KnownImage),
    /// On the host, whose tools say this of themselves.
    Host(String),
}

/// How a run decides what need not run.
pub(super) struct Skipping<'a> {
    world: &'a World,
    ground: &'a Ground,
    store: Store,
    /// Why everything runs, if it does.
    all: Option<String>,
    /// Whether what was asked for runs in any case.
    asked: bool,
}

impl<'a> Skipping<'a> {
    pub(super) fn new(
        world: &'a World,
        ground: &'a Ground,
        request: &Request,
        options: &RunOptions,
    ) -> Result<Self, Error> {
        let all = match (options.force, world.ci()) {
            (true, _) => Some("--force was given".to_owned()),
            (false, true) => Some("in CI everything runs".to_owned()),
            (false, false) => None,
        };
        let store = Store::new(&ground.project.root, &world.state()?);
        Ok(Self { world, ground, store, all, asked: matches!(request, Request::Commands(..)) })
    }

    /// What can be decided without an engine: that nothing has to run, or nothing.
    ///
    /// A fingerprint names its image, so the image is the one that an engine had for it last; an image with a name of
    /// its own may be another one by now.
    pub(super) async fn early(
        &self,
        answered: &Answered,
        choice: EngineChoice,
    ) -> Result<Option<Ledger>, Error> {
        if self.all.is_some() || self.asked || !image::is_ours(&self.ground.project) {
            return Ok(None);
        }
        let plan = answered.plan(&self.ground.project)?;
        let Some(image) = self.store.image().filter(|image| image.fingerprint == plan.fingerprint) else {
            return Ok(None);
        };
        let fits = match choice {
            EngineChoice::Auto => true,
            EngineChoice::Docker => image.engine == EngineKind::Docker.to_string(),
            EngineChoice::Podman => image.engine == EngineKind::Podman.to_string(),
        };
        if !fits || plan.actions.is_empty() {
            return Ok(None);
        }
        let ledger = self.ledger(answered, &plan, &Whereabouts::Container(image)).await?;
        Ok((ledger.unchanged().count() == plan.actions.len()).then_some(ledger))
    }

    /// What has to run there.
    pub(super) async fn ledger(
        &self,
        answered: &Answered,
        plan: &Plan,
        place: &Whereabouts,
    ) -> Result<Ledger, Error> {
        let project = &self.ground.project;
        let members = answered.asked.answers.described.iter();
        let cache = project.config.file.cache.root.as_ref();
        let survey = Survey {
            plan: plan.clone(),
            root: project.root.clone(),
            members: members.map(|described| (described.member.clone(), described.stack.clone())).collect(),
            cache: cache.map_or(cache::DEFAULT, |root| root.get_ref()).to_owned(),
            environment: self.environment(plan, place),
            caches: self.caches(plan, place)?,
            store: self.store.clone(),
            all: self.all.clone(),
            asked: self.asked,
        };
        Ok(apart(move || survey.ledger()).await)
    }

    /// Remembers where actions ran, so that the next run need not ask.
    pub(super) fn keep(&self, place: &Whereabouts) {
        if let Whereabouts::Container(image) = place {
            self.store.keep_image(image);
        }
    }

    fn environment(&self, plan: &Plan, place: &Whereabouts) -> Environment {
        let container = &self.ground.project.config.file.container;
        let passed = passed(container, &self.world.env);
        let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        let mut parts = BTreeMap::from([("the platform".to_owned(), platform)]);
        let seen = match place {
            Whereabouts::Container(image) => {
                parts.insert("the profile".to_owned(), "container".to_owned());
                parts.insert("the image".to_owned(), image.id.clone());
                parts.insert("[container] in devflow.toml".to_owned(), settings(container));
                Seen::passed(passed)
            }
            Whereabouts::Host(toolchain) => {
                parts.insert("the profile".to_owned(), "host".to_owned());
                parts.insert("the host's tools".to_owned(), toolchain.clone());
                Seen::everything(seen_on_host(plan, &passed, &self.world.env))
            }
        };
        Environment { parts, seen }
    }

    fn caches(&self, plan: &Plan, place: &Whereabouts) -> Result<CacheFolders, Error> {
        let root = &self.ground.project.root;
        // One that is not there holds no outputs.
        let Ok(cache_root) = cache::root(&self.ground.project, self.world)?.canonicalize() else {
            return Ok(CacheFolders::new());
        };
        let folder = |place: &CachePlace<'_>, path| {
            let stack = place.stack;
            ((stack.member.clone(), stack.stack.clone(), place.cache.name.clone()), path)
        };
        Ok(match place {
            Whereabouts::Container(image) => {
                let places = lower::caches_in_container(plan, &cache_root, root, &image.layers);
                places.iter().map(|place| folder(place, place.disk.clone())).collect()
            }
            Whereabouts::Host(toolchain) => {
                let (home, state) = (self.world.home()?, self.world.state()?);
                let user = HostHome { home: &home, var: &|_| None, state: &state };
                let (places, _) = lower::caches_on_host(plan, &cache_root, root, toolchain, &user);
                let path =
                    |place: &CachePlace<'_>| match place.cache.at.is_some() || place.cache.target.is_some() {
                        true => place.seen.clone().into(),
                        false => place.disk.clone(),
                    };
                places.iter().map(|place| folder(place, path(place))).collect()
            }
        })
    }
}

/// What of the section decides how actions run.
fn settings(container: &config::Container) -> String {
    let user = container.user.as_ref().map(|user| *user.get_ref());
    let tmpfs: Vec<&String> = container.tmpfs.iter().map(|target| target.get_ref()).collect();
    let mounts: Vec<_> =
        container.mounts.iter().map(|mount| (mount.source.get_ref(), mount.target.get_ref())).collect();
    let limits = (container.memory, container.cpus, container.shm_size);
    format!("{:?}", (container.network, user, container.session, limits, tmpfs, mounts))
}
