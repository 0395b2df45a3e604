//! `devflow-ext-rust`: what a Cargo project means to dwf.
//!
//! Invariant: it answers and never acts. [`facts`] reads a few bounded files; everything else is a
//! function from those facts to an answer.

mod caches;
mod commands;
mod config;
mod describe;
mod facts;
#[cfg(test)]
mod facts_tests;
mod image;
mod manifest;
mod members;
mod native;
mod nextest;
mod package;
mod programs;
mod resolve;
#[cfg(test)]
mod resolve_tests;
mod scope;
mod security;
mod targets;
mod testing;
mod toolchain;

#[cfg(test)]
mod samples;

use std::process::ExitCode;

use devflow_protocol::message::{DescribeParams, DescribeResult, Resolution, ResolveParams};
use devflow_protocol::sdk::{Extension, Failure};

use config::Config;
use facts::Facts;

struct Rust;

impl Extension for Rust {
    fn name(&self) -> &str {
        "rust"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure> {
        let config = Config::parse(&request.config)?;
        Ok(match Facts::gather(&request.project)? {
            Some(facts) => describe::describe(&facts, &config),
            None => describe::declined(),
        })
    }

    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure> {
        let config = Config::parse(&request.config)?;
        match Facts::gather(&request.project)? {
            Some(facts) => resolve::resolve(&facts, &config, &request.command, &request.args),
            None => Err(Failure::unknown_command(&request.command, &[])),
        }
    }
}

fn main() -> ExitCode {
    devflow_protocol::sdk::main(&Rust)
}
