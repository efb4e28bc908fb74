//! Encodes lists and objects.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer as _,
};
use serde_json::Value;

use super::encoder::{Encoder, MAX_LEVELS, MAX_STRUCTURED, NotSerializable, TOO_DEEP};
use crate::tracer::wire::{KEY, STRING, VALUE, close, delimited, open, put_bytes};

/// `AnyValue.array_value`.
const LIST: u8 = delimited(5);
/// `AnyValue.kvlist_value`.
const OBJECT: u8 = delimited(6);
/// `ArrayValue.values` and `KeyValueList.values`.
const ITEM: u8 = delimited(1);

/// A list or an object in progress.
pub(super) struct Compound<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    form: Form,
    /// The surrounding object, if this is the content of an enum variant.
    variant: Option<Form>,
}

/// The encoding of a list or an object.
#[derive(Clone, Copy)]
enum Form {
    /// A protobuf message.
    Structured(Structured),
    /// JSON.
    Text(Text),
    /// None: its items are ignored.
    Skipped,
    /// The special struct of `serde_json` whose only field contains JSON.
    Json,
}

/// A list or an object as a protobuf message.
#[derive(Clone, Copy)]
struct Structured {
    /// The offset of its content.
    start: usize,
    /// The offsets of the current member and its value.
    member: Option<(usize, usize)>,
}

/// A list or an object as JSON.
#[derive(Clone, Copy)]
struct Text {
    is_object: bool,
    is_empty: bool,
    /// The offset of the surrounding text, if this is the outermost value in it.
    start: Option<usize>,
}

impl<'e, 'a> Compound<'e, 'a> {
    /// Starts a list or an object.
    pub(super) fn begin(
        encoder: &'e mut Encoder<'a>,
        is_object: bool,
    ) -> Result<Self, NotSerializable> {
        let form = Form::begin(encoder, is_object)?;
        Ok(Self {
            encoder,
            form,
            variant: None,
        })
    }

    /// Starts the content of an enum variant, in an object whose only member has the name of the variant.
    pub(super) fn begin_variant(
        encoder: &'e mut Encoder<'a>,
        name: &'static str,
        is_object: bool,
    ) -> Result<Self, NotSerializable> {
        let mut around = Form::begin(encoder, true)?;
        around.begin_member(encoder, name)?;
        let form = if matches!(around, Form::Skipped) {
            Form::Skipped
        } else {
            Form::begin(encoder, is_object)?
        };
        Ok(Self {
            encoder,
            form,
            variant: Some(around),
        })
    }

    /// Starts a struct whose only field contains JSON.
    pub(super) fn json(encoder: &'e mut Encoder<'a>) -> Self {
        Self {
            encoder,
            form: Form::Json,
            variant: None,
        }
    }

    /// Encodes a member of an object.
    pub(super) fn put_member<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotSerializable> {
        if matches!(self.form, Form::Json) {
            return self.put_json(value);
        }
        self.form.begin_member(self.encoder, name)?;
        self.put_member_value(value)
    }

    /// Encodes the value of the current member.
    fn put_member_value<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), NotSerializable> {
        match &self.form {
            Form::Skipped => return Ok(()),
            // The type serialized a value without a name.
            Form::Structured(structured) if structured.member.is_none() => {
                return Err(NotSerializable);
            }
            Form::Structured(_) | Form::Text(_) | Form::Json => self.encoder.nest(value)?,
        }
        self.form.end_member(self.encoder);
        Ok(())
    }

    /// Encodes an item of a list.
    fn put_item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotSerializable> {
        match &mut self.form {
            Form::Structured(_) => {
                let start = open(self.encoder.out, ITEM);
                self.encoder.nest(value)?;
                close(self.encoder.out, start);
                Ok(())
            }
            Form::Text(text) => {
                text.separate(self.encoder);
                self.encoder.nest(value)
            }
            Form::Skipped | Form::Json => Ok(()),
        }
    }

    /// Encodes a number of arbitrary precision, or raw JSON.
    fn put_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotSerializable> {
        let text = serde_json::to_value(value).map_err(|_| NotSerializable)?;
        let text = text.as_str().ok_or(NotSerializable)?;
        if let Ok(number) = text.parse::<i64>() {
            return self.encoder.serialize_i64(number);
        }
        if let Ok(number) = text.parse::<u64>() {
            return self.encoder.serialize_u64(number);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => self.encoder.serialize_f64(number),
            Ok(_) => self.encoder.put_text(text),
            Err(_) => {
                let value: Value = serde_json::from_str(text).map_err(|_| NotSerializable)?;
                self.encoder.nest(&value)
            }
        }
    }

    /// Ends the list or the object.
    pub(super) fn finish(mut self) {
        // A type may end an object after a name without a value.
        self.form.end_member(self.encoder);
        self.form.end(self.encoder);
        if let Some(mut form) = self.variant {
            form.end_member(self.encoder);
            form.end(self.encoder);
        }
    }
}

