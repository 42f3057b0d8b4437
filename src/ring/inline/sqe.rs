//! The fields of an SQE that have a meaning for every operation.

use crate::abi::ctypes::*;
use crate::abi::uring::*;

/// The address `ptr` as SQEs hold it.
#[no_mangle]
pub unsafe extern "C" fn uring_ptr_to_u64(ptr: *const c_void) -> __u64 {
    ptr as uintptr_t as __u64
}

/// Clears what prep functions do not write. io_uring_get_sqe() has done so; user_data is left alone.
#[no_mangle]
pub unsafe extern "C" fn io_uring_initialize_sqe(sqe: *mut io_uring_sqe) {
    (*sqe).flags = 0;
    (*sqe).ioprio = 0;
    (*sqe).anon_rw_flags.rw_flags = 0;
    (*sqe).anon_buf_index.buf_index = 0;
    (*sqe).personality = 0;
    (*sqe).anon_splice_fd_in.file_index = 0;
    (*sqe).anon_addr3_set.anon_addr3.addr3 = 0;
    (*sqe).anon_addr3_set.anon_addr3.__pad2[0] = 0;
}

/// Writes the fields that most operations share; the other prep functions are made of this one.
/// `op` is an IORING_OP_*; what `addr`, `len` and `offset` mean depends on it.
#[no_mangle]
pub unsafe extern "C" fn io_uring_prep_rw(
    op: c_int,
    sqe: *mut io_uring_sqe,
    fd: c_int,
    addr: *const c_void,
    len: c_uint,
    offset: __u64,
) {
    (*sqe).opcode = op as __u8;
    (*sqe).fd = fd;
    (*sqe).anon_off.off = offset;
    (*sqe).anon_addr.addr = uring_ptr_to_u64(addr);
    (*sqe).len = len;
}

/// Attaches `data` to the request; its CQEs carry it. io_uring_cqe_get_data() reads it back.
#[no_mangle]
pub unsafe extern "C" fn io_uring_sqe_set_data(sqe: *mut io_uring_sqe, data: *mut c_void) {
    (*sqe).user_data = uring_ptr_to_u64(data);
}

/// Attaches a number to the request; its CQEs carry it. io_uring_cqe_get_data64() reads it back.
#[no_mangle]
pub unsafe extern "C" fn io_uring_sqe_set_data64(sqe: *mut io_uring_sqe, data: __u64) {
    (*sqe).user_data = data;
}

/// Sets the request's IOSQE_* flags, in place of those it had: call it after the prep function.
#[no_mangle]
pub unsafe extern "C" fn io_uring_sqe_set_flags(sqe: *mut io_uring_sqe, flags: c_uint) {
    (*sqe).flags = flags as __u8;
}

/// Has the request take a buffer of group `bgid`; it needs IOSQE_BUFFER_SELECT too.
#[no_mangle]
pub unsafe extern "C" fn io_uring_sqe_set_buf_group(sqe: *mut io_uring_sqe, bgid: c_int) {
    (*sqe).anon_buf_index.buf_group = bgid as __u16;
}

/// Puts the file that the request makes into slot `file_index` of the registered files, or with
/// IORING_FILE_INDEX_ALLOC into a free one. SQEs count slots from 1: 0 stands for a descriptor.
#[no_mangle]
pub unsafe extern "C" fn __io_uring_set_target_fixed_file(
    sqe: *mut io_uring_sqe,
    file_index: c_uint,
) {
    let counted: c_uint = (file_index != IORING_FILE_INDEX_ALLOC) as c_uint;
    (*sqe).anon_splice_fd_in.file_index = file_index.wrapping_add(counted);
}
