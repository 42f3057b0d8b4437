//! Threads with a descriptor table of their own. What they do for a request they do on a descriptor that no program has:
//! to close one of the program's table would have effects on all of the process, whose record locks and directory
//! notifications on that file are gone then, and it would take numbers away.
//!
//! Whoever has a request done there passes its file through a socket, at submission: it is that file, whatever its number
//! becomes. In the socket it is open without a descriptor. A thread receives files until it has the one that it needs, and
//! closes it when the last request that shares it is done, before the program is told.

use super::request::Request;
use crate::sys::identity::Held;
use crate::sys::lock::Lock;
use crate::sys::locks::rank;
use crate::sys::owned::Owned;
use crate::sys::{fd, futex, passing, process, Errno, Result};
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};

/// Where a file is.
#[derive(Clone, Copy)]
enum Place {
    /// There is none.
    Nowhere,
    /// In the socket.
    UnderWay,
    /// In the table.
    Open(c_int),
    /// It was under way, and the table had no room.
    Lost,
}

/// A file that was passed.
struct Slot {
    place: Place,
    /// Who needs it.
    uses: u32,
    /// Which use of the slot this is.
    serial: u32,
}

struct State {
    /// Where files are passed to the table.
    program_end: Held,
    /// A copy in the program's table of where they arrive, until the first thread has come.
    other_end: Held,
    /// Its number.
    arrives: c_int,
    /// Threads that there are, or that are about to be.
    members: u32,
    /// The first has its table.
    is_joined: bool,
    /// It is one of its own: where a policy forbids that, it is the program's.
    is_private: bool,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Files that were passed.
    passed: u32,
}

impl State {
    const fn new() -> Self {
        State {
            program_end: Held::NONE,
            other_end: Held::NONE,
            arrives: -1,
            members: 0,
            is_joined: false,
            is_private: false,
            slots: Vec::new(),
            free: Vec::new(),
            passed: 0,
        }
    }

    /// Files that are somewhere.
    fn live(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Begins anew, without a thread. By one that has the program's table.
    fn open(&mut self) -> Result<()> {
        self.close();
        let [program_end, other_end] = passing::pair()?.map(Held::of_new);
        if !program_end.is_same() || !other_end.is_same() {
            // They could not be marked, and would not be known again.
            for end in [program_end, other_end] {
                // SAFETY: it was just made.
                let _ = unsafe { fd::close(end.fd) };
            }
            return Err(Errno::EMFILE);
        }
        (self.program_end, self.other_end) = (program_end, other_end);
        self.arrives = other_end.fd;
        Ok(())
    }

    /// Gives up what the program's table has of it, and what is under way.
    fn close(&mut self) {
        core::mem::replace(&mut self.program_end, Held::NONE).close();
        core::mem::replace(&mut self.other_end, Held::NONE).close();
        self.slots.clear();
        self.free.clear();
        (self.is_joined, self.is_private) = (false, false);
    }

    fn new_slot(&mut self) -> Result<u32> {
        self.passed = self.passed.wrapping_add(1);
        let slot = Slot { place: Place::UnderWay, uses: 1, serial: self.passed };
        if let Some(name) = self.free.pop() {
            self.slots[name as usize] = slot;
            return Ok(name);
        }
        // Room for all of them to be free, which must not fail.
        let count = self.slots.len();
        self.slots.try_reserve(1).map_err(|_| Errno::EMFILE)?;
        self.free.try_reserve(count + 1 - self.free.len()).map_err(|_| Errno::EMFILE)?;
        self.slots.push(slot);
        Ok(count as u32)
    }

    fn free(&mut self, name: u32) {
        self.slots[name as usize].place = Place::Nowhere;
        self.free.push(name);
    }

    /// Takes one that arrives; false when there is none.
    fn receive(&mut self) -> bool {
        let Ok((name, file)) = passing::receive(self.arrives) else { return false };
        let (slot, serial) = (name as u32, (name >> 32) as u32);
        let is_its =
            |slot: &&mut Slot| slot.serial == serial && matches!(slot.place, Place::UnderWay);
        match (self.slots.get_mut(slot as usize).filter(is_its), file) {
            (Some(slot), file) => slot.place = file.map_or(Place::Lost, Place::Open),
            // Nobody has waited for it.
            (None, Some(fd)) => self.close_here(fd),
            (None, None) => {}
        }
        true
    }

    /// Closes a descriptor of the table.
    fn close_here(&self, fd: c_int) {
        if !self.is_private {
            return drop(Owned::new(fd));
        }
        // SAFETY: it is the table's, and nobody needs it.
        let _ = unsafe { fd::close(fd) };
    }

    /// Takes one out that nobody needs any more, by a thread of the table; its descriptor.
    fn take_unwanted(&mut self) -> Option<c_int> {
        let is_unwanted = |slot: &Slot| slot.uses == 0 && !matches!(slot.place, Place::Nowhere);
        loop {
            let name = self.slots.iter().position(is_unwanted)? as u32;
            let place = self.slots[name as usize].place;
            match place {
                Place::UnderWay if self.receive() => continue,
                Place::Open(fd) => {
                    self.free(name);
                    return Some(fd);
                }
                _ => self.free(name),
            }
        }
    }
}

/// See the module.
pub struct PrivateTable {
    lock: Lock<{ rank::PRIVATE }>,
    state: UnsafeCell<State>,
    /// Files that nobody needs any more, and a thread of the table is to close.
    unwanted: AtomicU32,
    /// Counts wake-ups; idle threads of the table sleep on it.
    pub wakes: AtomicU32,
}

// SAFETY: the state is only touched under the lock.
unsafe impl Sync for PrivateTable {}

impl PrivateTable {
    /// Nobody's.
    pub const fn new() -> Self {
        PrivateTable {
            lock: Lock::new(),
            state: UnsafeCell::new(State::new()),
            unwanted: AtomicU32::new(0),
            wakes: AtomicU32::new(0),
        }
    }

