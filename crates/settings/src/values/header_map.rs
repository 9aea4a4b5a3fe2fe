//! What becomes of header fields whose names have an underscore.

use super::choices::choices;

choices! {
    /// `X_Real` and `X-Real` are the same variable of a WSGI environment; what to do with the former.
    HeaderMap {
        /// The application does not see the field.
        Drop = "drop",
        /// The request is refused with 400.
        Refuse = "refuse",
        /// The application sees the field, and cannot tell it from the one with a hyphen.
        Dangerous = "dangerous",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_gunicorns() {
        assert_eq!("Drop".parse(), Ok(HeaderMap::Drop));
        let error = "keep".parse::<HeaderMap>().unwrap_err();
        assert_eq!(error.to_string(), "it is none of the choices (choose `drop`, `refuse` or `dangerous`)");
    }
}
