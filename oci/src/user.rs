//! Who a container's programs are, so that what they write belongs to whoever owns the workspace.
//!
//! Invariant: nobody gets root's powers, and nothing is ever re-owned: either the ids agree or the engine maps them.

use std::fmt;

use serde::Serialize;

use crate::engine::{Engine, EngineKind};
use crate::version::Version;

/// The user and group inside, where the engine can map any onto the owner.
pub const INSIDE: (u32, u32) = (1001, 1001);

/// How many ids an engine's user namespace has.
const IDS: u32 = 65536;
/// The first Podman that maps the caller onto an id of one's choice by itself.
const KEEP_ID: Version = Version::new(4, 3, 0);
/// The first Podman whose `--uidmap` does it.
const UIDMAP: Version = Version::new(3, 0, 0);

/// The flags that make a user, and what they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserMapping {
    /// The engine's arguments; exactly one `--user` among them.
    pub args: Vec<String>,
    /// The user's id inside.
    pub uid: u32,
    /// The group's id inside.
    pub gid: u32,
    /// Whose the files are that it writes, as the host sees it; `None` is an id from the engine's own range.
    pub host: Option<(u32, u32)>,
    /// What the user of dwf should know, said once.
    pub notice: Option<String>,
}

/// Why there is no user for a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserError {
    /// This version cannot map the owner onto an ordinary user.
    TooOld(Version),
    /// The engine's range of ids ends before this one.
    TooLarge(u32),
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOld(version) => {
                write!(f, "podman {version} cannot map user ids as dwf needs it; {UIDMAP} can")
            }
            Self::TooLarge(id) => {
                write!(f, "the user or group id {id} is beyond the {IDS} ids that podman can map")
            }
        }
    }
}

impl std::error::Error for UserError {}

/// The user for a workspace of this owner; `insist` is the user's own wish for the ids inside.
pub fn user_args(
    engine: &Engine,
    owner: (u32, u32),
    insist: Option<(u32, u32)>,
) -> Result<UserMapping, UserError> {
    let inside = insist.unwrap_or(INSIDE);
    match engine.kind {
        EngineKind::Docker if engine.rootless => {
            // Its root is the caller; any other id is a subordinate one.
            let ids = insist.unwrap_or((0, 0));
            let mapping = plain(ids, (ids.0 == 0).then_some(owner));
            Ok(if ids.0 == 0 { mapping } else { mapping.notice(foreign(ids, "rootless Docker")) })
        }
        EngineKind::Docker => {
            let ids = insist.unwrap_or(owner);
            let mapping = plain(ids, Some(ids));
            Ok(match ids.0 {
                _ if ids != owner => mapping.notice(foreign(ids, "Docker")),
                0 => mapping.notice("the container's user is root, without any capability".to_owned()),
                _ => mapping,
            })
        }
        // Without a map, root inside is the caller (rootless) or the owner (rootful).
        EngineKind::Podman if inside.0 == 0 && (engine.rootless || owner.0 == 0) => {
            Ok(plain(inside, Some(owner)))
        }
        EngineKind::Podman if engine.rootless || owner.0 == 0 => map(engine, owner, inside),
        EngineKind::Podman => {
            let ids = insist.unwrap_or(owner);
            let mapping = plain(ids, Some(ids));
            Ok(if ids == owner { mapping } else { mapping.notice(foreign(ids, "Podman")) })
        }
    }
}

fn foreign((uid, gid): (u32, u32), engine: &str) -> String {
    format!(
        "the container's user is {uid}:{gid} of {engine}, who does not own the workspace: writing there may fail"
    )
}

fn plain((uid, gid): (u32, u32), host: Option<(u32, u32)>) -> UserMapping {
    UserMapping { args: vec![format!("--user={uid}:{gid}")], uid, gid, host, notice: None }
}

/// Podman, with an id inside for id 0 of its (possibly nested) namespace: the caller or root.
fn map(engine: &Engine, owner: (u32, u32), (uid, gid): (u32, u32)) -> Result<UserMapping, UserError> {
    if let Some(id) = [uid, gid].into_iter().find(|id| *id >= IDS - 1) {
        return Err(UserError::TooLarge(id));
    }
    // Kept ids of 0 make runc fail.
    let maps = if engine.rootless && engine.version >= KEEP_ID && uid != 0 && gid != 0 {
        vec![format!("--userns=keep-id:uid={uid},gid={gid}")]
    } else if engine.version >= UIDMAP {
        [onto_zero("--uidmap", uid), onto_zero("--gidmap", gid)].concat()
    } else {
        return Err(UserError::TooOld(engine.version));
    };
    let mut mapping = plain((uid, gid), Some(owner));
    mapping.args.splice(0..0, maps);
    Ok(mapping)
}

