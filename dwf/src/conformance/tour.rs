//! The first conversation: everything a host asks, from greeting to end, each question twice.

use std::time::Duration;

use devflow_protocol::client::Limits;
use devflow_protocol::limits::END_GRACE;
use devflow_protocol::message::{DescribeResult, Resolution, method};
use devflow_protocol::name::CommandName;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::check::{PASSED, Unmet, Verdict, skip};
use super::conversation::{Conversation, Ending, Exchange, Failure};
use super::message::Breach;
use super::scenario::changes;
use super::subject::{Subject, SubjectError};

/// Commands of a description that are asked about.
const COMMANDS: usize = 200;
/// Requests that a conversation may spend the whole of their time on.
pub const REQUESTS: u32 = 6;
/// How many times as long as its slowest answer an extension has in later conversations, and what it
/// has at least: to start, and to answer.
const PATIENCE: (u32, Duration, Duration) = (20, Duration::from_secs(5), Duration::from_secs(2));
/// Ids that are not what most programs expect.
const ODD_IDS: [&str; 2] = ["é\"\\", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"];

/// What the first conversation brought back. What is missing was not reached.
#[derive(Default)]
pub struct Tour {
    /// The answer to `initialize`.
    pub introduction: Option<Exchange>,
    /// The answers to `project/describe`.
    pub descriptions: Vec<Exchange>,
    /// The answers to `command/resolve`, by command.
    pub resolutions: Vec<(CommandName, [Exchange; 2])>,
    /// What ended it early.
    pub failure: Option<Failure>,
    /// How the extension ended.
    pub ending: Option<Ending>,
    /// Files of the project that changed meanwhile.
    pub changed: Option<Result<Vec<String>, String>>,
    greeting: Duration,
    slowest: Duration,
}

impl Tour {
    /// Takes the tour; that the extension cannot be started at all is an error.
    pub async fn take(subject: &Subject) -> Result<Self, SubjectError> {
        let before = changes::look(&subject.root);
        let conversation = Conversation::start(subject, &subject.limits, &subject.invocation());
        let mut conversation = conversation.map_err(|error| SubjectError::Start {
            path: subject.path.clone(),
            reason: crate::extension::start_reason(&error),
        })?;
        let mut tour = Self::default();
        let most = subject.limits.initialize + subject.limits.request * REQUESTS;
        match timeout(most, tour.walk(subject, &mut conversation)).await {
            Err(_) => {
                let what = format!("all of it took longer than {most:?}");
                tour.failure = Some(conversation.failure((Breach::Silent, what)));
            }
            Ok(Err(failure)) => tour.failure = Some(failure),
            Ok(Ok(())) => {
                let mut ending = conversation.end(END_GRACE).await;
                tour.failure = ending.breach.take();
                tour.ending = Some(ending);
            }
        }
        let after = changes::look(&subject.root);
        tour.changed = Some(before.and_then(|before| Ok(before.until(&after?))));
        Ok(tour)
    }

    async fn walk(&mut self, subject: &Subject, conversation: &mut Conversation) -> Result<(), Failure> {
        let started = Instant::now();
        self.introduction = Some(conversation.greet(&[1], true).await?);
        self.greeting = started.elapsed();
        if self.introduction().is_err() {
            return Ok(());
        }
        for id in ODD_IDS {
            let params = subject.describe(&subject.root);
            let exchange = self.timed(conversation.ask(id, method::DESCRIBE, params)).await?;
            self.descriptions.push(exchange);
        }
        let Ok(description) = self.description() else { return Ok(()) };
        for (at, command) in description.commands.into_iter().take(COMMANDS).enumerate() {
            let params = subject.resolve(&subject.root, command.name.as_str(), &[]);
            let [one, two] = [format!("{at}"), format!("{at} again")];
            let one = self.timed(conversation.ask(&one, method::RESOLVE, params.clone())).await?;
            let two = self.timed(conversation.ask(&two, method::RESOLVE, params)).await?;
            self.resolutions.push((command.name, [one, two]));
        }
        Ok(())
    }

    async fn timed<T>(&mut self, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let output = work.await;
        self.slowest = self.slowest.max(started.elapsed());
        output
    }

    /// The deadlines of later conversations, which know how fast the extension can be.
    pub fn patience(&self, limits: &Limits) -> Limits {
        let (times, start, answer) = PATIENCE;
        let initialize = limits.initialize.min(start.max(self.greeting * times));
        let request = limits.request.min(answer.max(self.slowest.max(self.greeting) * times));
        Limits { initialize, request, ..limits.clone() }
    }

    /// Passes unless this is what the tour ended with.
    pub fn without(&self, breach: Breach) -> Verdict {
        match &self.failure {
            Some(failure) if failure.breach == Some(breach) => Err(failure.clone().into()),
            // What was not reached is not known to be good.
            Some(failure) => skip(format!("the conversation ended early: {}", failure.what)),
            None => PASSED,
        }
    }

    /// Goes on only if the whole tour went well; later conversations would meet the same trouble.
    pub fn whole(&self) -> Result<(), Unmet> {
        match (&self.failure, self.introduction()) {
            (Some(failure), _) => skip(format!("the first conversation ended early: {}", failure.what)),
            (None, Err(unmet)) => Err(unmet),
            (None, Ok(_)) => Ok(()),
        }
    }

    /// The answer to `initialize`, if it is a result.
    pub fn introduction(&self) -> Result<(&Exchange, &Value), Unmet> {
        good(self.introduction.as_ref(), method::INITIALIZE)
    }

    /// The answer to `project/describe`, if it is a result.
    pub fn described(&self) -> Result<(&Exchange, &Value), Unmet> {
        good(self.descriptions.first(), method::DESCRIBE)
    }

    /// The description, if it has the right form and the extension applies.
    pub fn description(&self) -> Result<DescribeResult, Unmet> {
        let (_, value) = self.described()?;
        match serde_json::from_value::<DescribeResult>(value.clone()) {
            Ok(description) if description.applies => Ok(description),
            Ok(_) => skip("it does not apply to the project; use --project with one of its own"),
            Err(_) => skip("the description does not have the right form"),
        }
    }

    /// The answer to `project/describe`, if it can be compared with: if it was the same twice.
    pub fn steady(&self) -> Option<&Exchange> {
        match self.descriptions.as_slice() {
            [first, second] if first.answer.outcome == second.answer.outcome => Some(first),
            _ => None,
        }
    }

    /// The answers to `command/resolve` that are results, if there are any.
    pub fn resolved(&self) -> Result<Vec<(&CommandName, &Exchange, &Value)>, Unmet> {
        self.description()?;
        let mut all = Vec::new();
        for (name, [exchange, _]) in &self.resolutions {
            if let Ok(value) = &exchange.answer.outcome {
                all.push((name, exchange, value));
            }
        }
        if all.is_empty() { skip("no command was resolved") } else { Ok(all) }
    }

    /// The resolutions that have the right form.
    pub fn actions(&self) -> Result<Vec<(&CommandName, &Exchange, Resolution)>, Unmet> {
        let all = self.resolved()?.into_iter().filter_map(|(name, exchange, value)| {
            Some((name, exchange, serde_json::from_value(value.clone()).ok()?))
        });
        Ok(all.collect())
    }

    /// Every answer.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        let resolutions = self.resolutions.iter().flat_map(|(_, both)| both);
        self.introduction.iter().chain(&self.descriptions).chain(resolutions)
    }
}

fn good<'a>(exchange: Option<&'a Exchange>, method: &str) -> Result<(&'a Exchange, &'a Value), Unmet> {
    match exchange.map(|exchange| (exchange, &exchange.answer.outcome)) {
        Some((exchange, Ok(value))) => Ok((exchange, value)),
        Some((_, Err(_))) => skip(format!("it answered {method} with an error")),
        None => skip(format!("it has not answered {method}")),
    }
}
