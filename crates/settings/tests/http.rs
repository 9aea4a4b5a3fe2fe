//! HTTP's limits, proxies and static files on the command line: what they mean, and what a slip is told.

mod common;

use std::{path::PathBuf, time::Duration};

use rgunicorn_settings::{
    ByteLimit, ByteRate, FieldLimit, HeaderMap, LineLimit, Origin, Parsed, ProxyHeaders, ProxyProtocol,
    RequestLimit, SchemeHeaders, Timeout, WireProtocol,
};

use common::{read_words, refusal, settings};

const fn seconds(seconds: u64) -> Timeout {
    Timeout(Duration::from_secs(seconds))
}

#[test]
fn nothing_said_means_strict_and_bounded() {
    let s = settings("app", &[]);
    let protocol = &s.protocol;
    assert_eq!((protocol.header_timeout, protocol.body_timeout), (seconds(30), seconds(30)));
    assert_eq!((protocol.write_timeout, protocol.min_body_rate), (seconds(30), ByteRate(Some(240))));
    assert_eq!(protocol.keepalive_requests, RequestLimit(None));
    assert_eq!((protocol.protocol, protocol.sendfile), (WireProtocol::Http, true));
    assert_eq!(protocol.root_path.0, "");
    let limits = &s.limits;
    assert_eq!(limits.limit_request_line, LineLimit(Some(4094)));
    assert_eq!(limits.limit_request_fields, FieldLimit(100));
    assert_eq!(limits.limit_request_field_size, ByteLimit(Some(8190)));
    assert_eq!((limits.limit_request_body, limits.header_map), (ByteLimit(None), HeaderMap::Drop));
    assert!(!limits.permit_obsolete_folding && !limits.strip_header_spaces && !limits.casefold_http_method);
    assert!(!limits.permit_unconventional_http_method && !limits.permit_unconventional_http_version);
    let proxies = &s.proxies;
    assert_eq!(proxies.proxy_headers, ProxyHeaders::Auto);
    assert_eq!(proxies.proxy_protocol, ProxyProtocol::Off);
    for networks in [&proxies.forwarded_allow_ips, &proxies.proxy_allow_ips, &proxies.uwsgi_allow_ips] {
        assert_eq!(networks.to_string(), "127.0.0.1,::1");
    }
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let gunicorns = SchemeHeaders(vec![
        pair("X-FORWARDED-PROTOCOL", "ssl"),
        pair("X-FORWARDED-PROTO", "https"),
        pair("X-FORWARDED-SSL", "on"),
    ]);
    assert_eq!(proxies.secure_scheme_headers, gunicorns);
    assert_eq!(proxies.forwarder_headers.to_string(), "");
    assert_eq!(s.files.static_path, []);
}

#[test]
fn limits_are_written_as_for_gunicorn() {
    let s = settings(
        "app --limit-request-line 0 --limit-request-fields 1000 --limit-request-field_size 16k \
         --limit-request-body 10m --header-map refuse --permit-obsolete-folding --strip-header-spaces \
         --permit-unconventional-http-method --permit-unconventional-http-version --casefold-http-method \
         --keep-alive-requests 100 --header-timeout 5 --body-timeout 1m --min-body-rate 0 --write-timeout 500ms",
        &[],
    );
    let limits = &s.limits;
    assert_eq!(limits.limit_request_line, LineLimit(None));
    assert_eq!(limits.limit_request_fields, FieldLimit(1000));
    assert_eq!(limits.limit_request_field_size, ByteLimit(Some(16_384)));
    assert_eq!(limits.limit_request_body, ByteLimit(Some(10_485_760)));
    assert_eq!(limits.header_map, HeaderMap::Refuse);
    assert!(limits.permit_obsolete_folding && limits.strip_header_spaces && limits.casefold_http_method);
    assert!(limits.permit_unconventional_http_method && limits.permit_unconventional_http_version);
    assert_eq!(s.protocol.keepalive_requests, RequestLimit(Some(100)));
    assert_eq!((s.protocol.header_timeout, s.protocol.body_timeout), (seconds(5), seconds(60)));
    assert_eq!(s.protocol.min_body_rate, ByteRate(None));
    assert_eq!(s.protocol.write_timeout, Timeout(Duration::from_millis(500)));
    let s = settings("app --limit-request-field-size 1", &[]);
    assert_eq!(s.limits.limit_request_field_size, ByteLimit(Some(1)));
}

