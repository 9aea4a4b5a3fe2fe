//! What is believed of the proxies in front.

use super::settings;
use crate::values::{FieldNames, Networks, ProxyHeaders, ProxyProtocol, SchemeHeaders};

settings! {
    section Proxies, "Behind a proxy" {
        /// Peers that are trusted to tell who their client is: addresses and networks, separated by commas.
        ///
        /// `10.0.0.1,10.1.0.0/16,fd00::/8`; `*` trusts everybody, which is safe only where nobody but the proxy can
        /// connect; the empty text nobody. A peer on a unix socket is always trusted. Header fields of all other peers
        /// are the application's to see and change nothing. Where the variable `FORWARDED_ALLOW_IPS` is set, it gives
        /// the default.
        forwarded_allow_ips ["--forwarded-allow-ips"] "NETWORKS", since "0.1",
            platform "FORWARDED_ALLOW_IPS" gives "{}": Networks = "127.0.0.1,::1";

        /// Which header fields of a trusted peer say who its client is.
        ///
        /// `auto`: for ASGI as uvicorn, the client's address from `X-Forwarded-For` and the scheme from
        /// `X-Forwarded-Proto`; for WSGI as gunicorn, the scheme only, so that `REMOTE_ADDR` is the proxy's address.
        /// `on`: address, scheme, and the server's name and port from `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`,
        /// or from `Forwarded` (RFC 7239) where none of them is there, for both. `x-forwarded` and `forwarded` believe
        /// one family only. `off` believes neither; `secure_scheme_headers` still hold.
        ///
        /// The client is the last address of the list that is not itself trusted. `REMOTE_ADDR`, `client` of an ASGI
        /// scope and the access log always agree. The field `Host` is never changed. The option without a mode means
        /// `on`.
        proxy_headers ["--proxy-headers", "--no-proxy-headers"] "MODE", since "0.1": ProxyHeaders = "auto";

        /// Header fields, each with the value by which a trusted peer says that its client came over TLS.
        ///
        /// A dictionary for `rgunicorn.run()`, as in gunicorn: `{"X-FORWARDED-PROTO": "https"}`; as a variable,
        /// `X-FORWARDED-PROTO=https`. The value is compared to the letter. A request whose fields contradict each other
        /// is answered 400. There is no option for it.
        secure_scheme_headers [] "PAIRS", since "0.1":
            SchemeHeaders = "X-FORWARDED-PROTOCOL=ssl,X-FORWARDED-PROTO=https,X-FORWARDED-SSL=on";

        /// Header fields with an underscore that are kept when a trusted peer sends them, separated by commas.
        ///
        /// `SCRIPT_NAME` says for one request what `root_path` says for all, and must be what its path begins with, or the
        /// request is answered 400. Others, such as `REMOTE_USER`, are no more than kept, and seen as `HTTP_REMOTE_USER`
        /// in a WSGI environment, as in gunicorn. `*` keeps all. From other peers, and for other names, `header_map`
        /// decides. Name only what the proxy removes from what its clients send: nginx removes every name with an
        /// underscore, most others do not. So the default is none, where gunicorn's is `SCRIPT_NAME,PATH_INFO`.
        forwarder_headers ["--forwarder-headers"] "NAMES", since "0.1": FieldNames = "";

        /// Expect the PROXY protocol at the beginning of connections: `v1` (text), `v2` (binary) or `auto` (both).
        ///
        /// For HAProxy's `send-proxy`, nginx's `proxy_protocol` and load balancers of clouds. The address in it replaces
        /// the peer's. A connection of a peer that `proxy_allow_ips` does not name is closed with 403 if it begins with
        /// such a header, and served otherwise. The option without a mode means `auto`.
        proxy_protocol ["--proxy-protocol"] "MODE", since "0.1": ProxyProtocol = "off";

        /// Peers whose header of the PROXY protocol is believed; written as `forwarded_allow_ips`.
        ///
        /// A peer on a unix socket is always believed.
        proxy_allow_ips ["--proxy-allow-from"] "NETWORKS", since "0.1": Networks = "127.0.0.1,::1";

        /// Peers that may speak the uwsgi protocol; written as `forwarded_allow_ips`.
        ///
        /// Others are answered 403, because a uwsgi request says itself who its client is. A peer on a unix socket is
        /// always allowed.
        uwsgi_allow_ips ["--uwsgi-allow-from"] "NETWORKS", since "0.1": Networks = "127.0.0.1,::1";
    }
}
