//! Whether there are colours: by what was asked for, by convention, by where the text goes.

use std::collections::BTreeMap;

use crate::cli::Color;
use crate::lower::Job;

/// Whether dwf writes colours; `var` is a variable that is set and not empty.
pub fn paints<'a>(asked: Color, terminal: bool, var: impl Fn(&str) -> Option<&'a str>) -> bool {
    match asked {
        Color::Always => return true,
        Color::Never => return false,
        Color::Auto => {}
    }
    if var("NO_COLOR").is_some() {
        return false;
    }
    if var("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    terminal && var("CLICOLOR") != Some("0") && var("TERM") != Some("dumb")
}

/// Tells actions that a person with a colour terminal will see what they write; they themselves have
/// no terminal. An action that has its own opinion keeps it. This is no part of the plan.
pub fn tell(jobs: &mut [Job], term: &str) {
    for choice in jobs.iter_mut().flat_map(|job| &mut job.start.choices) {
        if !has_opinion(&choice.env) {
            let words = [("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "1"), ("TERM", term)];
            for (name, value) in words {
                choice.env.entry(name.to_owned()).or_insert_with(|| Some(value.to_owned()));
            }
        }
    }
}

fn has_opinion(env: &BTreeMap<String, Option<String>>) -> bool {
    ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"].iter().any(|name| env.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use devflow_runner::wire;

    use super::*;
    use crate::lower::Kind;

    #[test]
    fn conventions() {
        type Row<'a> = (Color, bool, &'a [(&'a str, &'a str)], bool);
        let rows: [Row<'_>; 10] = [
            (Color::Auto, true, &[], true),
            (Color::Auto, false, &[], false),
            (Color::Auto, true, &[("NO_COLOR", "1")], false),
            (Color::Auto, true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
            (Color::Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (Color::Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (Color::Auto, true, &[("CLICOLOR", "0")], false),
            (Color::Auto, true, &[("TERM", "dumb")], false),
            (Color::Always, false, &[("NO_COLOR", "1")], true),
            (Color::Never, true, &[("CLICOLOR_FORCE", "1")], false),
        ];
        for (asked, terminal, vars, expected) in rows {
            let var = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            assert_eq!(paints(asked, terminal, var), expected, "{asked:?} {terminal} {vars:?}");
        }
    }

    #[test]
    fn an_action_with_an_opinion_keeps_it() {
        let choice = |env: &[(&str, Option<&str>)]| wire::Choice {
            when: None,
            steps: Vec::new(),
            cwd: String::new(),
            env: env.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect(),
            path: Vec::new(),
        };
        let choices =
            vec![choice(&[("X", None)]), choice(&[("NO_COLOR", Some("1"))]), choice(&[("TERM", Some("a"))])];
        let start = wire::Start { id: 0, choices, timeout_ms: None, grace_ms: 0, secrets: Vec::new() };
        let name: crate::name::Wanted = "a/test:unit".parse().unwrap();
        let name =
            crate::name::FullName { member: Default::default(), stack: name.stack, command: name.command };
        let mut jobs = [Job { name, kind: Kind::Check, services: Vec::new(), start }];
        tell(&mut jobs, "xterm");
        let shown: Vec<String> = jobs[0].start.choices.iter().map(|c| format!("{:?}", c.env)).collect();
        assert_eq!(
            shown,
            [
                r#"{"CLICOLOR_FORCE": Some("1"), "FORCE_COLOR": Some("1"), "TERM": Some("xterm"), "X": None}"#,
                r#"{"NO_COLOR": Some("1")}"#,
                r#"{"CLICOLOR_FORCE": Some("1"), "FORCE_COLOR": Some("1"), "TERM": Some("a")}"#,
            ]
        );
    }
}
