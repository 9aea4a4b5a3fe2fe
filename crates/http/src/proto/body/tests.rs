//! Bodies as they arrive, whole and in pieces, well-formed and not.

use proptest::prelude::*;

use super::*;

/// Decode `input` in pieces of `step` bytes: the body, what is left over, whether it ended.
fn decode(framing: Framing, input: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), Refusal> {
    let mut decoder = Decoder::new(framing);
    let (mut body, mut taken) = (Vec::new(), 0);
    for piece in input.chunks(step) {
        let used = decoder.decode(piece, &mut |bytes| body.extend_from_slice(bytes))?;
        taken += used;
        if used < piece.len() {
            break;
        }
    }
    Ok((body, input.len() - taken, decoder.is_done()))
}

#[test]
fn a_length_ends_the_body_and_leaves_the_rest() {
    for step in 1..12 {
        let result = decode(Framing::Length(5), b"hellonext", step).unwrap();
        assert_eq!(result, (b"hello".to_vec(), 4, true), "in steps of {step}");
    }
    assert_eq!(decode(Framing::Length(5), b"hel", 9).unwrap(), (b"hel".to_vec(), 0, false));
}

#[test]
fn chunks_are_joined_however_they_arrive() {
    let input = b"5\r\nhello\r\n6;ext=\"1\"\r\n world\r\n0\r\nX-Sum: 1\r\n\r\nGET /";
    for step in 1..=input.len() {
        let result = decode(Framing::Chunked, input, step).unwrap();
        assert_eq!(result, (b"hello world".to_vec(), 5, true), "in steps of {step}");
    }
}

/// Size lines that announce five bytes (RFC 9112 7.1, 7.1.1).
const SIZE_LINES: &[&[u8]] = &[
    b"5",
    b"05",
    b"000000000000000000000005",
    b"5;a",
    b"5;a=b",
    b"5 ;a",
    b"5\t ; \ta \t=\t b",
    b"5;a;b;c",
    b"5;a=b ;c",
    b"5;a=\"\"",
    b"5;a=\"b;c\"",
    b"5;a=\"b\\\"c\\\\\"",
    b"5;a=\"\t \x80\xff\" ;b=c",
    b"5;!#$%&'*+-.^_`|~=1",
];

/// What is none.
const NO_SIZE_LINES: &[&[u8]] = &[
    b"",
    b"+5",
    b"-5",
    b"0x5",
    b" 5",
    b"\t5",
    b"5 ",
    b"5\t",
    b"5 5",
    b"5,",
    b"g",
    b"5h",
    b"5.0",
    b"\"5\"",
    b";",
    b";a=b",
    b"5;",
    b"5; ",
    b"5;;a",
    b"5;=b",
    b"5;a=",
    b"5;a= ",
    b"5;a ",
    b"5;a=b ",
    b"5;a b",
    b"5;a=b c",
    b"5;a==b",
    b"5;a=b=c",
    b"5;a=\"b",
    b"5;a=\"b\"c",
    b"5;a=\"b\\\"",
    b"5;a@b",
    b"5;a=b@c",
    b"5;a\x00",
    b"5;a=\"\x00\"",
    b"5;a=\"\x7f\"",
    b"5;a=\"\x0b\"",
    b"5;a=\"\\\x01\"",
    b"5;\x80",
    b"5;a=\x80",
    b"5\x0b",
    b"5;a\rb",
    b"5;a=\"\r\"",
    b"5\r",
    b"8000000000000000",
    b"10000000000000005",
    b"ffffffffffffffff",
    b"fffffffffffffffff",
];

#[test]
fn a_size_line_is_a_number_and_extensions() {
    for line in SIZE_LINES {
        let input = [line, &b"\r\nhello\r\n0\r\n\r\n"[..]].concat();
        for step in [1, 2, 99] {
            let result = decode(Framing::Chunked, &input, step);
            assert_eq!(result, Ok((b"hello".to_vec(), 0, true)), "{}", line.escape_ascii());
        }
    }
    for line in NO_SIZE_LINES {
        let input = [line, &b"\r\nhello\r\n0\r\n\r\n"[..]].concat();
        assert_eq!(decode(Framing::Chunked, &input, 99), Err(Refusal::Chunk), "{}", line.escape_ascii());
    }
    // The largest size is not refused: its bytes are waited for.
    assert_eq!(decode(Framing::Chunked, b"7fffffffffffffff\r\nx", 1), Ok((b"x".to_vec(), 0, false)));
}

#[test]
fn every_line_of_the_framing_ends_in_cr_lf() {
    for input in [
        &b"5\nhello\r\n"[..],
        b"5\r\rhello\r\n",
        b"5;a\nhello\r\n",
        b"5;a=\"\n\"\r\nhello\r\n",
        b"5\r\nhellox\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r0\r\n\r\n",
        b"5\r\nhello\r\n\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"0\r\n\n",
        b"0\r\n\r\r\n",
        b"0\r\nA: b\n\r\n",
        b"0\r\nA: b\rc\r\n\r\n",
    ] {
        assert_eq!(decode(Framing::Chunked, input, 99), Err(Refusal::Chunk), "{}", input.escape_ascii());
    }
}