#[test]
fn a_mode_that_may_be_left_out_does_not_swallow_the_application() {
    use ProxyHeaders as Headers;
    use ProxyProtocol as Protocol;
    for (line, headers, protocol) in [
        ("--proxy-headers mod:app", Headers::On, Protocol::Off),
        ("--proxy-headers off mod:app", Headers::Off, Protocol::Off),
        ("--proxy-headers=forwarded mod:app", Headers::Forwarded, Protocol::Off),
        ("mod:app --proxy-headers", Headers::On, Protocol::Off),
        ("mod:app --proxy-headers x-forwarded", Headers::XForwarded, Protocol::Off),
        ("--no-proxy-headers mod:app", Headers::Off, Protocol::Off),
        ("--no-proxy-headers --proxy-headers mod:app", Headers::On, Protocol::Off),
        ("--proxy-headers on --no-proxy-headers mod:app", Headers::Off, Protocol::Off),
        ("--proxy-headers off --proxy-headers auto mod:app", Headers::Auto, Protocol::Off),
        ("--proxy-protocol mod:app", Headers::Auto, Protocol::Auto),
        ("--proxy-protocol v2 mod:app", Headers::Auto, Protocol::V2),
        ("--proxy-protocol=V1 mod:app", Headers::Auto, Protocol::V1),
        ("--proxy-protocol --proxy-headers mod:app", Headers::On, Protocol::Auto),
        ("--proxy-headers -- mod:app", Headers::On, Protocol::Off),
    ] {
        let s = settings(line, &[]);
        assert_eq!(s.application.app.as_ref().map(ToString::to_string).as_deref(), Some("mod:app"), "{line}");
        assert_eq!((s.proxies.proxy_headers, s.proxies.proxy_protocol), (headers, protocol), "{line}");
        assert_eq!(s.network.bind.len(), 1);
    }
    let s = settings("-- on", &[("RGUNICORN_PROXY_HEADERS", "off")]);
    assert_eq!(s.application.app.unwrap().module, "on", "only an option can have a mode");
    assert_eq!(s.proxies.proxy_headers, Headers::Off);
}

#[test]
fn the_opposite_of_a_switch_can_be_said() {
    assert!(!settings("app --no-sendfile", &[]).protocol.sendfile);
    assert!(settings("app --no-sendfile --sendfile", &[]).protocol.sendfile);
    assert!(!settings("app --sendfile --no-sendfile", &[]).protocol.sendfile);
    assert!(!settings("app", &[("SENDFILE", "no")]).protocol.sendfile);
    assert!(!settings("app", &[("RGUNICORN_SENDFILE", "false")]).protocol.sendfile);
    let s = settings("app --sendfile", &[("SENDFILE", "0")]);
    assert!(s.protocol.sendfile);
    assert_eq!(s.origin("sendfile"), Some(&Origin::CommandLine));
}

#[test]
fn peers_are_named_by_option_or_variable() {
    let s = settings(
        "app --forwarded-allow-ips 10.0.0.0/8,::1 --proxy-allow-from * --uwsgi-allow-from 192.0.2.1 \
         --forwarder-headers REMOTE_USER --protocol uwsgi --bind http://:80 --bind uwsgi://unix:x.sock --bind :81",
        &[("FORWARDED_ALLOW_IPS", "*")],
    );
    assert_eq!(s.proxies.forwarded_allow_ips.to_string(), "10.0.0.0/8,::1");
    assert!(s.proxies.proxy_allow_ips.is_everyone());
    assert_eq!(s.proxies.uwsgi_allow_ips.to_string(), "192.0.2.1");
    assert_eq!(s.proxies.forwarder_headers.to_string(), "REMOTE_USER");
    let spoken: Vec<_> = s.network.bind.iter().map(|bind| bind.protocol).collect();
    assert_eq!(spoken, [Some(WireProtocol::Http), Some(WireProtocol::Uwsgi), None]);
    assert_eq!(s.protocol.protocol, WireProtocol::Uwsgi);
    assert!(settings("app", &[("FORWARDED_ALLOW_IPS", "*")]).proxies.forwarded_allow_ips.is_everyone());
    let Ok(Parsed::Run(s)) = read_words(&["app", "--forwarded-allow-ips", ""], &[]) else {
        panic!("nobody cannot be said")
    };
    assert!(s.proxies.forwarded_allow_ips.is_nobody());
}

#[test]
fn the_mount_point_comes_from_gunicorns_places_too() {
    for (line, env, path) in [
        ("app --root-path /a/", ("SCRIPT_NAME", "/b"), "/a"),
        ("app", ("SCRIPT_NAME", "/b"), "/b"),
        ("app -e SCRIPT_NAME=/c", ("SCRIPT_NAME", "/b"), "/c"),
        ("app -e SCRIPT_NAME=/c -e SCRIPT_NAME=/d", ("SCRIPT_NAME", "/b"), "/d"),
        ("app -e SCRIPT_NAMES=/c", ("X", ""), ""),
        ("app", ("RGUNICORN_RAW_ENV", "SCRIPT_NAME=/e,A=1"), "/e"),
        ("app -e A=1", ("RGUNICORN_RAW_ENV", "SCRIPT_NAME=/e"), ""),
        ("app -e SCRIPT_NAME=/c", ("RGUNICORN_ROOT_PATH", "/f"), "/f"),
    ] {
        assert_eq!(settings(line, &[env]).protocol.root_path.0, path, "{line} {env:?}");
    }
}

#[test]
fn static_files_are_looked_for_from_chdir() {
    let s = settings("app --chdir tests --static-path /static/=common --static-path=/=.", &[]);
    let here = std::env::current_dir().unwrap();
    let mounts: Vec<_> =
        s.files.static_path.into_iter().map(|mount| (mount.prefix, mount.directory)).collect();
    assert_eq!(
        mounts,
        [("/static".to_owned(), here.join("tests/common")), ("/".to_owned(), here.join("tests/."))]
    );
    let s = settings("app", &[("RGUNICORN_STATIC_PATH", "/a=src,/b=tests")]);
    assert_eq!(s.files.static_path[1].directory, here.join("tests"));
}

