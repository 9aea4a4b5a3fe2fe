//! Header fields as Python objects, remembered by name and last value.
//!
//! A client sends the same few header names, and mostly the same values, with every request. Remembering the objects
//! saves making them: a hit costs a comparison of bytes. The memory is bounded: one value of limited length for each of
//! a fixed number of names; secrets are not remembered.

use pyo3::prelude::*;

/// How many names are remembered; a power of two.
const NAMES: usize = 256;
/// Longer values are not remembered.
const LONGEST: usize = 256;

/// A cache of header fields. What a name and a value become is decided by two functions.
pub struct FieldCache {
    slots: Box<[Option<Slot>]>,
    make_name: Make,
    make_value: Make,
}

type Make = for<'py> fn(Python<'py>, &[u8]) -> Bound<'py, PyAny>;

struct Slot {
    name: Box<[u8]>,
    key: Py<PyAny>,
    remembers: bool,
    value: Vec<u8>,
    object: Option<Py<PyAny>>,
}

impl FieldCache {
    /// An empty cache.
    #[must_use]
    pub fn new(make_name: Make, make_value: Make) -> Self {
        Self { slots: (0..NAMES).map(|_| None).collect(), make_name, make_value }
    }

    /// The objects for a field's name and value.
    pub fn field<'py>(
        &mut self,
        py: Python<'py>,
        name: &[u8],
        value: &[u8],
    ) -> (Bound<'py, PyAny>, Bound<'py, PyAny>) {
        let slot = &mut self.slots[place(name)];
        if slot.as_ref().is_none_or(|slot| *slot.name != *name) {
            *slot = Some(Slot::new(name, (self.make_name)(py, name).unbind()));
        }
        let Some(slot) = slot else { unreachable!("the slot was just filled") };
        let object = match &slot.object {
            Some(object) if slot.value == value => object.bind(py).clone(),
            _ => {
                let object = (self.make_value)(py, value);
                if slot.remembers && value.len() <= LONGEST {
                    slot.value.clear();
                    slot.value.extend_from_slice(value);
                    slot.object = Some(object.clone().unbind());
                }
                object
            }
        };
        (slot.key.bind(py).clone(), object)
    }
}

impl Slot {
    fn new(name: &[u8], key: Py<PyAny>) -> Self {
        let secret = |known: &&[u8]| name.eq_ignore_ascii_case(known);
        let remembers = ![&b"authorization"[..], b"cookie", b"proxy-authorization"].iter().any(secret);
        Self { name: name.into(), key, remembers, value: Vec::new(), object: None }
    }
}

/// A cheap hash: the length, and the first and last eight bytes.
fn place(name: &[u8]) -> usize {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    let edge = name.len().min(8);
    let mixed = word(&name[..edge]) ^ word(&name[name.len() - edge..]).rotate_left(29) ^ name.len() as u64;
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - NAMES.trailing_zeros())) as usize
}