/// RFC 9110 6.5.1 and RFC 9112 5, 7.1.2.
#[test]
fn trailer_fields_are_read_as_fields_and_dropped() {
    let decode = |fields: &[u8]| {
        let input = [&b"0\r\n"[..], fields, b"\r\n"].concat();
        let results = [1, 2, 99].map(|step| decode(Framing::Chunked, &input, step));
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
        results[0].clone()
    };
    for fields in [&b""[..], b"X-Sum:1\r\n", b"X-Sum: \t1 \xff\r\nDate:\r\n", b"Hostess: h\r\nTea: t\r\n"] {
        assert_eq!(decode(fields), Ok((Vec::new(), 0, true)), "{}", fields.escape_ascii());
    }
    for fields in [
        &b"no colon\r\n"[..],
        b": v\r\n",
        b"A : v\r\n",
        b" A: v\r\n",
        b"A: b\r\n c\r\n",
        b"A: b\r\n\tc\r\n",
        b"A: b\x00\r\n",
        b"A: b\x7f\r\n",
        b"A\x80: b\r\n",
        b"A",
        b"\"A\": b\r\n",
    ] {
        assert_eq!(decode(fields), Err(Refusal::Chunk), "{}", fields.escape_ascii());
    }
    for name in [
        "Transfer-Encoding",
        "content-length",
        "HOST",
        "Trailer",
        "te",
        "Connection",
        "Cache-Control",
        "Authorization",
        "Cookie",
        "Content-Type",
        "Expect",
    ] {
        let fields = format!("A: b\r\n{name}: x\r\n");
        assert_eq!(decode(fields.as_bytes()), Err(Refusal::Trailer), "{name}");
    }
}

#[test]
fn framing_that_outgrows_its_body_is_refused() {
    let extension = [b"5;".as_slice(), &[b'a'; 300]].concat();
    assert_eq!(decode(Framing::Chunked, &extension, 999), Err(Refusal::Chunk));
    let zeros = b"0".repeat(300);
    assert_eq!(decode(Framing::Chunked, &zeros, 999), Err(Refusal::Chunk));
    let trailers = [b"0\r\n".as_slice(), &b"A: b\r\n".repeat(4000)].concat();
    assert_eq!(decode(Framing::Chunked, &trailers, 999), Err(Refusal::Chunk));
    let chunk = |data: &str| format!("{:x};{}\r\n{data}\r\n", data.len(), "a".repeat(200));
    assert_eq!(decode(Framing::Chunked, chunk("b").repeat(200).as_bytes(), 9999), Err(Refusal::Chunk));
    // As many extensions beside as much data are fine, and so are small chunks without any.
    assert!(decode(Framing::Chunked, chunk(&"b".repeat(1000)).repeat(200).as_bytes(), 9999).is_ok());
    assert!(decode(Framing::Chunked, b"1\r\nb\r\n".repeat(9999).as_slice(), 9999).is_ok());
}

fn chunked() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let extension = prop_oneof![
        3 => Just(String::new()),
        1 => r#"[ \t]{0,2};[ \t]{0,2}[a-z!#]{1,9}([ \t]{0,2}=[ \t]{0,2}([a-z0-9]{1,9}|"([ -!#-\[\]-~]|\\[ -~]){0,9}"))?"#,
    ];
    let chunk = (prop::collection::vec(any::<u8>(), 1..40), "0{0,3}", extension);
    (
        prop::collection::vec(chunk, 0..6),
        prop::collection::vec("[A-Z]-[a-z]{1,9}:[ \t]{0,2}[!-~ ]{0,9}", 0..3),
    )
        .prop_map(|(chunks, trailers)| {
            let (mut input, mut body) = (Vec::new(), Vec::new());
            for (data, zeros, extension) in chunks {
                input.extend(format!("{zeros}{:X}{extension}\r\n", data.len()).bytes());
                input.extend([data.as_slice(), b"\r\n"].concat());
                body.extend(data);
            }
            let trailers: String = trailers.iter().map(|line| format!("{line}\r\n")).collect();
            input.extend(format!("0\r\n{trailers}\r\n").bytes());
            (input, body)
        })
}

proptest! {
    #[test]
    fn chunks_split_at_any_byte_give_the_same_body((input, body) in chunked(), next in "[A-Z /]{0,9}") {
        let whole = [&input[..], next.as_bytes()].concat();
        for at in 0..=whole.len() {
            let (mut decoder, mut decoded, mut taken) = (Decoder::new(Framing::Chunked), Vec::new(), 0);
            for piece in [&whole[..at], &whole[at..]] {
                taken += decoder.decode(piece, &mut |bytes| decoded.extend_from_slice(bytes)).unwrap();
            }
            prop_assert_eq!((taken, decoder.is_done()), (input.len(), true), "split at {}", at);
            prop_assert_eq!(&decoded, &body);
        }
    }

    #[test]
    fn any_bytes_are_read_the_same_in_pieces(
        input in prop::collection::vec(prop::sample::select(b"0123afF;= \"\\\r\n\t:-xHost\x00\x80".to_vec()), 0..60),
        step in 1..9_usize,
    ) {
        let whole = decode(Framing::Chunked, &input, 999);
        prop_assert_eq!(decode(Framing::Chunked, &input, step), whole);
    }
}

#[test]
fn a_body_without_bytes_is_done_before_it_begins() {
    assert!(Decoder::new(Framing::None).is_done() && Decoder::new(Framing::Length(0)).is_done());
}
