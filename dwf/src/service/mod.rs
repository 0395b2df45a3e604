//! Services: what some actions need beside them, started when the first of these is, and ended with the run.
//!
//! Invariant: whoever asks hears one answer for each service, that it is ready, or why it is of no use; nothing of it
//! outlives [`Services::end`].

mod keeper;

use devflow_oci::Engine;
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::lower::Serving;
use crate::ring::Ring;
use crate::session::{Sender, SessionError};
use crate::world::World;
use keeper::Keeper;

/// Lines of a service's output that are shown with a failure.
const WORDS: usize = 40;

/// What those who need services have to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Go on.
    Ready,
    /// Wait.
    Coming,
    /// Fail, for this reason.
    Broken(String),
}

/// A service whose keeper was started: how to stop it, and its end.
type Running = (oneshot::Sender<()>, JoinHandle<Result<(), SessionError>>);

struct One {
    service: Serving,
    asked: bool,
    /// What its keeper said.
    told: Option<Result<(), String>>,
    words: Ring,
    running: Option<Running>,
}

/// The services of one run.
#[derive(Default)]
pub struct Services {
    all: Vec<One>,
    /// What keepers need.
    with: Option<(Engine, World, Sender)>,
}

impl Services {
    /// None of them runs yet.
    pub fn new(services: Vec<Serving>, engine: &Engine, world: &World, sender: Sender) -> Self {
        let one = |service| One { service, asked: false, told: None, words: Ring::default(), running: None };
        Self {
            all: services.into_iter().map(one).collect(),
            with: Some((engine.clone(), world.clone(), sender)),
        }
    }

    /// Asks for services by name: what to do.
    pub fn ask(&mut self, names: &[String]) -> State {
        let mut state = State::Ready;
        for name in names {
            let Some(one) = self.all.iter_mut().find(|one| one.service.name == *name) else {
                return State::Broken(format!("there is no service {name}"));
            };
            one.asked = true;
            match &one.told {
                Some(Ok(())) => {}
                Some(Err(reason)) => return State::Broken(format!("service {name} {reason}")),
                None => state = State::Coming,
            }
        }
        state
    }

    /// Starts those that were asked for; the session whose network they live in has to be there.
    pub fn start(&mut self) {
        let Some((engine, world, sender)) = &self.with else { return };
        for (number, one) in self.all.iter_mut().enumerate() {
            if one.asked && one.running.is_none() {
                let keeper = Keeper {
                    number,
                    service: one.service.clone(),
                    words: one.words.clone(),
                    engine: engine.clone(),
                    world: world.clone(),
                    sender: sender.clone(),
                };
                let (stop, stopped) = oneshot::channel();
                one.running = Some((stop, tokio::task::spawn_local(keeper.keep(stopped))));
            }
        }
    }

    /// Notes what a keeper said. What broke stays broken.
    pub fn note(&mut self, number: usize, told: Result<(), String>) {
        if let Some(one) = self.all.get_mut(number)
            && !matches!(one.told, Some(Err(_)))
        {
            one.told = Some(told);
        }
    }

    /// The last words of services, each with a line that says whose they are.
    pub fn words(&self, names: &[String]) -> Vec<String> {
        let named = self.all.iter().filter(|one| names.contains(&one.service.name) && one.running.is_some());
        let words = |one: &One| {
            let lines = one.words.last_lines(WORDS);
            let what = if lines.is_empty() { "said nothing" } else { "said last:" };
            let head = format!("── service {} {what}", one.service.name);
            std::iter::once(head).chain(lines).map(|line| line + "\n").collect::<String>()
        };
        named.map(words).collect()
    }

    /// Ends all of them, and waits until they are gone.
    pub async fn end(&mut self) -> Result<(), SessionError> {
        let running: Vec<Running> = self.all.iter_mut().filter_map(|one| one.running.take()).collect();
        let ends = running.into_iter().map(|(stop, end)| async move {
            // A keeper that has ended needs no word.
            let _ = stop.send(());
            end.await.unwrap_or(Ok(()))
        });
        join_all(ends).await.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
