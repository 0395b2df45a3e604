//! What a container run gathers from the machine before it is lowered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use devflow_oci::hash::sha256_framed;
use devflow_oci::{Engine, Image, UserMapping};
use globset::Glob;

use super::container::{StageError, needs_passwd};
use crate::command::Context;
use crate::config;
use crate::error::Error;
use crate::world::World;

/// What the machine says.
pub(super) struct Prepared {
    /// The run's id.
    pub(super) run: String,
    /// Who runs dwf: boot, process, start.
    pub(super) owner: String,
    /// A passwd file with the container's user.
    pub(super) passwd: Option<PathBuf>,
}

impl Prepared {
    pub(super) fn new(world: &World, engine: &Engine, user: &UserMapping) -> Result<Self, Error> {
        let owner = owner();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let run = sha256_framed([owner.as_bytes(), &now.to_be_bytes()])[..12].to_owned();
        let passwd = match needs_passwd(engine, user.uid) {
            true => Some(passwd(world, user)?),
            false => None,
        };
        Ok(Self { run, owner, passwd })
    }
}

/// Boot, process and start time: what tells a run that is over from one that is not.
pub(in crate::command) fn owner() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The command in parentheses may hold blanks; the start time is the 20th field after it (proc(5)).
    let start = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(19)).unwrap_or("0");
    format!("{}:{}:{start}", boot.trim(), std::process::id())
}

/// A passwd file in which the container's user has a name and a home.
fn passwd(world: &World, user: &UserMapping) -> Result<PathBuf, Error> {
    let path = world.state()?.join("passwd").join(format!("{}-{}", user.uid, user.gid));
    let home = crate::lower::HOME;
    let text = format!(
        "root:x:0:0:root:/root:/bin/sh\ndwf:x:{}:{}::{home}:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
        user.uid, user.gid
    );
    write(&path, &text)?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), StageError> {
    use std::os::unix::fs::PermissionsExt;

    let failed = |error| StageError::Write(path.to_owned(), error);
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(failed)?;
    file.persist(path).map(|_| ()).map_err(|error| failed(error.error))
}

/// Who owns the workspace.
pub(in crate::command) fn owner_of(root: &Path) -> Result<(u32, u32), StageError> {
    use std::os::unix::fs::MetadataExt;

    let meta = root.metadata().map_err(|error| StageError::Write(root.to_owned(), error))?;
    Ok((meta.uid(), meta.gid()))
}

/// The host's variables that `pass_env` lets through. A glob never lets through what sounds like a
/// secret: such a name is to be spelled out.
pub(in crate::command) fn passed_variables(
    config: &config::Container,
    world: &World,
) -> BTreeMap<String, String> {
    let secret = |name: &str| ["TOKEN", "SECRET", "KEY", "PASSWORD"].iter().any(|word| name.contains(word));
    let mut passed = BTreeMap::new();
    for wanted in &config.pass_env {
        let wanted = wanted.get_ref();
        if let Some(value) = world.env.get(wanted) {
            passed.insert(wanted.clone(), value.clone());
            continue;
        }
        let Ok(glob) = Glob::new(wanted) else { continue };
        let glob = glob.compile_matcher();
        let found = world.env.iter().filter(|(name, _)| glob.is_match(name) && !secret(&name.to_uppercase()));
        passed.extend(found.map(|(name, value)| (name.clone(), value.clone())));
    }
    passed
}

/// The runner beside dwf that can run in an image.
pub(super) fn runner_for(image: &Image, world: &World) -> Option<PathBuf> {
    let arch = match image.architecture.as_str() {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    let path = world.install_dir().join(format!("dwf-runner-linux-{arch}"));
    path.is_file().then_some(path)
}

/// Whether SELinux would keep containers from what is mounted.
pub(in crate::command) fn selinux_enforces() -> bool {
    std::fs::read_to_string("/sys/fs/selinux/enforce").is_ok_and(|text| text.trim() == "1")
}

/// Says something the first time it is true.
pub(super) fn say_once(context: &mut Context<'_>, text: &str) {
    let Ok(state) = context.world.state() else { return };
    let marker = state.join("said").join(devflow_oci::hash::sha256(text));
    if !marker.exists() {
        context.reporter.note(&format!("note: {text}"));
        // Saying it twice does no harm.
        let _ = write(&marker, text);
    }
}
