//! What the calling thread may do to files that are open, as far as it can be asked for and taken on: its users, groups
//! and capabilities. Raw calls change the one thread, those of a C library all of them.

use super::{abort, call, Errno, Result};
use alloc::vec::Vec;

const UNCHANGED: usize = usize::MAX;
/// As many groups are looked at without an allocation.
const FEW_GROUPS: usize = 64;
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// A thread's rights. Groups are known by their checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rights {
    user: u32,
    group: u32,
    file_user: u32,
    file_group: u32,
    groups: u64,
    /// The effective ones, a bit each.
    capabilities: u64,
}

fn ask(number: libc::c_long, argument: usize) -> u32 {
    // SAFETY: only calls that take plain numbers, and cannot fail, are made.
    unsafe { call(number, [argument, 0, 0, 0, 0, 0]) }.unwrap_or(0) as u32
}

impl Rights {
    /// Nobody's.
    pub const NONE: Rights =
        Rights { user: 0, group: 0, file_user: 0, file_group: 0, groups: 0, capabilities: 0 };

    /// The calling thread's.
    pub fn of_caller() -> Self {
        Rights {
            user: ask(libc::SYS_geteuid, 0),
            group: ask(libc::SYS_getegid, 0),
            // What is no user changes nothing, and the answer is who it is.
            file_user: ask(libc::SYS_setfsuid, UNCHANGED),
            file_group: ask(libc::SYS_setfsgid, UNCHANGED),
            groups: with_groups(checksum),
            capabilities: Capabilities::of_caller().effective(),
        }
    }

    /// A number that is next to never that of other rights, and never `u64::MAX`.
    pub fn key(&self) -> u64 {
        let ids = [self.user, self.group, self.file_user, self.file_group];
        let halves = |word: u64| [(word >> 32) as u32, word as u32];
        let words = [halves(self.groups), halves(self.capabilities)];
        (checksum(&ids) ^ checksum(words.as_flattened()).rotate_left(1)) >> 1
    }

    /// Whether whoever has these can do nothing that `others` do not allow.
    pub fn are_within(&self, others: &Rights) -> bool {
        let (groups, capabilities) = (others.groups, others.capabilities);
        self.use_no_more(others)
            && (self.groups == groups || self.groups == checksum(&[]))
            && Rights { groups, capabilities, ..*self } == *others
    }

    /// Whether none of the capabilities is missing in `others`: they count for files that are open, too.
    fn use_no_more(&self, others: &Rights) -> bool {
        self.capabilities & !others.capabilities == 0
    }
}

fn checksum(words: &[u32]) -> u64 {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const FACTOR: u64 = 0x0000_0100_0000_01b3;
    let mixed = |sum: u64, word: &u32| {
        let sum = (sum ^ u64::from(*word)).wrapping_mul(FACTOR);
        sum ^ (sum >> 29)
    };
    words.iter().fold(START ^ words.len() as u64, mixed)
}

/// Does something with the calling thread's groups.
fn with_groups<T>(f: impl FnOnce(&[u32]) -> T) -> T {
    let read = |to: &mut [u32]| {
        let args = [to.len(), to.as_mut_ptr() as usize, 0, 0, 0, 0];
        // SAFETY: the kernel writes as many as there is room for.
        unsafe { call(libc::SYS_getgroups, args) }
    };
    let mut few = [0u32; FEW_GROUPS];
    match read(&mut few) {
        Ok(count) => f(&few[..count]),
        Err(_) => {
            // They are this thread's: there are no more in the next moment.
            let mut many = alloc::vec![0; read(&mut []).unwrap_or(0)];
            let count = read(&mut many).unwrap_or(0);
            f(&many[..count])
        }
    }
}

/// As the kernel has them: effective, permitted, inheritable, in two halves.
#[derive(Clone, Copy)]
struct Capabilities([[u32; 3]; 2]);

impl Capabilities {
    fn of_caller() -> Self {
        let (header, mut sets) = ([CAPABILITY_VERSION, 0], [[0; 3]; 2]);
        let args = [&raw const header as usize, &raw mut sets as usize, 0, 0, 0, 0];
        // SAFETY: the kernel fills in the sets of this frame.
        let _ = unsafe { call(libc::SYS_capget, args) };
        Capabilities(sets)
    }

    fn effective(&self) -> u64 {
        u64::from(self.0[1][0]) << 32 | u64::from(self.0[0][0])
    }

    /// Has the calling thread use those of its capabilities that are `wanted`, and no others.
    fn use_only(mut self, wanted: u64) -> Result<()> {
        for (set, half) in self.0.iter_mut().zip([wanted as u32, (wanted >> 32) as u32]) {
            set[0] = half & set[1];
        }
        let header = [CAPABILITY_VERSION, 0];
        let args = [&raw const header as usize, &raw const self.0 as usize, 0, 0, 0, 0];
        // SAFETY: the kernel reads what is in this frame.
        unsafe { call(libc::SYS_capset, args) }.map(drop)
    }
}

