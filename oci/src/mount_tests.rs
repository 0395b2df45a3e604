//! Mounts as both engines take them.

use super::{Mount, MountError, TmpfsOptions};
use crate::engine::{Engine, EngineKind};
use crate::user::UserMapping;
use crate::version::Version;

fn user() -> UserMapping {
    UserMapping { uid: 1000, gid: 100, ..UserMapping::default() }
}

fn check(mount: &Mount, docker: &str, podman: &str) {
    for (kind, expected) in [(EngineKind::Docker, docker), (EngineKind::Podman, podman)] {
        let engine = Engine::new(kind, "e", Version::new(5, 0, 0));
        assert_eq!(mount.arg(&engine, &user()).unwrap(), expected);
    }
}

fn refused(mount: &Mount) -> MountError {
    let errors = EngineKind::ALL
        .map(|kind| mount.arg(&Engine::new(kind, "e", Version::default()), &user()).unwrap_err());
    assert_eq!(errors[0], errors[1]);
    errors[0].clone()
}

fn bind(source: &str, target: &str, readonly: bool) -> Mount {
    Mount::Bind { source: source.into(), target: target.to_owned(), readonly }
}

fn overlay(lower: &str, target: &str) -> Mount {
    Mount::Overlay {
        lower: lower.into(),
        upper: "/t/u".into(),
        work: "/t/w".into(),
        target: target.to_owned(),
    }
}

#[test]
fn binds() {
    for (source, readonly, arg) in [
        ("/w/shop", false, "--mount=type=bind,src=/w/shop,dst=/workspace"),
        ("/w/shop", true, "--mount=type=bind,src=/w/shop,dst=/workspace,readonly"),
        ("/w/p,src=/etc", true, "--mount=type=bind,\"src=/w/p,src=/etc\",dst=/workspace,readonly"),
        (
            "/w/p,readonly=false",
            true,
            "--mount=type=bind,\"src=/w/p,readonly=false\",dst=/workspace,readonly",
        ),
        ("/w/a\"b", false, "--mount=type=bind,\"src=/w/a\"\"b\",dst=/workspace"),
        ("/w/ a ", false, "--mount=type=bind,\"src=/w/ a \",dst=/workspace"),
        ("/w/a:b=c", false, "--mount=type=bind,src=/w/a:b=c,dst=/workspace"),
    ] {
        check(&bind(source, "/workspace", readonly), arg, arg);
    }
}

#[test]
fn overlays() {
    check(
        &overlay("/w/a b", "/cache/x"),
        "--mount=type=volume,dst=/cache/x,volume-nocopy,volume-driver=local,volume-opt=type=overlay,\
         volume-opt=device=overlay,\"volume-opt=o=lowerdir=/w/a b,upperdir=/t/u,workdir=/t/w\"",
        "--volume=/w/a b:/cache/x:O,upperdir=/t/u,workdir=/t/w",
    );
    for path in ["/w/a,b", "/w/a:b", "/w/a\\b", "/w/a\"b"] {
        assert_eq!(refused(&overlay(path, "/x")), MountError::Unquotable(path.to_owned()));
        assert_eq!(refused(&overlay("/w", path)), MountError::Unquotable(path.to_owned()));
    }
}

#[test]
fn tmpfs() {
    let mount = |options: &str| Mount::Tmpfs { target: "/tmp".to_owned(), options: options.parse().unwrap() };
    check(
        &mount(""),
        "--tmpfs=/tmp:rw,nosuid,nodev,mode=1777,noexec,uid=1000,gid=100",
        "--tmpfs=/tmp:rw,nosuid,nodev,mode=1777,noexec,notmpcopyup,U",
    );
    check(
        &mount("size=64m,mode=0755,exec"),
        "--tmpfs=/tmp:rw,nosuid,nodev,mode=0755,exec,size=67108864,uid=1000,gid=100",
        "--tmpfs=/tmp:rw,nosuid,nodev,mode=0755,exec,size=67108864,notmpcopyup,U",
    );
    for option in ["size=", "size=-1", "size=99999999999g", "mode=9", "mode=77777", "suid", "exec=1", "uid=0"]
    {
        assert_eq!(option.parse::<TmpfsOptions>(), Err(MountError::TmpfsOption(option.to_owned())));
    }
}

#[test]
fn refusals() {
    for mount in [
        bind("relative", "/w", true),
        bind("/a\nb", "/w", true),
        bind("/a/../etc", "/w", true),
        bind("/a", "/", true),
        bind("/a", "/proc/x", true),
        overlay("/a", "/w/../etc"),
        overlay("a", "/w"),
    ] {
        assert!(matches!(refused(&mount), MountError::Source(_) | MountError::Target(_)), "{mount:?}");
    }
}

#[test]
fn volumes() {
    let volume =
        |name: &str, readonly| Mount::Volume { name: name.to_owned(), target: "/a,b".to_owned(), readonly };
    check(
        &volume("dwf-1", false),
        "--mount=type=volume,src=dwf-1,\"dst=/a,b\",volume-nocopy",
        "--mount=type=volume,src=dwf-1,\"dst=/a,b\"",
    );
    check(
        &volume("dwf-1", true),
        "--mount=type=volume,src=dwf-1,\"dst=/a,b\",volume-nocopy,readonly",
        "--mount=type=volume,src=dwf-1,\"dst=/a,b\",ro",
    );
    for name in ["", "/etc", "a,b", ".."] {
        assert_eq!(refused(&volume(name, false)), MountError::Unquotable(name.to_owned()));
    }
}
