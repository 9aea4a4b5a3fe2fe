//! What is spoken on a listening socket.

use super::choices::choices;

choices! {
    /// The protocol of the connections that a listening socket accepts.
    WireProtocol {
        /// HTTP/1.1.
        Http = "http",
        /// The binary protocol of nginx's `uwsgi_pass`.
        Uwsgi = "uwsgi",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_protocols() {
        assert_eq!("http".parse(), Ok(WireProtocol::Http));
        assert_eq!("UWSGI".parse(), Ok(WireProtocol::Uwsgi));
        let error = "fastcgi".parse::<WireProtocol>().unwrap_err();
        assert_eq!(error.to_string(), "it is none of the choices (choose `http` or `uwsgi`)");
    }
}