/// The id inside is 0 outside; all others move up by one. Together the outer ids are one range without holes, as
/// Podman wants it.
fn onto_zero(flag: &str, id: u32) -> Vec<String> {
    let next = id + 1;
    let below = (id > 0).then(|| format!("{flag}=0:1:{id}"));
    below
        .into_iter()
        .chain([format!("{flag}={id}:0:1"), format!("{flag}={next}:{next}:{}", IDS - next)])
        .collect()
}

impl UserMapping {
    fn notice(self, notice: String) -> Self {
        Self { notice: Some(notice), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::{UserError, UserMapping, user_args};
    use crate::engine::{Engine, EngineKind, EngineKind::*};
    use crate::version::Version;

    fn engine(kind: EngineKind, rootless: bool, version: (u32, u32)) -> Engine {
        Engine { rootless, ..Engine::new(kind, "e", Version::new(version.0, version.1, 0)) }
    }

    const UIDMAP: &str = "--uidmap=0:1:1001 --uidmap=1001:0:1 --uidmap=1002:1002:64534 \
                          --gidmap=0:1:1001 --gidmap=1001:0:1 --gidmap=1002:1002:64534 --user=1001:1001";

    const GID_0: &str =
        "--uidmap=0:1:1 --uidmap=1:0:1 --uidmap=2:2:65534 --gidmap=0:0:1 --gidmap=1:1:65535 --user=1:0";

    #[test]
    fn users() {
        let me = (1000, 1000);
        let root = (0, 0);
        let keep = "--userns=keep-id:uid=1001,gid=1001 --user=1001:1001";
        for (engine, owner, insist, args, host, notice) in [
            (engine(Docker, false, (28, 0)), me, None, "--user=1000:1000", Some(me), ""),
            (
                engine(Docker, false, (28, 0)),
                root,
                None,
                "--user=0:0",
                Some(root),
                "root, without any capability",
            ),
            (
                engine(Docker, false, (28, 0)),
                me,
                Some((5, 6)),
                "--user=5:6",
                Some((5, 6)),
                "is 5:6 of Docker, who",
            ),
            (engine(Docker, false, (28, 0)), me, Some(me), "--user=1000:1000", Some(me), ""),
            (engine(Docker, true, (28, 0)), me, None, "--user=0:0", Some(me), ""),
            (engine(Docker, true, (28, 0)), me, Some((5, 6)), "--user=5:6", None, "of rootless Docker"),
            (engine(Podman, true, (4, 3)), me, None, keep, Some(me), ""),
            (
                engine(Podman, true, (5, 1)),
                me,
                Some((7, 8)),
                "--userns=keep-id:uid=7,gid=8 --user=7:8",
                Some(me),
                "",
            ),
            (engine(Podman, true, (5, 1)), me, Some((1, 0)), GID_0, Some(me), ""),
            (engine(Podman, true, (4, 2)), me, None, UIDMAP, Some(me), ""),
            (engine(Podman, true, (4, 3)), me, Some(root), "--user=0:0", Some(me), ""),
            (engine(Podman, false, (4, 3)), me, None, "--user=1000:1000", Some(me), ""),
            (
                engine(Podman, false, (4, 3)),
                me,
                Some((5, 6)),
                "--user=5:6",
                Some((5, 6)),
                "is 5:6 of Podman, who",
            ),
            (engine(Podman, false, (4, 3)), root, None, UIDMAP, Some(root), ""),
            (engine(Podman, false, (4, 3)), root, Some(root), "--user=0:0", Some(root), ""),
        ] {
            let UserMapping { args: got, host: host_ids, notice: said, .. } =
                user_args(&engine, owner, insist).unwrap();
            assert_eq!(got.join(" "), args);
            assert_eq!(host_ids, host, "{args}");
            let said = said.unwrap_or_default();
            assert!(said.contains(notice) && said.is_empty() == notice.is_empty(), "{said}");
        }
    }

    #[test]
    fn refusals() {
        let old = engine(Podman, true, (2, 9));
        let error = user_args(&old, (1000, 1000), None).unwrap_err();
        assert_eq!(error, UserError::TooOld(Version::new(2, 9, 0)));
        assert!(error.to_string().starts_with("podman 2.9.0 cannot map"));
        let large = user_args(&engine(Podman, false, (4, 3)), (0, 0), Some((70000, 1)));
        assert_eq!(large, Err(UserError::TooLarge(70000)));
    }
}
