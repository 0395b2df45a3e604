//! What only actions that download get: secrets, proxies, certificates.
//!
//! Invariant: no job of another kind is given any of it, and none of it is in a container's
//! arguments or variables: it goes to the runner with the action.

use std::collections::BTreeMap;

use devflow_runner::wire::{self, Place};

use super::cache::CachePlace;
use super::container::HOME;
use super::job::{Job, Kind};
use crate::error::{Exit, Explain};
use crate::name::FullName;
use crate::plan::Plan;

/// The variable by which programs of all kinds are told which certificates to believe.
pub const CERTIFICATES: &str = "SSL_CERT_FILE";

/// A value that some actions may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name, for messages.
    pub name: String,
    /// Where: a variable, or a file `~/…`.
    pub place: Place,
    /// What.
    pub value: String,
    /// Who.
    pub actions: Vec<FullName>,
}

/// How what is downloaded is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// Variables of proxies.
    pub proxies: BTreeMap<String, String>,
    /// The file of certificates, as actions see it.
    pub certificates: Option<String>,
}

/// A secret cannot be where it is wanted.
#[derive(Debug, thiserror::Error)]
#[error("the secret `{name}` cannot be at {file}: the cache `{cache}` is there, which outlives the run")]
pub struct PlaceError {
    name: String,
    file: String,
    cache: String,
}

impl Explain for PlaceError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(format!("give [secrets.{}] another `file`, or a variable: env = \"NAME\"", self.name))
    }
}

/// Gives each action the secrets it may see.
pub fn give(given: &[Given], caches: &[CachePlace<'_>], jobs: &mut [Job]) -> Result<(), PlaceError> {
    for job in jobs.iter_mut().filter(|job| job.kind == Kind::Fetch) {
        for one in given.iter().filter(|one| one.actions.contains(&job.name)) {
            let place = match &one.place {
                Place::Variable(name) => Place::Variable(name.clone()),
                Place::File(file) => Place::File(place(one, file, &job.name, caches)?),
            };
            job.start.secrets.push(wire::Secret { place, value: one.value.clone() });
        }
    }
    Ok(())
}

/// Tells each action that downloads how to reach what it wants.
pub fn show_way(plan: &Plan, way: &Way, jobs: &mut [Job]) {
    for job in jobs.iter_mut().filter(|job| job.kind == Kind::Fetch) {
        let own = plan.stack_of(&job.name).into_iter().flat_map(|stack| &stack.ca_env);
        let names = std::iter::once(CERTIFICATES).chain(own.map(|name| name.as_str()));
        let certificates =
            way.certificates.iter().flat_map(|path| names.clone().map(move |name| (name, path)));
        let proxies = way.proxies.iter().map(|(name, value)| (name.as_str(), value));
        let secret = |(name, value): (&str, &String)| wire::Secret {
            place: Place::Variable(name.to_owned()),
            value: value.clone(),
        };
        job.start.secrets.extend(proxies.chain(certificates).map(secret));
    }
}

/// Where a file `~/…` is for an action: a tool's home may be elsewhere than in the user's.
fn place(
    given: &Given,
    file: &str,
    action: &FullName,
    caches: &[CachePlace<'_>],
) -> Result<String, PlaceError> {
    let taken = |place: &CachePlace<'_>| PlaceError {
        name: given.name.clone(),
        file: file.to_owned(),
        cache: place.cache.name.to_string(),
    };
    let below = |path: &str, folder: &str| {
        path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let own = |place: &&CachePlace<'_>| {
        place.stack.member == action.member && Some(&place.stack.stack) == action.stack.as_ref()
    };
    for place in caches.iter().filter(own) {
        let home = place.cache.home.as_deref();
        let Some(rest) = home.and_then(|home| file.strip_prefix(home)?.strip_prefix('/')) else { continue };
        let first = rest.split('/').next().unwrap_or(rest);
        return match place.cache.keep.iter().any(|keep| keep.name == first) {
            true => Err(taken(place)),
            false => Ok(format!("{}/{rest}", place.seen)),
        };
    }
    let path = format!("{HOME}/{}", file.strip_prefix("~/").unwrap_or(file));
    match caches.iter().find(|place| below(&path, &place.seen) || below(&place.seen, &path)) {
        Some(place) => Err(taken(place)),
        None => Ok(path),
    }
}
