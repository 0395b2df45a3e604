//! Containers as both engines take them.

use crate::container::{Container, ContainerError, Limits, Network, Powers};
use crate::engine::{Engine, EngineKind, Init};
use crate::environment::{EnvError, EnvValue};
use crate::image::{Entrypoint, ImageName};
use crate::mount::Mount;
use crate::user::{UserMapping, user_args};
use crate::version::Version;

fn engines() -> [Engine; 2] {
    let docker = Engine::new(EngineKind::Docker, "docker", Version::new(28, 0, 0));
    let podman = Engine::new(EngineKind::Podman, "podman", Version::new(4, 3, 1));
    [docker, Engine { init: Init::Path("/usr/bin/tini-static".into()), ..podman }]
}

fn user() -> UserMapping {
    user_args(&engines()[0], (1000, 1000), None).unwrap()
}

fn container(argv: &[&str]) -> Container {
    let image: crate::ImageRef = "shop-ci:f00".parse().unwrap();
    Container::new("dwf-1", image, user(), argv.iter().copied())
}

/// What every run has in common is checked once and left out here.
const COMMON: &str = "run --rm --name=dwf-1 --cap-drop=ALL --security-opt=no-new-privileges --pids-limit=4096 \
                      --log-driver=none --pull=never --no-healthcheck --stop-signal=SIGTERM ";

fn check(container: &Container, docker: &str, podman: &str) {
    let [docker_line, podman_line] = engines().map(|engine| container.run(&engine).unwrap().to_string());
    assert_eq!(docker_line.strip_prefix("docker ").and_then(|line| line.strip_prefix(COMMON)), Some(docker));
    let common = format!("podman {COMMON}--http-proxy=false --image-volume=ignore ");
    assert_eq!(podman_line.strip_prefix(common.as_str()), Some(podman));
}

fn refused(container: &Container) -> ContainerError {
    let [docker, podman] = engines().map(|engine| container.run(&engine).unwrap_err());
    assert_eq!(docker, podman);
    docker
}

#[test]
fn plain() {
    check(
        &container(&["tool", "--flag", "a b"]),
        "--user=1000:1000 --workdir=/ --init --entrypoint=tool -- shop-ci:f00 --flag 'a b'",
        "--user=1000:1000 --workdir=/ --init --init-path=/usr/bin/tini-static --entrypoint=tool -- shop-ci:f00 --flag 'a b'",
    );
}

#[test]
fn tini_of_the_image_stays() {
    let entrypoint = Entrypoint::Tini("/usr/bin/tini".to_owned());
    let line = "--user=1000:1000 --workdir=/ --entrypoint=/usr/bin/tini -- shop-ci:f00 -- -x --privileged";
    check(&Container { entrypoint, ..container(&["-x", "--privileged"]) }, line, line);
    let line = "--user=1000:1000 --workdir=/ --entrypoint=x -- shop-ci:f00";
    check(&Container { entrypoint: Entrypoint::None, ..container(&["x"]) }, line, line);
}

#[test]
fn options() {
    let full = Container {
        workdir: "/workspace/a b".to_owned(),
        network: Network::None,
        interactive: true,
        tty: true,
        cidfile: Some("/t/cid".into()),
        env: vec![
            ("A".to_owned(), "1 2".into()),
            ("TOKEN".to_owned(), EnvValue::FromHost("s3cret".to_owned())),
            ("EMPTY".to_owned(), "".into()),
        ],
        ..container(&["x"])
    };
    check(
        &full,
        "--network=none --interactive --tty --user=1000:1000 '--workdir=/workspace/a b' --cidfile=/t/cid '--env=A=1 2' \
         --env=TOKEN --env=EMPTY= --init --entrypoint=x -- shop-ci:f00",
        "--network=none --interactive --tty --user=1000:1000 '--workdir=/workspace/a b' --cidfile=/t/cid '--env=A=1 2' \
         --env=TOKEN --env=EMPTY= --init --init-path=/usr/bin/tini-static --entrypoint=x -- shop-ci:f00",
    );
    for engine in engines() {
        let run = full.run(&engine).unwrap();
        assert_eq!(run.env["TOKEN"].as_deref(), Some("s3cret"));
        assert!(!run.to_string().contains("s3cret") && !format!("{full:?}").contains("s3cret"));
    }
}

