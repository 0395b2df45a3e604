//! Which actions of a small plan run, and why.

use super::*;

const NAMES: [&str; 3] = ["setup:deps", "build:debug", "test:unit"];

fn name(text: &str) -> FullName {
    FullName { member: ".".parse().unwrap(), stack: None, command: text.parse().unwrap() }
}

/// Three actions, each of which needs the one before, and all of which succeeded.
struct Plan {
    names: Vec<FullName>,
    must: [Option<Because>; 3],
    earlier: Vec<Earlier>,
    key: BTreeMap<String, String>,
    inputs: [Result<String, String>; 3],
    outputs: Vec<BTreeMap<String, Option<Left>>>,
    after: bool,
}

impl Plan {
    fn new() -> Self {
        let files = |text: &str| Left::Files(text.to_owned());
        let cache = Left::Folder { device: 1, inode: 2, born: 3, names: vec!["a".to_owned()] };
        // Dependencies are a cache; what is built is files; tests make nothing.
        let outputs = [vec![("cache", cache)], vec![("dist", files("d1"))], vec![]];
        let outputs = outputs.map(|list| {
            list.into_iter().map(|(name, left)| (name.to_owned(), left)).collect::<BTreeMap<_, _>>()
        });
        let key: BTreeMap<_, _> = [("its steps".to_owned(), "1".to_owned())].into();
        let mut earlier = Vec::new();
        for at in 0..3_usize {
            let needs = at.checked_sub(1).map(|at| (NAMES[at].to_owned(), made(&outputs[at], "r1")));
            earlier.push(Earlier::Known(State::Passed(Box::new(Success {
                run: "r1".to_owned(),
                key: key.clone(),
                inputs: "i1".to_owned(),
                needs: needs.into_iter().collect(),
                outputs: outputs[at].clone(),
            }))));
        }
        let now = |map: BTreeMap<String, Left>| map.into_iter().map(|(k, v)| (k, Some(v))).collect();
        Self {
            names: NAMES.map(name).to_vec(),
            must: [None, None, None],
            earlier,
            key,
            inputs: [(); 3].map(|()| Ok("i1".to_owned())),
            outputs: outputs.map(now).to_vec(),
            after: false,
        }
    }

    fn success(&mut self, at: usize) -> &mut Success {
        match &mut self.earlier[at] {
            Earlier::Known(State::Passed(success)) => success,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check(&self, expected: [&str; 3]) {
        let known = |at: usize| Known {
            name: &self.names[at],
            must: self.must[at].clone(),
            earlier: &self.earlier[at],
            key: &self.key,
            inputs: self.inputs[at].as_ref().map(String::as_str).map_err(String::as_str),
            outputs: &self.outputs[at],
            needs: at.checked_sub(1).filter(|_| !self.after).into_iter().collect(),
            after: at.checked_sub(1).filter(|_| self.after).into_iter().collect(),
        };
        let shown = |verdict: &Verdict| match verdict {
            Verdict::Unchanged => String::new(),
            Verdict::Waits => "waits".to_owned(),
            Verdict::Runs(because) => because.to_string(),
        };
        let said: Vec<String> = decide(&[known(0), known(1), known(2)]).iter().map(shown).collect();
        assert_eq!(said, expected);
    }
}

#[test]
fn nothing_changed() {
    Plan::new().check(["", "", ""]);
}

#[test]
fn the_latest_run_decides() {
    for (earlier, reason) in [
        (Earlier::None, "there is no earlier run"),
        (Earlier::Unreadable("x".to_owned()), "the record of its last run is of no use: x"),
        (Earlier::Known(State::Started), "its last run did not end"),
        (Earlier::Known(State::Failed), "its last run failed"),
        (Earlier::Known(State::Stopped), "its last run was stopped"),
        (Earlier::Known(State::Changed("a\u{1b}".to_owned())), "a\\u{1b} changed while it ran last"),
    ] {
        let mut plan = Plan::new();
        plan.earlier[2] = earlier;
        plan.check(["", "", reason]);
    }
}

#[test]
fn everything_that_counts_is_compared() {
    let mut plan = Plan::new();
    plan.inputs[2] = Ok("i2".to_owned());
    plan.check(["", "", "its inputs changed"]);
    plan.inputs[2] = Err("a pipe".to_owned());
    plan.check(["", "", "its inputs cannot be told: a pipe"]);

    let mut plan = Plan::new();
    plan.success(2).key.insert("the image".to_owned(), "old".to_owned());
    plan.check(["", "", "the image is gone"]);
    plan.success(2).key.insert("its steps".to_owned(), "0".to_owned());
    plan.check(["", "", "its steps changed, and 1 more"]);
    plan.success(2).key.clear();
    plan.check(["", "", "its steps is new"]);
}

#[test]
fn what_is_needed_counts_by_what_it_makes() {
    // A cache cannot be compared with itself: whoever needs it runs as well.
    let mut plan = Plan::new();
    plan.outputs[0].insert("cache".to_owned(), Some(Left::Nothing));
    let setup = "setup:deps runs before it, or has run since";
    plan.check(["its output cache is not what it left", setup, "waits"]);

    // Files can, once they are there.
    for now in [None, Some(Left::Files("d2".to_owned()))] {
        let mut plan = Plan::new();
        plan.outputs[1].insert("dist".to_owned(), now);
        plan.check(["", "its output dist is not what it left", "waits"]);
    }

    // It ran meanwhile, by itself.
    let mut plan = Plan::new();
    plan.success(0).run = "r2".to_owned();
    plan.check(["", setup, "waits"]);
    let mut plan = Plan::new();
    plan.success(1).run = "r2".to_owned();
    plan.check(["", "", ""]);
    plan.success(1).outputs.insert("dist".to_owned(), Left::Files("d2".to_owned()));
    plan.outputs[1].insert("dist".to_owned(), Some(Left::Files("d2".to_owned())));
    plan.check(["", "", "build:debug runs before it, or has run since"]);
    // It was no need then.
    let mut plan = Plan::new();
    plan.success(2).needs.clear();
    plan.check(["", "", "build:debug runs before it, or has run since"]);
}

#[test]
fn what_must_run_does() {
    let mut plan = Plan::new();
    plan.must[1] = Some(Because::Asked);
    plan.check(["", "it was asked for by name", "waits"]);
    plan.after = true;
    plan.check(["", "it was asked for by name", "build:debug runs before it and may make what it reads"]);
    for must in &mut plan.must {
        *must = Some(Because::All("--force was given".to_owned()));
    }
    plan.check(["--force was given"; 3]);
}
