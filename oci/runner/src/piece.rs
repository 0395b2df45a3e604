//! Output cut into pieces that can be sent.
//!
//! Invariant: the pieces put together are the output, byte for byte; a character is never split into
//! two texts.

use crate::wire::Data;

/// What is left over of a character that has not arrived as a whole: at most three bytes.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    bytes: [u8; 3],
    len: usize,
}

impl Rest {
    /// Puts what is left over in front of a buffer and says how long it is.
    pub(crate) fn put(&mut self, buffer: &mut [u8]) -> usize {
        buffer[..self.len].copy_from_slice(&self.bytes[..self.len]);
        std::mem::take(&mut self.len)
    }

    /// What can be sent of these bytes; an unfinished character at their end is kept.
    pub(crate) fn cut(&mut self, bytes: &[u8]) -> Option<Data> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_some() => return Some(Data::Bytes(bytes.to_vec())),
            Err(error) => {
                let (whole, rest) = bytes.split_at(error.valid_up_to());
                self.len = rest.len();
                self.bytes[..self.len].copy_from_slice(rest);
                std::str::from_utf8(whole).unwrap_or_default()
            }
        };
        (!text.is_empty()).then(|| Data::Text(text.to_owned()))
    }

    /// What is left over at the end of the output.
    pub(crate) fn end(&mut self) -> Option<Data> {
        let len = std::mem::take(&mut self.len);
        (len > 0).then(|| Data::Bytes(self.bytes[..len].to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(chunks: &[&[u8]]) -> Vec<Data> {
        let mut rest = Rest::default();
        let mut out = Vec::new();
        for chunk in chunks {
            let mut buffer = [0; 64];
            let kept = rest.put(&mut buffer);
            buffer[kept..kept + chunk.len()].copy_from_slice(chunk);
            out.extend(rest.cut(&buffer[..kept + chunk.len()]));
        }
        out.extend(rest.end());
        out
    }

    fn text(text: &str) -> Data {
        Data::Text(text.to_owned())
    }

    #[test]
    fn a_split_character_waits_for_its_rest() {
        assert_eq!(pieces(&[b"a\xF0", b"\x9F\xA6", b"\x80b"]), [text("a"), text("\u{1F980}b")]);
        assert_eq!(pieces(&["ä".as_bytes()]), [text("ä")]);
        assert_eq!(pieces(&[b""]), []);
    }

    #[test]
    fn what_is_no_text_stays_as_it_is() {
        assert_eq!(pieces(&[b"a\xFFb"]), [Data::Bytes(b"a\xFFb".to_vec())]);
        assert_eq!(pieces(&[b"a\xC3", b"a"]), [text("a"), Data::Bytes(b"\xC3a".to_vec())]);
        assert_eq!(pieces(&[b"a\xE2\x82"]), [text("a"), Data::Bytes(b"\xE2\x82".to_vec())]);
    }

    #[test]
    fn every_split_of_every_mix_adds_up() {
        let all = "aä€\u{1F980}".bytes().chain([0xFF, 0x80, b'x', 0xE2]).collect::<Vec<_>>();
        for first in 0..all.len() {
            for second in first..all.len() {
                let joined: Vec<u8> = pieces(&[&all[..first], &all[first..second], &all[second..]])
                    .into_iter()
                    .flat_map(|piece| match piece {
                        Data::Text(text) => text.into_bytes(),
                        Data::Bytes(bytes) => bytes,
                    })
                    .collect();
                assert_eq!(joined, all, "{first} {second}");
            }
        }
    }
}
