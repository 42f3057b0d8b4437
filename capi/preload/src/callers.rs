//! Who makes a ring by `syscall()`, and whether such a program enters it in the same way. Some call libc for the setup
//! and have an instruction of their own for what has to be fast: they must not get a ring that only we know of.

use anyring::abi::ctypes::*;
use anyring::abi::uring::io_uring_params;
use anyring::backing;
use anyring::sys::{callers, Errno};
use core::ffi::c_void;
use core::slice::from_raw_parts;
use core::sync::atomic::{AtomicUsize, Ordering};

/// io_uring_setup(2) for who goes on at `caller`: answers the ring's descriptor or -errno.
pub unsafe fn setup(entries: c_uint, params: *mut io_uring_params, caller: usize) -> c_int {
    // SAFETY: the caller's arguments are io_uring_setup's.
    let made = unsafe { backing::setup_for_caller(entries, params, || enters_past_us(caller)) };
    made.unwrap_or_else(Errno::answer)
}

extern "C" {
    /// Ours.
    fn syscall(number: c_long) -> c_long;
}

/// What is asked of the loader's list.
struct Question {
    /// Where a call came from.
    caller: usize,
    /// Whether what is there has system calls of its own for rings. What is in no object, as code that was made at run
    /// time, may have them.
    enters_past_us: bool,
}

fn enters_past_us(caller: usize) -> bool {
    let mut question = Question { caller, enters_past_us: true };
    // SAFETY: `look` gets this frame's question.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut question).cast()) };
    question.enters_past_us
}

/// Answers the [`Question`] at `data` if it is about this object: 1 ends the search.
unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: size_t, data: *mut c_void) -> c_int {
    // SAFETY: the loader describes an object that stays while it calls; the question is enters_past_us's.
    let (info, question) = unsafe { (&*info, &mut *data.cast::<Question>()) };
    // SAFETY: as above.
    let headers = unsafe { from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let is_code = |header: &&libc::Elf64_Phdr| {
        header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0
    };
    let start = |header: &libc::Elf64_Phdr| info.dlpi_addr as usize + header.p_vaddr as usize;
    let is_there = |header: &libc::Elf64_Phdr, at: usize| {
        (start(header)..start(header) + header.p_memsz as usize).contains(&at)
    };
    let is_ours = |at: usize| {
        let mut data = headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
        let is_there = data.any(|header| is_there(header, at) && is_there(header, at + 7));
        // SAFETY: a pointer in a segment of the object, all of which can be read.
        is_there
            && unsafe { (at as *const usize).read_unaligned() } == syscall as *const () as usize
    };
    let mut code = headers.iter().filter(is_code);
    let Some(found) = code.clone().find(|header| is_there(header, question.caller)) else {
        return 0;
    };
    question.enters_past_us = !is_remembered(start(found), info.dlpi_subs as usize)
        && code.any(|header| {
            let is_readable = header.p_flags & libc::PF_R != 0;
            // SAFETY: a loaded segment that the object says can be read.
            !is_readable || callers::enter_past_us(unsafe { text(start(header), header) }, is_ours)
        });
    if !question.enters_past_us {
        remember(start(found), info.dlpi_subs as usize);
    }
    1
}

unsafe fn text(start: usize, header: &libc::Elf64_Phdr) -> &'static [u8] {
    // SAFETY: the caller says so; it is looked at before the object can go away.
    unsafe { from_raw_parts(start as *const u8, header.p_filesz as usize) }
}

/// The last object that was found to go on through us, by where its code is; and how many had been unloaded then, since
/// another may be where one was.
static GOOD: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

fn is_remembered(start: usize, unloaded: usize) -> bool {
    GOOD[0].load(Ordering::Relaxed) == start && GOOD[1].load(Ordering::Relaxed) == unloaded
}

fn remember(start: usize, unloaded: usize) {
    GOOD[0].store(start, Ordering::Relaxed);
    GOOD[1].store(unloaded, Ordering::Relaxed);
}
