//! Decompresses gzip.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;

/// The maximum number of gzip members or zstd frames in one body. Each of them takes the time to create a decoder, even if
/// it is empty.
pub(super) const MAX_FRAMES: usize = 1000;

/// A reader of all members of a body. Other bytes between or after them are an error.
pub(super) struct GzipReader<'a> {
    rest: &'a [u8],
    member: Option<GzDecoder<&'a [u8]>>,
    members: usize,
}

impl<'a> GzipReader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            member: None,
            members: 0,
        }
    }
}

impl Read for GzipReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(mut member) = self.member.take() {
                let count = member.read(buffer)?;
                if count > 0 {
                    self.member = Some(member);
                    return Ok(count);
                }
                self.rest = member.into_inner();
            }
            // An empty body is not valid gzip.
            if self.rest.is_empty() && self.members > 0 {
                return Ok(0);
            }
            self.members += 1;
            if self.members > MAX_FRAMES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.member = Some(GzDecoder::new(self.rest));
        }
    }
}
