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

/// Every code that has a name: the code, the name, and when it is used.
pub const NAMED: &[(i32, &str, &str)] = &[
    (PARSE_ERROR, "ParseError", "the line is not JSON"),
    (INVALID_REQUEST, "InvalidRequest", "not a request of JSON-RPC 2.0; a batch"),
    (METHOD_NOT_FOUND, "MethodNotFound", "unknown method"),
    (INVALID_PARAMS, "InvalidParams", "the parameters do not fit the method"),
    (INTERNAL_ERROR, "InternalError", "a bug in the extension"),
    (UNSUPPORTED_PROTOCOL, "UnsupportedProtocol", "no common version"),
    (
        MISSING_HOST_FEATURE,
        "MissingHostFeature",
        "the host lacks a feature that the extension cannot do without",
    ),
    (UNKNOWN_COMMAND, "UnknownCommand", "a command that the extension does not offer here"),
    (INVALID_PROJECT, "InvalidProject", "a file of the user's project is wrong"),
    (INVALID_CONFIG, "InvalidConfig", "`config` of the extension is wrong"),
];
