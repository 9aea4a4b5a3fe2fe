//! Who the client is, where a proxy that is believed stands in between.

use std::sync::Arc;

use rgunicorn_http::{
    Config, Exchange, Scheme,
    client::{Policy, Tradition},
};
use rgunicorn_settings::{Proxies, ProxyHeaders};

use crate::world::{Client, Wire, World, config};

fn trusting(allowed: &str) -> Config {
    let proxies = Proxies {
        proxy_headers: ProxyHeaders::On,
        forwarded_allow_ips: allowed.parse().expect("networks"),
        forwarder_headers: "SCRIPT_NAME".parse().expect("names"),
        ..Proxies::default()
    };
    Config { proxies: Policy::new(&proxies, Tradition::Gunicorn), ..config() }
}

fn ask(world: &mut World, client: &mut Client, fields: &str) -> Box<Exchange> {
    client.send(format!("GET /app/x HTTP/1.1\r\nHost: h\r\n{fields}\r\n"));
    world.request()
}

fn names(exchange: &Exchange) -> Vec<String> {
    exchange.fields().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
}

#[test]
fn the_peer_of_a_request_is_whom_a_trusted_proxy_names() {
    let mut world = World::new(trusting("127.0.0.1"));
    let mut client = world.connect();
    let fields = "X-Forwarded-For: 198.51.100.7:4711\r\nX-Forwarded-Proto: https\r\nSCRIPT_NAME: /app\r\n";
    let exchange = ask(&mut world, &mut client, fields);
    let peer = exchange.peer();
    assert_eq!((peer.remote_address.as_str(), peer.remote_port()), ("198.51.100.7", Some(4711)));
    assert_eq!((peer.scheme, peer.script_name.as_deref()), (Scheme::Https, Some(&b"/app"[..])));
    world.answer(exchange, b"");
}

#[test]
fn whoever_is_not_trusted_names_nobody() {
    let mut world = World::new(trusting("192.0.2.0/24,::1"));
    let mut client = world.connect();
    let exchange = ask(&mut world, &mut client, "Forwarded: for=1.2.3.4\r\nSCRIPT_NAME: /app\r\n");
    assert_eq!(exchange.peer().remote_address, "127.0.0.1");
    assert_eq!(exchange.peer().script_name, None);
    assert_eq!(names(&exchange), ["Host", "Forwarded"]);
    world.answer(exchange, b"");
    let mut local = world.connect_unix();
    let exchange = ask(&mut world, &mut local, "Forwarded: for=1.2.3.4\r\nSCRIPT_NAME: /app\r\n");
    assert_eq!(exchange.peer().remote_address, "1.2.3.4");
    assert_eq!(names(&exchange), ["Host", "Forwarded", "SCRIPT_NAME"]);
    world.answer(exchange, b"");
}

#[test]
fn the_requests_of_one_client_share_a_peer_and_those_of_another_do_not() {
    let mut world = World::new(trusting("127.0.0.1"));
    let mut client = world.connect();
    let mut peers = Vec::new();
    for fields in [
        "",
        "X-Forwarded-For: 198.51.100.1\r\n",
        "X-Forwarded-For: 198.51.100.1\r\nAccept: text/html\r\n",
        "X-Forwarded-For: 198.51.100.2\r\n",
        "",
        "Accept: text/html\r\n",
        "X-Forwarded-For: unknown\r\n",
    ] {
        let exchange = ask(&mut world, &mut client, fields);
        peers.push(Arc::clone(exchange.peer()));
        world.answer(exchange, b"");
        client.response(&mut world);
    }
    let addresses: Vec<_> = peers.iter().map(|peer| peer.remote_address.as_str()).collect();
    let (own, one, two) = ("127.0.0.1", "198.51.100.1", "198.51.100.2");
    assert_eq!(addresses, [own, one, one, two, own, own, own]);
    for same in [[0, 4], [0, 5], [0, 6], [1, 2]] {
        assert!(Arc::ptr_eq(&peers[same[0]], &peers[same[1]]), "{same:?}");
    }
}

#[test]
fn schemes_that_contradict_each_other_are_refused() {
    let mut world = World::new(trusting("127.0.0.1"));
    let mut client = world.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n\r\n");
    let response = client.response(&mut world);
    assert_eq!((response.status, response.header("Connection")), (400, Some("close")));
    client.end_sending();
    assert_eq!(client.end(&mut world).1, Wire::Ended);
    assert!(!world.has_event());
}

#[test]
fn a_path_that_is_not_below_the_script_name_of_the_proxy_is_refused() {
    let mut world = World::new(trusting("127.0.0.1"));
    for (fields, status) in
        [("SCRIPT_NAME: /app\r\n", 200), ("SCRIPT_NAME: /ap\r\n", 400), ("SCRIPT_NAME: /b\r\n", 400)]
    {
        let mut client = world.connect();
        client.send(format!("GET /app/x HTTP/1.1\r\nHost: h\r\n{fields}\r\n"));
        assert_eq!(client.echoed(&mut world).status, status, "{fields}");
    }
}

#[test]
fn what_is_told_of_a_client_is_never_told_of_another() {
    let mut world = World::new(trusting("127.0.0.1"));
    let mut client = world.connect();
    let said = |round: u32| match round % 5 {
        0 => (String::new(), "127.0.0.1".to_owned()),
        1 => ("X-Forwarded-For: 198.51.100.1\r\n".to_owned(), "198.51.100.1".to_owned()),
        2 => ("Forwarded: for=198.51.100.2\r\n".to_owned(), "198.51.100.2".to_owned()),
        3 => ("X-Forwarded-Proto: https\r\n".to_owned(), "127.0.0.1".to_owned()),
        _ => {
            let address = format!("198.51.100.{}", round % 256);
            // Longer than what is remembered.
            (format!("X-Forwarded-For: {}, {address}\r\n", "unknown, ".repeat(200)), address)
        }
    };
    let rounds: Vec<u32> = (0..60).map(|round| round * round + round / 7).collect();
    let requests: String =
        rounds.iter().map(|round| format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", said(*round).0)).collect();
    client.send_all(&mut world, requests.as_bytes());
    for round in rounds {
        let exchange = world.request();
        assert_eq!(exchange.peer().remote_address, said(round).1, "{round}");
        let scheme = if round % 5 == 3 { Scheme::Https } else { Scheme::Http };
        assert_eq!(exchange.peer().scheme, scheme, "{round}");
        world.answer(exchange, b"");
        client.response(&mut world);
    }
}
