use std::path::Path;

use serde_json::{from_value, json};

use super::*;
use crate::lower::tests::plan;
use crate::lower::{WORKSPACE, caches_in_container, jobs};

/// What a scope gives, and the jobs of the plan it is of.
fn lowered(plan: &Plan, scope: Scope<'_>) -> (Shell, Vec<Job>) {
    let caches = caches_in_container(plan, Path::new("/c"), Path::new("/w"), "layers");
    let key = |p: &CachePlace<'_>| (p.stack.member.clone(), p.stack.stack.clone(), p.cache.name.clone());
    let places = Places {
        workspace: WORKSPACE.into(),
        caches: caches.iter().map(|place| (key(place), place.seen.clone())).collect(),
        ..Places::default()
    };
    let argv = ["sh".to_owned(), "${home} $$".to_owned()];
    (shell(plan, &places, &caches, scope, &argv).unwrap(), jobs(plan, &places, &caches))
}

#[test]
fn an_actions_environment_is_that_of_its_job() {
    let plan = plan();
    for (at, action) in plan.actions.iter().enumerate() {
        let (shell, jobs) = lowered(&plan, Scope::Action(action));
        let (ours, theirs) = (&shell.job.start.choices[0], &jobs[at].start.choices[0]);
        assert_eq!((&ours.env, &ours.path, &ours.cwd), (&theirs.env, &theirs.path, &theirs.cwd));
        assert_eq!((shell.job.kind, &shell.job.name), (jobs[at].kind, &jobs[at].name));
        assert_eq!(shell.disputed.len(), 0);
        assert_eq!(shell.job.start.timeout_ms, None);
        // What somebody typed is no template.
        assert_eq!(ours.steps, [wire::Step { program: "sh".into(), args: vec!["${home} $$".into()] }]);
    }
}

#[test]
fn several_actions_share_what_they_agree_on() {
    let mut plan = plan();
    plan.actions[1].choices[0].env =
        from_value(json!({ "COLOR": null, "W": "other", "ONLY": "here" })).unwrap();
    plan.actions[1].choices[0].path = from_value(json!(["/more", "${cache:modules}/bin"])).unwrap();
    for (scope, cwd) in [(Scope::Stack(&plan.stacks[0]), "/workspace/web"), (Scope::All, "/workspace")] {
        let (shell, _) = lowered(&plan, scope);
        let [choice] = shell.job.start.choices.as_slice() else { panic!("{shell:?}") };
        assert_eq!(choice.cwd, cwd);
        assert_eq!(choice.path, ["/workspace/web/modules/bin", "/more"]);
        assert_eq!(choice.env["ONLY"].as_deref(), Some("here"));
        assert_eq!(choice.env["COLOR"], None);
        assert!(!choice.env.contains_key("W"));
        assert_eq!(shell.disputed, ["W".to_owned()].into());
        assert_eq!(shell.job.kind, Kind::Check);
    }
}

#[test]
fn a_variable_with_three_values_is_left_out_once() {
    let mut plan = plan();
    plan.actions.push(plan.actions[0].clone());
    for (at, value) in ["1", "2", "1"].iter().enumerate() {
        plan.actions[at].choices[0].env = from_value(json!({ "N": value })).unwrap();
    }
    let (shell, _) = lowered(&plan, Scope::All);
    assert_eq!(shell.disputed, ["N".to_owned()].into());
}

#[test]
fn a_plan_without_actions_has_no_environment() {
    let plan = Plan { actions: Vec::new(), stacks: Vec::new(), ..plan() };
    let argv = ["sh".to_owned()];
    assert_eq!(shell(&plan, &Places::default(), &[], Scope::All, &argv), None);
}
