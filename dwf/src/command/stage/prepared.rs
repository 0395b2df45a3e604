//! What a container run gathers from the machine before it is lowered.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use devflow_oci::hash::sha256_framed;
use devflow_oci::{Engine, Image, UserMapping};

use super::container::{StageError, needs_passwd};
use crate::command::Context;
use crate::error::Error;
use crate::estate::Estate;
use crate::owner::Owner;
use crate::world::World;

/// What tells this run from every other, and what it would leave if dwf were killed.
pub(in crate::command) fn estate(engine: &Engine, cache_root: &Path) -> Estate {
    let owner = Owner::me();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let run = sha256_framed([owner.to_string().as_bytes(), &now.to_be_bytes()])[..12].to_owned();
    Estate {
        folders: vec![cache_root.join("tmp").join(&run)],
        temporary: owner.temporary(),
        owner: owner.to_string(),
        run,
        kind: engine.kind,
        program: engine.program.clone(),
    }
}

/// A passwd file with the container's user, where the engine needs one.
pub(super) fn passwd_for(
    world: &World,
    engine: &Engine,
    user: &UserMapping,
) -> Result<Option<PathBuf>, Error> {
    needs_passwd(engine, user.uid).then(|| passwd(world, user)).transpose()
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

pub(super) fn write(path: &Path, text: &str) -> Result<(), StageError> {
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

/// The runner beside dwf that can run in an image.
pub(in crate::command) fn runner_for(image: &Image, world: &World) -> Option<PathBuf> {
    let arch = match image.architecture.as_str() {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    let path = world.install_dir().join(format!("dwf-runner-linux-{arch}"));
    path.is_file().then_some(path)
}

/// Whether dwf itself runs in a container, whose engine, when it has one, may be that of the machine around it.
pub(super) fn in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists())
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
