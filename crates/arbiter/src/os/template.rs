//! What master and template say to each other: "fork this worker", and what came of it.
//!
//! The wire keeps messages apart and neither side ever waits to send one: the master has only a few orders on the way
//! and keeps the others back.

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair},
};

use crate::machine::event::{Age, Pid};

/// So many orders, and their answers, have room on the wire for sure.
const ON_THE_WAY: usize = 16;

/// "Fork this worker."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// Its spawn number.
    pub(crate) age: Age,
    /// The index of its slot on the scoreboard.
    pub(crate) slot: usize,
}

/// What the master says to a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// Fork a worker.
    Fork(Order),
    /// All workers are ready: let go of the terminal, if the server is to have none.
    LeaveTerminal,
}

/// What came of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The worker that was ordered.
    pub(crate) age: Age,
    /// Its process, or the error number of the kernel.
    pub(crate) outcome: Result<Pid, i32>,
}

/// The template's end.
#[derive(Debug)]
pub(crate) struct Orders {
    socket: OwnedFd,
}

/// The master's end.
#[derive(Debug)]
pub(crate) struct Link {
    socket: OwnedFd,
    kept_back: VecDeque<Order>,
    on_the_way: Vec<Age>,
    hung_up: bool,
}

/// No worker has this number.
const LEAVE_TERMINAL: i32 = 0;

/// A wire for a template that is about to be forked.
pub(crate) fn wire() -> io::Result<(Link, Orders)> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (master, template) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
    let link = Link { socket: master, kept_back: VecDeque::new(), on_the_way: Vec::new(), hung_up: false };
    Ok((link, Orders { socket: template }))
}

impl Link {
    /// Order a worker.
    pub(crate) fn order(&mut self, order: Order) {
        self.kept_back.push_back(order);
        self.send_more();
    }

    /// Say that all workers are ready.
    pub(crate) fn leave_terminal(&self) {
        let _ = transmit(&self.socket, LEAVE_TERMINAL, 0);
    }

    /// The next answer, if one is there.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let Ok(received) = receive(&self.socket) else {
            self.hung_up = true;
            return None;
        };
        let (age, outcome) = received?;
        let age = Age(age.cast_unsigned());
        self.on_the_way.retain(|other| *other != age);
        self.send_more();
        let outcome = if outcome > 0 { Ok(Pid(outcome)) } else { Err(-outcome) };
        Some(Answer { age, outcome })
    }

    /// What to wait for, unless the template has hung up and will say nothing more.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        (!self.hung_up).then(|| self.socket.as_fd())
    }

    /// The template is dead: the workers that it still owes.
    pub(crate) fn owed(&mut self) -> Vec<Age> {
        let kept_back = self.kept_back.drain(..).map(|order| order.age);
        self.on_the_way.drain(..).chain(kept_back).collect()
    }

    fn send_more(&mut self) {
        while self.on_the_way.len() < ON_THE_WAY
            && let Some(order) = self.kept_back.pop_front()
        {
            self.on_the_way.push(order.age);
            // A template that is dead is reaped soon, and what it owes is known then.
            let slot = i32::try_from(order.slot).expect("there are not so many slots");
            let _ = transmit(&self.socket, order.age.0.cast_signed(), slot);
        }
    }
}

impl Orders {
    /// The next message, if one is there.
    ///
    /// # Errors
    /// When the master is gone.
    pub(crate) fn next(&self) -> io::Result<Option<Message>> {
        Ok(receive(&self.socket)?.map(|(age, slot)| match (age, usize::try_from(slot)) {
            (LEAVE_TERMINAL, _) | (_, Err(_)) => Message::LeaveTerminal,
            (age, Ok(slot)) => Message::Fork(Order { age: Age(age.cast_unsigned()), slot }),
        }))
    }

    /// Tell what came of an order.
    pub(crate) fn answer(&self, answer: &Answer) {
        let outcome = answer.outcome.map_or_else(|errno| -errno.abs().max(1), |pid| pid.0);
        // A master that is gone needs no answer.
        let _ = transmit(&self.socket, answer.age.0.cast_signed(), outcome);
    }
}

impl AsFd for Orders {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn transmit(socket: &OwnedFd, first: i32, second: i32) -> io::Result<()> {
    let message = [first.to_ne_bytes(), second.to_ne_bytes()].concat();
    send(socket.as_raw_fd(), &message, MsgFlags::MSG_NOSIGNAL)?;
    Ok(())
}

/// A message, if there is one; an error if there will be none any more.
fn receive(socket: &OwnedFd) -> io::Result<Option<(i32, i32)>> {
    let mut message = [0; 8];
    match recv(socket.as_raw_fd(), &mut message, MsgFlags::empty()) {
        Ok(8) => {
            let [a, b, c, d, e, f, g, h] = message;
            Ok(Some((i32::from_ne_bytes([a, b, c, d]), i32::from_ne_bytes([e, f, g, h]))))
        }
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_answers_arrive_as_they_were_sent() {
        let (mut link, orders) = wire().unwrap();
        assert_eq!(orders.next().unwrap(), None);
        let order = Order { age: Age(u32::MAX), slot: 3 };
        link.order(order);
        assert_eq!(orders.next().unwrap(), Some(Message::Fork(order)));
        assert_eq!(link.answer(), None);
        for outcome in [Ok(Pid(7)), Err(Errno::EAGAIN as i32)] {
            let answer = Answer { age: order.age, outcome };
            orders.answer(&answer);
            assert_eq!(link.answer(), Some(answer));
        }
    }

    #[test]
    fn more_orders_than_the_wire_holds_are_sent_as_answers_come() {
        let (mut link, orders) = wire().unwrap();
        for age in 1..1_000 {
            link.order(Order { age: Age(age), slot: 3 });
        }
        for age in 1..1_000 {
            assert_eq!(orders.next().unwrap(), Some(Message::Fork(Order { age: Age(age), slot: 3 })));
            let answer = Answer { age: Age(age), outcome: Ok(Pid(1)) };
            orders.answer(&answer);
            assert_eq!(link.answer(), Some(answer));
        }
        assert!(link.owed().is_empty());
    }

    #[test]
    fn a_dead_template_owes_what_it_did_not_answer() {
        let (mut link, orders) = wire().unwrap();
        for age in 1..20 {
            link.order(Order { age: Age(age), slot: 3 });
        }
        orders.answer(&Answer { age: Age(2), outcome: Ok(Pid(1)) });
        assert!(link.answer().is_some());
        assert!(link.descriptor().is_some());
        drop(orders);
        assert_eq!(link.answer(), None);
        assert!(link.descriptor().is_none(), "nothing more will come");
        link.order(Order { age: Age(20), slot: 3 });
        let owed: Vec<_> = link.owed().into_iter().map(|age| age.0).collect();
        assert_eq!(owed, [1].into_iter().chain(3..21).collect::<Vec<_>>());
    }

    #[test]
    fn the_terminal_is_no_worker() {
        let (link, orders) = wire().unwrap();
        link.leave_terminal();
        assert_eq!(orders.next().unwrap(), Some(Message::LeaveTerminal));
        assert_eq!(orders.next().unwrap(), None);
    }

    #[test]
    fn a_template_notices_that_its_master_is_gone() {
        let (link, orders) = wire().unwrap();
        drop(link);
        assert!(orders.next().is_err());
    }
}
