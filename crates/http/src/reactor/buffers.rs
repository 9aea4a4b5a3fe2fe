//! What the kernel holds of what was written: how much it may be, how much it is, and how to make it forget that.

use std::{
    io,
    mem::size_of,
    os::fd::{AsFd, AsRawFd},
};

use nix::{
    libc::{self, c_int, socklen_t},
    sys::socket::{setsockopt, sockopt},
};

/// Bytes that may wait unsent in the kernel for one TCP connection. Without a bound it takes megabytes of a response
/// even for a client that reads nothing, and nobody would notice that it does not.
static UNSENT: c_int = 256 * 1024;

/// Bound what may wait unsent; connections that a listener accepts inherit it.
///
/// # Errors
/// When the kernel does not know the option.
pub(super) fn bound_unsent(socket: &impl AsFd) -> io::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the value lives through the call, and its length is given.
    #[allow(unsafe_code, reason = "no wrapper knows TCP_NOTSENT_LOWAT")]
    let failed = unsafe {
        libc::setsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            (&raw const UNSENT).cast(),
            size_of::<c_int>() as socklen_t,
        )
    };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How many bytes were written that the client has not taken.
pub(super) fn untaken(socket: &impl AsFd) -> usize {
    let fd = socket.as_fd().as_raw_fd();
    let mut count: c_int = 0;
    // SAFETY: the call writes one int, which lives through it.
    #[allow(unsafe_code, reason = "no wrapper knows SIOCOUTQ")]
    let failed = unsafe { libc::ioctl(fd, libc::TIOCOUTQ, &raw mut count) };
    if failed == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
}

/// Let a close throw away what the client has not taken, and tell it so by a reset.
///
/// # Errors
/// When the socket is none any more.
pub(super) fn reset_on_close(socket: &impl AsFd) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::Linger, &libc::linger { l_onoff: 1, l_linger: 0 })?)
}
