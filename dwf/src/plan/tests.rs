use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, from_value, json};

use super::*;
use crate::config::{self, Loaded};
use crate::error::Explain;
use crate::name::FullName;

/// A configuration as if it had been read.
pub(super) fn config(text: &str) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(config::FILE);
    std::fs::write(&path, format!("[project]\nstack = [\"a\", \"b\"]\n{text}")).unwrap();
    config::load(&path, std::path::Path::new(config::FILE)).unwrap()
}

/// Answers from `(member, stack, description, {command: resolution})`.
pub(super) fn answers(list: &[(&str, &str, Value, Value)]) -> Answers {
    let mut answers = Answers::default();
    for (member, stack, description, commands) in list {
        let (member, stack) =
            (member.parse().unwrap(), stack.parse::<devflow_protocol::name::ExtensionName>().unwrap());
        let mut description = description.clone();
        description["applies"] = true.into();
        let offered = commands.as_object().unwrap().keys().map(|name| json!({ "name": name }));
        description["commands"] = offered.collect();
        let result = from_value(description).unwrap();
        check_description(&result).unwrap();
        answers.versions.insert(stack.clone(), "1.0".to_owned());
        for (command, resolution) in commands.as_object().unwrap() {
            let resolution = from_value(resolution.clone()).unwrap();
            check_resolution(&resolution, &result).unwrap();
            let name = FullName {
                member: devflow_protocol::path::RelPath::clone(&member),
                stack: Some(stack.clone()),
                command: command.parse().unwrap(),
            };
            answers.resolved.insert(name, resolution);
        }
        answers.described.push(Described { member, stack, result });
    }
    answers
}

pub(super) fn plan(config: &Loaded, answers: &Answers, commands: &[&str]) -> Result<Plan, PlanError> {
    explained(config, answers, commands, &[]).map(|(plan, _)| plan)
}

/// The plan of commands with arguments, and who set what in it.
pub(super) fn explained(
    config: &Loaded,
    answers: &Answers,
    commands: &[&str],
    args: &[&str],
) -> Result<(Plan, Origins), PlanError> {
    let catalog = Catalog::new(config, answers)?;
    let written: Vec<String> = commands.iter().map(|command| (*command).to_owned()).collect();
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let selection = catalog.commands(&written, &args)?;
    // Everything that was answered was asked for or needed, as the query guarantees.
    let mut closure: BTreeSet<FullName> = answers.resolved.keys().chain(&selection.names).cloned().collect();
    for name in closure.clone() {
        closure.extend(catalog.needs(&name, [])?);
    }
    merge(&Input {
        project: "p",
        fingerprint: "f",
        catalog: &catalog,
        selection: &selection,
        closure: &closure,
        answers,
    })
}

pub(super) fn run(program: &str) -> Value {
    json!({ "action": { "steps": [{ "program": program }] } })
}

