//! What reading a request's head costs: `cargo bench -p rgunicorn-http --bench head`.
//!
//! Two heads stand for all: what a load generator sends, and what a browser sends. Each figure is the best of several
//! rounds, because everything that disturbs a round makes it slower.

#![allow(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::{hint::black_box, time::Instant};

use rgunicorn_http::{
    Limits,
    client::{Policy, Tradition},
    proto::{Head, Rules},
};
use rgunicorn_settings::Proxies;

const ROUNDS: u32 = 2_000;
const HEADS: u32 = 1_000;

const PLAIN: &str = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";

const BROWSER: &str = concat!(
    "GET /articles/2026/november?page=2&order=newest HTTP/1.1\r\n",
    "Host: www.example.org\r\n",
    "Connection: keep-alive\r\n",
    "Cache-Control: max-age=0\r\n",
    "sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\n",
    "sec-ch-ua-mobile: ?0\r\n",
    "sec-ch-ua-platform: \"Linux\"\r\n",
    "DNT: 1\r\n",
    "Upgrade-Insecure-Requests: 1\r\n",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n",
    "Sec-Fetch-Site: same-origin\r\n",
    "Sec-Fetch-Mode: navigate\r\n",
    "Sec-Fetch-User: ?1\r\n",
    "Sec-Fetch-Dest: document\r\n",
    "Referer: https://www.example.org/articles/2026/november\r\n",
    "Accept-Encoding: gzip, deflate, br, zstd\r\n",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n",
    "Cookie: session=3f9c2a7be1; csrftoken=Qm9va3MgYXJlIGdvb2Q; theme=dark; _visited=1764000000\r\n",
    "If-None-Match: \"5f3c-62b1e4d0a7c40\"\r\n",
    "If-Modified-Since: Fri, 20 Nov 2026 08:00:00 GMT\r\n",
    "\r\n",
);

fn main() {
    let limits = Limits::default();
    let direct = Rules::strict(&limits);
    let policy = Policy::new(&Proxies::default(), Tradition::Uvicorn);
    let proxied = Rules { proxy: Some(&policy), ..direct };
    for (name, text) in [("plain", PLAIN), ("browser", BROWSER)] {
        let (direct, proxied) = (cost(text, direct), cost(text, proxied));
        println!("{name:8} {direct:7.1} ns a head, {proxied:7.1} ns from a proxy ({} bytes)", text.len());
    }
}

fn cost(text: &str, rules: Rules<'_>) -> f64 {
    let mut head = Head::default();
    let mut bytes = text.as_bytes().to_vec();
    let mut round = |_| {
        let began = Instant::now();
        for _ in 0..HEADS {
            let bytes = black_box(&mut bytes);
            head.parse_at_once(bytes, rules).expect("a valid head");
            black_box(&head);
        }
        began.elapsed().as_nanos() as f64 / f64::from(HEADS)
    };
    (0..ROUNDS).map(&mut round).fold(f64::INFINITY, f64::min)
}
