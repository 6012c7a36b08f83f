//! How messages are read: in place, by one routine for all types.
//!
//! `serde_derive` writes a state machine for every type, which made a sixth of btc-staking's wasm. Here a type
//! only says what it is made of ([`Place`], derived by `staking_api_derive::Wire`); walking the JSON, looking up
//! names, and finding what is missing, twice there, or of the wrong kind is done once, behind `dyn`. What is read
//! is what serde's derive reads (tests hold them together), but for structs written as lists. Unknown fields
//! are skipped, as the stock contracts do. An error names the place: `items[2].txid: 64 hex digits expected`.

use core::fmt;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value that can begin blank and be filled.
pub trait Wire: Place + Sized {
    /// Whether a field of this type may be absent.
    const OPTIONAL: bool = false;

    /// The value before anything was read. Nobody sees it: what must be given and is not is an error.
    fn blank() -> Self;
}

/// Where a value is written that is being read.
pub trait Place {
    /// What is read here.
    fn outline(&self) -> &'static Outline;

    /// Takes a scalar.
    ///
    /// # Errors
    /// It is of another kind, or not a value of this type.
    fn scalar(&mut self, _scalar: Scalar<'_>) -> Result<(), Refusal> {
        Err(Refusal::Kind)
    }

    /// Enums: becomes the blank variant.
    fn begin(&mut self, _variant: usize) {}

    /// Part of a value: a field (of the variant that was begun); a list's next item, which is appended; what is in an
    /// option or in a variant. `None`: there is none, what is read is dropped.
    fn part(&mut self, _index: usize) -> Option<&mut dyn Place> {
        None
    }
}

/// What a value is made of.
pub enum Outline {
    /// A text, number or flag; says which.
    Scalar(&'static str),
    /// A value or null.
    Optional,
    /// Items of one type.
    List,
    /// So many items.
    Tuple(usize),
    /// Named fields.
    Struct(Fields),
    /// One of these.
    Enum(&'static [Variant]),
}

/// Named fields, at most 64.
pub struct Fields {
    /// Names, in the order of [`Place::part`].
    pub names: &'static [&'static str],
    /// Bit i: field i must be given.
    pub required: u64,
}

/// Variant of an enum.
pub struct Variant {
    /// Name.
    pub name: &'static str,
    /// What it holds.
    pub content: Content,
}

/// What a variant holds.
pub enum Content {
    /// Nothing; written as a text.
    Unit,
    /// One value.
    Value,
    /// Fields.
    Fields(Fields),
}

/// A value without parts.
#[derive(Clone, Copy, Debug)]
pub enum Scalar<'a> {
    /// String.
    Text(&'a str),
    /// Whole number, not negative.
    Number(u64),
    /// `true` or `false`.
    Flag(bool),
}

/// Why a place does not take a scalar.
#[derive(Debug)]
pub enum Refusal {
    /// Of another kind than expected.
    Kind,
    /// Of the right kind, but no value of the type; says why.
    Value(String),
}

impl Refusal {
    /// The value is refused for this reason.
    pub fn value(why: &dyn fmt::Display) -> Self {
        Self::Value(why.to_string())
    }
}

/// Reads a value.
///
/// # Errors
/// Those of the deserializer; what is missing, twice there, or not a value of its type, with its place.
pub fn read<'de, T: Wire, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let mut value = T::blank();
    let trail = Trail { parent: None, step: Step::Start };
    deserializer.deserialize_any(Reader { place: &mut value, trail })?;
    Ok(value)
}

/// Way from the message to a place.
#[derive(Clone, Copy)]
struct Trail<'a> {
    parent: Option<&'a Trail<'a>>,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Start,
    Name(&'static str),
    Item(usize),
}

impl Trail<'_> {
    fn then(&self, step: Step) -> Trail<'_> {
        Trail { parent: Some(self), step }
    }

    fn write(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        match self.step {
            Step::Start => {}
            Step::Name(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            Step::Item(index) => out.push_str(&format!("[{index}]")),
        }
    }

    fn error<E: Error>(&self, why: &str) -> E {
        let mut text = String::new();
        self.write(&mut text);
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(why);
        E::custom(text)
    }
}

struct Reader<'a> {
    place: &'a mut dyn Place,
    trail: Trail<'a>,
}

impl<'a> Reader<'a> {
    /// Goes into options: what comes is a value.
    fn inner(self) -> Option<Self> {
        let Self { mut place, trail } = self;
        while let Outline::Optional = place.outline() {
            place = place.part(0)?;
        }
        Some(Self { place, trail })
    }