fn show(plan: &Plan) -> String {
    let text = plan.to_string();
    text.lines().skip(4).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn needs_come_from_answers_and_from_the_configuration() {
    let config = config(
        "[commands.\"lint:policy\"]\nrun = [\"./policy.sh\", \"a b\"]\n[commands.\"b/test:unit\"]\nneeds = [\"a/build:debug\", \"lint:policy\"]\nenv = { K = \"$v\" }\ntimeout = 5\n",
    );
    let build = json!({ "action": { "steps": [{ "program": "make" }], "needs": ["setup:deps"] } });
    let answers = answers(&[
        (".", "a", json!({}), json!({ "build:debug": build, "setup:deps": run("get") })),
        (".", "b", json!({}), json!({ "test:unit": run("check") })),
    ]);
    let plan = plan(&config, &answers, &["test:unit"]).unwrap();
    assert_eq!(
        show(&plan),
        "lint:policy  (needed)\n    ./policy.sh 'a b'\n\
         a/build:debug  (needed; needs a/setup:deps)\n    make\n\
         a/setup:deps  (needed)\n    get\n\
         b/test:unit  (needs lint:policy, a/build:debug; at most 5 s)\n    check"
    );
    let env = &plan.actions[3].choices[0].env;
    assert_eq!(env[&"K".parse().unwrap()].as_ref().unwrap().as_str(), "$$v");
}

#[test]
fn a_need_that_has_nothing_to_do_is_met() {
    let build = json!({ "action": { "steps": [{ "program": "make" }], "needs": ["setup:deps"] } });
    let skip = json!({ "skip": { "because": "none" } });
    let answers = answers(&[(".", "a", json!({}), json!({ "build:debug": build, "setup:deps": skip }))]);
    let both = plan(&config(""), &answers, &["build", "setup"]).unwrap();
    assert_eq!(show(&both), "a/build:debug\n    make\nnothing to do:\n  a/setup:deps  none");
    let one = plan(&config(""), &answers, &["build"]).unwrap();
    assert_eq!(show(&one), "a/build:debug\n    make");
}

#[test]
fn alternatives_are_kept_and_their_needs_united() {
    let action = json!({ "alternatives": [
        { "when": { "program": "fast" }, "action": { "steps": [{ "program": "fast" }], "needs": ["setup:deps"] } },
        { "action": { "steps": [{ "program": "slow" }], "locks": ["x"], "fetches": true } },
    ] });
    let answers =
        answers(&[("web", "a", json!({}), json!({ "test:unit": action, "setup:deps": run("get") }))]);
    let plan = plan(&config(""), &answers, &["web#a/test"]).unwrap();
    assert_eq!(
        show(&plan),
        "web#a/setup:deps  (needed)\n    get\n\
         web#a/test:unit  (needs web#a/setup:deps; fetches)\n    where fast is there:\n      fast\n    otherwise:\n      slow"
    );
    assert_eq!(plan.actions[1].locks, ["x"]);
    assert_eq!(plan.actions[1].choices[0].cwd.as_str(), "web");
}

#[test]
fn cycles_are_shown_as_cycles() {
    let config = config(
        "[commands.\"a/build:debug\"]\nneeds = [\"b/test:unit\"]\n[commands.\"b/test:unit\"]\nneeds = [\"a/build:debug\"]\n",
    );
    let answers = answers(&[
        (".", "a", json!({}), json!({ "build:debug": run("x") })),
        (".", "b", json!({}), json!({ "test:unit": run("y") })),
    ]);
    let error = plan(&config, &answers, &["test"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "these commands need each other: a/build:debug → b/test:unit → a/build:debug"
    );
}

/// A cycle is the extension's fault only when it says all of it.
#[test]
fn whose_fault_a_cycle_is() {
    let needs = |need: &str| json!({ "action": { "steps": [{ "program": "x" }], "needs": [need] } });
    let both = |second| {
        answers(&[(".", "a", json!({}), json!({ "build:debug": needs("test:unit"), "test:unit": second }))])
    };
    let own = plan(&config(""), &both(needs("build:debug")), &["test"]).unwrap_err();
    assert_eq!(own.exit().code(), 4);
    let config = config("[commands.\"a/test:unit\"]\nneeds = [\"a/build:debug\"]\n");
    let projects = plan(&config, &both(run("y")), &["test"]).unwrap_err();
    assert_eq!(projects.to_string(), own.to_string());
    assert_eq!(projects.exit().code(), 2);
}

/// Services are for those who name them, and part of what is run.
#[test]
fn services_are_in_the_plan_of_those_who_name_them() {
    let services =
        "[services.db]\nimage = \"d:1\"\nready = [\"is\", \"up\"]\n[services.other]\nimage = \"o:1\"\n";
    let named = format!("{services}[commands.\"a/test:unit\"]\nservices = [\"db\"]\n");
    let answers = |fetches| {
        let action = json!({ "steps": [{ "program": "x" }], "fetches": fetches });
        answers(&[(".", "a", json!({}), json!({ "test:unit": { "action": action } }))])
    };
    let plan = |text: &str, fetches| plan(&config(text), &answers(fetches), &["test"]);
    let with = plan(&named, false).unwrap();
    assert_eq!(show(&with), "a/test:unit  (with db)\n    x\nservice db  d:1\n    ready within 60 s: is up");
    assert_ne!(with.digest(), plan(services, false).unwrap().digest());
    assert_eq!(plan(services, false).unwrap().digest(), plan("", false).unwrap().digest());
    let error = plan(&named, true).unwrap_err();
    assert_eq!(error.to_string(), "a/test:unit fetches, and services are for actions that do not");
    assert!(error.detail().unwrap().contains("services = [\"db\"]"), "{error:?}");
}

#[test]
fn conflicts_name_both_sides() {
    let one = json!({ "caches": [{ "name": "store", "env": "A" }] });
    let other = json!({ "caches": [{ "name": "store", "env": "B" }] });
    let answers = |second| {
        answers(&[
            (".", "a", one.clone(), json!({ "test:unit": run("x") })),
            ("web", "b", second, json!({ "test:unit": run("y") })),
        ])
    };
    let error = plan(&config(""), &answers(other), &["test"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cache `store`: extension `a` says {\"name\":\"store\",\"env\":\"A\",\"scope\":\"shared\"}, \
         extension `b` in web says {\"name\":\"store\",\"env\":\"B\",\"scope\":\"shared\"}"
    );
    assert_eq!(error.exit().code(), 4);
    assert!(plan(&config(""), &answers(one.clone()), &["test"]).is_ok());
}

#[test]
fn what_makes_a_file_runs_before_what_says_it_reads_it() {
    let make = json!({ "action": { "steps": [{ "program": "make" }], "outputs": [{ "path": "dist" }] } });
    let pack = json!({ "action": { "steps": [{ "program": "pack" }], "inputs": { "files": ["dist/**"] } } });
    let answers = answers(&[(".", "a", json!({}), json!({ "build:debug": make, "package:artifact": pack }))]);
    let plan = plan(&config(""), &answers, &["build", "package"]).unwrap();
    assert_eq!(plan.actions[1].after.len(), 1);
    assert_eq!(plan.notes, ["a/package:artifact runs after a/build:debug, which makes what it reads"]);
}

#[test]
fn the_digest_follows_what_would_run_and_nothing_else() {
    let answers = |program| answers(&[(".", "a", json!({}), json!({ "test:unit": run(program) }))]);
    let digest = |program, text| plan(&config(text), &answers(program), &["test"]).unwrap().digest();
    let here = digest("x", "");
    assert_eq!(here, digest("x", "[runtime]\nprofile = \"host\"\n[container]\nmemory = \"1 GB\"\n"));
    assert_ne!(here, digest("y", ""));
    assert_ne!(here, digest("x", "[commands.\"a/test:unit\"]\nenv = { A = \"1\" }\n"));
    assert_eq!(here.len(), "sha256:".len() + 64);
}

#[test]
fn names_that_nobody_offers_are_shown_with_the_nearest() {
    let answers = answers(&[(".", "a", json!({}), json!({ "test:unit": run("x") }))]);
    let error = plan(&config(""), &answers, &["test:unti"]).unwrap_err();
    assert_eq!(error.to_string(), "no stack of this project offers `test:unti`");
    assert_eq!(error.hint().as_deref(), Some("did you mean `test:unit`?"));
    let config = config("[targets]\npr = [\"a/test:unti\"]\n");
    let catalog = Catalog::new(&config, &answers).unwrap();
    let error = catalog.target("pr").unwrap_err();
    assert!(error.detail().unwrap().contains("devflow.toml:4:7"), "{error:?}");
    assert!(matches!(catalog.target("prr"), Err(PlanError::Usage { .. })));
}

#[test]
fn arguments_are_for_one_action() {
    let config = config("");
    let answers = answers(&[
        (".", "a", json!({}), json!({ "test:unit": run("x") })),
        (".", "b", json!({}), json!({ "test:unit": run("y") })),
    ]);
    let catalog = Catalog::new(&config, &answers).unwrap();
    let args = ["--nocapture".to_owned()];
    assert!(catalog.commands(&["test".to_owned()], &args).is_err());
    assert_eq!(catalog.commands(&["a/test".to_owned()], &args).unwrap().args, args);
}

#[test]
fn answers_that_make_no_sense() {
    let description =
        |text: &str| check_description(&serde_json::from_str(text).unwrap()).unwrap_err().reason;
    for (caches, reason) in [
        (r#"{"name":"a"},{"name":"a"}"#, "two caches named a"),
        (r#"{"name":"a","home":"~/.a","env":"A"}"#, "`home` and `keep` go together"),
        (r#"{"name":"a","home":"~/../x","keep":["b/"],"env":"A"}"#, "starts with ~/"),
        (r#"{"name":"a","home":"~/.a","keep":["b/"]}"#, "`home` needs `env`"),
        (r#"{"name":"a","target":"/a/../b"}"#, "starts with ~/ or /"),
        (r#"{"name":"a","at":"."}"#, "`at` is the member itself"),
        (r#"{"name":"a","at":"x","target":"~/x"}"#, "more than one"),
        (r#"{"name":"a","env":"LD_PRELOAD"}"#, "not an extension's to set"),
    ] {
        let text = description(&format!(r#"{{"applies":true,"caches":[{caches}]}}"#));
        assert!(text.contains(reason), "{caches}: {text}");
    }
    for glob in ["/etc/*", "../x", "a[", "a/", ""] {
        description(&json!({ "applies": true, "fingerprint": [glob] }).to_string());
    }
    for (option, reason) in [
        (json!({ "copy": [{ "from": "a", "paths": [] }] }), "not the name of an image with a tag"),
        (json!({ "copy": [{ "from": "a b:1", "paths": [] }] }), "not the name of an image with a tag"),
        (json!({ "copy": [{ "from": "a:1", "paths": ["/a", "/a"] }] }), "/a and /a are in each other's way"),
        (
            json!({ "copy": [{ "from": "a:1", "paths": ["/a"] }], "links": [["b", "/a/c"]] }),
            "/a and /a/c are",
        ),
        (json!({ "copy": [{ "from": "a:1", "paths": ["/a/../b"] }] }), "no place in an image"),
        (json!({ "path": ["/proc/1"] }), "no place in an image"),
        (json!({ "path": ["/a$b"] }), "no place in an image"),
        (json!({ "links": [["", "/a"]] }), "leads nowhere"),
        (json!({ "steps": [{ "run": [""] }] }), "has no program"),
        (json!({ "probe": [[]] }), "has no program"),
        (json!({ "env": { "LD_PRELOAD": "x" } }), "not an extension's to set"),
        (json!({ "env": { "A": "b\nc" } }), "control character"),
        (json!({ "files": ["a.toml"] }), "no glob of `fingerprint` names"),
    ] {
        let mut image = json!({ "base": ["d:1"], "options": [option] });
        image["options"][0]["source"] = "images".into();
        let text = description(&json!({ "applies": true, "image": image }).to_string());
        assert!(text.contains(reason), "{option}: {text}");
    }
    let way = json!({ "source": "images", "files": ["conf/a.toml"], "path": ["/a", "/a/b"],
        "copy": [{ "from": "a@sha256:0000000000000000000000000000000000000000000000000000000000000000", "paths": ["/a", "/ab"] }] });
    let fingerprint = ["conf/*"];
    let good = json!({ "applies": true, "fingerprint": fingerprint, "image": { "base": ["d:1"], "options": [way] } });
    check_description(&from_value(good).unwrap()).unwrap();
    for (image, reason) in [
        (json!({ "base": [], "options": [] }), "fits no base"),
        (json!({ "base": ["debian"], "options": [] }), "not the name of a base with a tag"),
        (
            json!({ "base": ["d:1"], "options": [{ "source": "images" }, { "source": "images" }] }),
            "two options",
        ),
    ] {
        let text = description(&json!({ "applies": true, "image": image }).to_string());
        assert!(text.contains(reason), "{image}: {text}");
    }
    let described = from_value(json!({ "applies": true, "commands": [{ "name": "a:b" }] })).unwrap();
    let step = json!({ "program": "x" });
    for (action, reason) in [
        (json!({ "steps": [] }), "no steps"),
        (json!({ "steps": [{ "program": "" }] }), "no program"),
        (
            json!({ "steps": [{ "program": "x", "args": ["${cache:no}"] }] }),
            "cache that the stack does not have",
        ),
        (json!({ "steps": [step], "needs": ["c:d"] }), "does not offer"),
        (json!({ "steps": [step], "env": { "PATH": "x" } }), "not an extension's to set"),
        (json!({ "steps": [step], "outputs": [{ "cache": "no" }] }), "does not have"),
        (json!({ "steps": [step], "outputs": [{}] }), "neither `path` nor `cache`"),
        (json!({ "steps": [step], "path": ["bin"] }), "starts with / or a placeholder"),
        (json!({ "steps": [step], "path": ["$$HOME/bin"] }), "starts with / or a placeholder"),
        (json!({ "steps": [step], "timeout_s": 0 }), "timeout"),
    ] {
        let resolution = from_value(json!({ "action": action })).unwrap();
        let text = check_resolution(&resolution, &described).unwrap_err().reason;
        assert!(text.contains(reason), "{action}: {text}");
    }
}

#[test]
fn every_order_of_answers_gives_the_same_plan() {
    let build = json!({ "action": { "steps": [{ "program": "make" }], "needs": ["setup:deps"] } });
    let parts = [
        (".", "a", json!({}), json!({ "build:debug": build, "setup:deps": run("get") })),
        ("web", "b", json!({ "env": { "X": "1" } }), json!({ "build:debug": run("x") })),
        ("api", "b", json!({ "env": { "X": "2" } }), json!({ "build:debug": run("y") })),
    ];
    let mut digests = BTreeMap::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
        let list: Vec<_> = order.iter().map(|at| parts[*at].clone()).collect();
        let plan = plan(&config(""), &answers(&list), &["build"]).unwrap();
        digests.insert(plan.digest(), ());
    }
    assert_eq!(digests.len(), 1);
}

#[test]
fn secrets_are_for_what_downloads() {
    let run = |fetches: bool| json!({ "action": { "steps": [{ "program": "x" }], "fetches": fetches } });
    let answers = answers(&[
        (".", "a", json!({}), json!({ "setup:deps": run(true), "test:unit": run(false) })),
        (".", "b", json!({}), json!({ "setup:deps": run(true) })),
    ]);
    let all = ["setup:deps", "test:unit"];
    let shown = |text: &str| {
        let plan = plan(&config(text), &answers, &all).unwrap();
        let line = |secret: &Secret| {
            let names: Vec<String> = secret.actions.iter().map(FullName::to_string).collect();
            format!("{} {:?} {} {}", secret.name, secret.target, secret.required, names.join(","))
        };
        (plan.secrets.iter().map(line).collect::<Vec<_>>(), plan.digest())
    };
    let (none, without) = shown("");
    assert_eq!(none, [] as [&str; 0]);
    let (both, digest) = shown(
        "[secrets.z]\nfile = \"~/.z\"\nrequired = false\n[secrets.b]\nenv = \"B\"\ncommands = [\"b/setup:deps\"]\n\
         [secrets.a]\nssh_agent = true\n",
    );
    assert_eq!(
        both,
        [
            "a SshAgent true a/setup:deps,b/setup:deps",
            "b Env(\"B\") true b/setup:deps",
            "z File(\"~/.z\") false a/setup:deps,b/setup:deps",
        ]
    );
    assert_ne!(digest, without);

    let error = plan(&config("[secrets.a]\nenv = \"A\"\ncommands = [\"test:unit\"]\n"), &answers, &all);
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), "a/test:unit does not download, and only what does may see a secret");
    assert!(error.detail().unwrap().contains("--> devflow.toml:5:"), "{:?}", error.detail());
}