impl Form {
    /// Starts a list or an object in the encoding that its level requires.
    fn begin(encoder: &mut Encoder<'_>, is_object: bool) -> Result<Self, NotSerializable> {
        if encoder.level >= MAX_LEVELS {
            encoder.put_text(TOO_DEEP)?;
            return Ok(Self::Skipped);
        }
        let form = if encoder.is_text || encoder.level >= MAX_STRUCTURED {
            let start = (!encoder.is_text).then(|| open(encoder.out, STRING));
            encoder.is_text = true;
            encoder.put_literal(if is_object { "{" } else { "[" });
            Self::Text(Text {
                is_object,
                is_empty: true,
                start,
            })
        } else {
            let start = open(encoder.out, if is_object { OBJECT } else { LIST });
            Self::Structured(Structured {
                start,
                member: None,
            })
        };
        encoder.level += 1;
        Ok(form)
    }

    /// Starts a member with a static name.
    fn begin_member(
        &mut self,
        encoder: &mut Encoder<'_>,
        name: &'static str,
    ) -> Result<(), NotSerializable> {
        match self {
            Self::Structured(structured) => {
                let member = open(encoder.out, ITEM);
                let name = encoder.redactor.redact(name);
                put_bytes(encoder.out, KEY, name.as_bytes());
                structured.member = Some((member, open(encoder.out, VALUE)));
            }
            Self::Text(text) => {
                text.separate(encoder);
                encoder.put_text(name)?;
                encoder.put_literal(":");
            }
            Self::Skipped | Self::Json => {}
        }
        Ok(())
    }

    /// Ends the current member.
    fn end_member(&mut self, encoder: &mut Encoder<'_>) {
        if let Self::Structured(structured) = self
            && let Some((member, value)) = structured.member.take()
        {
            close(encoder.out, value);
            close(encoder.out, member);
        }
    }

    /// Ends the list or the object.
    fn end(&mut self, encoder: &mut Encoder<'_>) {
        match self {
            Self::Structured(structured) => {
                close(encoder.out, structured.start);
                encoder.level -= 1;
            }
            Self::Text(text) => {
                encoder.put_literal(if text.is_object { "}" } else { "]" });
                if let Some(start) = text.start {
                    close(encoder.out, start);
                    encoder.is_text = false;
                }
                encoder.level -= 1;
            }
            Self::Skipped | Self::Json => {}
        }
    }
}

impl Text {
    /// Appends a comma before every item except the first.
    fn separate(&mut self, encoder: &mut Encoder<'_>) {
        if !self.is_empty {
            encoder.put_literal(",");
        }
        self.is_empty = false;
    }
}

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = NotSerializable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), NotSerializable> {
        // The last name may have no value.
        self.form.end_member(self.encoder);
        match &mut self.form {
            Form::Structured(structured) => {
                let member = open(self.encoder.out, ITEM);
                self.encoder.put_name(name)?;
                structured.member = Some((member, open(self.encoder.out, VALUE)));
                Ok(())
            }
            Form::Text(text) => {
                text.separate(self.encoder);
                self.encoder.put_name(name)?;
                self.encoder.put_literal(":");
                Ok(())
            }
            Form::Skipped | Form::Json => Ok(()),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotSerializable> {
        self.put_member_value(value)
    }

    fn end(self) -> Result<(), NotSerializable> {
        self.finish();
        Ok(())
    }
}

/// Implements the traits of lists.
macro_rules! impl_items {
    ($($name:ident::$method:ident),*) => {
        $(impl $name for Compound<'_, '_> {
            type Ok = ();
            type Error = NotSerializable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotSerializable> {
                self.put_item(value)
            }

            fn end(self) -> Result<(), NotSerializable> {
                self.finish();
        Ok(())
            }
        })*
    };
}

impl_items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// Implements the traits of objects.
macro_rules! impl_members {
    ($($name:ident),*) => {
        $(impl $name for Compound<'_, '_> {
            type Ok = ();
            type Error = NotSerializable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), NotSerializable> {
                self.put_member(name, value)
            }

            fn end(self) -> Result<(), NotSerializable> {
                self.finish();
        Ok(())
            }
        })*
    };
}

impl_members!(SerializeStruct, SerializeStructVariant);
