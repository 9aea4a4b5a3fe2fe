//! Reloading real processes: what takes over, what stays, and what is left behind.

mod server;

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    net::{TcpListener, TcpStream},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use server::{Server, answers, is_alive, pid_of, read, wait_until};

const TOOK_OVER: &str = "Reloaded: ";
const GIVEN_UP: &str = "Reload given up: ";

/// Let the server find these arguments when it reads them again.
fn configure(server: &Server, arguments: &str) {
    fs::write(server.path("arguments"), arguments).expect("a directory of ours");
}

fn reload(server: &mut Server) {
    server.signal(Signal::SIGHUP);
    server.wait_line(TOOK_OVER);
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).expect("it is there").ino()
}

fn descriptors(pid: Pid) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("it is there").count()
}

fn resident_kilobytes(pid: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn children(pid: Pid) -> Vec<Pid> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("it is there");
    text.split_whitespace().map(pid_of).collect()
}

/// The kernel's numbers of the sockets that this process has open.
fn sockets(pid: Pid) -> BTreeSet<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("it is there");
    let link = |entry: Result<fs::DirEntry, _>| fs::read_link(entry.ok()?.path()).ok();
    let links = entries.filter_map(link).map(|link| link.to_string_lossy().into_owned());
    links.filter_map(|link| Some(link.strip_prefix("socket:[")?.trim_end_matches(']').to_owned())).collect()
}

/// The kernel's number of the master's socket that listens at `name`. The table has those of every server of the machine,
/// by the names that each has bound in a directory of its own.
fn listener(master: Pid, name: &str) -> String {
    let table = fs::read_to_string("/proc/net/unix").expect("it is there");
    let held = sockets(master);
    let listens = |line: &&str| line.ends_with(name) && line.split_whitespace().nth(3) == Some("00010000");
    let mut numbers = table.lines().filter(listens).filter_map(|line| line.split_whitespace().nth(6));
    let number = numbers.find(|number| held.contains(*number));
    number.unwrap_or_else(|| panic!("the master does not listen at {name}")).to_owned()
}