    /// The lock, for a fork.
    pub fn lock(&self) -> &Lock<{ rank::PRIVATE }> {
        &self.lock
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let _held = self.lock.lock();
        // SAFETY: the lock makes the state ours.
        f(unsafe { &mut *self.state.get() })
    }

    /// Passes a file to whoever will be there. `EBADF` when it is none, `EMFILE` when it cannot be now.
    pub fn pass(&'static self, fd: c_int) -> Result<Passed> {
        /// So many leave room in any table.
        const FEW: usize = 8;
        self.with(|state| {
            if state.members == 0 && state.live() == 0 {
                state.open().map_err(|_| Errno::EMFILE)?;
            } else if state.is_private && state.other_end.fd >= 0 {
                core::mem::replace(&mut state.other_end, Held::NONE).close();
            }
            // The program may have closed it, or the calling thread have a table without it.
            if !state.program_end.is_ours() {
                return Err(Errno::EMFILE);
            }
            let most = || fd::nofile_limit(None).map_or(0, |limit| limit.rlim_cur as usize / 2);
            if state.live() >= FEW && state.live() >= most() {
                return Err(Errno::EMFILE);
            }
            let name = state.new_slot()?;
            let tag = u64::from(state.passed) << 32 | u64::from(name);
            match passing::send(state.program_end.fd, tag, fd) {
                Ok(()) => Ok(Passed { table: self, name }),
                Err(errno) => {
                    state.free(name);
                    Err(if errno == Errno::EBADF { errno } else { Errno::EMFILE })
                }
            }
        })
    }

    /// A thread is about to come. It begins with [`join`](Self::join), or is [missed](Self::leave).
    pub fn expect(&self) {
        self.with(|state| state.members += 1);
    }

    /// A thread that was expected is there: the first makes the table, the others were made by one that has it.
    pub fn join(&self) {
        self.with(|state| {
            if !core::mem::replace(&mut state.is_joined, true) {
                state.is_private = passing::unshare_table(state.arrives).is_ok();
            }
        });
    }

    /// A thread goes, or has not come. False for the last as long as there are files: it has to stay.
    pub fn leave(&self, has_come: bool) -> bool {
        self.with(|state| {
            if has_come && state.members == 1 && state.live() > 0 {
                return false;
            }
            state.members -= 1;
            true
        })
    }

    /// Gives up the program's descriptors, as far as nobody needs them to begin: what is under way stays. By a thread that
    /// has those.
    pub fn close_ends(&self) {
        self.with(|state| {
            if state.members == 0 && state.slots.iter().all(|slot| slot.uses == 0) {
                state.close();
                self.unwanted.store(0, Ordering::Relaxed);
            } else if state.is_private {
                core::mem::replace(&mut state.program_end, Held::NONE).close();
                core::mem::replace(&mut state.other_end, Held::NONE).close();
            }
        });
    }

