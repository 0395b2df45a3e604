//! Which action may start now.
//!
//! Invariant: pure. The same plan and the same order of endings give the same order of starts.

use std::collections::{BTreeMap, BTreeSet};

use devflow_protocol::name::ExtensionName;
use devflow_protocol::path::RelPath;

use crate::name::FullName;
use crate::plan::Plan;

/// How far an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Passed,
    Failed,
}

#[derive(Debug)]
struct Node {
    name: FullName,
    needs: Vec<usize>,
    after: Vec<usize>,
    locks: BTreeSet<(RelPath, Option<ExtensionName>, String)>,
    alone: bool,
    /// Actions on the longest way from here to an end.
    height: usize,
    state: State,
}

/// The ready-queue of one run.
#[derive(Debug)]
pub struct Schedule {
    nodes: Vec<Node>,
    /// Indices, most urgent first.
    order: Vec<usize>,
    jobs: usize,
    keep_going: bool,
    stopped: bool,
}

impl Schedule {
    /// The queue of a plan, at most `jobs` at once; after a failure only `keep_going` starts more.
    pub fn new(plan: &Plan, jobs: usize, keep_going: bool) -> Self {
        let index: BTreeMap<&FullName, usize> =
            plan.actions.iter().enumerate().map(|(at, action)| (&action.name, at)).collect();
        let find = |names: &[FullName]| names.iter().filter_map(|name| index.get(name).copied()).collect();
        let mut nodes: Vec<Node> = plan
            .actions
            .iter()
            .map(|action| Node {
                name: action.name.clone(),
                needs: find(&action.needs),
                after: find(&action.after),
                locks: action
                    .locks
                    .iter()
                    .map(|lock| (action.name.member.clone(), action.name.stack.clone(), lock.clone()))
                    .collect(),
                alone: action.writes,
                height: 1,
                state: State::Waiting,
            })
            .collect();
        heights(&mut nodes);
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        // Actions are sorted by name already, and the sort is stable.
        order.sort_by_key(|at| std::cmp::Reverse(nodes[*at].height));
        Self { nodes, order, jobs: jobs.max(1), keep_going, stopped: false }
    }

    /// Takes the next action that may start now; it counts as running from here on.
    pub fn start(&mut self) -> Option<usize> {
        let running: Vec<usize> = self.in_state(State::Running);
        let failed = self.nodes.iter().any(|node| node.state == State::Failed);
        if self.stopped || running.len() >= self.jobs || (failed && !self.keep_going) {
            return None;
        }
        if running.iter().any(|at| self.nodes[*at].alone) {
            return None;
        }
        for at in self.order.clone() {
            let node = &self.nodes[at];
            if node.state != State::Waiting || !self.is_free(node) {
                continue;
            }
            if node.alone && !running.is_empty() {
                // What runs alone would wait for ever behind what keeps starting.
                return None;
            }
            if running.iter().any(|other| !self.nodes[*other].locks.is_disjoint(&node.locks)) {
                continue;
            }
            self.nodes[at].state = State::Running;
            return Some(at);
        }
        None
    }

    fn is_free(&self, node: &Node) -> bool {
        let ended = |at: &usize| matches!(self.nodes[*at].state, State::Passed | State::Failed);
        node.needs.iter().all(|at| self.nodes[*at].state == State::Passed)
            && node.after.iter().all(|at| ended(at) || self.blocked_by(*at).is_some())
    }

    /// Tells how an action ended.
    pub fn ended(&mut self, at: usize, passed: bool) {
        self.nodes[at].state = if passed { State::Passed } else { State::Failed };
    }

    /// Starts nothing any more.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The actions that run now.
    pub fn running(&self) -> Vec<usize> {
        self.in_state(State::Running)
    }

    /// The actions that never started.
    pub fn waiting(&self) -> Vec<usize> {
        self.in_state(State::Waiting)
    }

    /// The failed action that keeps this one from running.
    pub fn blocked_by(&self, at: usize) -> Option<&FullName> {
        let mut open = vec![at];
        let mut seen = BTreeSet::new();
        while let Some(next) = open.pop() {
            for need in &self.nodes[next].needs {
                if self.nodes[*need].state == State::Failed {
                    return Some(&self.nodes[*need].name);
                }
                if seen.insert(*need) {
                    open.push(*need);
                }
            }
        }
        None
    }

    fn in_state(&self, state: State) -> Vec<usize> {
        (0..self.nodes.len()).filter(|at| self.nodes[*at].state == state).collect()
    }
}

fn heights(nodes: &mut [Node]) {
    // A plan has no cycle, so the longest way has at most as many steps as there are nodes.
    for _ in 0..nodes.len() {
        let mut changed = false;
        for at in 0..nodes.len() {
            let height = nodes[at].height + 1;
            for before in nodes[at].needs.iter().chain(&nodes[at].after).copied().collect::<Vec<_>>() {
                if nodes[before].height < height {
                    nodes[before].height = height;
                    changed = true;
                }
            }
        }
        if !changed {
            return;
        }
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
