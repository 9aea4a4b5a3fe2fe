//! A path of the application, perhaps with a query, as a request line has it.

use std::{fmt, str::FromStr};

use super::{Newtype, ValueError};

/// A path that can be requested, as in `/health?full=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPath(pub String);

impl FromStr for RequestPath {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if !text.starts_with('/') {
            return Err(ValueError::new("it does not begin with `/`", "write a path such as `/health`"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('#') {
            let remedy = "write it as it stands in a request, with `%20` for a space";
            return Err(ValueError::new("it is not the path of a request", remedy));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Newtype for RequestPath {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_will_be_requested() {
        for text in ["/", "/health", "/a%20b?x=1&y=/"] {
            assert_eq!(text.parse(), Ok(RequestPath(text.to_owned())));
        }
    }

    #[test]
    fn what_no_request_line_can_have_is_refused() {
        let refusal = |text: &str| text.parse::<RequestPath>().unwrap_err().to_string();
        assert_eq!(refusal("health"), "it does not begin with `/` (write a path such as `/health`)");
        for text in ["/a b", "/a\r\nHost: x", "/#top", "/ä", "/\0"] {
            assert!(refusal(text).starts_with("it is not the path of a request"), "{text:?}");
        }
    }
}
