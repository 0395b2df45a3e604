//! The host's client: asks one extension over a pair of pipes.
//!
//! jsonrpsee's client over a transport of our own. Every line from the extension passes the gate
//! (`gate`) first, because jsonrpsee answers a bad line by dying with an opaque text.
//!
//! Invariant: whatever the extension sends, the caller gets a typed error within the deadline, and
//! nothing here panics, blocks, or holds more than the limits allow.

mod answer;
mod error;
mod gate;
mod log;
mod strict;
mod tap;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::core::client::async_client::Client as Rpc;
use jsonrpsee::core::client::{ClientBuilder, ClientT, Error as RpcError, IdKind};
use jsonrpsee::core::traits::ToRpcParams;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::limits;
use crate::message::{
    DescribeParams, DescribeResult, InitializeParams, InitializeResult, Resolution, ResolveParams, method,
};

pub use error::{AnswerData, ClientError};
pub use log::{LogEvent, Logs};
pub use strict::form;
pub use tap::{Tap, To};
use transport::{Shared, Wire};

/// How long the id of a request and the rest of its envelope can get, generously.
const ENVELOPE: usize = 256;
/// The longest deadline. jsonrpsee's own is twice that, so that it is never the first to pass.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// What one extension may cost. The defaults are the protocol's; the user may raise them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From [`Client::start`] to the answer of `initialize`.
    pub initialize: Duration,
    /// From sending any other request to its answer.
    pub request: Duration,
    /// Bytes in one line, either way.
    pub line: usize,
    /// Bytes that the extension may send in all.
    pub bytes: u64,
    /// Messages that the extension may send in all.
    pub messages: u64,
    /// Requests under way at once; more wait for their turn.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            initialize: limits::INITIALIZE,
            request: limits::REQUEST,
            line: limits::LINE,
            bytes: limits::RUN_BYTES,
            messages: limits::RUN_MESSAGES,
            in_flight: limits::IN_FLIGHT,
        }
    }
}

/// A conversation with one extension. Dropping it closes the extension's standard input.
pub struct Client {
    rpc: Rpc,
    wire: Wire,
    shared: Arc<Shared>,
    slots: Semaphore,
    limits: Limits,
    started: Instant,
}

impl Client {
    /// Takes over the extension's standard input and output. Must be called inside a tokio runtime
    /// with its clock enabled; the clock of `initialize` starts here.
    pub fn start(
        stdin: impl AsyncWrite + Send + Unpin + 'static,
        stdout: impl AsyncRead + Send + Unpin + 'static,
        limits: Limits,
    ) -> Self {
        Self::tapped(stdin, stdout, limits, None)
    }

    /// As [`Client::start`], with somebody who sees every line as it passes.
    pub fn tapped(
        stdin: impl AsyncWrite + Send + Unpin + 'static,
        stdout: impl AsyncRead + Send + Unpin + 'static,
        limits: Limits,
        tap: Option<Tap>,
    ) -> Self {
        let shared = Arc::new(Shared::new(&limits, tap));
        let (wire, sender, receiver) = transport::connect(stdin, stdout, &shared);
        let rpc = ClientBuilder::new()
            .request_timeout(2 * LONGEST)
            .id_format(IdKind::String)
            .max_concurrent_requests(limits.in_flight.max(1))
            .build_with_tokio(sender, receiver);
        let slots = Semaphore::new(limits.in_flight.max(1));
        Self { rpc, wire, shared, slots, limits, started: Instant::now() }
    }

    /// Greets the extension and agrees on a version. To be called once, before anything else.
    pub async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult, ClientError> {
        let (from, after) = (Some(self.started), self.limits.initialize);
        match self.exchange(method::INITIALIZE, &params, from, after).await {
            Ok(result) => answer::agree(&params.protocols, result.get()),
            Err(error) => Err(answer::refused(&params.protocols, error)),
        }
    }

    /// Asks what the extension makes of a folder.
    pub async fn describe(&self, params: DescribeParams) -> Result<DescribeResult, ClientError> {
        let result = self.call(method::DESCRIBE, &params).await?;
        answer::read(method::DESCRIBE, result.get())
    }

    /// Asks what a command means in a folder.
    pub async fn resolve(&self, params: ResolveParams) -> Result<Resolution, ClientError> {
        let result = self.call(method::RESOLVE, &params).await?;
        answer::read(method::RESOLVE, result.get())
    }

    /// Any request, and its result as it came; for tools that look at the wire.
    pub async fn call(&self, method: &str, params: &impl Serialize) -> Result<Box<RawValue>, ClientError> {
        self.exchange(method, params, None, self.limits.request).await
    }

    /// The `log` lines that come from now on. A reader that is too slow loses lines, nothing more.
    pub fn logs(&self) -> Logs {
        self.shared.logs()
    }

    /// Closes the extension's standard input, which asks it to end. Requests that are under way
    /// may still be answered; later ones fail.
    pub fn close(&self) {
        self.wire.close();
    }

    async fn exchange(
        &self,
        method: &str,
        params: &impl Serialize,
        from: Option<Instant>,
        after: Duration,
    ) -> Result<Box<RawValue>, ClientError> {
        let params = self.outgoing(method, params)?;
        let _slot = self.slots.acquire().await.map_err(|_| ClientError::Closed)?;
        if let Some(fault) = self.shared.fault() {
            return Err(fault);
        }
        let deadline = from.unwrap_or_else(Instant::now) + after.min(LONGEST);
        match timeout_at(deadline, self.rpc.request(method, Ready(params))).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(RpcError::Call(error))) => Err(answer::failure(&error)),
            Ok(Err(_)) => Err(self.shared.fault().unwrap_or(ClientError::Closed)),
            Err(_) => Err(ClientError::Timeout { method: method.to_owned(), after }),
        }
    }

    /// The parameters as they will be sent, if they can be.
    fn outgoing(&self, method: &str, params: &impl Serialize) -> Result<Box<RawValue>, ClientError> {
        let refuse = |reason| Err(ClientError::Unsendable { method: method.to_owned(), reason });
        match to_raw_value(params) {
            Err(error) => refuse(error.to_string()),
            Ok(params) if params.get().len() + method.len() + ENVELOPE > self.limits.line => {
                refuse(format!("it has more than the {} bytes of a line", self.limits.line))
            }
            Ok(params) => Ok(params),
        }
    }
}

/// Parameters that are JSON already.
struct Ready(Box<RawValue>);

impl ToRpcParams for Ready {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        Ok(Some(self.0))
    }
}

#[cfg(test)]
mod tests;
