use std::time::Duration;

use devflow_oci::{Container, EngineKind, Entrypoint, ImageRef, UserMapping, Version};
use devflow_runner::wire;

use super::*;

fn service(name: &str) -> Serving {
    let image: ImageRef = "x:1".parse().unwrap();
    let mut container = Container::new(format!("dwf-{name}"), image, UserMapping::default(), ["x"]);
    container.entrypoint = Entrypoint::None;
    let start =
        wire::Start { id: 0, choices: Vec::new(), timeout_ms: None, grace_ms: 0, secrets: Vec::new() };
    Serving { name: name.to_owned(), container, start, ready: None, patience: Duration::ZERO }
}

fn services() -> (Services, tokio::sync::mpsc::Receiver<crate::session::Message>) {
    let (sender, inbox) = tokio::sync::mpsc::channel(4);
    let engine = Engine::new(EngineKind::Docker, "/nonexistent/engine", Version::default());
    (Services::new(vec![service("a"), service("b")], &engine, &World::read().unwrap(), sender), inbox)
}

#[test]
fn all_have_to_be_ready_and_none_broken() {
    let (mut services, _inbox) = services();
    let both = ["a".to_owned(), "b".to_owned()];
    assert_eq!(services.ask(&[]), State::Ready);
    assert_eq!(services.ask(&both), State::Coming);
    services.note(1, Ok(()));
    assert_eq!((services.ask(&both), services.ask(&both[1..])), (State::Coming, State::Ready));
    services.note(0, Err("fell over".to_owned()));
    assert_eq!(services.ask(&both), State::Broken("service a fell over".to_owned()));
    // What broke does not come back, and what was ready can break.
    services.note(0, Ok(()));
    services.note(1, Err("too".to_owned()));
    assert_eq!(services.ask(&both[..1]), State::Broken("service a fell over".to_owned()));
    assert_eq!(services.ask(&both[1..]), State::Broken("service b too".to_owned()));
    assert_eq!(services.ask(&["c".to_owned()]), State::Broken("there is no service c".to_owned()));
}

#[test]
fn only_what_was_asked_for_starts_and_what_cannot_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        let (mut services, mut inbox) = services();
        services.ask(&["b".to_owned()]);
        services.start();
        services.start();
        let Some(crate::session::Message::Service(1, Err(reason))) = inbox.recv().await else {
            panic!("not the word of b");
        };
        assert_eq!(reason, "could not be started: /nonexistent/engine could not be started");
        assert_eq!(services.words(&["a".to_owned(), "b".to_owned()]), ["── service b said nothing\n"]);
        services.end().await.unwrap();
        assert!(inbox.try_recv().is_err());
    }));
}
