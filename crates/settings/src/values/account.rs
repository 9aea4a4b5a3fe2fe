//! Users and groups: by name or by number, as for chown.

use std::{fmt, str::FromStr};

use super::{Kind, Newtype, ValueError};

/// A user, or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// By number.
    Id(u32),
    /// By name, to be looked up on this machine.
    Name(String),
}

/// Whom a file belongs to; what is missing stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: Option<Account>,
    /// The group.
    pub group: Option<Account>,
}

impl FromStr for Account {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Err(ValueError::new("it is empty", "write a name or a number"));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // The greatest number means "leave it" to the kernel.
            let id = text.parse().ok().filter(|id| *id != u32::MAX);
            return id.map(Self::Id).ok_or_else(|| {
                ValueError::new("it is too large", "write a number below 4294967295, or a name")
            });
        }
        if text.starts_with('-') || text.contains([':', '/', '\0']) || text.contains(char::is_whitespace) {
            return Err(ValueError::new("no account has such a name", "write a name or a number"));
        }
        Ok(Self::Name(text.to_owned()))
    }
}

impl FromStr for Owner {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (user, group) = text.split_once(':').unwrap_or((text, ""));
        let read = |part: &str| if part.is_empty() { Ok(None) } else { part.parse().map(Some) };
        let owner = Self { user: read(user)?, group: read(group)? };
        if owner.user.is_none() && owner.group.is_none() {
            return Err(ValueError::new("it names nobody", "write `USER`, `USER:GROUP` or `:GROUP`"));
        }
        Ok(owner)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            user.fmt(f)?;
        }
        self.group.as_ref().map_or(Ok(()), |group| write!(f, ":{group}"))
    }
}

impl Newtype for Account {
    const KIND: Kind = Kind::Number;
}

impl Newtype for Owner {}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Option<Account> {
        Some(Account::Name(name.to_owned()))
    }

    #[test]
    fn an_account_is_a_name_or_a_number() {
        assert_eq!("33".parse(), Ok(Account::Id(33)));
        assert_eq!("www-data".parse(), Ok(Account::Name("www-data".to_owned())));
        for text in ["", "4294967295", "-1", "a:b", "a b", "/root"] {
            assert!(text.parse::<Account>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_owner_is_written_as_for_chown() {
        for (text, user, group, written) in [
            ("www-data", name("www-data"), None, "www-data"),
            ("www-data:", name("www-data"), None, "www-data"),
            ("0:adm", Some(Account::Id(0)), name("adm"), "0:adm"),
            (":adm", None, name("adm"), ":adm"),
        ] {
            let owner = Owner { user, group };
            assert_eq!(owner.to_string(), written);
            assert_eq!(text.parse(), Ok(owner), "{text}");
        }
        for text in ["", ":", "a:b:c"] {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
    }
}