#[test]
fn a_reload_takes_over_without_a_gap() {
    let mut server = Server::start("serves", &["-w", "3"]);
    let address = server.address();
    let old: BTreeSet<_> = server.booted(3).into_iter().collect();
    let done = AtomicBool::new(false);
    let answered: BTreeSet<Pid> = thread::scope(|scope| {
        let ask = || {
            let mut answered = Vec::new();
            while !done.load(Relaxed) {
                let mut said = String::new();
                TcpStream::connect(&address).unwrap().read_to_string(&mut said).unwrap();
                answered.push(pid_of(said.trim()));
            }
            answered
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        for _ in 0..3 {
            reload(&mut server);
        }
        wait_until("the first ones are gone", || !old.iter().any(|pid| is_alive(*pid)));
        done.store(true, Relaxed);
        clients.into_iter().flat_map(|client| client.join().expect("every one was answered")).collect()
    });
    assert!(answered.iter().any(|pid| !old.contains(pid)), "new ones have answered");
    assert_eq!(server.count("[ERROR]") + server.count("[CRITICAL]"), 0, "{}", server.log());
    server.stop();
}

#[test]
fn a_rolling_reload_replaces_every_worker() {
    let mut server = Server::start("serves", &["-w", "3", "--reload-strategy", "rolling"]);
    let old = server.booted(3);
    reload(&mut server);
    wait_until("the old ones are gone", || !old.iter().any(|pid| is_alive(*pid)));
    wait_until("there are as many as before", || children(server.pid()).len() == 3);
    server.stop();
}

#[test]
fn a_rolling_reload_that_fails_in_the_middle_leaves_all_that_serves_where_it_is() {
    let mut server = Server::start("serves", &["-w", "2", "-b", "unix:old.sock", "-b", "unix:both.sock"]);
    let first = server.booted(2);
    let rolling = "-w 2 --reload-strategy rolling -b unix:both.sock -b unix:new.sock";
    configure(&server, &format!("fails_from_4 {rolling}"));
    server.signal(Signal::SIGHUP);
    let said = server.wait_line("Reload stopped half way, 1 new worker and 1 old worker serve: ");
    assert!(said.contains("[ERROR]") && said.contains("(exit code 3)"), "{said}");
    wait_until("one old and one new are left", || children(server.pid()).len() == 2);
    let new = answers(&server.path("new.sock"));
    assert!(!first.contains(&new) && first.contains(&answers(&server.path("old.sock"))));
    kill(new, Signal::SIGKILL).unwrap();
    wait_until("what replaces a worker is of the generation that serves", || {
        let workers = children(server.pid());
        workers.len() == 2 && !workers.contains(&new) && !server.path("new.sock").exists()
    });

    configure(&server, &format!("serves {rolling}"));
    reload(&mut server);
    assert!(!first.contains(&answers(&server.path("new.sock"))) && !server.path("old.sock").exists());
    server.stop();
}

#[test]
fn a_reload_that_fails_keeps_the_old_generation_and_says_why_once() {
    for (arguments, reason) in [
        ("fails_3 -b unix:site.sock -w 2", "a new worker failed to boot (exit code 3)"),
        ("fails_4 -b unix:site.sock", "a new worker failed to boot (exit code 4)"),
        ("crashes_at_boot -b unix:site.sock", "new workers are sent SIGILL before they are ready"),
        ("hangs_at_boot -b unix:site.sock --boot-timeout 0.5", "were not ready within `boot_timeout`"),
        ("serves -b unix:site.sock -w many", "invalid value `many`"),
        ("serves -b unix:site.sock --error-logfile /nonexistent/log", "/nonexistent/log"),
        ("serves -b unix:site.sock --access-logfile /nonexistent/log", "/nonexistent/log"),
        ("serves -b unix:site.sock -p /nonexistent/pid", "cannot write the pid file `/nonexistent/pid`"),
        ("serves -b unix:site.sock -b unix:/nonexistent/sock", "cannot bind `unix:/nonexistent/sock`"),
    ] {
        let mut server = Server::start("serves", &["-b", "unix:site.sock", "-p", "pid"]);
        let old = server.booted(1)[0];
        let (socket, pid) = (server.path("site.sock"), server.path("pid"));
        assert_eq!(answers(&socket), old);
        let (socket_before, pid_before) = (inode(&socket), inode(&pid));
        configure(&server, arguments);
        server.signal(Signal::SIGHUP);
        let said = server.wait_line(GIVEN_UP);
        assert!(said.contains("[ERROR]") && said.contains(reason), "{said}");
        assert_eq!(answers(&socket), old, "{arguments}");
        assert_eq!((inode(&socket), inode(&pid)), (socket_before, pid_before), "{arguments}");
        wait_until("nothing is left of it", || children(server.pid()) == [old]);

        configure(&server, "serves -b unix:site.sock -p pid");
        reload(&mut server);
        assert_ne!(answers(&socket), old, "the next one works");
        assert_eq!(server.count(GIVEN_UP), 1, "{}", server.log());
        server.stop();
    }
}

#[test]
fn a_changed_bind_is_opened_and_the_old_one_closed() {
    let mut server = Server::start("serves", &["-b", "unix:old.sock", "-b", "unix:both.sock"]);
    let old = server.booted(1)[0];
    let both = (server.path("both.sock"), inode(&server.path("both.sock")));
    configure(&server, "serves -b unix:both.sock -b unix:new.sock");
    reload(&mut server);
    assert!(server.log().contains("Listening at: unix:both.sock,unix:new.sock ("), "{}", server.log());
    assert_eq!(inode(&both.0), both.1, "what both have stays");
    let new = answers(&server.path("new.sock"));
    assert!(new != old && !server.path("old.sock").exists());
    wait_until("the old one has left", || !is_alive(old));
    assert_eq!(answers(&both.0), new);
    let files = [both.0, server.path("new.sock")];
    server.stop();
    assert!(files.iter().all(|file| !file.exists()));
}

#[test]
fn a_bind_in_use_keeps_the_old_set() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let mut server = Server::start("serves", &["-b", "unix:old.sock"]);
    let old = server.booted(1)[0];
    configure(&server, &format!("serves -b unix:new.sock -b {taken}"));
    let asked = Instant::now();
    server.signal(Signal::SIGHUP);
    let said = server.wait_line(GIVEN_UP);
    assert!(asked.elapsed() < Duration::from_secs(1), "a master that runs does not wait for an address");
    assert!(said.contains(&format!("cannot bind `{taken}`: the address is in use")), "{said}");
    assert!(!server.path("new.sock").exists(), "what was opened for it is closed again");
    assert_eq!(answers(&server.path("old.sock")), old);
    server.stop();
}

