//! `devflow-ext-python`: what a Python project means to dwf.
//!
//! Invariant: it answers and never acts. [`facts`] reads a few bounded files; everything else is a
//! function from those facts to an answer.

mod checks;
mod config;
mod declared;
mod describe;
mod facts;
mod groups;
mod image;
mod ini;
mod interpreter;
mod lists;
mod manager;
mod native;
mod package;
mod project;
mod pyproject;
mod range;
mod requirement;
mod resolve;
mod setup;
mod suites;
mod tables;
mod testing;
mod tree;
mod words;

use std::process::ExitCode;

use devflow_protocol::message::{DescribeParams, DescribeResult, Resolution, ResolveParams};
use devflow_protocol::sdk::{self, Extension, Failure};

use config::Config;
use facts::Facts;

struct Python;

impl Extension for Python {
    fn name(&self) -> &str {
        "python"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure> {
        let config = Config::parse(&request.config)?;
        let facts = Facts::gather(&request.project, &config)?;
        describe::describe(&facts, &config)
    }

    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure> {
        let config = Config::parse(&request.config)?;
        let facts = Facts::gather(&request.project, &config)?;
        resolve::resolve(&facts, &config, &request.command, &request.args)
    }
}

fn main() -> ExitCode {
    sdk::main(Python)
}