/// A service lives in the network of another container, as whom its image says, with what servers need and no more.
#[test]
fn services() {
    let (network, powers) = (Network::Of("dwf-1-check".to_owned()), Powers::Server);
    let entrypoint = Entrypoint::None;
    let service =
        Container { network, powers, entrypoint, user: UserMapping::default(), ..container(&["x"]) };
    let line = service.run(&engines()[0]).unwrap().to_string();
    for part in [
        " --cap-drop=ALL --security-opt=no-new-privileges --cap-add=CHOWN --cap-add=DAC_OVERRIDE \
         --cap-add=FOWNER --cap-add=KILL --cap-add=NET_BIND_SERVICE --cap-add=SETGID --cap-add=SETUID --pids",
        " --network=container:dwf-1-check --workdir=/ ",
    ] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
    let own = Container { network: Network::Process(77), hosts: vec!["db".to_owned()], ..service };
    let line = own.run(&engines()[1]).unwrap().to_string();
    assert!(line.contains(" --network=ns:/proc/77/ns/net --add-host=db:127.0.0.1 "), "{line}");
    let network = Network::Of("a b".to_owned());
    assert_eq!(refused(&Container { network, ..container(&["x"]) }), ContainerError::Name("a b".to_owned()));

    let hosts = vec!["db".to_owned(), "queue-2".to_owned()];
    let line = Container { hosts, ..container(&["x"]) }.run(&engines()[1]).unwrap().to_string();
    assert!(line.contains(" --add-host=db:127.0.0.1 --add-host=queue-2:127.0.0.1 "), "{line}");
    for name in ["", "-x", "a:b", "A", "a b"] {
        let hosts = vec![name.to_owned()];
        assert_eq!(refused(&Container { hosts, ..container(&["x"]) }), ContainerError::Host(name.to_owned()));
    }
}