#[test]
fn a_worker_has_only_the_sockets_of_its_own_generation() {
    let mut server = Server::start("serves", &["-b", "unix:own-old.sock", "-b", "unix:own-both.sock"]);
    server.booted(1);
    configure(&server, "hangs_at_boot -b unix:own-both.sock -b unix:own-new.sock");
    server.signal(Signal::SIGHUP);
    let new = server.booted(1)[0];
    let [old, both, fresh] =
        ["own-old.sock", "own-both.sock", "own-new.sock"].map(|name| listener(server.pid(), name));
    let has = |socket: &String| sockets(new).contains(socket);
    assert!(has(&both) && has(&fresh) && !has(&old));
    // Both ends of its commands, its way to the master, the right to report: the rest is the master's.
    assert_eq!(sockets(new).len(), 6, "{:?}", sockets(new));
    server.signal(Signal::SIGINT);
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn term_during_a_reload_stops_both_generations() {
    let mut server = Server::start("serves", &["-w", "2", "-b", "unix:old.sock", "-p", "old.pid"]);
    server.booted(2);
    configure(&server, "hangs_at_boot -w 2 -b unix:new.sock -p new.pid");
    server.signal(Signal::SIGHUP);
    server.booted(2);
    let files = ["old.sock", "old.pid", "new.sock", "new.pid"].map(|name| server.path(name));
    assert!(files.iter().all(|file| file.exists()), "both generations have theirs");
    let asked = Instant::now();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().code(), Some(0), "{}", server.log());
    assert!(asked.elapsed() < Duration::from_secs(3), "what has not booted has nothing to finish");
    assert!(files.iter().all(|file| !file.exists()));
}

#[test]
fn a_second_hup_reads_everything_anew() {
    let mut server = Server::start("serves", &["-b", "unix:site.sock"]);
    let old = server.booted(1)[0];
    configure(&server, "hangs_at_boot -b unix:site.sock -b unix:typo.sock");
    server.signal(Signal::SIGHUP);
    let hung = server.booted(1)[0];
    configure(&server, "serves -b unix:site.sock -b unix:right.sock");
    reload(&mut server);
    wait_until("the others are gone", || !is_alive(old) && !is_alive(hung));
    wait_until("the wrong socket is gone", || !server.path("typo.sock").exists());
    assert_eq!(answers(&server.path("right.sock")), answers(&server.path("site.sock")));
    server.stop();
}

#[test]
fn a_start_that_hangs_is_saved_by_a_reload() {
    let mut server = Server::start("hangs_at_boot", &["-p", "pid", "--log-file", "log", "--daemon"]);
    let (pid, log) = (server.path("pid"), server.path("log"));
    wait_until("the master is there", || read(&log).contains("Booting worker with pid: "));
    let master = pid_of(read(&pid).trim());
    configure(&server, "serves -b unix:site.sock -p pid --log-file log");
    kill(master, Signal::SIGHUP).unwrap();
    assert_eq!(server.end().code(), Some(0), "the command hears that the server is ready: {}", read(&log));
    answers(&server.path("site.sock"));
    kill(master, Signal::SIGTERM).unwrap();
    wait_until("it is gone", || !is_alive(master));
}

