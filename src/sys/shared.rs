//! Memory that is mapped several times: where we use it, and where the program sees it.
//!
//! An anonymous mapping is enough, which mremap(2) maps again. Emulators and sandboxes may know no such
//! mremap: Valgrind's answers EINVAL. There the memory is that of a file, which has a descriptor.

use super::{call, fd, mem, Errno, Result};
use core::ffi::{c_int, c_void};
use core::ptr::{null_mut, NonNull};
use core::sync::atomic::{AtomicBool, Ordering};

/// Zeroed memory. Dropping it unmaps our mapping; those of the program stay.
pub struct Shared {
    base: NonNull<u8>,
    len: usize,
    /// Children of the process have its mappings.
    is_inherited: bool,
    /// What it is memory of; none: of nothing but its mappings.
    file: Option<File>,
}

impl Shared {
    /// `len` bytes, mapped once. `ENOMEM`; where it takes a file, also `EMFILE`, `ENFILE`.
    pub fn new(len: usize) -> Result<Self> {
        Self::make(len, true)
    }

    /// [`Shared::new`] of what children of the process do not have.
    pub fn new_uninherited(len: usize) -> Result<Self> {
        Self::make(len, false)
    }

    fn make(len: usize, is_inherited: bool) -> Result<Self> {
        // SAFETY: a new mapping touches nothing that exists.
        let base = unsafe { mem::map_shared(len) }?;
        let anonymous = Self::of_mapping(base, len, is_inherited, None)?;
        if anonymous.can_be_mapped_again() {
            return Ok(anonymous);
        }
        drop(anonymous);
        let file = File::new(len)?;
        Self::of_mapping(file.map(0, len)?, len, is_inherited, Some(file))
    }

    /// Owns a mapping.
    fn of_mapping(
        base: *mut c_void,
        len: usize,
        is_inherited: bool,
        file: Option<File>,
    ) -> Result<Self> {
        let base = NonNull::new(base.cast()).ok_or(Errno::ENOMEM)?;
        let memory = Shared { base, len, is_inherited, file };
        memory.advise(memory.base(), len)?;
        Ok(memory)
    }

    fn advise(&self, at: *mut c_void, len: usize) -> Result<()> {
        if self.is_inherited {
            return Ok(());
        }
        // SAFETY: the mapping is of this memory, and new.
        unsafe { mem::advise(at, len, libc::MADV_DONTFORK) }
    }

    /// Whether mremap does it, which is tried until it has done so once.
    fn can_be_mapped_again(&self) -> bool {
        static KNOWN: AtomicBool = AtomicBool::new(false);
        if !KNOWN.load(Ordering::Relaxed) {
            // SAFETY: the mapping is shared, and this second one is nobody's.
            let unmapped = unsafe {
                mem::map_again(self.base(), mem::PAGE_SIZE)
                    .and_then(|again| mem::unmap(again, mem::PAGE_SIZE))
            };
            KNOWN.store(unmapped.is_ok(), Ordering::Relaxed);
        }
        KNOWN.load(Ordering::Relaxed)
    }

    /// Where we have it.
    pub fn base(&self) -> *mut c_void {
        self.base.as_ptr().cast()
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.len
    }

    /// Maps `len` bytes from `offset` once more, which must be whole pages inside of it. The mapping is the
    /// caller's. `ENOMEM`; `EBADF` when the program has closed the descriptor that this takes.
    pub fn map(&self, offset: usize, len: usize) -> Result<*mut c_void> {
        match &self.file {
            // SAFETY: the caller says that this is a part of the mapping, which is shared.
            None => unsafe { mem::map_again(self.base().byte_add(offset), len) },
            Some(file) => {
                let at = file.map(offset, len)?;
                self.advise(at, len).inspect_err(|_| {
                    // SAFETY: nobody knows of it.
                    let _ = unsafe { mem::unmap(at, len) };
                })?;
                Ok(at)
            }
        }
    }

    /// It is not going to be mapped again: gives a descriptor back.
    pub fn close_file(&mut self) {
        self.file = None;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nobody uses it through us any more.
        let _ = unsafe { mem::unmap(self.base(), self.len) };
    }
}

/// A file in memory, by a descriptor out of the program's way that no exec inherits.
struct File {
    fd: c_int,
    /// Device and inode: the program may have closed all that it has, and the number be another file by now.
    id: (u64, u64),
}

impl File {
    /// Of `len` zeroed bytes. `EMFILE`, `ENFILE`, `ENOMEM`.
    fn new(len: usize) -> Result<Self> {
        let (name, flags) = (c"anyring".as_ptr() as usize, libc::MFD_CLOEXEC as usize);
        // SAFETY: the name ends with 0.
        let made = unsafe { call(libc::SYS_memfd_create, [name, flags, 0, 0, 0, 0]) }?;
        let fd = fd::move_away(made as c_int);
        let id = Self::id_of(fd).inspect_err(|_| {
            // SAFETY: it was just made.
            let _ = unsafe { fd::close(fd) };
        })?;
        let file = File { fd, id };
        // SAFETY: ftruncate takes plain numbers.
        unsafe { call(libc::SYS_ftruncate, [fd as usize, len, 0, 0, 0, 0]) }?;
        Ok(file)
    }

    fn id_of(fd: c_int) -> Result<(u64, u64)> {
        fd::status(fd).map(|status| (status.st_dev, status.st_ino))
    }

    fn is_ours(&self) -> bool {
        Self::id_of(self.fd) == Ok(self.id)
    }

    fn map(&self, offset: usize, len: usize) -> Result<*mut c_void> {
        if !self.is_ours() {
            return Err(Errno::EBADF);
        }
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let (flags, offset) = (libc::MAP_SHARED | libc::MAP_NORESERVE, offset as u64);
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        unsafe { mem::map(null_mut(), len, prot, flags, self.fd, offset) }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if self.is_ours() {
            // SAFETY: the descriptor is ours.
            let _ = unsafe { fd::close(self.fd) };
        }
    }
}