#[test]
fn limits_labels_and_selinux() {
    let limits = Limits { pids: 10, memory: Some(1 << 30), cpus: Some(1.5), shm_size: Some(1 << 26) };
    let labels =
        [("dwf.run", "u1"), ("dwf.owner", "b:1:2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let image =
        ImageName::Id("sha256:254ca83b0e3d3e3114eccd50226df3986287e232263a4500385753bb587b4ba1".to_owned());
    let full = Container { limits, labels, image, unconfined_labels: true, ..container(&["x"]) };
    let line = full.run(&engines()[0]).unwrap().to_string();
    assert_eq!(
        line,
        "docker run --rm --name=dwf-1 --label=dwf.owner=b:1:2 --label=dwf.run=u1 --cap-drop=ALL \
         --security-opt=no-new-privileges --security-opt=label=disable --pids-limit=10 --memory=1073741824 --cpus=1.5 \
         --shm-size=67108864 --log-driver=none --pull=never --no-healthcheck --stop-signal=SIGTERM --user=1000:1000 \
         --workdir=/ --init --entrypoint=x -- sha256:254ca83b0e3d3e3114eccd50226df3986287e232263a4500385753bb587b4ba1"
    );
}

#[test]
fn outer_mounts_come_first() {
    let bind = |target: &str| Mount::Bind { source: "/s".into(), target: target.to_owned(), readonly: false };
    let tmpfs = Mount::Tmpfs { target: "/workspace/.cache".to_owned(), options: Default::default() };
    let mounts = vec![bind("/workspace/.cache/a/b"), tmpfs, bind("/workspace"), bind("/a")];
    let run = Container { mounts, ..container(&["x"]) }.run(&engines()[1]).unwrap();
    let targets: Vec<_> =
        run.args.iter().filter(|a| a.starts_with("--mount") || a.starts_with("--tmpfs")).collect();
    assert_eq!(
        targets,
        [
            "--mount=type=bind,src=/s,dst=/a",
            "--mount=type=bind,src=/s,dst=/workspace",
            "--tmpfs=/workspace/.cache:rw,nosuid,nodev,mode=1777,noexec,notmpcopyup,U",
            "--mount=type=bind,src=/s,dst=/workspace/.cache/a/b",
        ]
    );
}

#[test]
fn volumes_of_the_image_are_not_made() {
    let bind = Mount::Bind { source: "/s".into(), target: "/workspace".to_owned(), readonly: false };
    let volumes = ["/workspace", "/data"].map(str::to_owned).to_vec();
    let full = Container { volumes, mounts: vec![bind], ..container(&["x"]) };
    let [docker, podman] = engines().map(|engine| full.run(&engine).unwrap());
    let mounts = |run: &crate::Invocation| {
        run.args
            .iter()
            .filter(|arg| arg.contains("mount") || arg.contains("tmpfs"))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(mounts(&podman), ["--mount=type=bind,src=/s,dst=/workspace"]);
    let own = "--tmpfs=/data:rw,nosuid,nodev,mode=1777,exec,uid=1000,gid=1000";
    assert_eq!(mounts(&docker), [own, "--mount=type=bind,src=/s,dst=/workspace"]);
    let below = Container { volumes: vec!["/workspace/src".to_owned()], ..full };
    assert!(matches!(refused(&below), ContainerError::Volume(_)));
}

#[test]
fn a_program_that_looks_like_json() {
    let argv = container(&["[\"sh\"]"]);
    let [docker, podman] = engines().map(|engine| argv.run(&engine).unwrap());
    assert!(docker.args.contains(&"--entrypoint=[\"sh\"]".to_owned()));
    assert!(podman.args.contains(&r#"--entrypoint=["[\"sh\"]"]"#.to_owned()));
}

#[test]
fn refusals() {
    let base = || container(&["x"]);
    let env = |name: &str, value: EnvValue| Container { env: vec![(name.to_owned(), value)], ..base() };
    for name in ["", "-x", "a", "a b", "a/b", "é1"] {
        assert_eq!(
            refused(&Container { name: name.to_owned(), ..base() }),
            ContainerError::Name(name.to_owned())
        );
    }
    for key in ["", "a=b", "a\n"] {
        let labels = [(key.to_owned(), String::new())].into();
        assert_eq!(refused(&Container { labels, ..base() }), ContainerError::Label(key.to_owned()));
    }
    assert_eq!(refused(&container(&[])), ContainerError::NoProgram);
    assert_eq!(refused(&container(&["", "x"])), ContainerError::NoProgram);
    assert_eq!(refused(&container(&["x", "a\0"])), ContainerError::Nul("a\0".to_owned()));
    assert!(matches!(refused(&container(&["x", &"y".repeat(131_072)])), ContainerError::TooLong(_)));
    assert!(container(&["x", &"y".repeat(131_071)]).run(&engines()[0]).is_ok());
    assert!(matches!(refused(&Container { workdir: "w".to_owned(), ..base() }), ContainerError::Workdir(_)));
    let image = ImageName::Id("--privileged".to_owned());
    assert_eq!(refused(&Container { image, ..base() }), ContainerError::Image("--privileged".to_owned()));
    assert_eq!(refused(&env("A*", "".into())), ContainerError::Env(EnvError::Name("A*".to_owned())));
    let path = EnvValue::FromHost("/evil".to_owned());
    assert_eq!(refused(&env("PATH", path)), ContainerError::Env(EnvError::Reserved("PATH".to_owned())));
    let long = EnvValue::FromHost("y".repeat(131_070));
    assert_eq!(refused(&env("A", long)), ContainerError::TooLong("A=".to_owned()));
    let twice = ["1", "2"].map(|value| ("A".to_owned(), value.into())).to_vec();
    let duplicate = ContainerError::Env(EnvError::Duplicate("A".to_owned()));
    assert_eq!(refused(&Container { env: twice, ..base() }), duplicate);
    for cpus in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let limits = Limits { cpus: Some(cpus), ..Limits::default() };
        assert!(matches!(refused(&Container { limits, ..base() }), ContainerError::Cpus(_)));
    }
    let tmpfs = Mount::Tmpfs { target: "/w".to_owned(), options: Default::default() };
    assert!(matches!(
        refused(&Container { mounts: vec![tmpfs.clone(), tmpfs], ..base() }),
        ContainerError::Mount(_)
    ));

    let no_init = Engine { init: Init::Absent, ..engines()[1].clone() };
    let error = base().run(&no_init).unwrap_err();
    assert!(error.to_string().contains("install catatonit"), "{error}");
}