#[test]
fn usr1_opens_the_logs_again_in_all_processes() {
    let mut server = Server::start("serves", &["-w", "2", "--log-file", "log", "-p", "pid", "--daemon"]);
    assert_eq!(server.end().code(), Some(0), "its workers are ready");
    let master = pid_of(read(&server.path("pid")).trim());
    let (log, rotated) = (server.path("log"), server.path("rotated"));
    for signal in [Signal::SIGUSR1, Signal::SIGHUP] {
        let workers = children(master);
        fs::rename(&log, &rotated).unwrap();
        kill(master, signal).unwrap();
        for pid in &workers {
            let line = format!("[{pid}] [WARNING] reopening");
            wait_until("every worker writes to the new file", || read(&log).contains(&line));
        }
        if signal == Signal::SIGHUP {
            wait_until("the reload is done", || read(&log).contains(TOOK_OVER));
        }
        assert!(read(&rotated).ends_with('\n'), "the old file is whole");
    }
    kill(master, Signal::SIGTERM).unwrap();
    wait_until("it is gone", || !is_alive(master));
}

#[test]
fn the_error_log_and_the_pid_file_move_when_they_are_changed() {
    let mut server = Server::start("serves", &["--log-file", "old.log", "-p", "old.pid", "--daemon"]);
    assert_eq!(server.end().code(), Some(0));
    let master = pid_of(read(&server.path("old.pid")).trim());
    let logged = |name: &str, part: &str| read(&server.path(name)).contains(part);
    configure(&server, "serves --log-file new.log -p new.pid -b 127.0.0.1:0");
    kill(master, Signal::SIGHUP).unwrap();
    wait_until("the master's log is the new one", || logged("new.log", TOOK_OVER));
    assert!(logged("old.log", "Hang up: Master") && !logged("new.log", "Hang up: Master"));
    wait_until("the old pid file is gone", || !server.path("old.pid").exists());
    assert_eq!(read(&server.path("new.pid")), format!("{master}\n"));
    let pid_file = inode(&server.path("new.pid"));
    kill(master, Signal::SIGHUP).unwrap();
    let taken_over = || read(&server.path("new.log")).matches(TOOK_OVER).count();
    wait_until("another reload is done", || taken_over() == 2);
    assert_eq!(inode(&server.path("new.pid")), pid_file, "an unchanged one stays as it is");
    kill(master, Signal::SIGTERM).unwrap();
    wait_until("it is gone", || !is_alive(master));
    assert!(!server.path("new.pid").exists());
}

#[test]
fn many_reloads_leave_the_master_as_it_was() {
    let mut server = Server::start("serves", &["-b", "unix:site.sock", "-p", "pid"]);
    server.booted(1);
    let master = server.pid();
    let mut reload_often = |times| {
        for number in 0..times {
            let (arguments, end) = match number % 4 {
                0 => ("fails_3 -b unix:bad.sock -p bad.pid", GIVEN_UP),
                1 => ("serves -b unix:site.sock -b unix:/nonexistent/sock", GIVEN_UP),
                2 => ("serves -b unix:other.sock -p other.pid", TOOK_OVER),
                _ => ("serves -b unix:site.sock -p pid", TOOK_OVER),
            };
            configure(&server, arguments);
            server.signal(Signal::SIGHUP);
            server.wait_line(end);
        }
        wait_until("one worker is left", || children(master).len() == 1);
        (descriptors(master), resident_kilobytes(master))
    };
    // The first ones fill what stays filled.
    let (open, memory) = reload_often(8);
    let (open_later, memory_later) = reload_often(48);
    assert_eq!(open_later, open);
    assert!(memory_later < memory + 400, "the master has grown from {memory} to {memory_later} kB");
    let mut left: Vec<_> =
        fs::read_dir(server.path(".")).unwrap().map(|it| it.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["arguments", "pid", "site.sock"]);
    server.stop();
}

#[test]
fn killing_the_master_during_a_reload_leaves_nothing_behind() {
    let mut server = Server::start("serves", &["-w", "2", "-b", "unix:old.sock", "-p", "old.pid"]);
    server.booted(2);
    configure(&server, "hangs_at_boot -w 2 -b unix:new.sock -p new.pid");
    server.signal(Signal::SIGHUP);
    server.booted(2);
    let workers = children(server.pid());
    assert_eq!(workers.len(), 4);
    let files = ["old.sock", "old.pid", "new.sock", "new.pid"].map(|name| server.path(name));
    let killed = Instant::now();
    server.signal(Signal::SIGKILL);
    server.wait_gone();
    // They have let go of everything; the kernel may take a moment to show it.
    wait_until("they are gone", || !workers.iter().any(|pid| is_alive(*pid)));
    assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
    assert!(files.iter().all(|file| !file.exists()));
}

