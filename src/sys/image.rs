//! The shared object that this code is in. A program that unloads it after its last ring would take the code away
//! from threads that are still on their way out.
//!
//! The references are weak: see [`super::worker`].

use super::heap::weak_address;
use core::ffi::{c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr::null;
use core::sync::atomic::{AtomicBool, Ordering};

core::arch::global_asm!(".weak dladdr1", ".weak dlsym");

/// `Dl_info`: of it, nothing is looked at.
type Info = [usize; 4];

/// The part of `struct link_map` that debuggers rely on.
#[repr(C)]
struct LinkMap {
    addr: usize,
    name: *const c_char,
}

/// Has what this code is part of stay loaded. C libraries without `dladdr1`, as musl, unload nothing.
pub fn keep_loaded() {
    type Dladdr1 =
        unsafe extern "C" fn(*const c_void, *mut Info, *mut *const LinkMap, c_int) -> c_int;
    type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;
    type Dlopen = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
    const RTLD_DL_LINKMAP: c_int = 2;
    static DONE: AtomicBool = AtomicBool::new(false);
    // What a C compiler has linked has a __dso_handle; our own libraries, which are not unloaded, have none.
    let handle = weak_address!("__dso_handle") as *const usize;
    let (dladdr1, dlsym) = (weak_address!("dladdr1"), weak_address!("dlsym"));
    if handle.is_null() || dladdr1 == 0 || dlsym == 0 || DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let (mut info, mut map): (Info, _) = ([0; 4], null::<LinkMap>());
    // SAFETY: bound names are the C library's functions, which fill in what is in this frame; a map that they find
    // is that of what is running, with a name that ends with 0. A program itself has an empty one.
    unsafe {
        let here = keep_loaded as *const c_void;
        let found =
            transmute::<usize, Dladdr1>(dladdr1)(here, &mut info, &mut map, RTLD_DL_LINKMAP);
        let name = map.as_ref().map_or(null(), |map| map.name);
        if found == 0 || name.is_null() || *name == 0 {
            return;
        }
        // A reference to dlopen would have every static program linked with a warning.
        let dlopen = transmute::<usize, Dlsym>(dlsym)(libc::RTLD_DEFAULT, c"dlopen".as_ptr());
        if !dlopen.is_null() {
            let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
            let _: *mut c_void = transmute::<*mut c_void, Dlopen>(dlopen)(name, flags);
        }
    }
}
