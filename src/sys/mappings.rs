//! What is mapped at an address, as the kernel tells since Linux 6.11.

use super::{call, fd};
use core::ffi::{c_int, CStr};

/// A list of this process's mappings to ask.
pub struct Mappings(c_int);

/// A mapping.
pub struct Mapping {
    /// The address behind it.
    pub end: u64,
    /// It is a file's on a disk, or anything else that is written back, and what is written to it goes to the file.
    pub is_written_back: bool,
}

/// `struct procmap_query`.
#[repr(C)]
#[derive(Default)]
struct Query {
    size: u64,
    query_flags: u64,
    query_addr: u64,
    vma_start: u64,
    vma_end: u64,
    vma_flags: u64,
    vma_page_size: u64,
    vma_offset: u64,
    inode: u64,
    dev_major: u32,
    dev_minor: u32,
    vma_name_size: u32,
    build_id_size: u32,
    vma_name_addr: u64,
    build_id_addr: u64,
}

impl Mappings {
    /// None where /proc cannot be read.
    pub fn open() -> Option<Self> {
        let path = c"/proc/thread-self/maps".as_ptr() as usize;
        let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as usize;
        let args = [libc::AT_FDCWD as usize, path, flags, 0, 0, 0];
        // SAFETY: the path is a C string.
        unsafe { call(libc::SYS_openat, args) }.ok().map(|fd| Mappings(fd as c_int))
    }

    /// The mapping that `address` is in; none when there is none, or the kernel does not tell.
    pub fn at(&self, address: u64) -> Option<Mapping> {
        const PROCMAP_QUERY: usize = 0xc068_6611;
        const SHARED: u64 = 8;
        let mut name = [0u8; 512];
        let mut query = Query {
            size: size_of::<Query>() as u64,
            query_addr: address,
            vma_name_size: name.len() as u32,
            vma_name_addr: name.as_mut_ptr() as u64,
            ..Query::default()
        };
        let args = [self.0 as usize, PROCMAP_QUERY, &raw mut query as usize, 0, 0, 0];
        // SAFETY: the kernel writes to the struct and the name of this frame.
        unsafe { call(libc::SYS_ioctl, args) }.ok()?;
        let is_shared = query.vma_flags & SHARED != 0;
        let is_written_back = is_shared && (query.dev_major != 0 || !is_in_memory(&name));
        Some(Mapping { end: query.vma_end, is_written_back })
    }
}

impl Drop for Mappings {
    fn drop(&mut self) {
        // SAFETY: it is ours alone.
        let _ = unsafe { fd::close(self.0) };
    }
}

/// Whether the file of that name lives in memory alone. What has no name on any disk does.
fn is_in_memory(name: &[u8]) -> bool {
    const TMPFS: i64 = 0x0102_1994;
    const HUGETLBFS: i64 = 0x9584_58f6;
    const RAMFS: i64 = 0x8584_58f6;
    let Ok(name) = CStr::from_bytes_until_nul(name) else { return true };
    // SAFETY: the path is a C string; the kernel fills in the struct of this frame, whose fields may be zero.
    unsafe {
        let mut status: libc::statfs = core::mem::zeroed();
        let args = [name.as_ptr() as usize, &raw mut status as usize, 0, 0, 0, 0];
        call(libc::SYS_statfs, args).is_err()
            || [TMPFS, HUGETLBFS, RAMFS].contains(&(status.f_type as i64))
    }
}