    /// In a new process, the threads are the parent's.
    pub fn start_over(&self) {
        // SAFETY: the caller sees to it that no other thread uses it.
        let state = unsafe {
            self.lock.reset();
            self.state.get().replace(State::new())
        };
        state.program_end.close();
        state.other_end.close();
        core::mem::forget(state);
        self.unwanted.store(0, Ordering::Relaxed);
    }

    /// Closes what nobody needs any more. By a thread of the table, from time to time.
    #[inline]
    pub fn tidy(&self) {
        if self.unwanted.load(Ordering::Relaxed) > 0 {
            self.close_unwanted();
        }
    }

    #[cold]
    fn close_unwanted(&self) {
        while let Some(fd) = self.with(State::take_unwanted) {
            self.close_here(fd);
        }
        self.unwanted.store(0, Ordering::Release);
        // What came in between.
        while let Some(fd) = self.with(State::take_unwanted) {
            self.close_here(fd);
        }
    }

    fn close_here(&self, fd: c_int) {
        let is_private = self.with(|state| state.is_private);
        if !is_private {
            return drop(Owned::new(fd));
        }
        // SAFETY: it is the table's, and nobody needs it.
        let _ = unsafe { fd::close(fd) };
    }

    /// One needs a file less, and a thread of the table is to close it if it was the last: none when there is nothing to
    /// be closed.
    fn let_go(&self, name: u32) -> Option<()> {
        self.with(|state| {
            let slot = &mut state.slots[name as usize];
            slot.uses -= 1;
            match slot.place {
                _ if slot.uses > 0 => None,
                Place::Open(_) | Place::UnderWay => Some(()),
                Place::Nowhere | Place::Lost => {
                    state.free(name);
                    None
                }
            }
        })
    }

    /// The same by a thread of the table, which closes it.
    fn let_go_here(&self, name: u32) {
        let unneeded = self.with(|state| {
            let slot = &mut state.slots[name as usize];
            slot.uses -= 1;
            if slot.uses > 0 {
                return None;
            }
            let place = slot.place;
            state.free(name);
            if let Place::Open(fd) = place {
                Some(fd)
            } else {
                None
            }
        });
        if let Some(fd) = unneeded {
            self.close_here(fd);
        }
    }

    /// Has a thread of the table close what nobody needs, and waits for that for a moment.
    #[cold]
    fn call(&self) {
        const LOOKS: u32 = 200;
        self.unwanted.fetch_add(1, Ordering::Release);
        if self.with(|state| state.members) == 0 {
            return self.close_ends();
        }
        self.wakes.fetch_add(1, Ordering::Release);
        futex::wake(&self.wakes, 1);
        for _ in 0..LOOKS {
            if self.unwanted.load(Ordering::Acquire) == 0 {
                return;
            }
            process::yield_now();
        }
    }
}

/// A file that was passed to a table, for one that needs it. Dropped by a thread that has the program's table.
pub struct Passed {
    table: &'static PrivateTable,
    name: u32,
}

impl Passed {
    /// The same, for one more.
    pub fn share(&self) -> Self {
        self.table.with(|state| state.slots[self.name as usize].uses += 1);
        Passed { table: self.table, name: self.name }
    }

    /// Whether it was passed to `table`.
    pub fn is_in(&self, table: &PrivateTable) -> bool {
        core::ptr::eq(self.table, table)
    }

    /// Its descriptor, for a thread of the table. `EMFILE` when there was no room for it.
    fn descriptor(&self) -> Result<c_int> {
        self.table.with(|state| loop {
            let place = state.slots[self.name as usize].place;
            match place {
                Place::Open(fd) => return Ok(fd),
                Place::UnderWay if state.receive() => {}
                _ => return Err(Errno::EMFILE),
            }
        })
    }

    /// Does `work` for a request with the file as its descriptor, and lets it go. By a thread of the table.
    pub fn work<T>(self, r: *mut Request, work: impl FnOnce(Result<()>) -> T) -> T {
        // SAFETY: the caller has the request, whose descriptor nobody else looks at meanwhile.
        let number = unsafe { (*r).fd };
        let found = self.descriptor().map(|fd| {
            // SAFETY: as above.
            unsafe { (*r).fd = fd };
        });
        let done = work(found);
        // SAFETY: as above.
        unsafe { (*r).fd = number };
        let (table, name) = (self.table, self.name);
        core::mem::forget(self);
        table.let_go_here(name);
        done
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        if self.table.let_go(self.name).is_some() {
            self.table.call();
        }
    }
}
