//! `devflow-ext-node`: what a folder with a package.json means to dwf.
//!
//! Invariant: it answers and does nothing else: no process, no write, no network; only
//! [`facts`] reads, a few bounded files below the project's root.

mod caches;
mod config;
mod describe;
mod facts;
mod image;
mod install;
mod lock;
mod manager;
mod manifest;
mod node;
mod products;
mod reports;
mod resolve;
mod run;
#[cfg(test)]
mod samples;
mod scripts;
mod sources;
mod tools;
mod workspaces;

use std::process::ExitCode;

use devflow_protocol::message::{DescribeParams, DescribeResult, Resolution, ResolveParams};
use devflow_protocol::sdk::{self, Extension, Failure};

/// The extension.
struct Node;

impl Extension for Node {
    fn name(&self) -> &str {
        "node"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure> {
        let config = config::Config::parse(&request.config)?;
        let facts = facts::read(&request.project, &config)?;
        Ok(describe::describe(&facts, &config))
    }

    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure> {
        let config = config::Config::parse(&request.config)?;
        let facts = facts::read(&request.project, &config)?;
        resolve::resolve(&facts, &config, &request.command, &request.args)
    }
}

fn main() -> ExitCode {
    sdk::main(Node)
}
