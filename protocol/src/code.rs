//! The error codes of the protocol. An extension's own codes start at [`OWN`].

/// A line that is not JSON.
pub const PARSE_ERROR: i32 = -32700;
/// JSON that is not a request.
pub const INVALID_REQUEST: i32 = -32600;
/// A method this side does not have.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// Parameters that do not fit the method.
pub const INVALID_PARAMS: i32 = -32602;
/// A bug in the extension.
pub const INTERNAL_ERROR: i32 = -32603;
/// No common protocol version; `data.supported` lists the extension's.
pub const UNSUPPORTED_PROTOCOL: i32 = 1001;
/// The host lacks a feature that the extension cannot do without.
pub const MISSING_HOST_FEATURE: i32 = 1002;
/// A command this extension does not have here; `data.known` lists those it has.
pub const UNKNOWN_COMMAND: i32 = 2001;
/// A file of the user's project is wrong; `data.file` and `data.line` say where.
pub const INVALID_PROJECT: i32 = 2002;
/// The extension's `config` in devflow.toml is wrong.
pub const INVALID_CONFIG: i32 = 2003;
/// The first of an extension's own codes.
pub const OWN: i32 = 10000;
