//! How much of a request is taken, and which deviations from HTTP are.

use super::settings;
use crate::values::{ByteLimit, FieldLimit, HeaderMap, LineLimit};

settings! {
    section Limits, "Limits" {
        /// The longest request line in bytes, from 1 to 8190.
        ///
        /// The line is the method, the path with its query, and the version. A longer one is answered 414. `0` means
        /// that only the size of the whole head bounds it.
        limit_request_line ["--limit-request-line"] "BYTES", since "0.1": LineLimit = "4094";

        /// The most header fields of a request, from 1 to 32768.
        ///
        /// A request with more is answered 431. Fields that `header_map` drops count.
        limit_request_fields ["--limit-request-fields"] "NUMBER", since "0.1": FieldLimit = "100";

        /// The longest header field in bytes, name and value together.
        ///
        /// A longer one is answered 431. `0` means that only the size of the whole head bounds it. Raise it for
        /// applications with large cookies or tokens.
        limit_request_field_size ["--limit-request-field_size", "--limit-request-field-size"] "BYTES", since "0.1":
            ByteLimit = "8190";

        /// The largest request body in bytes, such as `10m` or `1g`.
        ///
        /// A larger one is answered 413: at once if `Content-Length` says so, else when so much has arrived. `0` sets
        /// no limit, as in gunicorn, uvicorn and uWSGI; nginx has 1 MiB in `client_max_body_size`. Where a body is
        /// larger than the application, or a proxy in front, allows, refusing it here saves reading it.
        limit_request_body ["--limit-request-body"] "BYTES", since "0.1": ByteLimit = "0";

        /// What becomes of a header field with an underscore in its name.
        ///
        /// In a WSGI environment `X_Real_Ip` looks just as `X-Real-Ip`, so that a client could speak as its proxy.
        /// `drop` removes the field before the application sees it, whatever the worker class; `refuse` answers 400;
        /// `dangerous` keeps it. Fields of `forwarder_headers` from a trusted proxy are always kept.
        header_map ["--header-map"] "MODE", since "0.1": HeaderMap = "drop";

        /// Accept header fields that are folded over several lines.
        ///
        /// The line breaks become spaces. Servers disagree about such fields, which is how requests are smuggled:
        /// only for a client that cannot be changed, with no proxy in between. Otherwise such a request is answered
        /// 400 (RFC 9112 5.2).
        permit_obsolete_folding ["--permit-obsolete-folding"] "", since "0.1": bool = "";

        /// Accept white space between the name of a header field and the colon.
        ///
        /// The space is removed. It is a known way to smuggle requests past a proxy: only for a client that cannot be
        /// changed. Otherwise such a request is answered 400 (RFC 9112 5.1).
        strip_header_spaces ["--strip-header-spaces"] "", since "0.1": bool = "";

        /// Accept methods with lower-case letters or `#`, and such of less than 3 or more than 20 letters.
        ///
        /// Otherwise a request with one is answered 400. Methods that no standard knows are always accepted.
        permit_unconventional_http_method ["--permit-unconventional-http-method"] "", since "0.1": bool = "";

        /// Accept other versions than HTTP/1.0 and HTTP/1.1, and read them as HTTP/1.1.
        ///
        /// Otherwise a request with one is answered 505.
        permit_unconventional_http_version ["--permit-unconventional-http-version"] "", since "0.1": bool = "";

        /// Read methods as if they were written in upper case.
        ///
        /// Methods are case-sensitive (RFC 9110 9.1), and `get` is otherwise answered 400. They are changed before they
        /// are checked, so `permit_unconventional_http_method` is not needed for it.
        casefold_http_method ["--casefold-http-method"] "", since "0.1": bool = "";
    }
}
