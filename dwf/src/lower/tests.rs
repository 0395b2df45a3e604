use std::collections::BTreeMap;
use std::path::Path;

use devflow_oci::{Engine, EngineKind, Image, Version, inspect, user_args};
use devflow_runner::wire;
use serde_json::{from_value, json};

use super::*;
use crate::plan::{Action, Choice, Plan, Stack};

/// A plan of one stack with every kind of cache, and two actions: one fetches, one does not.
pub(super) fn plan() -> Plan {
    let stack = Stack {
        member: "web".parse().unwrap(),
        stack: "a".parse().unwrap(),
        env: from_value(json!({ "COLOR": "always" })).unwrap(),
        wants_env: Vec::new(),
        ca_env: from_value(json!(["A_CERTIFICATES"])).unwrap(),
        place_env: Vec::new(),
        caches: from_value(json!([
            { "name": "home", "env": "A_HOME", "home": "~/.a", "keep": ["store/", ".lock"], "readonly": "ok" },
            { "name": "modules", "at": "modules", "scope": "environment" },
            { "name": "out", "env": "A_OUT", "scope": "environment", "readonly": "overlay" },
            { "name": "pile", "target": "~/.pile", "readonly": "overlay" },
        ]))
        .unwrap(),
        tools: Vec::new(),
    };
    let action = |command: &str, fetches| Action {
        name: format!("web#a/{command}").parse::<crate::name::Wanted>().map(full).unwrap(),
        requested: true,
        choices: vec![Choice {
            when: None,
            steps: from_value(
                json!([{ "program": "do", "args": ["${cache:out}/x", "$$5"] }, { "program": "more" }]),
            )
            .unwrap(),
            cwd: "web".parse().unwrap(),
            env: from_value(json!({ "COLOR": null, "W": "${workspace}:${home}:${tmp}" })).unwrap(),
            path: from_value(json!(["${cache:modules}/bin"])).unwrap(),
        }],
        needs: Vec::new(),
        after: Vec::new(),
        services: Vec::new(),
        locks: Vec::new(),
        fetches,
        writes: false,
        timeout_s: 7,
        inputs: None,
        outputs: Vec::new(),
        reports: Vec::new(),
    };
    Plan {
        project: "p".into(),
        fingerprint: String::new(),
        extensions: Vec::new(),
        stacks: vec![stack],
        services: Vec::new(),
        actions: vec![action("setup:deps", true), action("test:unit", false)],
        secrets: Vec::new(),
        skips: Vec::new(),
        notes: Vec::new(),
    }
}

fn full(wanted: crate::name::Wanted) -> crate::name::FullName {
    let member = wanted.member.unwrap_or_default();
    crate::name::FullName { member, stack: wanted.stack, command: wanted.command }
}

fn image() -> Image {
    let text = json!([{
        "Id": format!("sha256:{}", "1".repeat(64)),
        "Architecture": "amd64", "Os": "linux",
        "Config": { "Entrypoint": ["/usr/bin/tini", "--"], "Env": ["PATH=/usr/bin:/bin", "LD_PRELOAD=/x.so"],
            "Volumes": { "/workspace": {}, "/data": {} } },
        "RootFS": { "Layers": [format!("sha256:{}", "2".repeat(64))] },
    }]);
    inspect::parse_inspect(true, &text.to_string(), "").unwrap().unwrap()
}

/// The places of a plan in a container, its jobs, and both sessions' containers.
fn lowered(plan: &Plan) -> (Vec<Job>, BTreeMap<Kind, devflow_oci::Container>) {
    lowered_with(plan, false)
}

