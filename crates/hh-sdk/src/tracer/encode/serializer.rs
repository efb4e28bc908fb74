//! Implements the serializer of serde.

use serde::{Serialize, Serializer};

use super::compound::Compound;
use super::encoder::{Encoder, NotSerializable};
use crate::tracer::wire::{fixed, put_fixed, put_varint, variable};

/// `AnyValue.bool_value`.
const BOOL: u8 = variable(2);
/// `AnyValue.int_value`.
const INT: u8 = variable(3);
/// `AnyValue.double_value`.
const DOUBLE: u8 = fixed(4);

impl Encoder<'_> {
    /// Encodes an integer that does not fit in 64 bits with a sign: as a JSON number if `is_json`, or else as text.
    fn put_large(&mut self, number: &str, is_json: bool) -> Result<(), NotSerializable> {
        if self.is_text && is_json {
            self.put_literal(number);
            Ok(())
        } else {
            self.put_text(number)
        }
    }
}

impl<'e, 'a> Serializer for &'e mut Encoder<'a> {
    type Ok = ();
    type Error = NotSerializable;
    type SerializeSeq = Compound<'e, 'a>;
    type SerializeTuple = Compound<'e, 'a>;
    type SerializeTupleStruct = Compound<'e, 'a>;
    type SerializeTupleVariant = Compound<'e, 'a>;
    type SerializeMap = Compound<'e, 'a>;
    type SerializeStruct = Compound<'e, 'a>;
    type SerializeStructVariant = Compound<'e, 'a>;

    fn serialize_bool(self, flag: bool) -> Result<(), NotSerializable> {
        if self.is_text {
            self.put_literal(if flag { "true" } else { "false" });
        } else {
            self.out.extend_from_slice(&[BOOL, u8::from(flag)]);
        }
        Ok(())
    }

    fn serialize_i8(self, number: i8) -> Result<(), NotSerializable> {
        self.serialize_i64(number.into())
    }

    fn serialize_i16(self, number: i16) -> Result<(), NotSerializable> {
        self.serialize_i64(number.into())
    }

    fn serialize_i32(self, number: i32) -> Result<(), NotSerializable> {
        self.serialize_i64(number.into())
    }

    fn serialize_i64(self, number: i64) -> Result<(), NotSerializable> {
        if self.is_text {
            self.put_literal(&number.to_string());
        } else {
            self.out.push(INT);
            put_varint(self.out, number.cast_unsigned());
        }
        Ok(())
    }

    fn serialize_i128(self, number: i128) -> Result<(), NotSerializable> {
        match i64::try_from(number) {
            Ok(number) => self.serialize_i64(number),
            Err(_) => self.put_large(&number.to_string(), u64::try_from(number).is_ok()),
        }
    }

    fn serialize_u8(self, number: u8) -> Result<(), NotSerializable> {
        self.serialize_i64(number.into())
    }

    fn serialize_u16(self, number: u16) -> Result<(), NotSerializable> {
        self.serialize_i64(number.into())
    }

    fn serialize_u32(self, number: u32) -> Result<(), NotSerializable> {
        self.serialize_i64(number.into())
    }

    fn serialize_u64(self, number: u64) -> Result<(), NotSerializable> {
        match i64::try_from(number) {
            Ok(number) => self.serialize_i64(number),
            Err(_) => self.put_large(&number.to_string(), true),
        }
    }

    fn serialize_u128(self, number: u128) -> Result<(), NotSerializable> {
        match u64::try_from(number) {
            Ok(number) => self.serialize_u64(number),
            Err(_) => self.put_large(&number.to_string(), false),
        }
    }

    fn serialize_f32(self, number: f32) -> Result<(), NotSerializable> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), NotSerializable> {
        if !number.is_finite() {
            return self.serialize_unit();
        }
        if self.is_text {
            return serde_json::to_writer(&mut *self.out, &number).map_err(|_| NotSerializable);
        }
        put_fixed(self.out, DOUBLE, number.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, character: char) -> Result<(), NotSerializable> {
        self.put_text(character.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), NotSerializable> {
        self.put_text(text)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), NotSerializable> {
        bytes.serialize(self)
    }

    fn serialize_none(self) -> Result<(), NotSerializable> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotSerializable> {
        self.nest(value)
    }

    fn serialize_unit(self) -> Result<(), NotSerializable> {
        // An `AnyValue` without a field is null.
        if self.is_text {
            self.put_literal("null");
        }
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotSerializable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NotSerializable> {
        self.put_text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotSerializable> {
        self.nest(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NotSerializable> {
        let mut object = Compound::begin(self, true)?;
        object.put_member(variant, value)?;
        object.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'e, 'a>, NotSerializable> {
        Compound::begin(self, false)
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'e, 'a>, NotSerializable> {
        Compound::begin(self, false)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Compound<'e, 'a>, NotSerializable> {
        Compound::begin(self, false)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'e, 'a>, NotSerializable> {
        Compound::begin_variant(self, variant, false)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'e, 'a>, NotSerializable> {
        Compound::begin(self, true)
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Compound<'e, 'a>, NotSerializable> {
        match name {
            // The structs by which `serde_json` passes numbers of arbitrary precision and raw JSON.
            "$serde_json::private::Number" | "$serde_json::private::RawValue" => {
                Ok(Compound::json(self))
            }
            _ => Compound::begin(self, true),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'e, 'a>, NotSerializable> {
        Compound::begin_variant(self, variant, true)
    }
}
