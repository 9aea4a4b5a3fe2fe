//! What fields say of the body and the connection: each refusal with its clause.

use super::{
    super::tests::{accepted, assert_field_refused, assert_refused},
    *,
};

fn with_fields(fields: &str) -> Semantics {
    *accepted(&format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n")).0.semantics()
}

#[test]
fn the_body_ends_where_the_fields_say() {
    // RFC 9112 6.3
    assert_eq!(with_fields("").framing, Framing::None);
    for (value, length) in [("5", 5), ("0005", 5), ("00000000000000000000000000005", 5)] {
        assert_eq!(with_fields(&format!("Content-Length: {value}\r\n")).framing, Framing::Length(length));
    }
    assert_eq!(with_fields("Content-Length: 00\r\n").framing, Framing::None);
    let longest = with_fields("Content-Length: 9223372036854775807\r\n");
    assert_eq!(longest.framing, Framing::Length(i64::MAX as u64));
    assert_eq!(with_fields("Transfer-Encoding: \tChunked \r\n").framing, Framing::Chunked);
    for method in ["GET", "HEAD", "DELETE", "TRACE", "OPTIONS"] {
        let (head, _) = accepted(&format!("{method} / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"));
        assert_eq!(head.semantics().framing, Framing::Length(3), "{method}");
    }
}

#[test]
fn lengths_that_could_be_read_in_two_ways_are_refused() {
    // RFC 9110 8.6, RFC 9112 6.3
    for value in [
        "5, 5",
        "5,5",
        "+5",
        "-1",
        "5 5",
        "0x5",
        "",
        " ",
        "5.0",
        "5e1",
        "five",
        "\u{665}",
        "1_000",
        "5;",
        "\"5\"",
        "5,",
        ",5",
        "9223372036854775808",
        "18446744073709551616",
        "18446744073709551621",
        "99999999999999999999999",
    ] {
        assert_field_refused(&format!("Content-Length: {value}"), Refusal::ContentLength);
    }
    assert_field_refused("Content-Length: 5\r\nContent-Length: 5", Refusal::ContentLength);
    assert_field_refused("Content-Length: 5\r\ncontent-length: 6", Refusal::ContentLength);
    assert_field_refused("Content-Length: 0\r\nCONTENT-LENGTH: 0", Refusal::ContentLength);
}

#[test]
fn chunked_is_the_only_transfer_coding_and_stands_alone() {
    // RFC 9112 6.1, 6.3, 7.1
    for value in [
        "gzip",
        "",
        "chunked, gzip",
        "chunked, chunked",
        "chunked,chunked",
        "identity",
        "xchunked",
        "chunkedx",
        "chunked,",
        ",chunked",
        ", chunked",
        "chunked, ",
        "gzip,, chunked",
        "\"chunked\"",
        "'chunked'",
        "chunked;a=b",
        "chunked; q=0.5",
        "chunked chunked",
        "chun ked",
        "chunked;",
        "gzip chunked",
        "chunked\u{a0}",
        "=chunked",
        "gzip;, chunked;",
        "a b, chunked",
        "chunked;a=b, chunked",
        "Chunked, CHUNKED",
        "\u{17f}chunked",
    ] {
        assert_field_refused(&format!("Transfer-Encoding: {value}"), Refusal::TransferEncoding);
    }
    for value in ["gzip, chunked", "gzip;q=1,\tchunked", "identity, chunked", "gzip, deflate, chunked"] {
        assert_field_refused(&format!("Transfer-Encoding: {value}"), Refusal::TransferCoding);
    }
    for value in ["\u{b}chunked", "chunked\u{c}", "chunked\0", "\r\n chunked", "chunked\r"] {
        assert_field_refused(&format!("Transfer-Encoding: {value}"), Refusal::Field);
    }
    assert_field_refused("Transfer-Encoding : chunked", Refusal::Field);
    for other in
        ["Transfer-Encoding: chunked", "transfer-encoding: gzip", "Content-Length: 5", "Content-Length: 0"]
    {
        assert_field_refused(&format!("Transfer-Encoding: chunked\r\n{other}"), Refusal::TransferEncoding);
        assert_field_refused(&format!("{other}\r\nTransfer-Encoding: chunked"), Refusal::TransferEncoding);
    }
    for fields in [
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: gzip",
    ] {
        let old = format!("POST / HTTP/1.0\r\n{fields}\r\n\r\n");
        assert_refused(old.as_bytes(), Refusal::TransferEncoding);
    }
}

#[test]
fn connection_options_decide_on_the_connection_and_on_no_other_field() {
    // RFC 9112 9.3, RFC 9110 7.6.1
    let persistent = |version: &str, value: &str| {
        let text = format!("GET / HTTP/{version}\r\nHost: h\r\nConnection: {value}\r\n\r\n");
        accepted(&text).0.semantics().keep_alive
    };
    for value in ["", "keep-alive", "upgrade", "closed", "x-close", "close-x", ",,", "TE, Keep-Alive"] {
        assert!(persistent("1.1", value), "{value}");
    }
    for value in ["close", "Close", "keep-alive, close", "close,keep-alive", ",close,", "a,\tclose ,b"] {
        assert!(!persistent("1.1", value) && !persistent("1.0", value), "{value}");
    }
    assert!(persistent("1.0", "Keep-Alive") && !persistent("1.0", "") && !persistent("1.0", "upgrade"));
    let listed = with_fields("Connection: content-length, host, transfer-encoding\r\nContent-Length: 5\r\n");
    assert_eq!(listed.framing, Framing::Length(5));
    assert!(listed.keep_alive);
}

#[test]
fn expectations_are_those_of_http_1_1() {
    // RFC 9110 10.1.1
    let expects =
        |value: &str| with_fields(&format!("Content-Length: 1\r\nExpect: {value}\r\n")).expects_continue;
    assert!(expects("100-continue") && expects("100-Continue") && expects("100-continue, 100-continue"));
    assert!(!expects("") && !expects(","));
    assert!(!with_fields("Expect: 100-continue\r\n").expects_continue);
    for value in [
        "a miracle",
        "100-continue, b",
        "101-continue",
        "100-continue=1",
        "100-continue;a",
        "\"100-continue\"",
    ] {
        assert_field_refused(&format!("Expect: {value}"), Refusal::Expectation);
        let (head, _) = accepted(&format!("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: {value}\r\n\r\n"));
        assert!(!head.semantics().expects_continue);
    }
}

#[test]
fn an_upgrade_is_heard_only_in_http_1_1_and_only_to_a_websocket() {
    // RFC 9110 7.8, RFC 6455 4.1
    let text = "HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert!(accepted(&format!("GET / {text}")).0.semantics().websocket);
    assert!(!accepted(&format!("GET / {}", text.replace("1.1", "1.0"))).0.semantics().websocket);
    let h2c = with_fields(
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
    );
    assert!(!h2c.websocket && h2c.keep_alive);
}

#[test]
fn a_content_type_comes_once() {
    // RFC 9110 5.3, 8.3
    assert_field_refused("Content-Type: a/b\r\ncontent-type: a/b", Refusal::Repeated);
}
