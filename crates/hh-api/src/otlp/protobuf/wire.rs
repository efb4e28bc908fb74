//! Reads the fields of protobuf messages.

/// The bytes are not a field, or a field has another type than expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Field<'a> {
    /// Returns a text, bytes or a message.
    pub(super) fn bytes(self) -> Result<&'a [u8], Damaged> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Fixed64(_) | Self::Fixed32(_) => Err(Damaged),
        }
    }

    /// Returns a signed integer, a flag or the number of an enum.
    pub(super) fn int(self) -> Result<i64, Damaged> {
        match self {
            Self::Varint(number) => Ok(number.cast_signed()),
            Self::Bytes(_) | Self::Fixed64(_) | Self::Fixed32(_) => Err(Damaged),
        }
    }

    /// Returns an unsigned integer of 32 bits; other bits are ignored, as protobuf specifies.
    pub(super) fn small(self) -> Result<u32, Damaged> {
        let number = self.int()?.cast_unsigned() & u64::from(u32::MAX);
        Ok(u32::try_from(number).unwrap_or_default())
    }

    /// Returns 8 bytes.
    pub(super) fn fixed64(self) -> Result<u64, Damaged> {
        match self {
            Self::Fixed64(number) => Ok(number),
            Self::Bytes(_) | Self::Varint(_) | Self::Fixed32(_) => Err(Damaged),
        }
    }

    /// Returns 4 bytes.
    pub(super) fn fixed32(self) -> Result<u32, Damaged> {
        match self {
            Self::Fixed32(number) => Ok(number),
            Self::Bytes(_) | Self::Varint(_) | Self::Fixed64(_) => Err(Damaged),
        }
    }
}

/// Reads the fields of one message in order.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Returns the number and the value of the next field, or `None` at the end. Groups are skipped.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, Damaged> {
        while !self.rest.is_empty() {
            let tag = self.varint()?;
            let number = tag >> 3;
            if number == 0 {
                return Err(Damaged);
            }
            let field = match tag & 7 {
                0 => Field::Varint(self.varint()?),
                1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
                2 => {
                    let length = usize::try_from(self.varint()?).map_err(|_| Damaged)?;
                    Field::Bytes(self.take(length)?)
                }
                3 => {
                    self.skip_group()?;
                    continue;
                }
                5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
                _ => return Err(Damaged),
            };
            return Ok(Some((number, field)));
        }
        Ok(None)
    }

    /// Skips the rest of a group, including groups within it.
    fn skip_group(&mut self) -> Result<(), Damaged> {
        let mut open = 1_usize;
        while open > 0 {
            match self.varint()? & 7 {
                0 => drop(self.varint()?),
                1 => drop(self.take(8)?),
                2 => {
                    let length = usize::try_from(self.varint()?).map_err(|_| Damaged)?;
                    self.take(length)?;
                }
                3 => open += 1,
                4 => open -= 1,
                5 => drop(self.take(4)?),
                _ => return Err(Damaged),
            }
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Damaged)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Damaged> {
        let mut value = 0_u64;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(Damaged)
    }
}