fn set_user(id: u32) -> Result<()> {
    // SAFETY: setresuid takes plain numbers.
    unsafe { call(libc::SYS_setresuid, [UNCHANGED, id as usize, UNCHANGED, 0, 0, 0]) }.map(drop)
}

fn set_groups(id: u32, groups: Option<&[u32]>) -> Result<()> {
    // SAFETY: the kernel reads the groups; setresgid takes plain numbers.
    unsafe {
        if let Some(groups) = groups {
            let args = [groups.len(), groups.as_ptr() as usize, 0, 0, 0, 0];
            call(libc::SYS_setgroups, args)?;
        }
        call(libc::SYS_setresgid, [UNCHANGED, id as usize, UNCHANGED, 0, 0, 0]).map(drop)
    }
}

/// Has the calling thread have rights, or some of them: its capabilities may be fewer, and groups that it has not, and
/// that are not given, are none. `EPERM`.
fn assume(wanted: &Rights, groups: Option<&[u32]>) -> Result<()> {
    let now = Rights::of_caller();
    let groups = (now.groups != wanted.groups).then(|| groups.unwrap_or(&[]));
    let has_ids = now.user == wanted.user && now.group == wanted.group && groups.is_none();
    if !has_ids {
        // Only the superuser may take on any group.
        if now.user == 0 {
            set_groups(wanted.group, groups)?;
            set_user(wanted.user)?;
        } else {
            set_user(wanted.user)?;
            set_groups(wanted.group, groups)?;
        }
    }
    ask(libc::SYS_setfsgid, wanted.file_group as usize);
    ask(libc::SYS_setfsuid, wanted.file_user as usize);
    let capabilities = Capabilities::of_caller();
    if capabilities.effective() != wanted.capabilities {
        capabilities.use_only(wanted.capabilities)?;
    }
    match Rights::of_caller().are_within(wanted) {
        true => Ok(()),
        false => Err(Errno::EPERM),
    }
}

/// Rights that can be taken on.
pub struct Identity {
    rights: Rights,
    groups: Vec<u32>,
}

impl Identity {
    /// The calling thread's.
    pub fn of_caller() -> Self {
        Identity { rights: Rights::of_caller(), groups: with_groups(<[u32]>::to_vec) }
    }

    /// What they are.
    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Has the calling thread have them until the answer is dropped. `EPERM` when it may not.
    pub fn take_on(&self) -> Result<Borrowed> {
        Borrowed::take(&self.rights, Some(&self.groups))
    }
}

/// The thread has other rights until this is dropped.
pub struct Borrowed {
    own: Rights,
    /// Its own, if it has others.
    groups: Option<Vec<u32>>,
}

impl Borrowed {
    /// Takes on rights, with those groups if they are given. `EPERM` when the thread may not.
    pub fn take(wanted: &Rights, groups: Option<&[u32]>) -> Result<Self> {
        let own = Rights::of_caller();
        let own_groups = (own.groups != wanted.groups).then(|| with_groups(<[u32]>::to_vec));
        let borrowed = Borrowed { own, groups: own_groups };
        // What was changed of them is put back when the rest cannot be.
        assume(wanted, groups).map_err(|_| Errno::EPERM)?;
        Ok(borrowed)
    }
}

impl Borrowed {
    /// Takes on rights for what is done on open files, unless the thread has them, or some of them. One that cannot, and can
    /// do no more, is as good. `EPERM`.
    pub fn for_open_files(wanted: &Rights) -> Result<Option<Self>> {
        let own = Rights::of_caller();
        if own.are_within(wanted) {
            return Ok(None);
        }
        match Borrowed::take(wanted, None) {
            Err(_) if own.use_no_more(wanted) => Ok(None),
            borrowed => borrowed.map(Some),
        }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let is_back = Rights::of_caller() == self.own
            || (assume(&self.own, self.groups.as_deref()).is_ok()
                && Rights::of_caller() == self.own);
        if !is_back {
            // To go on with somebody else's rights is worse than to end.
            abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_told_apart() {
        let own = Rights::of_caller();
        assert_eq!(own, Rights::of_caller());
        let others = [
            Rights { user: own.user ^ 1, ..own },
            Rights { group: own.group ^ 1, ..own },
            Rights { file_user: own.file_user ^ 1, ..own },
            Rights { file_group: own.file_group ^ 1, ..own },
            Rights { groups: own.groups ^ 1, ..own },
            Rights { capabilities: own.capabilities ^ 1 << 40, ..own },
        ];
        for (i, one) in others.iter().enumerate() {
            assert_ne!(one.key(), own.key());
            assert_ne!(one.key(), u64::MAX);
            assert!(others[..i].iter().all(|other| other.key() != one.key()));
        }
    }

    #[test]
    fn fewer_capabilities_are_within() {
        let some = Rights { capabilities: 0b11, ..Rights::NONE };
        assert!(Rights { capabilities: 0b01, ..some }.are_within(&some));
        assert!(!Rights { capabilities: 0b100, ..some }.are_within(&some));
        assert!(!Rights { user: 1, capabilities: 0, ..some }.are_within(&some));
    }
}
