//! Collects a response body up to a size limit, and decompresses it while it is received.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

/// The upper bound of the size limit of any response body, in bytes.
const CEILING: usize = 64 * 1024 * 1024;

/// Collects the chunks of a body. The size limit prevents a server from exhausting the memory.
pub(crate) enum BodyCollector {
    Plain {
        /// The number of bytes that may still be added.
        cap: usize,
        /// The first chunk, until there is a second. Most responses have a single chunk, which is then never copied.
        only: Bytes,
        /// All chunks, once there are two.
        all: Vec<u8>,
    },
    Gzip(Box<MultiGzDecoder<LimitedWriter>>),
}

/// The reason why a body cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    NotGzip,
}

impl BodyCollector {
    pub(crate) fn new(cap: usize, is_gzip: bool) -> Self {
        let cap = cap.min(CEILING);
        if is_gzip {
            let bytes = Vec::new();
            Self::Gzip(Box::new(MultiGzDecoder::new(LimitedWriter { cap, bytes })))
        } else {
            let (only, all) = (Bytes::new(), Vec::new());
            Self::Plain { cap, only, all }
        }
    }

    pub(crate) fn push(&mut self, chunk: Bytes) -> Result<(), BodyError> {
        match self {
            Self::Plain { cap, .. } if chunk.len() > *cap => return Err(BodyError::TooLarge),
            Self::Plain { cap, only, all } => {
                *cap -= chunk.len();
                if only.is_empty() && all.is_empty() {
                    *only = chunk;
                } else {
                    all.extend_from_slice(&std::mem::take(only));
                    all.extend_from_slice(&chunk);
                }
            }
            Self::Gzip(decoder) => decoder
                .write_all(&chunk)
                .map_err(|error| BodyError::of(&error))?,
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Bytes, BodyError> {
        match self {
            Self::Plain { only, all, .. } if all.is_empty() => Ok(only),
            Self::Plain { all, .. } => Ok(all.into()),
            Self::Gzip(decoder) => match decoder.finish() {
                Ok(capped) => Ok(capped.bytes.into()),
                Err(error) => Err(BodyError::of(&error)),
            },
        }
    }
}

impl BodyError {
    fn of(error: &io::Error) -> Self {
        // Only `LimitedWriter` returns this kind; the decoder returns others.
        if error.kind() == io::ErrorKind::FileTooLarge {
            Self::TooLarge
        } else {
            Self::NotGzip
        }
    }

    /// Returns the end of an error message that begins with "the response from HOST".
    pub(crate) const fn describe(&self) -> &'static str {
        match self {
            Self::TooLarge => "exceeds the size limit",
            Self::NotGzip => "is not valid gzip",
        }
    }
}

pub(crate) struct LimitedWriter {
    cap: usize,
    bytes: Vec<u8>,
}

impl Write for LimitedWriter {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        if chunk.len() > self.cap - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(cap: usize, is_gzip: bool, chunks: &[&[u8]]) -> Result<Bytes, BodyError> {
        let mut body = BodyCollector::new(cap, is_gzip);
        for chunk in chunks {
            body.push(Bytes::copy_from_slice(chunk))?;
        }
        body.finish()
    }

    #[test]
    fn the_cap_itself_is_allowed() {
        assert_eq!(read(4, false, &[b"abcd"]).unwrap(), "abcd");
        assert_eq!(read(4, false, &[b"abcde"]), Err(BodyError::TooLarge));
        assert_eq!(read(4, false, &[b"ab", b"cd", b""]).unwrap(), "abcd");
        assert_eq!(
            read(4, false, &[b"", b"a", b"", b"bc", b"d"]).unwrap(),
            "abcd"
        );
        assert_eq!(read(4, false, &[b"abcd", b"e"]), Err(BodyError::TooLarge));
        assert_eq!(read(4, true, &[&gzip(b"abcd")]).unwrap(), "abcd");
        assert_eq!(read(4, true, &[&gzip(b"abcde")]), Err(BodyError::TooLarge));
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let bomb = gzip(&vec![0; 32 * 1024 * 1024]);
        assert!(bomb.len() < 64 * 1024);
        assert_eq!(read(1024, true, &[&bomb]), Err(BodyError::TooLarge));
    }

    #[test]
    fn truncated_gzip_is_an_error() {
        let whole = gzip(b"some text that is compressed");
        for length in 0..whole.len() {
            let read = read(1024, true, &[&whole[..length]]);
            assert_eq!(read, Err(BodyError::NotGzip), "{length} of {}", whole.len());
        }
        assert_eq!(read(1024, true, &[b"plain text"]), Err(BodyError::NotGzip));
    }
}
