//! Whatever names, arguments and variables are: each reaches the container as itself, or is refused.

use proptest::prelude::*;

use crate::container::Container;
use crate::engine::{Engine, EngineKind};
use crate::environment::EnvValue;
use crate::image::ImageName;
use crate::mount::Mount;
use crate::user::user_args;
use crate::version::Version;

/// One record of comma-separated values, read as engines read it: the first record, and nothing behind it.
fn fields(text: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => field.extend(chars.next()),
            ('"', true) => quoted = false,
            ('"', false) if field.is_empty() => quoted = true,
            (',', false) => fields.push(std::mem::take(&mut field)),
            ('\n', false) => break,
            (c, _) => field.push(c),
        }
    }
    fields.push(field);
    fields
}

/// Texts that are worth trying: the characters that something on the way gives a meaning to.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(",".to_owned()),
        Just("\"".to_owned()),
        Just(" ".to_owned()),
        Just("=".to_owned()),
        Just(":".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("src=".to_owned()),
        Just("readonly".to_owned()),
        Just("\\".to_owned()),
        Just("--".to_owned()),
        Just("[".to_owned()),
        "\\PC{1,3}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn container(engine: &Engine) -> Container {
    let user = user_args(engine, (1000, 1000), None).unwrap();
    Container::new("dwf-x", ImageName::Id(format!("sha256:{}", "1".repeat(64))), user, ["p"])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mount_is_exactly_that_mount(name in text(), readonly: bool, podman: bool) {
        let kind = if podman { EngineKind::Podman } else { EngineKind::Docker };
        let engine = Engine::new(kind, "e", Version::new(5, 0, 0));
        let path = format!("/w/{name}");
        let mut container = container(&engine);
        container.mounts = vec![Mount::Bind { source: path.clone().into(), target: "/workspace".to_owned(), readonly }];
        if let Ok(run) = container.run(&engine) {
            let mounts: Vec<&str> = run.args.iter().filter_map(|arg| arg.strip_prefix("--mount=")).collect();
            prop_assert_eq!(mounts.len(), 1);
            let mut expected = vec!["type=bind".to_owned(), format!("src={path}"), "dst=/workspace".to_owned()];
            expected.extend(readonly.then(|| "readonly".to_owned()));
            prop_assert_eq!(fields(mounts[0]), expected);
        } else {
            let odd = name.chars().any(char::is_control) || name.split('/').any(|part| matches!(part, "" | "." | ".."));
            prop_assert!(odd, "{:?} is refused", name);
        }
    }

    #[test]
    fn arguments_and_variables_stay_what_they_are(args in prop::collection::vec(text(), 1..5), value in text(), podman: bool) {
        let kind = if podman { EngineKind::Podman } else { EngineKind::Docker };
        let engine = Engine::new(kind, "e", Version::new(5, 0, 0));
        let mut container = container(&engine);
        container.argv = std::iter::once("p".to_owned()).chain(args.clone()).collect();
        container.env = vec![("NAME".to_owned(), EnvValue::Literal(value.clone()))];
        let nul = args.iter().chain([&value]).any(|text| text.contains('\0'));
        let run = container.run(&engine);
        prop_assert_eq!(run.is_err(), nul);
        let Ok(run) = run else { return Ok(()) };
        let (flags, rest) = run.args.split_at(run.args.iter().position(|arg| arg == "--").unwrap());
        prop_assert_eq!(&rest[2..], args.as_slice());
        let starting = |prefix: &str| flags.iter().filter(|arg| arg.starts_with(prefix)).cloned().collect::<Vec<_>>();
        prop_assert_eq!(starting("--user=").len(), 1);
        prop_assert_eq!(starting("--entrypoint="), ["--entrypoint=p"]);
        prop_assert_eq!(starting("--env="), [format!("--env=NAME={value}")]);
        prop_assert!(flags.iter().all(|arg| arg == "run" || arg.starts_with("--")));
    }
}
