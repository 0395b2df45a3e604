//! Writes `schema/1/` anew, after a change of the types.

use std::fs;
use std::io;
use std::path::Path;

use devflow_protocol::schema;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/1");
    for (name, value) in [("protocol.schema.json", schema::protocol()), ("openrpc.json", schema::openrpc())] {
        fs::write(folder.join(name), format!("{value:#}\n"))?;
    }
    Ok(())
}
