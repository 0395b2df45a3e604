//! Where caches are: on disk, and as actions see them.

use std::path::{Path, PathBuf};

use devflow_oci::hash::sha256_framed;
use devflow_protocol::message::{Cache, CacheReadonly, CacheScope};

use super::folders::Prepare;
use crate::plan::{Plan, Stack};

/// One stack's cache.
#[derive(Debug, Clone, PartialEq)]
pub struct CachePlace<'a> {
    /// The stack it belongs to.
    pub stack: &'a Stack,
    /// The cache.
    pub cache: &'a Cache,
    /// Its folder on disk.
    pub disk: PathBuf,
    /// Where actions see it.
    pub seen: String,
}

impl CachePlace<'_> {
    /// The volumes that can stand for its folder, by what they hold of it. What is mounted copy-on-write has to be a
    /// folder, since an engine's volumes are nowhere on this machine; so has a file.
    pub fn volumes(&self) -> Vec<(PathBuf, String)> {
        let Cache { scope, readonly, home, .. } = self.cache;
        let folders = match home {
            // Only what is shared is ever mounted so.
            _ if *scope == CacheScope::Shared && *readonly == Some(CacheReadonly::Overlay) => Vec::new(),
            None => vec![self.disk.clone()],
            Some(_) => {
                let folders = self.cache.keep.iter().filter(|keep| keep.folder);
                folders.map(|keep| self.disk.join(&keep.name)).collect()
            }
        };
        folders.into_iter().map(|path| (path.clone(), volume_name(&path))).collect()
    }
}

/// Two roots never share a volume: the path has the root in it.
fn volume_name(path: &Path) -> String {
    format!("dwf-{}", &sha256_framed([path.as_os_str().as_encoded_bytes()])[..24])
}

/// What the host profile knows about the user's own files.
pub struct HostHome<'a> {
    /// The user's home directory.
    pub home: &'a Path,
    /// The user's own value of a variable.
    pub var: &'a dyn Fn(&str) -> Option<PathBuf>,
    /// dwf's own state, which no container sees.
    pub state: &'a Path,
}

/// The folder of a cache: `<root>/<name>`, or `<root>/env/<key>/<name>` for build products. The key
/// is of everything that must not share them: the workspace, the member, the stack, the cache, and
/// the environment (the image's layers, or the host's toolchain).
fn on_disk(root: &Path, workspace: &Path, stack: &Stack, cache: &Cache, environment: &str) -> PathBuf {
    match cache.scope {
        CacheScope::Shared => root.join(cache.name.as_str()),
        CacheScope::Environment => {
            let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
            let key = sha256_framed([
                workspace.as_os_str().as_encoded_bytes(),
                stack.member.as_str().as_bytes(),
                stack.stack.as_str().as_bytes(),
                cache.name.as_str().as_bytes(),
                environment.as_bytes(),
                platform.as_bytes(),
            ]);
            root.join("env").join(&key[..16]).join(cache.name.as_str())
        }
    }
}

fn each(plan: &Plan) -> impl Iterator<Item = (&Stack, &Cache)> {
    plan.stacks.iter().flat_map(|stack| stack.caches.iter().map(move |cache| (stack, cache)))
}

/// The caches as a container sees them. Their places do not depend on the machine, so that build
/// products that hold paths are worth the same everywhere.
pub fn caches_in_container<'a>(
    plan: &'a Plan,
    root: &Path,
    workspace: &Path,
    environment: &str,
) -> Vec<CachePlace<'a>> {
    let place = |(stack, cache): (&'a Stack, &'a Cache)| {
        let seen = match (&cache.at, &cache.target) {
            (Some(at), _) => format!("{}/{}", super::WORKSPACE, at.below(&stack.member)),
            (None, Some(target)) => expand(target, super::HOME),
            (None, None) if cache.scope == CacheScope::Shared => format!("/cache/shared/{}", cache.name),
            (None, None) if stack.member.is_here() => format!("/cache/root/{}/{}", stack.stack, cache.name),
            (None, None) => format!("/cache/member/{}/{}/{}", stack.member, stack.stack, cache.name),
        };
        CachePlace { stack, cache, disk: on_disk(root, workspace, stack, cache, environment), seen }
    };
    each(plan).map(place).collect()
}

/// The caches as the host sees them, and what must be made for that.
pub fn caches_on_host<'a>(
    plan: &'a Plan,
    root: &Path,
    workspace: &Path,
    environment: &str,
    user: &HostHome<'_>,
) -> (Vec<CachePlace<'a>>, Vec<Prepare>) {
    let mut made = Vec::new();
    let mut places: Vec<CachePlace<'a>> = Vec::new();
    for (stack, cache) in each(plan) {
        let disk = on_disk(root, workspace, stack, cache, environment);
        let seen = match (&cache.home, &cache.at, &cache.target) {
            (Some(home), _, _) => {
                let own = cache.env.as_ref().and_then(|name| (user.var)(name.as_str()));
                let own = own.unwrap_or_else(|| PathBuf::from(expand(home, &user.home.to_string_lossy())));
                let key =
                    sha256_framed([disk.as_os_str().as_encoded_bytes(), own.as_os_str().as_encoded_bytes()]);
                let links = user.state.join("homes").join(&key[..16]).join(cache.name.as_str());
                made.push(Prepare::Folder(disk.clone()));
                made.extend(keep(cache, &disk));
                let kept = cache.keep.iter().map(|keep| keep.name.clone()).collect();
                made.push(Prepare::Links { folder: links.clone(), kept, disk: disk.clone(), own });
                links.to_string_lossy().into_owned()
            }
            // These are containers' matters: here the tool finds its folder by itself.
            (None, Some(at), _) => {
                workspace.join(at.below(&stack.member).as_str()).to_string_lossy().into_owned()
            }
            (None, None, Some(target)) => expand(target, &user.home.to_string_lossy()),
            (None, None, None) => {
                made.push(Prepare::Folder(disk.clone()));
                disk.to_string_lossy().into_owned()
            }
        };
        places.push(CachePlace { stack, cache, disk, seen });
    }
    (places, made)
}

/// What must exist in the folder of a tool's home before its entries can be mounted or linked.
pub(super) fn keep(cache: &Cache, disk: &Path) -> Vec<Prepare> {
    let entry = |keep: &devflow_protocol::message::Keep| {
        let path = disk.join(&keep.name);
        if keep.folder { Prepare::Folder(path) } else { Prepare::File(path) }
    };
    cache.keep.iter().map(entry).collect()
}

fn expand(path: &str, home: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("{home}/{rest}"),
        None => path.to_owned(),
    }
}
