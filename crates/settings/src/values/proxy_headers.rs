//! Which header fields of a trusted proxy tell who the client is.

use super::choices::choices;

choices! {
    /// What is believed of a peer that `forwarded_allow_ips` names.
    ProxyHeaders, bare "on" {
        /// As the application's other server has it: for ASGI as uvicorn, for WSGI as gunicorn.
        Auto = "auto",
        /// `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`; without any of them, `Forwarded`.
        On = "on" also "true" also "yes" also "1",
        /// None of them.
        Off = "off" also "false" also "no" also "0",
        /// The `X-Forwarded-*` fields only.
        XForwarded = "x-forwarded",
        /// `Forwarded` (RFC 7239) only.
        Forwarded = "forwarded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_truth_value_is_a_mode() {
        assert_eq!("True".parse(), Ok(ProxyHeaders::On));
        assert_eq!("False".parse(), Ok(ProxyHeaders::Off));
        let error = "x-forwarded-for".parse::<ProxyHeaders>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is none of the choices (choose `auto`, `on`, `off`, `x-forwarded` or `forwarded`)"
        );
    }
}
