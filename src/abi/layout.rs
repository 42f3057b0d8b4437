//! Size, alignment and byte offsets of everything that crosses to C or to the kernel, as liburing
//! 2.15 has them on 64-bit machines. A field that moves stops the build.

use core::mem::{align_of, offset_of, size_of};

use static_assertions::const_assert_eq;

use crate::abi::liburing::*;
use crate::abi::uring::*;

/// `layout! { type, size, align; field = offset, ... }`; a path leads into anonymous members.
macro_rules! layout {
    ($ty:ty, $size:expr, $align:expr; $($($field:ident).+ = $offset:expr),+ $(,)?) => {
        const_assert_eq!(size_of::<$ty>(), $size);
        const_assert_eq!(align_of::<$ty>(), $align);
        $(const_assert_eq!(offset_of!($ty, $($field).+), $offset);)+
    };
}

layout! {
    io_uring_sqe, 64, 8;
    opcode = 0, flags = 1, ioprio = 2, fd = 4, anon_off.off = 8, anon_off.addr2 = 8,
    anon_off.anon_cmd_op.cmd_op = 8, anon_off.anon_cmd_op.__pad1 = 12, anon_addr.addr = 16,
    anon_addr.splice_off_in = 16, anon_addr.anon_level.level = 16,
    anon_addr.anon_level.optname = 20, len = 24, anon_rw_flags.rw_flags = 28,
    anon_rw_flags.fsync_flags = 28, anon_rw_flags.poll_events = 28,
    anon_rw_flags.poll32_events = 28, anon_rw_flags.sync_range_flags = 28,
    anon_rw_flags.msg_flags = 28, anon_rw_flags.timeout_flags = 28,
    anon_rw_flags.accept_flags = 28, anon_rw_flags.cancel_flags = 28,
    anon_rw_flags.open_flags = 28, anon_rw_flags.statx_flags = 28,
    anon_rw_flags.fadvise_advice = 28, anon_rw_flags.splice_flags = 28,
    anon_rw_flags.rename_flags = 28, anon_rw_flags.unlink_flags = 28,
    anon_rw_flags.hardlink_flags = 28, anon_rw_flags.xattr_flags = 28,
    anon_rw_flags.msg_ring_flags = 28, anon_rw_flags.uring_cmd_flags = 28,
    anon_rw_flags.waitid_flags = 28, anon_rw_flags.futex_flags = 28,
    anon_rw_flags.install_fd_flags = 28, anon_rw_flags.nop_flags = 28,
    anon_rw_flags.pipe_flags = 28, user_data = 32, anon_buf_index.buf_index = 40,
    anon_buf_index.buf_group = 40, personality = 42, anon_splice_fd_in.splice_fd_in = 44,
    anon_splice_fd_in.file_index = 44, anon_splice_fd_in.zcrx_ifq_idx = 44,
    anon_splice_fd_in.optlen = 44, anon_splice_fd_in.anon_addr_len.addr_len = 44,
    anon_splice_fd_in.anon_addr_len.__pad3 = 46, anon_addr3_set.anon_addr3.addr3 = 48,
    anon_addr3_set.anon_addr3.__pad2 = 56, anon_addr3_set.anon_attr_ptr.attr_ptr = 48,
    anon_addr3_set.anon_attr_ptr.attr_type_mask = 56, anon_addr3_set.optval = 48,
    anon_addr3_set.cmd = 48,
}
layout! {
    io_uring_attr_pi, 32, 8;
    flags = 0, app_tag = 2, len = 4, addr = 8, seed = 16, rsvd = 24,
}
layout! {
    io_uring_cqe, 16, 8;
    user_data = 0, res = 8, flags = 12, big_cqe = 16,
}
layout! {
    io_sqring_offsets, 40, 8;
    head = 0, tail = 4, ring_mask = 8, ring_entries = 12, flags = 16, dropped = 20, array = 24,
    resv1 = 28, user_addr = 32,
}
layout! {
    io_cqring_offsets, 40, 8;
    head = 0, tail = 4, ring_mask = 8, ring_entries = 12, overflow = 16, cqes = 20, flags = 24,
    resv1 = 28, user_addr = 32,
}
layout! {
    io_uring_params, 120, 8;
    sq_entries = 0, cq_entries = 4, flags = 8, sq_thread_cpu = 12, sq_thread_idle = 16,
    features = 20, wq_fd = 24, resv = 28, sq_off = 40, cq_off = 80,
}
layout! {
    io_uring_files_update, 16, 8;
    offset = 0, resv = 4, fds = 8,
}
layout! {
    io_uring_region_desc, 64, 8;
    user_addr = 0, size = 8, flags = 16, id = 20, mmap_offset = 24, __resv = 32,
}
layout! {
    io_uring_mem_region_reg, 32, 8;
    region_uptr = 0, flags = 8, __resv = 16,
}
layout! {
    io_uring_rsrc_register, 32, 8;
    nr = 0, flags = 4, resv2 = 8, data = 16, tags = 24,
}
layout! {
    io_uring_rsrc_update, 16, 8;
    offset = 0, resv = 4, data = 8,
}
layout! {
    io_uring_rsrc_update2, 32, 8;
    offset = 0, resv = 4, data = 8, tags = 16, nr = 24, resv2 = 28,
}
layout! {
    io_uring_probe_op, 8, 4;
    op = 0, resv = 1, flags = 2, resv2 = 4,
}
layout! {
    io_uring_probe, 16, 4;
    last_op = 0, ops_len = 1, resv = 2, resv2 = 4, ops = 16,
}
layout! {
    io_uring_restriction, 16, 4;
    opcode = 0, anon_register_op.register_op = 2, anon_register_op.sqe_op = 2,
    anon_register_op.sqe_flags = 2, resv = 3, resv2 = 4,
}
layout! {
    io_uring_task_restriction, 16, 4;
    flags = 0, nr_res = 2, resv = 4, restrictions = 16,
}
layout! {
    io_uring_clock_register, 16, 4;
    clockid = 0, __resv = 4,
}
layout! {
    io_uring_clone_buffers, 32, 4;
    src_fd = 0, flags = 4, src_off = 8, dst_off = 12, nr = 16, pad = 20,
}
layout! {
    io_uring_buf, 16, 8;
    addr = 0, len = 8, bid = 12, resv = 14,
}
layout! {
    io_uring_buf_ring, 16, 8;
    anon_ring.anon_header.resv1 = 0, anon_ring.anon_header.resv2 = 8,
    anon_ring.anon_header.resv3 = 12, anon_ring.anon_header.tail = 14, anon_ring.bufs = 0,
}
layout! {
    io_uring_buf_reg, 40, 8;
    ring_addr = 0, ring_entries = 8, bgid = 12, flags = 14, min_left = 16, resv = 20,
}
layout! {
    io_uring_buf_status, 40, 4;
    buf_group = 0, head = 4, resv = 8,
}
layout! {
    io_uring_napi, 16, 8;
    busy_poll_to = 0, prefer_busy_poll = 4, anon_opcode = 5, anon_param = 8,
}
layout! {
    io_uring_reg_wait, 64, 8;
    ts = 0, min_wait_usec = 16, flags = 20, sigmask = 24, sigmask_sz = 32, pad = 36, pad2 = 48,
}
layout! {
    io_uring_getevents_arg, 24, 8;
    sigmask = 0, sigmask_sz = 8, min_wait_usec = 12, ts = 16,
}
layout! {
    io_uring_sync_cancel_reg, 64, 8;
    addr = 0, fd = 8, flags = 12, timeout = 16, opcode = 32, pad = 33, pad2 = 40,
}
layout! {
    io_uring_file_index_range, 16, 8;
    off = 0, len = 4, resv = 8,
}
layout! {
    io_uring_recvmsg_out, 16, 4;
    namelen = 0, controllen = 4, payloadlen = 8, flags = 12,
}
layout! {
    io_timespec, 16, 8;
    tv_sec = 0, tv_nsec = 8,
}
layout! {
    io_uring_zcrx_rqe, 16, 8;
    off = 0, len = 8, __pad = 12,
}
layout! {
    io_uring_zcrx_cqe, 16, 8;
    off = 0, __pad = 8,
}
layout! {
    io_uring_zcrx_offsets, 32, 8;
    head = 0, tail = 4, rqes = 8, __resv2 = 12, __resv = 16,
}
layout! {
    io_uring_zcrx_area_reg, 48, 8;
    addr = 0, len = 8, rq_area_token = 16, flags = 24, dmabuf_fd = 28, __resv2 = 32,
}
layout! {
    io_uring_zcrx_ifq_reg, 96, 8;
    if_idx = 0, if_rxq = 4, rq_entries = 8, flags = 12, area_ptr = 16, region_ptr = 24,
    offsets = 32, zcrx_id = 64, rx_buf_len = 68, __resv = 72,
}
layout! {
    zcrx_ctrl_flush_rq, 48, 8;
    __resv = 0,
}
layout! {
    zcrx_ctrl_export, 48, 4;
    zcrx_fd = 0, __resv1 = 4,
}
layout! {
    zcrx_ctrl, 72, 8;
    zcrx_id = 0, op = 4, __resv = 8, anon_zc_export.zc_export = 24, anon_zc_export.zc_flush = 24,
}
layout! {
    io_uring_query_hdr, 40, 8;
    next_entry = 0, query_data = 8, query_op = 16, size = 20, result = 24, __resv = 28,
}
layout! {
    io_uring_query_opcode, 48, 8;
    nr_request_opcodes = 0, nr_register_opcodes = 4, feature_flags = 8, ring_setup_flags = 16,
    enter_flags = 24, sqe_flags = 32, nr_query_opcodes = 40, __pad = 44,
}
layout! {
    io_uring_query_zcrx, 40, 8;
    register_flags = 0, area_flags = 8, nr_ctrl_opcodes = 16, features = 20, rq_hdr_size = 24,
    rq_hdr_alignment = 28, __resv2 = 32,
}
layout! {
    io_uring_query_scq, 16, 8;
    hdr_size = 0, hdr_alignment = 8,
}
layout! {
    io_uring_bpf_ctx, 40, 8;
    user_data = 0, opcode = 8, sqe_flags = 9, pdu_size = 10, pad = 11, anon_request.socket = 16,
    anon_request.open = 16,
}
layout! {
    io_uring_bpf_filter, 64, 8;
    opcode = 0, flags = 4, filter_len = 8, pdu_size = 12, resv = 13, filter_ptr = 16, resv2 = 24,
}
layout! {
    io_uring_bpf, 72, 8;
    cmd_type = 0, cmd_flags = 2, resv = 4, anon_filter.filter = 8,
}
layout! {
    io_uring_sq, 104, 8;
    khead = 0, ktail = 8, kring_mask = 16, kring_entries = 24, kflags = 32, kdropped = 40,
    array = 48, sqes = 56, sqe_head = 64, sqe_tail = 68, ring_sz = 72, ring_ptr = 80,
    ring_mask = 88, ring_entries = 92, sqes_sz = 96, pad = 100,
}
layout! {
    io_uring_cq, 88, 8;
    khead = 0, ktail = 8, kring_mask = 16, kring_entries = 24, kflags = 32, koverflow = 40,
    cqes = 48, ring_sz = 56, ring_ptr = 64, ring_mask = 72, ring_entries = 76, pad = 80,
}
layout! {
    io_uring, 216, 8;
    sq = 0, cq = 104, flags = 192, ring_fd = 196, features = 200, enter_ring_fd = 204,
    int_flags = 208, pad = 209, pad2 = 212,
}
layout! {
    io_uring_zcrx_rq, 40, 8;
    khead = 0, ktail = 8, rq_tail = 16, ring_entries = 20, rqes = 24, ring_ptr = 32,
}
layout! {
    io_uring_cqe_iter, 24, 8;
    cqes = 0, mask = 8, shift = 12, head = 16, tail = 20,
}
