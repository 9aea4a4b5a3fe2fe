//! Whether connections begin with a header of the PROXY protocol.

use super::choices::choices;

choices! {
    /// The versions of the PROXY protocol that are understood.
    ProxyProtocol, bare "auto" {
        /// None: a connection begins with its first request.
        Off = "off" also "false" also "no" also "none" also "0",
        /// Version 1, one line of text.
        V1 = "v1",
        /// Version 2, binary.
        V2 = "v2",
        /// Either.
        Auto = "auto" also "true" also "yes" also "on" also "1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_truth_value_is_a_mode() {
        assert_eq!("True".parse(), Ok(ProxyProtocol::Auto));
        assert_eq!("False".parse(), Ok(ProxyProtocol::Off));
        let error = "v3".parse::<ProxyProtocol>().unwrap_err();
        assert_eq!(error.to_string(), "it is none of the choices (choose `off`, `v1`, `v2` or `auto`)");
    }
}
