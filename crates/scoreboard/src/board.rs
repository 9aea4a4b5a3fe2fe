//! The shared mapping and who owns which slot of it.

use std::{
    ffi::c_void,
    io,
    num::NonZeroUsize,
    ops::Deref,
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use crate::{Slot, State};

/// What all processes of one arbiter share beside the slots.
#[repr(C, align(128))]
struct Header {
    files_abandoned: AtomicBool,
    pid_file_abandoned: AtomicBool,
    draining: AtomicBool,
}

/// The shared page: a header and a fixed number of worker slots.
///
/// Memory is only used for slots that were touched, so a generous number costs nothing.
pub struct Scoreboard {
    memory: NonNull<c_void>,
    length: NonZeroUsize,
    slots: usize,
}

// SAFETY: the mapping lives as long as the value, and everything in it is an atomic.
#[allow(unsafe_code, reason = "shared memory of atomics may be used from any thread")]
unsafe impl Send for Scoreboard {}
// SAFETY: as above.
#[allow(unsafe_code, reason = "shared memory of atomics may be used from any thread")]
unsafe impl Sync for Scoreboard {}

impl Scoreboard {
    /// Map a board with room for `slots` workers. Call it before the first fork.
    ///
    /// # Errors
    /// When the kernel refuses the memory.
    pub fn new(slots: usize) -> io::Result<Arc<Self>> {
        let length = NonZeroUsize::new(size_of::<Header>() + slots * size_of::<Slot>())
            .expect("the header has a size");
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory of ours.
        #[allow(unsafe_code, reason = "shared memory has no safe interface")]
        let memory = unsafe {
            mmap_anonymous(None, length, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED)
        }?;
        Ok(Arc::new(Self { memory, length, slots }))
    }

    /// How many slots there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots
    }

    /// Whether there is no slot at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots == 0
    }

    /// The slots that have an owner.
    pub fn occupied(&self) -> impl Iterator<Item = &Slot> {
        (0..self.slots).map(|index| self.slot(index)).filter(|slot| slot.state() != State::Free)
    }

    /// Take a free slot for the worker with this `age`; `None` when all are taken.
    #[must_use]
    pub fn lease(self: &Arc<Self>, age: u32, generation: u32) -> Option<Lease> {
        let index = (0..self.slots).find(|index| self.slot(*index).state() == State::Free)?;
        self.slot(index).reset(age, generation);
        Some(Lease { board: Arc::clone(self), index })
    }

    /// A slot by its index, for the process that will own it: [`Lease::index`] says it in the master.
    ///
    /// # Panics
    /// When there are not so many slots.
    #[must_use]
    pub fn share(self: &Arc<Self>, index: usize) -> Lease {
        assert!(index < self.slots, "slot {index} of {}", self.slots);
        Lease { board: Arc::clone(self), index }
    }

    /// Say that another server has the socket files too (an upgrade), so nobody here may remove them.
    pub fn abandon_files(&self) {
        self.header().files_abandoned.store(true, Relaxed);
    }

    /// Say that the other server will have this one's pid file as well, so nobody here may remove that either.
    pub fn abandon_pid_file(&self) {
        self.header().pid_file_abandoned.store(true, Relaxed);
    }

    /// The other server is gone: the files are this one's alone.
    pub fn claim_files(&self) {
        self.header().files_abandoned.store(false, Relaxed);
        self.header().pid_file_abandoned.store(false, Relaxed);
    }

    /// Whether another server has the socket files too.
    #[must_use]
    pub fn files_abandoned(&self) -> bool {
        self.header().files_abandoned.load(Relaxed)
    }

    /// Whether another server will have the pid file.
    #[must_use]
    pub fn pid_file_abandoned(&self) -> bool {
        self.header().pid_file_abandoned.load(Relaxed)
    }

    /// Say that the server is about to stop: everything is answered as before, but who asks whether it is ready hears no.
    pub fn drain(&self) {
        self.header().draining.store(true, Relaxed);
    }

    /// Whether the server is about to stop.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.header().draining.load(Relaxed)
    }

    fn header(&self) -> &Header {
        // SAFETY: the mapping begins with a header; zeroed memory is a valid one.
        #[allow(unsafe_code, reason = "the mapping is untyped")]
        unsafe {
            self.memory.cast::<Header>().as_ref()
        }
    }

    fn slot(&self, index: usize) -> &Slot {
        assert!(index < self.slots, "slot {index} of {}", self.slots);
        let offset = size_of::<Header>() + index * size_of::<Slot>();
        // SAFETY: the header is followed by `slots` slots, and `index` was checked; its size keeps their alignment.
        #[allow(unsafe_code, reason = "the mapping is untyped")]
        let place = unsafe { self.memory.byte_add(offset) }.cast::<Slot>();
        // SAFETY: zeroed memory is a valid slot, all of whose fields are atomics.
        #[allow(unsafe_code, reason = "the mapping is untyped")]
        unsafe {
            place.as_ref()
        }
    }
}

