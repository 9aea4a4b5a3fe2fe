//! Compiling an access log format, so that a request only walks a list.

use super::atoms::{Atom, Letter, ROWS, known};

/// An access log format, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessFormat {
    pub(super) pieces: Vec<Piece>,
    environ_names: Vec<String>,
    needs_pid: bool,
}

/// A part of the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text of the operator, written as it is.
    Literal(Vec<u8>),
    /// A value in its natural width.
    Atom(Atom),
    /// A value that is padded.
    Padded(Atom, Padding),
}

/// How a value is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Padding {
    pub(super) width: usize,
    pub(super) left: bool,
    pub(super) zeros: bool,
}

/// The widest padding a format may ask for.
const WIDEST: usize = 1000;

/// Why a format does not compile. Positions count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// No such atom.
    #[error("unknown atom `{atom}` at character {position}; known atoms are {}", known())]
    UnknownAtom {
        /// The atom as written.
        atom: String,
        /// Where its `%` stands.
        position: usize,
    },
    /// `%(` without its `)`.
    #[error("the atom that starts at character {position} has no closing `)`; write it as `%(h)s`")]
    Unclosed {
        /// Where its `%` stands.
        position: usize,
    },
    /// Something other than `s` after the atom.
    #[error("`%({atom}){conversion}` at character {position} cannot be used; write `%({atom})s`")]
    Conversion {
        /// The atom as written.
        atom: String,
        /// What follows its `)`.
        conversion: String,
        /// Where its `%` stands.
        position: usize,
    },
    /// A `%` that starts nothing.
    #[error("`%` at character {position} starts no atom; write `%%` for a percent sign, `%(h)s` for an atom")]
    LonePercent {
        /// Where it stands.
        position: usize,
    },
}

impl AccessFormat {
    /// Compile `format`, which is spelled as for gunicorn: `%(h)s %({x-request-id}i)s`.
    ///
    /// # Errors
    /// If an atom is unknown or the text around a `%` makes no sense.
    pub fn compile(format: &str) -> Result<Self, FormatError> {
        let mut compiled = Self { pieces: Vec::new(), environ_names: Vec::new(), needs_pid: false };
        let mut rest = format;
        while let Some(percent) = rest.find('%') {
            compiled.literal(&rest[..percent]);
            let position = format[..format.len() - rest.len() + percent].chars().count() + 1;
            let after = &rest[percent + 1..];
            rest = if let Some(after) = after.strip_prefix('%') {
                compiled.literal("%");
                after
            } else if let Some(after) = after.strip_prefix('(') {
                let (name, after) = after.split_once(')').ok_or(FormatError::Unclosed { position })?;
                compiled.atom(name, after, position)?
            } else {
                return Err(FormatError::LonePercent { position });
            };
        }
        compiled.literal(rest);
        Ok(compiled)
    }

    /// The `{name}e` atoms of this format, each once, spelled as in the format. A worker need keep no other part of
    /// the environ until the request is logged.
    #[must_use]
    pub fn environ_names(&self) -> &[String] {
        &self.environ_names
    }

    /// Whether the process id is part of a line.
    pub(super) fn needs_pid(&self) -> bool {
        self.needs_pid
    }

    fn literal(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Literal(literal)) => literal.extend_from_slice(text.as_bytes()),
            _ => self.pieces.push(Piece::Literal(text.into())),
        }
    }

    /// Add the atom `name`, whose conversion stands at the start of `after`; return what follows it.
    fn atom<'a>(&mut self, name: &str, after: &'a str, position: usize) -> Result<&'a str, FormatError> {
        let (atom, number) =
            find(name).ok_or_else(|| FormatError::UnknownAtom { atom: name.to_owned(), position })?;
        let (padding, rest) = conversion(after, number).map_err(|conversion| FormatError::Conversion {
            atom: name.to_owned(),
            conversion: conversion.to_owned(),
            position,
        })?;
        if let Atom::Environ(name) = &atom
            && !self.environ_names.contains(name)
        {
            self.environ_names.push(name.clone());
        }
        self.needs_pid |= atom == Atom::Letter(Letter::Pid);
        self.pieces.push(match padding.width {
            0 => Piece::Atom(atom),
            _ => Piece::Padded(atom, padding),
        });
        Ok(rest)
    }
}

/// The atom called `name`, and whether it is a number.
fn find(name: &str) -> Option<(Atom, bool)> {
    if let Some(named) = name.strip_prefix('{') {
        let (name, kind) = named.rsplit_once('}').filter(|(name, _)| !name.is_empty())?;
        return match kind {
            "i" => Some((Atom::RequestHeader(name.to_ascii_lowercase()), false)),
            "o" => Some((Atom::ResponseHeader(name.to_ascii_lowercase()), false)),
            "e" => Some((Atom::Environ(name.to_owned()), false)),
            _ => None,
        };
    }
    ROWS.iter().find(|row| row.name == name).map(|row| (Atom::Letter(row.letter), row.number))
}

/// Read `[-0][width]s` and give back what follows, or the part that makes no sense.
fn conversion(after: &str, number: bool) -> Result<(Padding, &str), &str> {
    let digits = after.trim_start_matches(['-', '0']);
    let flags = &after[..after.len() - digits.len()];
    let letter = digits.trim_start_matches(|character: char| character.is_ascii_digit());
    let width = &digits[..digits.len() - letter.len()];
    let end = after.len() - letter.len() + letter.chars().next().map_or(0, char::len_utf8);
    let refused = &after[..end];
    let number = match letter.bytes().next() {
        Some(b's') => false,
        Some(b'd' | b'i' | b'u') if number => true,
        _ => return Err(refused),
    };
    let width = if width.is_empty() { 0 } else { width.parse().map_err(|_| refused)? };
    if width > WIDEST {
        return Err(refused);
    }
    let left = flags.contains('-');
    let zeros = number && !left && flags.contains('0');
    Ok((Padding { width, left, zeros }, &after[end..]))
}
