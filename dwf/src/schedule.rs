//! Which action may start now.
//!
//! Invariant: pure. The same plan and the same order of endings give the same order of starts. Nothing
//! here recurses; a start costs at most a look at each action that waits for a lock only.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use crate::name::FullName;
use crate::plan::Plan;

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Passed,
    /// Otherwise.
    Failed,
    /// dwf ended it; nobody knows what it would have become.
    Cancelled,
}

/// Why an action never started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// It needs this one, which failed.
    Needs(&'a FullName),
    /// This one failed, and nothing starts after a failure.
    Failed(&'a FullName),
    /// The run was stopped.
    Stopped,
}

/// How far an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// It needs the one at this place, which did not pass.
    Blocked(usize),
    Running,
    Ended(Ending),
}

#[derive(Debug)]
struct Node {
    name: FullName,
    needed_by: Vec<usize>,
    followed_by: Vec<usize>,
    /// Edges from actions that have not ended.
    open: usize,
    locks: Vec<usize>,
    alone: bool,
    /// Actions on the longest way from here to an end.
    height: usize,
    state: State,
}

/// The ready-queue of one run.
#[derive(Debug)]
pub struct Schedule {
    nodes: Vec<Node>,
    /// What waits for no other action: the longest way first, then by name.
    ready: BTreeSet<(Reverse<usize>, usize)>,
    running: BTreeSet<usize>,
    held: BTreeSet<usize>,
    jobs: usize,
    keep_going: bool,
    first_failed: Option<usize>,
    stopped: bool,
}

impl Schedule {
    /// The queue of a plan, at most `jobs` at once; after a failure only `keep_going` starts more.
    pub fn new(plan: &Plan, jobs: usize, keep_going: bool) -> Self {
        let mut nodes = nodes(plan);
        heights(&mut nodes);
        // Actions are sorted by name already.
        let free = nodes.iter().enumerate().filter(|(_, node)| node.open == 0);
        let ready = free.map(|(at, node)| (Reverse(node.height), at)).collect();
        let (running, held) = (BTreeSet::new(), BTreeSet::new());
        Self {
            nodes,
            ready,
            running,
            held,
            jobs: jobs.max(1),
            keep_going,
            first_failed: None,
            stopped: false,
        }
    }

    /// Takes the next action that may start now; it counts as running from here on.
    pub fn start(&mut self) -> Option<usize> {
        if self.stopped || self.culprit().is_some() || self.running.len() >= self.jobs {
            return None;
        }
        if self.running.iter().any(|at| self.nodes[*at].alone) {
            return None;
        }
        let is_free = |at: usize| self.nodes[at].locks.iter().all(|lock| !self.held.contains(lock));
        let next = self.ready.iter().copied().find(|(_, at)| self.nodes[*at].alone || is_free(*at))?;
        let at = next.1;
        if self.nodes[at].alone && !self.running.is_empty() {
            // What runs alone would wait for ever behind what keeps starting.
            return None;
        }
        self.ready.remove(&next);
        self.running.insert(at);
        self.held.extend(&self.nodes[at].locks);
        self.nodes[at].state = State::Running;
        Some(at)
    }

    /// Tells how a running action ended.
    pub fn ended(&mut self, at: usize, how: Ending) {
        if !self.running.remove(&at) {
            return;
        }
        for lock in &self.nodes[at].locks {
            self.held.remove(lock);
        }
        if how == Ending::Failed {
            self.first_failed.get_or_insert(at);
        }
        self.over(at, how);
    }

    /// Tells that an action need not run; it counts as passed, whether it waits or was about to start.
    pub fn met(&mut self, at: usize) {
        if self.is_running(at) {
            self.ended(at, Ending::Passed);
        } else if self.nodes[at].state == State::Waiting {
            self.ready.remove(&(Reverse(self.nodes[at].height), at));
            self.over(at, Ending::Passed);
        }
    }