impl Drop for Scoreboard {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and no reference to it outlives `self`.
        #[allow(unsafe_code, reason = "shared memory has no safe interface")]
        let unmapped = unsafe { munmap(self.memory, self.length.get()) };
        debug_assert!(unmapped.is_ok());
    }
}

/// A slot in use, held by the master (to read it) and by its worker (to write it).
#[derive(Clone)]
pub struct Lease {
    board: Arc<Scoreboard>,
    index: usize,
}

impl Lease {
    /// The board that the slot is on.
    #[must_use]
    pub fn board(&self) -> &Arc<Scoreboard> {
        &self.board
    }

    /// Which slot of the board it is.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Give the slot back. The master calls it when the worker has been reaped.
    pub fn release(self) {
        self.enter(State::Free);
    }
}

impl Deref for Lease {
    type Target = Slot;

    fn deref(&self) -> &Slot {
        self.board.slot(self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wear;

    #[test]
    fn a_released_slot_is_leased_again_with_its_counters_at_zero() {
        let board = Scoreboard::new(1).unwrap();
        let first = board.lease(1, 0).unwrap();
        assert!(board.lease(2, 0).is_none());
        first.request_began();
        first.request_ended(10, 300);
        assert_eq!((first.requests(), first.bytes_sent(), first.in_flight()), (1, 10, 0));
        assert_eq!(first.latency()[2], 1);
        first.release();
        assert_eq!(board.occupied().count(), 0);
        let second = board.lease(2, 1).unwrap();
        assert_eq!((second.requests(), second.age(), second.generation()), (0, 2, 1));
    }

    #[test]
    fn every_worker_sees_that_the_server_drains() {
        let board = Scoreboard::new(1).unwrap();
        let worker = board.lease(1, 0).unwrap();
        assert!(!worker.board().draining());
        board.drain();
        assert!(worker.board().draining());
    }

    #[test]
    fn a_new_owner_is_not_worn() {
        let board = Scoreboard::new(1).unwrap();
        let first = board.lease(1, 0).unwrap();
        assert_eq!(first.wear(), None);
        for wear in [Wear::Requests, Wear::Stuck] {
            first.wear_out(wear);
            assert_eq!(first.wear(), Some(wear));
        }
        first.release();
        assert_eq!(board.lease(2, 0).unwrap().wear(), None);
    }

    #[test]
    fn a_new_owner_is_no_template() {
        let board = Scoreboard::new(1).unwrap();
        let first = board.lease(1, 0).unwrap();
        first.make_template();
        assert!(first.is_template());
        first.release();
        assert!(!board.lease(2, 0).unwrap().is_template());
    }

    #[test]
    fn a_slot_is_known_by_its_index() {
        let board = Scoreboard::new(2).unwrap();
        let leased = [board.lease(1, 0).unwrap(), board.lease(2, 0).unwrap()];
        for lease in leased {
            assert_eq!(board.share(lease.index()).age(), lease.age());
        }
    }

    #[test]
    fn every_slot_is_a_place_of_its_own() {
        let board = Scoreboard::new(3).unwrap();
        let leases: Vec<_> = (1..=3).filter_map(|age| board.lease(age, 0)).collect();
        for (lease, at) in leases.iter().zip(10..) {
            lease.beat(at);
        }
        assert_eq!(leases.iter().map(|lease| lease.heartbeat()).collect::<Vec<_>>(), [10, 11, 12]);
    }
}
