//! Upgrading real processes: which sockets a new master takes over, and what it leaves to the old one.

mod server;

use std::{collections::BTreeSet, fs, net::TcpStream, os::unix::fs::PermissionsExt as _, path::Path};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use server::{Server, is_alive, pid_of, wait_until};

/// The kernel's numbers of the sockets that a process has open.
fn sockets(pid: Pid) -> BTreeSet<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("it is there");
    let link = |entry: Result<fs::DirEntry, _>| fs::read_link(entry.ok()?.path()).ok();
    entries.filter_map(link).map(|link| link.to_string_lossy().into_owned()).collect()
}

/// The kernel's numbers of the TCP sockets that listen at these addresses of this machine.
fn listening(addresses: &[&str]) -> BTreeSet<String> {
    let ports: Vec<u16> = addresses.iter().map(|address| port(address)).collect();
    let table = fs::read_to_string("/proc/net/tcp").expect("it is there");
    let row = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let at = u16::from_str_radix(fields.get(1)?.rsplit(':').next()?, 16).ok()?;
        (ports.contains(&at) && fields.get(3) == Some(&"0A")).then(|| format!("socket:[{}]", fields[9]))
    };
    table.lines().filter_map(row).collect()
}

fn listens(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

fn port(address: &str) -> u16 {
    address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address with a port")
}

/// Start a new master, and wait until its worker serves.
fn upgrade(server: &mut Server) -> Pid {
    server.signal(Signal::SIGUSR2);
    let new = pid_of(&server.wait_line("Upgrading: new master with pid: "));
    server.booted(1);
    new
}

fn end(pid: Pid) {
    kill(pid, Signal::SIGTERM).expect("it is there");
    wait_until("the end of the new master", || !is_alive(pid));
}

#[test]
fn sockets_are_taken_over_by_address_and_the_rest_is_bound_or_closed() {
    let mut server =
        Server::start("serves", &["-b", "127.0.0.1:0", "-b", "127.0.0.1:0", "-b", "unix:kept.sock"]);
    let line = server.wait_line("Listening at: ");
    server.booted(1);
    let addresses: Vec<_> =
        line.split("http://").skip(1).filter_map(|part| part.split([',', ' ']).next()).collect();
    let (kept, left) = (addresses[0], addresses[1]);
    let old = listening(&[kept, left]);
    assert_eq!(old.len(), 2);
    let arguments = format!("serves -b {kept} -b unix:kept.sock -b unix:new.sock");
    fs::write(server.path("arguments"), arguments).unwrap();

    let new = upgrade(&mut server);
    let shared: BTreeSet<_> = sockets(new).intersection(&old).cloned().collect();
    assert_eq!(shared, listening(&[kept]), "one of the two is shared, the other was closed");
    assert!(server.path("new.sock").exists());
    assert!(listens(left), "the old master still has it");

    server.signal(Signal::SIGTERM);
    server.wait_line("Master has been promoted.");
    assert!(listens(kept) && !listens(left));
    assert!(server.path("kept.sock").exists());
    end(new);
    assert!(!server.path("kept.sock").exists() && !server.path("new.sock").exists());
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn a_port_that_the_kernel_chose_is_kept() {
    let mut server = Server::start("serves", &["-b", "127.0.0.1:0"]);
    let before = server.address();
    server.booted(1);
    server.signal(Signal::SIGUSR2);
    assert_eq!(server.address(), before);
    let new = pid_of(&server.booted(1)[0].to_string());
    server.signal(Signal::SIGTERM);
    server.wait_line("Master has been promoted.");
    assert!(is_alive(new) && listens(&before));
    let master = Pid::from_raw(parent(new));
    end(master);
    assert_eq!(server.end().code(), Some(0));
}

fn parent(pid: Pid) -> i32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .and_then(|pid| pid.trim().parse().ok())
        .expect("a pid")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_socket_that_was_taken_over_has_the_mode_of_the_master_that_is_left() {
    let mut server = Server::start("serves", &["-b", "unix:x.sock"]);
    server.booted(1);
    let path = server.path("x.sock");
    assert_eq!(mode(&path), 0o777);
    fs::write(server.path("arguments"), "serves -b unix:x.sock --socket-mode 600").unwrap();
    let new = upgrade(&mut server);
    assert_eq!(mode(&path), 0o777, "there are two");
    server.signal(Signal::SIGQUIT);
    wait_until("the new mode", || mode(&path) == 0o600);
    end(new);
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn a_reload_gives_a_socket_its_new_mode_when_it_takes_over() {
    let mut server = Server::start("serves", &["-b", "unix:x.sock", "--umask", "027"]);
    server.booted(1);
    assert_eq!(mode(&server.path("x.sock")), 0o750);
    fs::write(server.path("arguments"), "serves -b unix:x.sock --socket-mode 620").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_line("Reloaded: ");
    wait_until("the new mode", || mode(&server.path("x.sock")) == 0o620);
    server.stop();
}

#[test]
fn an_upgrade_that_cannot_bind_leaves_the_old_master_as_it_was() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let mut server = Server::start("serves", &["-b", "unix:x.sock", "-p", "x.pid"]);
    server.booted(1);
    fs::write(server.path("arguments"), format!("serves -b unix:x.sock -b {taken} -p x.pid")).unwrap();
    server.signal(Signal::SIGUSR2);
    server.wait_line("New master (pid:");
    assert!(server.path("x.sock").exists() && !server.path("x.pid.2").exists());
    // Its files are its own again.
    let (socket, pidfile) = (server.path("x.sock"), server.path("x.pid"));
    server.stop();
    assert!(!socket.exists() && !pidfile.exists());
}

#[test]
fn two_masters_that_end_together_leave_no_file() {
    for order in [[0, 1], [1, 0]] {
        let mut server = Server::start("serves", &["-b", "unix:x.sock", "-p", "x.pid"]);
        server.booted(1);
        let masters = [server.pid(), upgrade(&mut server)];
        let files = ["x.sock", "x.pid", "x.pid.2"].map(|name| server.path(name));
        for which in order {
            kill(masters[which], Signal::SIGTERM).unwrap();
        }
        server.end();
        wait_until("the end of both", || !masters.into_iter().any(is_alive));
        let left: Vec<_> = files.iter().filter(|path| path.exists()).collect();
        assert!(left.is_empty(), "{order:?}: {left:?}");
    }
}
