//! Which liburing this library stands in for.

use anyring::abi::ctypes::c_int;
use anyring::abi::liburing::{IO_URING_VERSION_MAJOR, IO_URING_VERSION_MINOR};

/// The major version of the liburing API that the library serves.
#[no_mangle]
pub extern "C" fn io_uring_major_version() -> c_int {
    IO_URING_VERSION_MAJOR
}

/// The minor version of the liburing API that the library serves.
#[no_mangle]
pub extern "C" fn io_uring_minor_version() -> c_int {
    IO_URING_VERSION_MINOR
}

/// True when the library is OLDER than `major`.`minor`. That it is not the other way round is
/// liburing's contract, which programs rely on.
#[no_mangle]
pub extern "C" fn io_uring_check_version(major: c_int, minor: c_int) -> bool {
    (major, minor) > (IO_URING_VERSION_MAJOR, IO_URING_VERSION_MINOR)
}
