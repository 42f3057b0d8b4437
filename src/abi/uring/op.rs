//! The operations that an SQE can ask for.
#![allow(non_camel_case_types)]

/// The operations: `opcode` of an SQE. An unknown one completes with `-EINVAL`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_op {
    /// Nothing; see `IORING_NOP_*`.
    IORING_OP_NOP,
    /// preadv2(2): `addr` iovecs, `len` of them, `off`, `rw_flags`.
    IORING_OP_READV,
    /// pwritev2(2): `addr` iovecs, `len` of them, `off`, `rw_flags`.
    IORING_OP_WRITEV,
    /// fsync(2), or fdatasync(2) with `IORING_FSYNC_DATASYNC`; `off` and `len` may give a range.
    IORING_OP_FSYNC,
    /// Read into registered buffer `buf_index`, at `addr`.
    IORING_OP_READ_FIXED,
    /// Write from registered buffer `buf_index`, at `addr`.
    IORING_OP_WRITE_FIXED,
    /// Wait for `poll32_events`; `res` is the events found.
    IORING_OP_POLL_ADD,
    /// Remove or update the poll request whose `user_data` is `addr`; `-ENOENT` if there is none.
    IORING_OP_POLL_REMOVE,
    /// sync_file_range(2).
    IORING_OP_SYNC_FILE_RANGE,
    /// sendmsg(2).
    IORING_OP_SENDMSG,
    /// recvmsg(2).
    IORING_OP_RECVMSG,
    /// Complete with `-ETIME` at the time `addr` points at, or with 0 after `off` other
    /// completions.
    IORING_OP_TIMEOUT,
    /// Remove or update the timeout whose `user_data` is `addr`; `-ENOENT` if there is none.
    IORING_OP_TIMEOUT_REMOVE,
    /// accept4(2).
    IORING_OP_ACCEPT,
    /// Cancel the requests that match; see `IORING_ASYNC_CANCEL_*`. `-ENOENT` if there is none.
    IORING_OP_ASYNC_CANCEL,
    /// A timeout for the request before it in a link.
    IORING_OP_LINK_TIMEOUT,
    /// connect(2).
    IORING_OP_CONNECT,
    /// fallocate(2).
    IORING_OP_FALLOCATE,
    /// openat(2).
    IORING_OP_OPENAT,
    /// close(2), of a descriptor or of a registered file.
    IORING_OP_CLOSE,
    /// Update registered files: `addr` descriptors, `len` of them, from `off`.
    IORING_OP_FILES_UPDATE,
    /// statx(2).
    IORING_OP_STATX,
    /// pread(2), with `rw_flags`.
    IORING_OP_READ,
    /// pwrite(2), with `rw_flags`.
    IORING_OP_WRITE,
    /// posix_fadvise(2).
    IORING_OP_FADVISE,
    /// madvise(2).
    IORING_OP_MADVISE,
    /// send(2); sendto(2) when `addr2` is set.
    IORING_OP_SEND,
    /// recv(2).
    IORING_OP_RECV,
    /// openat2(2).
    IORING_OP_OPENAT2,
    /// epoll_ctl(2).
    IORING_OP_EPOLL_CTL,
    /// splice(2).
    IORING_OP_SPLICE,
    /// Give buffers to a group, the older way: `addr` the first, `len` bytes each, `fd` of them,
    /// IDs from `off`.
    IORING_OP_PROVIDE_BUFFERS,
    /// Take `fd` buffers of a group back.
    IORING_OP_REMOVE_BUFFERS,
    /// tee(2).
    IORING_OP_TEE,
    /// shutdown(2).
    IORING_OP_SHUTDOWN,
    /// renameat2(2).
    IORING_OP_RENAMEAT,
    /// unlinkat(2).
    IORING_OP_UNLINKAT,
    /// mkdirat(2).
    IORING_OP_MKDIRAT,
    /// symlinkat(2).
    IORING_OP_SYMLINKAT,
    /// linkat(2).
    IORING_OP_LINKAT,
    /// Post a CQE to another ring, or send it a registered file.
    IORING_OP_MSG_RING,
    /// fsetxattr(2).
    IORING_OP_FSETXATTR,
    /// setxattr(2).
    IORING_OP_SETXATTR,
    /// fgetxattr(2).
    IORING_OP_FGETXATTR,
    /// getxattr(2).
    IORING_OP_GETXATTR,
    /// socket(2).
    IORING_OP_SOCKET,
    /// A command of the file's driver: `cmd_op`, with its argument in `cmd`.
    IORING_OP_URING_CMD,
    /// send(2) or sendto(2) without copying; a second CQE, `IORING_CQE_F_NOTIF`, frees the buffer.
    IORING_OP_SEND_ZC,
    /// sendmsg(2) without copying; a second CQE, `IORING_CQE_F_NOTIF`, frees the buffers.
    IORING_OP_SENDMSG_ZC,
    /// Read into provided buffers each time that there is data.
    IORING_OP_READ_MULTISHOT,
    /// waitid(2).
    IORING_OP_WAITID,
    /// FUTEX_WAIT_BITSET of futex2.
    IORING_OP_FUTEX_WAIT,
    /// FUTEX_WAKE_BITSET of futex2.
    IORING_OP_FUTEX_WAKE,
    /// futex_waitv(2).
    IORING_OP_FUTEX_WAITV,
    /// Make a descriptor for a registered file.
    IORING_OP_FIXED_FD_INSTALL,
    /// ftruncate(2).
    IORING_OP_FTRUNCATE,
    /// bind(2).
    IORING_OP_BIND,
    /// listen(2).
    IORING_OP_LISTEN,
    /// Receive into the area of a zero-copy receive queue.
    IORING_OP_RECV_ZC,
    /// epoll_wait(2), without a timeout.
    IORING_OP_EPOLL_WAIT,
    /// Like READV, the iovecs inside registered buffer `buf_index`.
    IORING_OP_READV_FIXED,
    /// Like WRITEV, the iovecs inside registered buffer `buf_index`.
    IORING_OP_WRITEV_FIXED,
    /// pipe2(2).
    IORING_OP_PIPE,
    /// NOP in a 128 byte SQE.
    IORING_OP_NOP128,
    /// URING_CMD in a 128 byte SQE.
    IORING_OP_URING_CMD128,
    /// The number of operations known to this header.
    IORING_OP_LAST,
}

/// What `IORING_OP_MSG_RING` does: its `addr`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_msg_ring_flags {
    /// Post a CQE with `len` as `res` and `off` as `user_data`.
    IORING_MSG_DATA,
    /// Install the registered file `addr3` in the other ring, in slot `file_index`.
    IORING_MSG_SEND_FD,
}

/// `cmd_op` of `IORING_OP_URING_CMD` on a socket.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum io_uring_socket_op {
    /// ioctl(2) SIOCINQ: bytes not yet read.
    SOCKET_URING_OP_SIOCINQ,
    /// ioctl(2) SIOCOUTQ: bytes not yet sent.
    SOCKET_URING_OP_SIOCOUTQ,
    /// getsockopt(2); `res` is the length. `-EOPNOTSUPP` unless the level is SOL_SOCKET.
    SOCKET_URING_OP_GETSOCKOPT,
    /// setsockopt(2).
    SOCKET_URING_OP_SETSOCKOPT,
    /// Transmit timestamps, each a 32 byte CQE, until there are no more.
    SOCKET_URING_OP_TX_TIMESTAMP,
    /// getsockname(2), or getpeername(2) when `optlen` is 1.
    SOCKET_URING_OP_GETSOCKNAME,
}
