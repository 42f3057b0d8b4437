//! Sockets made, bound, shut down, and asked for their options.

use super::slots::file_index;
use super::{answer, Bound, Op, Outcome, State};
use crate::abi::uring::*;
use crate::soft::request::{Request, UNFAILING};
use crate::sys::{copy, file, net, Errno, Result};
use core::ffi::c_int;

/// The longest address.
const ADDRESS_MAX: u64 = 128;
/// ioctl(2): bytes to be read, to be sent.
const SIOCINQ: u64 = 0x541b;
const SIOCOUTQ: u64 = 0x5411;

/// `EINVAL` unless all of these fields, which the operation does not have, are 0.
pub fn unused(fields: &[u64]) -> Result<()> {
    if fields.iter().any(|&field| field != 0) {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// Fields of an SQE by their plain names. Any bytes are valid in each.
pub mod fields {
    use crate::soft::request::Request;

    /// `addr`
    #[inline]
    pub fn addr(r: &Request) -> u64 {
        // SAFETY: any bytes are valid.
        unsafe { r.sqe.anon_addr.addr }
    }

    /// `off`
    #[inline]
    pub fn off(r: &Request) -> u64 {
        // SAFETY: any bytes are valid.
        unsafe { r.sqe.anon_off.off }
    }

    /// `msg_flags` and its kin
    #[inline]
    pub fn flags(r: &Request) -> u32 {
        // SAFETY: any bytes are valid.
        unsafe { r.sqe.anon_rw_flags.msg_flags }
    }

    /// `buf_index`
    #[inline]
    pub fn buf_index(r: &Request) -> u64 {
        // SAFETY: any bytes are valid.
        u64::from(unsafe { r.sqe.anon_buf_index.buf_index })
    }

    /// `file_index`
    #[inline]
    pub fn file_index(r: &Request) -> u64 {
        // SAFETY: any bytes are valid.
        u64::from(unsafe { r.sqe.anon_splice_fd_in.file_index })
    }
}

/// SOCKET.
pub static SOCKET: Op = Op {
    prepare: |_, r| {
        unused(&[fields::addr(r), u64::from(fields::flags(r)), fields::buf_index(r)])?;
        let kind = fields::off(r) as c_int;
        let flags = kind & !0xf;
        if flags & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) != 0 {
            return Err(Errno::EINVAL);
        }
        if file_index(r) != 0 && flags & libc::SOCK_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(())
    },
    issue: |turn, r| {
        let kind = fields::off(r) as c_int;
        let index = file_index(r);
        let closes_on_exec = if index != 0 { libc::SOCK_CLOEXEC } else { 0 };
        Outcome::Done(match net::socket(r.sqe.fd, kind | closes_on_exec, r.sqe.len as c_int) {
            Ok(fd) => {
                // That there is no place for it breaks no link.
                r.flags |= UNFAILING;
                turn.hand_over(fd, index)
            }
            Err(errno) => errno.answer(),
        })
    },
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

/// Why `r` has no socket, if it has none: that comes before what else it lacks.
pub fn no_socket(r: &Request) -> Option<Errno> {
    net::option(r.fd, libc::SO_TYPE).err()
}

/// The address of a BIND or CONNECT: the program's, or our copy of it.
pub fn address(r: &Request) -> (u64, u32) {
    let len = fields::off(r) as u32;
    match &r.state {
        State::Address(copy) => (copy.as_ptr() as u64, len),
        _ => (fields::addr(r), len),
    }
}

/// Copies an address that the program may change.
pub fn keep_address(r: &mut Request) -> Result<()> {
    let (at, len) = (fields::addr(r), fields::off(r));
    if matches!(r.state, State::Address(_)) {
        return Ok(());
    }
    if len > ADDRESS_MAX {
        return Err(Errno::EINVAL);
    }
    r.state =
        State::Address(if len == 0 { Default::default() } else { copy::bytes(at, len as usize)? });
    Ok(())
}

/// BIND.
pub static BIND: Op = Op {
    prepare: |_, r| {
        let fields = [
            u64::from(r.sqe.len),
            u64::from(fields::flags(r)),
            fields::buf_index(r),
            fields::file_index(r),
        ];
        unused(&fields)
    },
    keep: keep_address,
    copies_first: true,
    issue: |_, r| {
        let (at, len) = address(r);
        // SAFETY: the kernel looks where the address is.
        unsafe { net::bind(r.fd, at, len) }.into()
    },
    needs_file: true,
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

/// LISTEN.
pub static LISTEN: Op = Op {
    prepare: |_, r| {
        let fields = [
            fields::addr(r),
            fields::off(r),
            u64::from(fields::flags(r)),
            fields::buf_index(r),
            fields::file_index(r),
        ];
        unused(&fields)
    },
    issue: |_, r| net::listen(r.fd, r.sqe.len as c_int).into(),
    needs_file: true,
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

/// SHUTDOWN.
pub static SHUTDOWN: Op = Op {
    prepare: |_, r| {
        let fields = [
            fields::addr(r),
            fields::off(r),
            u64::from(fields::flags(r)),
            fields::buf_index(r),
            fields::file_index(r),
        ];
        unused(&fields)
    },
    issue: |_, r| {
        let result = net::shutdown(r.fd, r.sqe.len as c_int);
        // An error of the socket's breaks no link.
        if !matches!(result, Err(errno) if errno == Errno::EBADF || errno == Errno::of(libc::ENOTSOCK))
        {
            r.flags |= UNFAILING;
        }
        result.into()
    },
    needs_file: true,
    ..Op::NONE
};

/// URING_CMD, of sockets.
pub static URING_CMD: Op = Op {
    prepare: |_, r| {
        // SAFETY: any bytes are valid as numbers.
        let (pad, flags) =
            unsafe { (r.sqe.anon_off.anon_cmd_op.__pad1, r.sqe.anon_rw_flags.uring_cmd_flags) };
        unused(&[u64::from(pad), u64::from(flags & !IORING_URING_CMD_MASK)])
    },
    issue: |_, r| Outcome::Done(answer(command(r))),
    needs_file: true,
    bound: |_| Bound::ToStart,
    ..Op::NONE
};

fn command(r: &mut Request) -> Result<usize> {
    use io_uring_socket_op as Command;
    const INQ: u32 = Command::SOCKET_URING_OP_SIOCINQ as u32;
    const OUTQ: u32 = Command::SOCKET_URING_OP_SIOCOUTQ as u32;
    const GET: u32 = Command::SOCKET_URING_OP_GETSOCKOPT as u32;
    const SET: u32 = Command::SOCKET_URING_OP_SETSOCKOPT as u32;
    const NAME: u32 = Command::SOCKET_URING_OP_GETSOCKNAME as u32;
    file::check(r.fd)?;
    // What is no socket has no such commands.
    let domain = net::option(r.fd, libc::SO_DOMAIN).map_err(|_| Errno::EOPNOTSUPP)?;
    let counts = matches!(domain, libc::AF_INET | libc::AF_INET6);
    // SAFETY: any bytes are valid in the fields; the kernel looks where the addresses are.
    unsafe {
        let (level, name) = (r.sqe.anon_addr.anon_level.level, r.sqe.anon_addr.anon_level.optname);
        let (value, mut len) = (r.sqe.anon_addr3_set.optval, r.sqe.anon_splice_fd_in.optlen);
        match r.sqe.anon_off.anon_cmd_op.cmd_op {
            INQ if counts => net::queued(r.fd, SIOCINQ),
            OUTQ if counts => net::queued(r.fd, SIOCOUTQ),
            GET if level == libc::SOL_SOCKET as u32 => {
                net::get_option(r.fd, level as c_int, name as c_int, value, &mut len)?;
                Ok(len as usize)
            }
            SET => net::set_option(r.fd, level as c_int, name as c_int, value, len),
            NAME => {
                let address = r.sqe.anon_addr.addr;
                let peer = r.sqe.anon_splice_fd_in.optlen;
                if peer > 1 {
                    return Err(Errno::EINVAL);
                }
                let len_at = r.sqe.anon_addr3_set.anon_addr3.addr3;
                net::name(r.fd, peer == 1, address, len_at).map(|_| 0)
            }
            _ => Err(Errno::EOPNOTSUPP),
        }
    }
}