    fn over(&mut self, at: usize, how: Ending) {
        self.nodes[at].state = State::Ended(how);
        // What needs one that did not pass never starts, and what comes after that need not wait for it.
        let mut over = vec![at];
        while let Some(one) = over.pop() {
            for next in std::mem::take(&mut self.nodes[one].followed_by) {
                self.release(next);
            }
            for next in std::mem::take(&mut self.nodes[one].needed_by) {
                if how == Ending::Passed {
                    self.release(next);
                } else if self.nodes[next].state == State::Waiting {
                    self.nodes[next].state = State::Blocked(at);
                    over.push(next);
                }
            }
        }
    }

    fn release(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.open = node.open.saturating_sub(1);
        if node.open == 0 && node.state == State::Waiting {
            self.ready.insert((Reverse(node.height), at));
        }
    }

    /// Starts nothing any more.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The failure after which nothing starts, and because of which what runs is to be cancelled.
    pub fn culprit(&self) -> Option<&FullName> {
        self.first_failed.filter(|_| !self.keep_going).map(|at| &self.nodes[at].name)
    }

    /// The actions that run now, in the plan's order.
    pub fn running(&self) -> Vec<usize> {
        self.running.iter().copied().collect()
    }

    /// Whether an action runs now.
    pub fn is_running(&self, at: usize) -> bool {
        self.running.contains(&at)
    }

    /// The actions that never started, in the plan's order.
    pub fn waiting(&self) -> Vec<usize> {
        let never = |at: &usize| matches!(self.nodes[*at].state, State::Waiting | State::Blocked(_));
        (0..self.nodes.len()).filter(never).collect()
    }

    /// Why an action that never started did not.
    pub fn why(&self, at: usize) -> Why<'_> {
        let failed = |at: usize| self.nodes[at].state == State::Ended(Ending::Failed);
        match (self.nodes[at].state, self.culprit()) {
            (State::Blocked(by), _) if failed(by) => Why::Needs(&self.nodes[by].name),
            (_, Some(name)) if !self.stopped => Why::Failed(name),
            _ => Why::Stopped,
        }
    }
}

fn nodes(plan: &Plan) -> Vec<Node> {
    let index: BTreeMap<&FullName, usize> =
        plan.actions.iter().enumerate().map(|(at, action)| (&action.name, at)).collect();
    let mut locks: BTreeMap<(&RelPath, &Option<ExtensionName>, &str), usize> = BTreeMap::new();
    let mut nodes = Vec::with_capacity(plan.actions.len());
    for action in &plan.actions {
        let name = &action.name;
        let mut number = |lock| {
            let next = locks.len();
            *locks.entry((&name.member, &name.stack, lock)).or_insert(next)
        };
        nodes.push(Node {
            name: name.clone(),
            needed_by: Vec::new(),
            followed_by: Vec::new(),
            open: 0,
            locks: action.locks.iter().map(|lock| number(lock.as_str())).collect(),
            alone: action.writes,
            height: 1,
            state: State::Waiting,
        });
    }
    for (at, action) in plan.actions.iter().enumerate() {
        for before in action.needs.iter().filter_map(|name| index.get(name)) {
            nodes[*before].needed_by.push(at);
            nodes[at].open += 1;
        }
        for before in action.after.iter().filter_map(|name| index.get(name)) {
            nodes[*before].followed_by.push(at);
            nodes[at].open += 1;
        }
    }
    nodes
}

/// Each action after all that come before it; then the heights are known from the last one back.
fn heights(nodes: &mut [Node]) {
    let mut open: Vec<usize> = nodes.iter().map(|node| node.open).collect();
    let mut order: Vec<usize> = (0..nodes.len()).filter(|at| open[*at] == 0).collect();
    let mut done = 0;
    while let Some(at) = order.get(done).copied() {
        done += 1;
        for next in nodes[at].needed_by.iter().chain(&nodes[at].followed_by) {
            open[*next] -= 1;
            if open[*next] == 0 {
                order.push(*next);
            }
        }
    }
    for at in order.into_iter().rev() {
        let behind = nodes[at].needed_by.iter().chain(&nodes[at].followed_by);
        nodes[at].height = 1 + behind.map(|next| nodes[*next].height).max().unwrap_or(0);
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