    fn scalar<E: Error>(self, scalar: Scalar<'_>, kind: &str) -> Result<(), E> {
        let Some(this) = self.inner() else { return Ok(()) };
        match this.place.scalar(scalar) {
            Ok(()) => Ok(()),
            Err(Refusal::Kind) => Err(this.unexpected(kind)),
            Err(Refusal::Value(why)) => Err(this.trail.error(&why)),
        }
    }

    fn unexpected<E: Error>(&self, kind: &str) -> E {
        let expected = expected(self.place.outline());
        self.trail.error(&format!("{kind} found, {expected} expected"))
    }

    /// An enum's variant without content.
    fn unit<E: Error>(self, variants: &'static [Variant], name: &str) -> Result<(), E> {
        match variants.iter().position(|variant| variant.name == name) {
            Some(at) if matches!(variants[at].content, Content::Unit) => self.place.begin(at),
            Some(_) => return Err(self.trail.error(&format!("{name} has content"))),
            None => return Err(self.trail.error(&unknown(name, variants))),
        }
        Ok(())
    }

    /// An enum's variant with content: an object of one member.
    fn variant<'de, A: MapAccess<'de>>(
        self,
        variants: &'static [Variant],
        mut map: A,
    ) -> Result<(), A::Error> {
        let names = Names::Variants(variants, &self.trail);
        let Some(at) = map.next_key_seed(names)?.flatten() else {
            return Err(self.trail.error("no variant named"));
        };
        let Variant { name, content } = &variants[at];
        let trail = self.trail.then(Step::Name(name));
        self.place.begin(at);
        match content {
            Content::Unit => map.next_value::<()>()?,
            Content::Value => map.next_value_seed(Part { whole: self.place, index: 0, trail })?,
            Content::Fields(fields) => map.next_value_seed(Members { whole: self.place, fields, trail })?,
        }
        match map.next_key::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(self.trail.error("more than one variant")),
        }
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(expected(self.place.outline()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.scalar(Scalar::Flag(flag), "true or false")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.scalar(Scalar::Number(number), "a number")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Err(self.unexpected("a negative number"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Err(self.unexpected("a fraction"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let Some(this) = self.inner() else { return Ok(()) };
        match this.place.outline() {
            Outline::Enum(variants) => this.unit(variants, text),
            _ => this.scalar(Scalar::Text(text), "a text"),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.place.outline() {
            Outline::Optional => Ok(()),
            _ => Err(self.unexpected("null")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some(Self { place, trail }) = self.inner() else { return Ok(()) };
        let most = match place.outline() {
            Outline::List => usize::MAX,
            Outline::Tuple(items) => *items,
            _ => return Err(Self { place, trail }.unexpected("a list")),
        };
        let mut index = 0;
        while index < most {
            let part = Part { whole: &mut *place, index, trail: trail.then(Step::Item(index)) };
            if seq.next_element_seed(part)?.is_none() {
                break;
            }
            index += 1;
        }
        if most != usize::MAX && index < most {
            return Err(trail.error(&format!("{index} items found, {most} expected")));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Some(this) = self.inner() else { return Ok(()) };
        match this.place.outline() {
            Outline::Enum(variants) => this.variant(variants, map),
            Outline::Struct(fields) => {
                let members = Members { whole: &mut *this.place, fields, trail: this.trail };
                let seen = members.walk(map)?;
                // Asked again: what must be given may depend on what was.
                match this.place.outline() {
                    Outline::Struct(fields) => complete(fields, seen, &this.trail),
                    _ => Ok(()),
                }
            }
            _ => Err(this.unexpected("an object")),
        }
    }
}

/// Reads one part of a value, when there is one to be read.
struct Part<'a> {
    whole: &'a mut dyn Place,
    index: usize,
    trail: Trail<'a>,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.whole.part(self.index) {
            Some(place) => deserializer.deserialize_any(Reader { place, trail: self.trail }),
            None => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
        }
    }
}

/// Reads the fields of a variant.
struct Members<'a> {
    whole: &'a mut dyn Place,
    fields: &'static Fields,
    trail: Trail<'a>,
}

impl Members<'_> {
    /// Returns which fields were given.
    fn walk<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<u64, A::Error> {
        let names = self.fields.names;
        let mut seen = 0_u64;
        while let Some(known) = map.next_key_seed(Names::Fields(names))? {
            let Some(index) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let trail = self.trail.then(Step::Name(names[index]));
            if seen & 1 << index != 0 {
                return Err(trail.error("given twice"));
            }
            seen |= 1 << index;
            map.next_value_seed(Part { whole: &mut *self.whole, index, trail })?;
        }
        Ok(seen)
    }
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let (fields, trail) = (self.fields, self.trail);
        let seen = self.walk(map)?;
        complete(fields, seen, &trail)
    }
}

fn complete<E: Error>(fields: &Fields, seen: u64, trail: &Trail<'_>) -> Result<(), E> {
    let missing = fields.required & !seen;
    match fields.names.get(missing.trailing_zeros() as usize) {
        Some(name) if missing != 0 => Err(trail.then(Step::Name(name)).error("missing")),
        _ => Ok(()),
    }
}

/// Reads a name and looks it up.
enum Names<'a> {
    /// Unknown fields are no error.
    Fields(&'static [&'static str]),
    /// Unknown variants are.
    Variants(&'static [Variant], &'a Trail<'a>),
}

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Names<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match self {
            Self::Fields(names) => Ok(names.iter().position(|name| *name == text)),
            Self::Variants(variants, trail) => {
                let known = variants.iter().position(|variant| variant.name == text);
                known.map(Some).ok_or_else(|| trail.error(&unknown(text, variants)))
            }
        }
    }
}

