//! What frontends send before a head, or in its place: see [`wire`](crate::wire).
//!
//! A connection of a plain listener never comes here. On others it begins in [`Phase::Greeting`], and collects what
//! arrives in the bytes ahead until a PROXY header or a uwsgi packet is complete.

use rgunicorn_settings::WireProtocol;

use super::{
    Engine,
    reading::{SCRATCH, Step},
};
use crate::{
    Local, Peer, Refusal, Remote, Scheme,
    connection::{Greeting, Phase, Read},
    wire::{
        Frontends, admits,
        proxy_protocol::{self, Header, Opening},
        uwsgi::{self, Fault, Params},
    },
};

/// What the connections of a listener begin with, if that is not the first head.
pub(super) fn expected(protocol: WireProtocol, frontends: &Frontends) -> Option<Greeting> {
    match protocol {
        WireProtocol::Uwsgi => Some(Greeting::Packet),
        WireProtocol::Http if frontends.versions.any() => Some(Greeting::ProxyHeader),
        WireProtocol::Http => None,
    }
}

impl Engine {
    /// Read what a frontend says first, and go on with the request as soon as that is complete.
    pub(super) fn read_greeting(&mut self, key: usize, greeting: Greeting) -> Step {
        loop {
            if !self.connections[key].ahead.is_empty() {
                let step = match greeting {
                    Greeting::ProxyHeader => self.read_proxy_header(key),
                    Greeting::Packet => self.read_packet(key),
                };
                match step {
                    Ok(None) => {}
                    Ok(Some(step)) => return step,
                    Err(refusal) => return Step::Refuse(self.pool.take(), refusal),
                }
            }
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.resize(SCRATCH, 0);
            let connection = &mut self.connections[key];
            let read = connection.read(&mut scratch);
            if let Read::Bytes(count) = read {
                connection.ahead.extend_from_slice(&scratch[..count]);
            }
            self.scratch = scratch;
            match read {
                Read::Bytes(_) => {}
                Read::Nothing => return Step::Wait(Phase::Greeting(greeting)),
                Read::End => return Step::Gone(self.pool.take()),
            }
        }
    }

    fn read_proxy_header(&mut self, key: usize) -> Result<Option<Step>, Refusal> {
        let connection = &mut self.connections[key];
        let frontends = &self.config.frontends;
        match proxy_protocol::opening(&connection.ahead, frontends.versions) {
            Opening::Undecided => return Ok(None),
            Opening::Plain => {}
            Opening::Header(_) if !admits(&frontends.proxies, connection.peer.remote) => {
                return Err(Refusal::ProxyForbidden);
            }
            Opening::Header(version) => {
                let Some((header, end)) = proxy_protocol::read(&connection.ahead, version)? else {
                    return Ok(None);
                };
                connection.ahead.drain(..end);
                connection.set_peer(behind_proxy(&connection.peer, header), &self.config.proxies);
                // Whoever it is: the balancer is believed, and not those whom it cannot name.
                connection.trusted &= !header.hides_client();
            }
        }
        let exchange = self.pool.take();
        Ok(Some(self.read_head(key, exchange)))
    }

    fn read_packet(&mut self, key: usize) -> Result<Option<Step>, Refusal> {
        let connection = &mut self.connections[key];
        if !admits(&self.config.frontends.uwsgi, connection.peer.remote) {
            return Err(Refusal::UwsgiForbidden);
        }
        let Some(end) = uwsgi::length(&connection.ahead)? else { return Ok(None) };
        let mut packet = std::mem::take(&mut connection.ahead);
        let behind = packet.split_off(end);
        let params = Params::parse(packet)?;
        connection.set_peer(behind_frontend(&connection.peer, &params)?, &self.config.proxies);
        connection.trusted &= params.names_client();
        let head = params.head()?;
        let mut exchange = self.pool.take();
        exchange.begin(&head, &behind);
        exchange.params = Some(Box::new(params));
        // The parser alone would take a line feed as the end of a line, and the limits are kept here.
        let step = match exchange.scan.find_end(&head, self.config.rules(false)) {
            Ok(Some(end)) if end == head.len() => self.head_complete(key, exchange, end),
            Ok(_) => Step::Refuse(exchange, Refusal::RequestLine),
            Err(refusal) => Step::Refuse(exchange, refusal),
        };
        Ok(Some(step))
    }
}

/// The peer that a load balancer names.
fn behind_proxy(balancer: &Peer, header: Header) -> Peer {
    let mut peer = match header.ends {
        Some(ends) => Peer::new(Remote::Tcp(ends.source), Local::Tcp(ends.destination), balancer.listener),
        None => balancer.clone(),
    };
    if header.tls {
        peer.scheme = Scheme::Https;
    }
    peer.proxy_header = Some(header);
    peer
}

/// The peer that a uwsgi frontend names. What it leaves out is what the kernel says.
fn behind_frontend(frontend: &Peer, params: &Params) -> Result<Peer, Fault> {
    let mut peer = frontend.clone();
    if params.names_client() {
        peer.set_remote(params.remote()?.map_or(Remote::Unix, Remote::Tcp));
    }
    peer.server_name = params.server_name().map(|name| String::from_utf8_lossy(name).into_owned());
    peer.server_port = params.server_port()?;
    if params.is_https() {
        peer.scheme = Scheme::Https;
    }
    if !params.script_name().is_empty() {
        peer.script_name = Some(params.script_name().to_vec());
    }
    Ok(peer)
}