#[test]
fn hooks_are_called_in_gunicorns_order_with_what_is_true_then() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("tell-hooks"), "").unwrap();
    let mut server = Server::start_in(directory, "serves", &["-w", "2", "-b", "unix:site.sock"]);
    let old = server.booted(2);
    configure(&server, "serves -w 1 -b unix:site.sock -b unix:more.sock");
    reload(&mut server);
    // In whichever order they leave.
    let exits = [(); 2].map(|()| server.wait_line("hook: ChildExit "));
    assert!(old.iter().all(|pid| exits.iter().any(|exit| exit.contains(&format!("pid: {pid} }} of 0")))));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().code(), Some(0));
    let log = server.log();
    let told: Vec<_> =
        log.lines().filter_map(|line| line.split_once("hook: ")).map(|(_, told)| told).collect();
    assert_eq!(
        told[..7],
        [
            "NworkersChanged { new: 2, old: None } of 0: 0/2 at 0",
            "OnStarting of 0: 0/2 at 0",
            "WhenReady of 0: 0/2 at 1",
            "PreFork { age: 1 } of 0: 0/2 at 1",
            "PreFork { age: 2 } of 0: 1/2 at 1",
            "OnReload of 1: 2/2 at 2",
            "PreFork { age: 3 } of 1: 2/2 at 2",
        ]
    );
    assert_eq!(told[7], "NworkersChanged { new: 1, old: Some(2) } of 1: 3/1 at 2");
    let exits: Vec<_> = told.iter().filter(|told| told.starts_with("ChildExit")).collect();
    assert!(exits[0].ends_with("of 0: 2/1 at 0") && exits[1].ends_with("of 0: 1/1 at 0"), "{exits:?}");
    assert!(exits[2].starts_with("ChildExit { age: 3, ") && exits[2].contains("of 1: 0/1"), "{exits:?}");
    assert!(told.last().unwrap().starts_with("OnExit of 1"), "{told:?}");
}

#[test]
fn a_failing_hook_gives_the_reload_up_with_all_that_was_opened() {
    let mut server = Server::start("serves", &["-b", "unix:old.sock"]);
    let old = server.booted(1)[0];
    fs::write(server.path("refuse-reload"), "").unwrap();
    configure(&server, "serves -b unix:new.sock -p new.pid");
    server.signal(Signal::SIGHUP);
    let said = server.wait_line(GIVEN_UP);
    assert!(said.contains("the hook `on_reload` failed"), "{said}");
    assert!(!server.path("new.sock").exists() && !server.path("new.pid").exists());
    assert_eq!(answers(&server.path("old.sock")), old);
    server.stop();
}

#[test]
fn a_worker_that_occupies_too_much_memory_is_replaced_before_it_leaves() {
    let mut server = Server::start("grows", &["-b", "unix:site.sock", "--max-worker-memory", "32m"]);
    let old = server.booted(1)[0];
    let said = server.wait_line("Autorestarting worker");
    assert!(said.contains(&format!("(pid:{old}): it occupies ")), "{said}");
    let new = server.booted(1)[0];
    wait_until("the old one has left", || !is_alive(old));
    assert!(is_alive(new));
    server.stop();
}

#[test]
fn a_worker_that_has_answered_its_requests_is_replaced_before_it_leaves() {
    let mut server = Server::start("counts", &["-b", "unix:site.sock", "--max-requests", "3"]);
    let old = server.booted(1)[0];
    let socket = server.path("site.sock");
    // Every one is answered, whoever answers.
    let mut pids: Vec<_> = (0..3).map(|_| answers(&socket)).collect();
    assert!(pids.iter().all(|pid| *pid == old));
    wait_until("another answers", || {
        pids.push(answers(&socket));
        pids.last() != Some(&old)
    });
    wait_until("the old one has left", || !is_alive(old));
    server.wait_line(&format!("(pid:{old}): it has answered as many requests as it should"));
    server.stop();
}