fn unknown(name: &str, variants: &[Variant]) -> String {
    let mut text = format!("unknown variant `{name}`, expected one of");
    for (at, variant) in variants.iter().enumerate() {
        text.push_str(if at == 0 { " " } else { ", " });
        text.push_str(variant.name);
    }
    text
}

fn expected(outline: &Outline) -> &'static str {
    match outline {
        Outline::Scalar(what) => what,
        Outline::Optional => "a value or null",
        Outline::List | Outline::Tuple(_) => "a list",
        Outline::Struct(_) => "an object",
        Outline::Enum(_) => "a variant",
    }
}

macro_rules! outline {
    ($outline:expr) => {
        fn outline(&self) -> &'static Outline {
            const OUTLINE: &Outline = &$outline;
            OUTLINE
        }
    };
}

/// A type that is written as a text, and read by its `FromStr`.
macro_rules! read_text {
    ($($name:ty: $what:literal),*) => {$(
        impl $crate::read::Wire for $name {
            fn blank() -> Self {
                Self::default()
            }
        }

        impl $crate::read::Place for $name {
            fn outline(&self) -> &'static $crate::read::Outline {
                &$crate::read::Outline::Scalar($what)
            }

            fn scalar(&mut self, scalar: $crate::read::Scalar<'_>) -> Result<(), $crate::read::Refusal> {
                let $crate::read::Scalar::Text(text) = scalar else { return Err($crate::read::Refusal::Kind) };
                *self = text.parse().map_err(|error| $crate::read::Refusal::value(&error))?;
                Ok(())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::read::read(deserializer)
            }
        }
    )*};
}
pub(crate) use read_text;

macro_rules! numbers {
    ($($name:ty),*) => {$(
        impl Wire for $name {
            fn blank() -> Self {
                0
            }
        }

        impl Place for $name {
            outline!(Outline::Scalar("a number"));

            fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Refusal> {
                let Scalar::Number(number) = scalar else { return Err(Refusal::Kind) };
                *self = Self::try_from(number)
                    .map_err(|_| Refusal::Value(format!("{number} is above {}", Self::MAX)))?;
                Ok(())
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64);

impl Wire for bool {
    fn blank() -> Self {
        false
    }
}

impl Place for bool {
    outline!(Outline::Scalar("true or false"));

    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Refusal> {
        let Scalar::Flag(flag) = scalar else { return Err(Refusal::Kind) };
        *self = flag;
        Ok(())
    }
}

impl Wire for String {
    fn blank() -> Self {
        Self::new()
    }
}

impl Place for String {
    outline!(Outline::Scalar("a text"));

    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Refusal> {
        let Scalar::Text(text) = scalar else { return Err(Refusal::Kind) };
        self.push_str(text);
        Ok(())
    }
}

impl<T: Wire> Wire for Option<T> {
    const OPTIONAL: bool = true;

    fn blank() -> Self {
        None
    }
}

impl<T: Wire> Place for Option<T> {
    outline!(Outline::Optional);

    fn part(&mut self, _: usize) -> Option<&mut dyn Place> {
        Some(self.insert(T::blank()))
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn blank() -> Self {
        Self::new()
    }
}

impl<T: Wire> Place for Vec<T> {
    outline!(Outline::List);

    fn part(&mut self, _: usize) -> Option<&mut dyn Place> {
        self.push(T::blank());
        self.last_mut().map(|item| item as _)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn blank() -> Self {
        (A::blank(), B::blank())
    }
}

impl<A: Wire, B: Wire> Place for (A, B) {
    outline!(Outline::Tuple(2));

    fn part(&mut self, index: usize) -> Option<&mut dyn Place> {
        match index {
            0 => Some(&mut self.0),
            1 => Some(&mut self.1),
            _ => None,
        }
    }
}