#[test]
fn a_directory_of_static_files_that_cannot_be_served_is_an_error_at_the_start() {
    let here = std::env::current_dir().unwrap();
    let said = |path: &str, rest: &str| {
        let path = here.join(PathBuf::from(path));
        format!(
            "cannot serve `/static` from the directory `{}` of `--static-path` (setting `static_path`): {rest}",
            path.display()
        )
    };
    for (line, text) in [
        (
            "app --static-path /static=nowhere",
            said("nowhere", "it does not exist (create it or name another one)"),
        ),
        (
            "app --static-path /static=Cargo.toml",
            said("Cargo.toml", "it is not a directory (name the directory that the files are in)"),
        ),
        (
            "app --static-path /static=src --static-path /static/=tests",
            "the path `/static` is given twice to `--static-path` (setting `static_path`); leave one out"
                .to_owned(),
        ),
    ] {
        assert_eq!(refusal(line, &[]), (1, text), "{line}");
    }
}

#[test]
fn a_bad_value_names_setting_value_and_remedy() {
    for (line, text) in [
        (
            "app --limit-request-line 9000",
            "invalid value `9000` for `--limit-request-line` (setting `limit_request_line`): \
             it is above 8190 (give a number of bytes from 1 to 8190, or 0 for no limit)",
        ),
        (
            "app --limit-request-field-size 8kb",
            "invalid value `8kb` for `--limit-request-field_size` (setting `limit_request_field_size`): \
             it is not a number of bytes \
             (give bytes such as `8190`, or a unit as in `64k`, `10m`, `1g` (powers of 1024); `0` for no limit)",
        ),
        (
            "app --header-timeout 0",
            "invalid value `0` for `--header-timeout` (setting `header_timeout`): nothing is that fast \
             (give seconds such as `30`, or a long time such as `24h` to wait in effect for ever)",
        ),
        (
            "app --forwarded-allow-ips proxy",
            "invalid value `proxy` for `--forwarded-allow-ips` (setting `forwarded_allow_ips`): \
             `proxy` is not an address or a network \
             (write addresses or networks such as `10.0.0.1,192.168.0.0/16,fd00::/8`, or `*` for everybody)",
        ),
        (
            "app --proxy-headers=maybe",
            "invalid value `maybe` for `--proxy-headers` (setting `proxy_headers`): it is none of the choices \
             (choose `auto`, `on`, `off`, `x-forwarded` or `forwarded`)",
        ),
        (
            "app --static-path static",
            "invalid value `static` for `--static-path` (setting `static_path`): it has no `=` \
             (write `PREFIX=DIRECTORY`, as in `/static=/srv/site/static`)",
        ),
        (
            "app --root-path app",
            "invalid value `app` for `--root-path` (setting `root_path`): it does not begin with `/` \
             (write `/app`)",
        ),
        (
            "app --bind scgi://:80",
            "invalid value `scgi://:80` for `--bind` (setting `bind`): there is no protocol `scgi` \
             (write `uwsgi://ADDRESS`, `http://ADDRESS` or just `ADDRESS`)",
        ),
        (
            "app --no-sendfile=x",
            "`--no-sendfile` takes no value but was given `x` (write just `--no-sendfile`)",
        ),
        (
            "app --proxy-protocol v3",
            "unexpected argument `v3`: one application is served (write `--help` for the options)",
        ),
    ] {
        assert_eq!(refusal(line, &[]), (2, text.to_owned()), "{line}");
    }
}

#[test]
fn a_bad_value_in_a_variable_names_the_variable() {
    let said = refusal("app", &[("FORWARDED_ALLOW_IPS", "10.0.0.1/8")]);
    let text = "invalid value `10.0.0.1/8` for the variable `FORWARDED_ALLOW_IPS` \
                (option `--forwarded-allow-ips`, setting `forwarded_allow_ips`): \
                `10.0.0.1/8` has bits behind its prefix (write `10.0.0.0/8` or `10.0.0.1`)";
    assert_eq!(said, (1, text.to_owned()));
    let said = refusal("app", &[("RGUNICORN_SECURE_SCHEME_HEADERS", "X-TLS")]);
    let text = "invalid value `X-TLS` for the variable `RGUNICORN_SECURE_SCHEME_HEADERS` \
                (setting `secure_scheme_headers`): `X-TLS` has no `=` \
                (write `NAME=VALUE` pairs separated by commas, as in `X-FORWARDED-PROTO=https`)";
    assert_eq!(said, (1, text.to_owned()));
}

#[test]
fn one_address_is_bound_once_whatever_is_spoken_there() {
    let said = refusal("app -b :80 -b uwsgi://:80", &[]);
    let text = "the address `0.0.0.0:80` is given twice to `--bind` (setting `bind`); leave one out";
    assert_eq!(said, (1, text.to_owned()));
}
