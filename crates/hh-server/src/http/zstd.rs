//! Decompresses zstd.

use std::io::{self, Read};

use super::body::MAX_BODY;
use super::gzip::MAX_FRAMES;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// The maximum size of the window of a frame, in bytes. A frame that announces its size can have a window of that size.
///
/// The number of threads that decompress bodies limits this memory, so no request reserves it.
const MAX_WINDOW: usize = MAX_BODY;

/// A reader of all frames of a body. Other bytes between or after them are an error, and so is a wrong checksum.
pub(super) struct ZstdReader<'a> {
    rest: &'a [u8],
    frame: Option<StreamingDecoder<&'a [u8], FrameDecoder>>,
    frames: usize,
}

impl<'a> ZstdReader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            frame: None,
            frames: 0,
        }
    }
}

impl Read for ZstdReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(buffer)?;
                if count > 0 {
                    return Ok(count);
                }
            }
            if let Some(frame) = self.frame.take() {
                let (rest, decoder) = frame.into_parts();
                let sent = decoder.get_checksum_from_data();
                if sent.is_some() && sent != decoder.get_calculated_checksum() {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                self.rest = rest;
            }
            if self.rest.is_empty() {
                return Ok(0);
            }
            self.frames += 1;
            if self.frames > MAX_FRAMES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if let Some(rest) = after_skippable(self.rest) {
                self.rest = rest?;
                continue;
            }
            let window = MAX_WINDOW as u64;
            let frame = StreamingDecoder::new_with_max_window_size(self.rest, window);
            self.frame = Some(frame.map_err(|_| io::ErrorKind::InvalidData)?);
        }
    }
}

/// Returns the bytes after a frame that decoders skip; `None` if another frame follows.
fn after_skippable(bytes: &[u8]) -> Option<io::Result<&[u8]>> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    if !(0x184d_2a50..=0x184d_2a5f).contains(&u32::from_le_bytes(*magic)) {
        return None;
    }
    let skipped = rest
        .split_first_chunk::<4>()
        .and_then(|(length, rest)| rest.get(usize::try_from(u32::from_le_bytes(*length)).ok()?..));
    Some(skipped.ok_or_else(|| io::ErrorKind::UnexpectedEof.into()))
}