fn lowered_with(plan: &Plan, volumes: bool) -> (Vec<Job>, BTreeMap<Kind, devflow_oci::Container>) {
    let engine = Engine::new(EngineKind::Docker, "docker", Version::new(28, 0, 0));
    let user = user_args(&engine, (1000, 1000), None).unwrap();
    let image = image();
    let (workspace, root) = (Path::new("/w/shop"), Path::new("/w/shop/.cache"));
    let caches = caches_in_container(plan, root, workspace, "layers");
    let places = Places {
        workspace: WORKSPACE.into(),
        home: HOME.into(),
        tmp: "/tmp".into(),
        caches: caches
            .iter()
            .map(|p| ((p.stack.member.clone(), p.stack.stack.clone(), p.cache.name.clone()), p.seen.clone()))
            .collect(),
    };
    let mut jobs = jobs(plan, &places, &caches);
    give_back(&image, &mut jobs);
    let input = ContainerInput {
        run: "r1",
        owner: "o",
        workspace,
        place: "boot:1:2:.dwf-r1",
        mark: None,
        cache_root: root,
        scratch: Path::new("/w/shop/.cache/tmp/r1"),
        config: &crate::config::Container { network: crate::config::Network::Fetch, ..Default::default() },
        image: &image,
        user: &user,
        passwd: None,
        runner: Some(Path::new("/opt/dwf-runner")),
        passed: &BTreeMap::from([("CI".to_owned(), "true".to_owned())]),
        selinux: false,
        repository: None,
        mounts: &[],
        caches: &caches,
        services: &["db".to_owned()],
        fetch_only: &FetchOnly {
            agent: Some("/run/user/1000/agent".into()),
            certificates: Some("/etc/company.pem".into()),
            injected: vec!["HTTP_PROXY".to_owned()],
        },
        volumes,
    };
    let (containers, _) = sessions(&input, &jobs);
    (jobs, containers)
}

