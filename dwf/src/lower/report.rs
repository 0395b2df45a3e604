//! Where the reports of an action are on disk.

use std::path::{Path, PathBuf};

use devflow_protocol::path::RelPath;

use super::cache::CachePlace;
use crate::plan::{Action, Plan};

/// The files, each as a folder and what is below it: a cache's own folder, or the project's root.
pub fn report_places(
    plan: &Plan,
    action: &Action,
    caches: &[CachePlace<'_>],
    root: &Path,
    on_host: bool,
) -> Vec<(PathBuf, RelPath)> {
    let stack = plan.stack_of(&action.name);
    let places = action.reports.iter().filter_map(|report| match &report.cache {
        None => Some((root.to_owned(), report.path.below(&action.name.member))),
        Some(name) => {
            let own = |place: &&CachePlace<'_>| stack.is_some_and(|stack| std::ptr::eq(place.stack, stack));
            let place = caches.iter().filter(own).find(|place| place.cache.name == *name)?;
            // What is mounted over a place in containers is that place itself on the host.
            let itself = on_host && (place.cache.at.is_some() || place.cache.target.is_some());
            let folder = if itself { PathBuf::from(&place.seen) } else { place.disk.clone() };
            Some((folder, report.path.clone()))
        }
    });
    places.collect()
}