/// What a container sees, a line a mount.
fn seen(container: &devflow_oci::Container) -> String {
    use devflow_oci::Mount;
    let line = |mount: &Mount| match mount {
        Mount::Bind { source, target, readonly } => {
            let how = if *readonly { "ro" } else { "rw" };
            let source = source.to_string_lossy();
            // The key of an environment is a digest; that it is there is what matters.
            let parts: Vec<&str> =
                source.split('/').map(|part| if part.len() == 16 { "KEY" } else { part }).collect();
            format!("{how} {} {target}", parts.join("/"))
        }
        Mount::Overlay { lower, target, .. } => format!("cow {} {target}", lower.display()),
        Mount::Volume { name, target, readonly } => {
            assert!(name.starts_with("dwf-") && name.len() == 28, "{name}");
            format!("{} VOLUME {target}", if *readonly { "ro" } else { "rw" })
        }
        Mount::Tmpfs { target, .. } => format!("tmpfs {target}"),
    };
    container.mounts.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn downloads_are_writable_only_where_actions_fetch() {
    let plan = plan();
    let (_, containers) = lowered(&plan);
    assert_eq!(
        seen(&containers[&Kind::Fetch]),
        "rw /w/shop /workspace\ntmpfs /home/dwf\nro /opt/dwf-runner /run/dwf-runner\n\
         ro /run/user/1000/agent /run/dwf-ssh-agent\nro /etc/company.pem /run/dwf-certificates.pem\n\
         tmpfs /workspace/.cache\ntmpfs /cache/shared/home\nrw /w/shop/.cache/home/store /cache/shared/home/store\n\
         rw /w/shop/.cache/home/.lock /cache/shared/home/.lock\n\
         rw /w/shop/.cache/env/KEY/modules /workspace/web/modules\n\
         rw /w/shop/.cache/env/KEY/out /cache/member/web/a/out\n\
         rw /w/shop/.cache/pile /home/dwf/.pile"
    );
    assert_eq!(
        seen(&containers[&Kind::Check]),
        "rw /w/shop /workspace\ntmpfs /home/dwf\nro /opt/dwf-runner /run/dwf-runner\ntmpfs /workspace/.cache\n\
         tmpfs /cache/shared/home\nro /w/shop/.cache/home/store /cache/shared/home/store\n\
         ro /w/shop/.cache/home/.lock /cache/shared/home/.lock\n\
         rw /w/shop/.cache/env/KEY/modules /workspace/web/modules\n\
         rw /w/shop/.cache/env/KEY/out /cache/member/web/a/out\n\
         cow /w/shop/.cache/pile /home/dwf/.pile"
    );
}

#[test]
fn what_can_be_a_volume_is_one() {
    let (_, containers) = lowered_with(&plan(), true);
    assert_eq!(
        seen(&containers[&Kind::Check]),
        "rw /w/shop /workspace\ntmpfs /home/dwf\nro /opt/dwf-runner /run/dwf-runner\ntmpfs /workspace/.cache\n\
         tmpfs /cache/shared/home\nro VOLUME /cache/shared/home/store\n\
         ro /w/shop/.cache/home/.lock /cache/shared/home/.lock\n\
         rw VOLUME /workspace/web/modules\nrw VOLUME /cache/member/web/a/out\n\
         cow /w/shop/.cache/pile /home/dwf/.pile"
    );
}

#[test]
fn the_network_is_for_those_who_fetch() {
    let (_, containers) = lowered(&plan());
    assert_eq!(containers[&Kind::Fetch].network, devflow_oci::Network::Default);
    assert_eq!(containers[&Kind::Check].network, devflow_oci::Network::None);
}

#[test]
fn placeholders_variables_and_places() {
    let (jobs, _) = lowered(&plan());
    let choice = &jobs[1].start.choices[0];
    assert_eq!(choice.cwd, "/workspace/web");
    assert_eq!(choice.path, ["/workspace/web/modules/bin"]);
    assert_eq!(choice.steps[0].args, ["/cache/member/web/a/out/x", "$5"]);
    let env: Vec<String> = choice.env.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    assert_eq!(
        env,
        [
            "A_HOME=Some(\"/cache/shared/home\")",
            "A_OUT=Some(\"/cache/member/web/a/out\")",
            "COLOR=None",
            "LD_PRELOAD=Some(\"/x.so\")",
            "W=Some(\"/workspace:/home/dwf:/tmp\")",
        ]
    );
    assert_eq!((jobs[1].kind, jobs[1].start.timeout_ms), (Kind::Check, Some(7000)));
}

#[test]
fn one_line_does_what_an_action_does() {
    let (jobs, containers) = lowered(&plan());
    let job = &jobs[1];
    let container = single(&containers[&job.kind], &image(), &job.start, &job.start.choices[0]);
    assert_eq!(container.argv, ["/bin/sh", "-c", "do /cache/member/web/a/out/x '$5' && more"]);
    assert_eq!(container.workdir, "/workspace/web");
    let engine = Engine::new(EngineKind::Docker, "docker", Version::new(28, 0, 0));
    let line = container.run(&engine).unwrap().to_string();
    for part in [
        "--env=PATH=/workspace/web/modules/bin:/usr/bin:/bin",
        "--env=CI ",
        "--network=none",
        " -- sha256:1111",
    ] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
    assert!(!line.contains("true"), "a value of the host is shown: {line}");
    assert!(line.contains("--env=LD_PRELOAD=/x.so "), "{line}");
}

/// What an image says reaches actions; the runner, and what is before it, gets none of it.
#[test]
fn nothing_of_the_image_is_loaded_into_the_runner() {
    let (_, containers) = lowered(&plan());
    let engine = Engine::new(EngineKind::Docker, "docker", Version::new(28, 0, 0));
    let line = containers[&Kind::Check].run(&engine).unwrap().to_string();
    assert!(line.contains("--env=LD_PRELOAD= "), "{line}");
    assert!(line.contains("--tmpfs=/data:") && !line.contains("--tmpfs=/workspace:"), "{line}");
}

#[test]
fn no_two_environments_share_build_products() {
    let plan = plan();
    let disk = |workspace: &str, environment: &str| {
        let places = caches_in_container(&plan, Path::new("/c"), Path::new(workspace), environment);
        places.into_iter().map(|place| place.disk).collect::<Vec<_>>()
    };
    let (here, there, other) = (disk("/a", "1"), disk("/b", "1"), disk("/a", "2"));
    for (index, shared) in [true, false, false, true].into_iter().enumerate() {
        assert_eq!(here[index] == there[index], shared);
        assert_eq!(here[index] == other[index], shared);
    }
    assert_ne!(here[1].parent(), here[2].parent());
}

#[test]
fn a_host_run_finds_the_downloads_and_keeps_the_users_own_home() {
    let plan = plan();
    let var = |name: &str| (name == "A_HOME").then(|| "/my/a".into());
    let user = HostHome { home: Path::new("/home/me"), var: &var, state: Path::new("/state") };
    let (places, made) = caches_on_host(&plan, Path::new("/c"), Path::new("/w"), "host", &user);
    let seen: Vec<&str> = places.iter().map(|place| place.seen.as_str()).collect();
    assert!(seen[0].starts_with("/state/homes/") && seen[0].ends_with("/home"), "{}", seen[0]);
    assert_eq!((seen[1], seen[3]), ("/w/web/modules", "/home/me/.pile"));
    assert!(seen[2].starts_with("/c/env/") && seen[2].ends_with("/out"), "{}", seen[2]);
    assert!(
        made.iter()
            .any(|item| matches!(item, folders::Prepare::Links { own, .. } if own == Path::new("/my/a")))
    );
}

/// What each action is given, a line each.
fn secrets(jobs: &[Job]) -> Vec<String> {
    let line = |job: &Job, secret: &wire::Secret| {
        let value = secret.value.as_str();
        match &secret.place {
            wire::Place::Variable(name) => format!("{} ${name} {value}", job.name.command),
            wire::Place::File(path) => format!("{} {path} {value}", job.name.command),
        }
    };
    jobs.iter().flat_map(|job| job.start.secrets.iter().map(move |secret| line(job, secret))).collect()
}

fn given(place: wire::Place, plan: &Plan) -> Given {
    let actions = plan.actions.iter().map(|action| action.name.clone()).collect();
    Given { name: "s".to_owned(), place, value: "v".to_owned(), actions }
}

#[test]
fn only_what_downloads_is_given_secrets() {
    let plan = plan();
    let (mut jobs, _) = lowered(&plan);
    let caches = caches_in_container(&plan, Path::new("/c"), Path::new("/w"), "layers");
    let file = |path: &str| given(wire::Place::File(path.to_owned()), &plan);
    // Even where somebody says that all may see them.
    let all = [
        given(wire::Place::Variable("TOKEN".to_owned()), &plan),
        file("~/.b/credentials"),
        file("~/.a/credentials"),
        Given { actions: Vec::new(), ..file("~/.c") },
    ];
    give(&all, &caches, &mut jobs).unwrap();
    show_way(
        &plan,
        &Way {
            proxies: BTreeMap::from([("HTTP_PROXY".into(), "p".into())]),
            certificates: Some("/ca".into()),
        },
        &mut jobs,
    );
    assert_eq!(
        secrets(&jobs),
        [
            "setup:deps $TOKEN v",
            "setup:deps /home/dwf/.b/credentials v",
            "setup:deps /cache/shared/home/credentials v",
            "setup:deps $HTTP_PROXY p",
            "setup:deps $SSL_CERT_FILE /ca",
            "setup:deps $A_CERTIFICATES /ca",
        ]
    );
    assert!(jobs.iter().all(|job| (job.kind == Kind::Fetch) != job.start.secrets.is_empty()));
    assert!(!format!("{jobs:?}").contains("\"v\""), "a value is shown: {jobs:?}");
}

#[test]
fn no_secret_is_put_into_a_cache() {
    let plan = plan();
    let (mut jobs, _) = lowered(&plan);
    let caches = caches_in_container(&plan, Path::new("/c"), Path::new("/w"), "layers");
    for path in ["~/.a/store/x", "~/.a/.lock", "~/.pile", "~/.pile/x"] {
        let given = given(wire::Place::File(path.to_owned()), &plan);
        let error = give(&[given], &caches, &mut jobs).unwrap_err().to_string();
        assert!(error.contains(&format!("the secret `s` cannot be at {path}: the cache ")), "{error}");
    }
    assert_eq!(secrets(&jobs), [] as [&str; 0]);
}

#[test]
fn what_a_client_would_tell_every_container_is_for_downloads() {
    let (_, containers) = lowered(&plan());
    let emptied = |kind| containers[&kind].env.contains(&("HTTP_PROXY".to_owned(), "".into()));
    assert_eq!([emptied(Kind::Fetch), emptied(Kind::Check)], [false, true]);
}
