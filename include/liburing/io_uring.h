/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * io_uring's wire format, as <linux/io_uring.h> of current kernels describes it.
 *
 * Generated from the Rust source by `make headers`.
 */
#ifndef LIBURING_IO_URING_H
#define LIBURING_IO_URING_H

#include <linux/fs.h>
#include <linux/time_types.h>
#include <linux/types.h>

#ifdef LINUX_IO_URING_H
/*
 * <linux/io_uring.h> came first and may be older. What it defines goes out of the way: from here
 * on, its names stand for the definitions below.
 */
#undef io_cqring_offsets
#define io_cqring_offsets liburing_io_cqring_offsets
#undef io_sqring_offsets
#define io_sqring_offsets liburing_io_sqring_offsets
#undef io_timespec
#define io_timespec liburing_io_timespec
#undef io_uring_attr_pi
#define io_uring_attr_pi liburing_io_uring_attr_pi
#undef io_uring_buf
#define io_uring_buf liburing_io_uring_buf
#undef io_uring_buf_reg
#define io_uring_buf_reg liburing_io_uring_buf_reg
#undef io_uring_buf_ring
#define io_uring_buf_ring liburing_io_uring_buf_ring
#undef io_uring_buf_status
#define io_uring_buf_status liburing_io_uring_buf_status
#undef io_uring_clock_register
#define io_uring_clock_register liburing_io_uring_clock_register
#undef io_uring_clone_buffers
#define io_uring_clone_buffers liburing_io_uring_clone_buffers
#undef io_uring_cqe
#define io_uring_cqe liburing_io_uring_cqe
#undef io_uring_file_index_range
#define io_uring_file_index_range liburing_io_uring_file_index_range
#undef io_uring_files_update
#define io_uring_files_update liburing_io_uring_files_update
#undef io_uring_getevents_arg
#define io_uring_getevents_arg liburing_io_uring_getevents_arg
#undef io_uring_mem_region_reg
#define io_uring_mem_region_reg liburing_io_uring_mem_region_reg
#undef io_uring_msg_ring_flags
#define io_uring_msg_ring_flags liburing_io_uring_msg_ring_flags
#undef io_uring_napi
#define io_uring_napi liburing_io_uring_napi
#undef io_uring_napi_op
#define io_uring_napi_op liburing_io_uring_napi_op
#undef io_uring_napi_tracking_strategy
#define io_uring_napi_tracking_strategy liburing_io_uring_napi_tracking_strategy
#undef io_uring_op
#define io_uring_op liburing_io_uring_op
#undef io_uring_params
#define io_uring_params liburing_io_uring_params
#undef io_uring_probe
#define io_uring_probe liburing_io_uring_probe
#undef io_uring_probe_op
#define io_uring_probe_op liburing_io_uring_probe_op
#undef io_uring_recvmsg_out
#define io_uring_recvmsg_out liburing_io_uring_recvmsg_out
#undef io_uring_reg_wait
#define io_uring_reg_wait liburing_io_uring_reg_wait
#undef io_uring_region_desc
#define io_uring_region_desc liburing_io_uring_region_desc
#undef io_uring_register_op
#define io_uring_register_op liburing_io_uring_register_op
#undef io_uring_register_pbuf_ring_flags
#define io_uring_register_pbuf_ring_flags liburing_io_uring_register_pbuf_ring_flags
#undef io_uring_register_restriction_op
#define io_uring_register_restriction_op liburing_io_uring_register_restriction_op
#undef io_uring_restriction
#define io_uring_restriction liburing_io_uring_restriction
#undef io_uring_rsrc_register
#define io_uring_rsrc_register liburing_io_uring_rsrc_register
#undef io_uring_rsrc_update
#define io_uring_rsrc_update liburing_io_uring_rsrc_update
#undef io_uring_rsrc_update2
#define io_uring_rsrc_update2 liburing_io_uring_rsrc_update2
#undef io_uring_socket_op
#define io_uring_socket_op liburing_io_uring_socket_op
#undef io_uring_sqe
#define io_uring_sqe liburing_io_uring_sqe
#undef io_uring_sqe_flags_bit
#define io_uring_sqe_flags_bit liburing_io_uring_sqe_flags_bit
#undef io_uring_sync_cancel_reg
#define io_uring_sync_cancel_reg liburing_io_uring_sync_cancel_reg
#undef io_uring_task_restriction
#define io_uring_task_restriction liburing_io_uring_task_restriction
#undef io_uring_zcrx_area_flags
#define io_uring_zcrx_area_flags liburing_io_uring_zcrx_area_flags
#undef io_uring_zcrx_area_reg
#define io_uring_zcrx_area_reg liburing_io_uring_zcrx_area_reg
#undef io_uring_zcrx_cqe
#define io_uring_zcrx_cqe liburing_io_uring_zcrx_cqe
#undef io_uring_zcrx_ifq_reg
#define io_uring_zcrx_ifq_reg liburing_io_uring_zcrx_ifq_reg
#undef io_uring_zcrx_offsets
#define io_uring_zcrx_offsets liburing_io_uring_zcrx_offsets
#undef io_uring_zcrx_rqe
#define io_uring_zcrx_rqe liburing_io_uring_zcrx_rqe
#undef io_wq_type
#define io_wq_type liburing_io_wq_type
#undef zcrx_ctrl
#define zcrx_ctrl liburing_zcrx_ctrl
#undef zcrx_ctrl_export
#define zcrx_ctrl_export liburing_zcrx_ctrl_export
#undef zcrx_ctrl_flush_rq
#define zcrx_ctrl_flush_rq liburing_zcrx_ctrl_flush_rq
#undef zcrx_ctrl_op
#define zcrx_ctrl_op liburing_zcrx_ctrl_op
#undef zcrx_features
#define zcrx_features liburing_zcrx_features
#undef zcrx_reg_flags
#define zcrx_reg_flags liburing_zcrx_reg_flags
#undef IOSQE_FIXED_FILE_BIT
#define IOSQE_FIXED_FILE_BIT liburing_IOSQE_FIXED_FILE_BIT
#undef IOSQE_IO_DRAIN_BIT
#define IOSQE_IO_DRAIN_BIT liburing_IOSQE_IO_DRAIN_BIT
#undef IOSQE_IO_LINK_BIT
#define IOSQE_IO_LINK_BIT liburing_IOSQE_IO_LINK_BIT
#undef IOSQE_IO_HARDLINK_BIT
#define IOSQE_IO_HARDLINK_BIT liburing_IOSQE_IO_HARDLINK_BIT
#undef IOSQE_ASYNC_BIT
#define IOSQE_ASYNC_BIT liburing_IOSQE_ASYNC_BIT
#undef IOSQE_BUFFER_SELECT_BIT
#define IOSQE_BUFFER_SELECT_BIT liburing_IOSQE_BUFFER_SELECT_BIT
#undef IOSQE_CQE_SKIP_SUCCESS_BIT
#define IOSQE_CQE_SKIP_SUCCESS_BIT liburing_IOSQE_CQE_SKIP_SUCCESS_BIT
#undef IORING_OP_NOP
#define IORING_OP_NOP liburing_IORING_OP_NOP
#undef IORING_OP_READV
#define IORING_OP_READV liburing_IORING_OP_READV
#undef IORING_OP_WRITEV
#define IORING_OP_WRITEV liburing_IORING_OP_WRITEV
#undef IORING_OP_FSYNC
#define IORING_OP_FSYNC liburing_IORING_OP_FSYNC
#undef IORING_OP_READ_FIXED
#define IORING_OP_READ_FIXED liburing_IORING_OP_READ_FIXED
#undef IORING_OP_WRITE_FIXED
#define IORING_OP_WRITE_FIXED liburing_IORING_OP_WRITE_FIXED
#undef IORING_OP_POLL_ADD
#define IORING_OP_POLL_ADD liburing_IORING_OP_POLL_ADD
#undef IORING_OP_POLL_REMOVE
#define IORING_OP_POLL_REMOVE liburing_IORING_OP_POLL_REMOVE
#undef IORING_OP_SYNC_FILE_RANGE
#define IORING_OP_SYNC_FILE_RANGE liburing_IORING_OP_SYNC_FILE_RANGE
#undef IORING_OP_SENDMSG
#define IORING_OP_SENDMSG liburing_IORING_OP_SENDMSG
#undef IORING_OP_RECVMSG
#define IORING_OP_RECVMSG liburing_IORING_OP_RECVMSG
#undef IORING_OP_TIMEOUT
#define IORING_OP_TIMEOUT liburing_IORING_OP_TIMEOUT
#undef IORING_OP_TIMEOUT_REMOVE
#define IORING_OP_TIMEOUT_REMOVE liburing_IORING_OP_TIMEOUT_REMOVE
#undef IORING_OP_ACCEPT
#define IORING_OP_ACCEPT liburing_IORING_OP_ACCEPT
#undef IORING_OP_ASYNC_CANCEL
#define IORING_OP_ASYNC_CANCEL liburing_IORING_OP_ASYNC_CANCEL
#undef IORING_OP_LINK_TIMEOUT
#define IORING_OP_LINK_TIMEOUT liburing_IORING_OP_LINK_TIMEOUT
#undef IORING_OP_CONNECT
#define IORING_OP_CONNECT liburing_IORING_OP_CONNECT
#undef IORING_OP_FALLOCATE
#define IORING_OP_FALLOCATE liburing_IORING_OP_FALLOCATE
#undef IORING_OP_OPENAT
#define IORING_OP_OPENAT liburing_IORING_OP_OPENAT
#undef IORING_OP_CLOSE
#define IORING_OP_CLOSE liburing_IORING_OP_CLOSE
#undef IORING_OP_FILES_UPDATE
#define IORING_OP_FILES_UPDATE liburing_IORING_OP_FILES_UPDATE
#undef IORING_OP_STATX
#define IORING_OP_STATX liburing_IORING_OP_STATX
#undef IORING_OP_READ
#define IORING_OP_READ liburing_IORING_OP_READ
#undef IORING_OP_WRITE
#define IORING_OP_WRITE liburing_IORING_OP_WRITE
#undef IORING_OP_FADVISE
#define IORING_OP_FADVISE liburing_IORING_OP_FADVISE
#undef IORING_OP_MADVISE
#define IORING_OP_MADVISE liburing_IORING_OP_MADVISE
#undef IORING_OP_SEND
#define IORING_OP_SEND liburing_IORING_OP_SEND
#undef IORING_OP_RECV
#define IORING_OP_RECV liburing_IORING_OP_RECV
#undef IORING_OP_OPENAT2
#define IORING_OP_OPENAT2 liburing_IORING_OP_OPENAT2
#undef IORING_OP_EPOLL_CTL
#define IORING_OP_EPOLL_CTL liburing_IORING_OP_EPOLL_CTL
#undef IORING_OP_SPLICE
#define IORING_OP_SPLICE liburing_IORING_OP_SPLICE
#undef IORING_OP_PROVIDE_BUFFERS
#define IORING_OP_PROVIDE_BUFFERS liburing_IORING_OP_PROVIDE_BUFFERS
#undef IORING_OP_REMOVE_BUFFERS
#define IORING_OP_REMOVE_BUFFERS liburing_IORING_OP_REMOVE_BUFFERS
#undef IORING_OP_TEE
#define IORING_OP_TEE liburing_IORING_OP_TEE
#undef IORING_OP_SHUTDOWN
#define IORING_OP_SHUTDOWN liburing_IORING_OP_SHUTDOWN
#undef IORING_OP_RENAMEAT
#define IORING_OP_RENAMEAT liburing_IORING_OP_RENAMEAT
#undef IORING_OP_UNLINKAT
#define IORING_OP_UNLINKAT liburing_IORING_OP_UNLINKAT
#undef IORING_OP_MKDIRAT
#define IORING_OP_MKDIRAT liburing_IORING_OP_MKDIRAT
#undef IORING_OP_SYMLINKAT
#define IORING_OP_SYMLINKAT liburing_IORING_OP_SYMLINKAT
#undef IORING_OP_LINKAT
#define IORING_OP_LINKAT liburing_IORING_OP_LINKAT
#undef IORING_OP_MSG_RING
#define IORING_OP_MSG_RING liburing_IORING_OP_MSG_RING
#undef IORING_OP_FSETXATTR
#define IORING_OP_FSETXATTR liburing_IORING_OP_FSETXATTR
#undef IORING_OP_SETXATTR
#define IORING_OP_SETXATTR liburing_IORING_OP_SETXATTR
#undef IORING_OP_FGETXATTR
#define IORING_OP_FGETXATTR liburing_IORING_OP_FGETXATTR
#undef IORING_OP_GETXATTR
#define IORING_OP_GETXATTR liburing_IORING_OP_GETXATTR
#undef IORING_OP_SOCKET
#define IORING_OP_SOCKET liburing_IORING_OP_SOCKET
#undef IORING_OP_URING_CMD
#define IORING_OP_URING_CMD liburing_IORING_OP_URING_CMD
#undef IORING_OP_SEND_ZC
#define IORING_OP_SEND_ZC liburing_IORING_OP_SEND_ZC
#undef IORING_OP_SENDMSG_ZC
#define IORING_OP_SENDMSG_ZC liburing_IORING_OP_SENDMSG_ZC
#undef IORING_OP_READ_MULTISHOT
#define IORING_OP_READ_MULTISHOT liburing_IORING_OP_READ_MULTISHOT
#undef IORING_OP_WAITID
#define IORING_OP_WAITID liburing_IORING_OP_WAITID
#undef IORING_OP_FUTEX_WAIT
#define IORING_OP_FUTEX_WAIT liburing_IORING_OP_FUTEX_WAIT
#undef IORING_OP_FUTEX_WAKE
#define IORING_OP_FUTEX_WAKE liburing_IORING_OP_FUTEX_WAKE
#undef IORING_OP_FUTEX_WAITV
#define IORING_OP_FUTEX_WAITV liburing_IORING_OP_FUTEX_WAITV
#undef IORING_OP_FIXED_FD_INSTALL
#define IORING_OP_FIXED_FD_INSTALL liburing_IORING_OP_FIXED_FD_INSTALL
#undef IORING_OP_FTRUNCATE
#define IORING_OP_FTRUNCATE liburing_IORING_OP_FTRUNCATE
#undef IORING_OP_BIND
#define IORING_OP_BIND liburing_IORING_OP_BIND
#undef IORING_OP_LISTEN
#define IORING_OP_LISTEN liburing_IORING_OP_LISTEN
#undef IORING_OP_RECV_ZC
#define IORING_OP_RECV_ZC liburing_IORING_OP_RECV_ZC
#undef IORING_OP_EPOLL_WAIT
#define IORING_OP_EPOLL_WAIT liburing_IORING_OP_EPOLL_WAIT
#undef IORING_OP_READV_FIXED
#define IORING_OP_READV_FIXED liburing_IORING_OP_READV_FIXED
#undef IORING_OP_WRITEV_FIXED
#define IORING_OP_WRITEV_FIXED liburing_IORING_OP_WRITEV_FIXED
#undef IORING_OP_PIPE
#define IORING_OP_PIPE liburing_IORING_OP_PIPE
#undef IORING_OP_NOP128
#define IORING_OP_NOP128 liburing_IORING_OP_NOP128
#undef IORING_OP_URING_CMD128
#define IORING_OP_URING_CMD128 liburing_IORING_OP_URING_CMD128
#undef IORING_OP_LAST
#define IORING_OP_LAST liburing_IORING_OP_LAST
#undef IORING_MSG_DATA
#define IORING_MSG_DATA liburing_IORING_MSG_DATA
#undef IORING_MSG_SEND_FD
#define IORING_MSG_SEND_FD liburing_IORING_MSG_SEND_FD
#undef SOCKET_URING_OP_SIOCINQ
#define SOCKET_URING_OP_SIOCINQ liburing_SOCKET_URING_OP_SIOCINQ
#undef SOCKET_URING_OP_SIOCOUTQ
#define SOCKET_URING_OP_SIOCOUTQ liburing_SOCKET_URING_OP_SIOCOUTQ
#undef SOCKET_URING_OP_GETSOCKOPT
#define SOCKET_URING_OP_GETSOCKOPT liburing_SOCKET_URING_OP_GETSOCKOPT
#undef SOCKET_URING_OP_SETSOCKOPT
#define SOCKET_URING_OP_SETSOCKOPT liburing_SOCKET_URING_OP_SETSOCKOPT
#undef SOCKET_URING_OP_TX_TIMESTAMP
#define SOCKET_URING_OP_TX_TIMESTAMP liburing_SOCKET_URING_OP_TX_TIMESTAMP
#undef SOCKET_URING_OP_GETSOCKNAME
#define SOCKET_URING_OP_GETSOCKNAME liburing_SOCKET_URING_OP_GETSOCKNAME
#undef IORING_REGISTER_BUFFERS
#define IORING_REGISTER_BUFFERS liburing_IORING_REGISTER_BUFFERS
#undef IORING_UNREGISTER_BUFFERS
#define IORING_UNREGISTER_BUFFERS liburing_IORING_UNREGISTER_BUFFERS
#undef IORING_REGISTER_FILES
#define IORING_REGISTER_FILES liburing_IORING_REGISTER_FILES
#undef IORING_UNREGISTER_FILES
#define IORING_UNREGISTER_FILES liburing_IORING_UNREGISTER_FILES
#undef IORING_REGISTER_EVENTFD
#define IORING_REGISTER_EVENTFD liburing_IORING_REGISTER_EVENTFD
#undef IORING_UNREGISTER_EVENTFD
#define IORING_UNREGISTER_EVENTFD liburing_IORING_UNREGISTER_EVENTFD
#undef IORING_REGISTER_FILES_UPDATE
#define IORING_REGISTER_FILES_UPDATE liburing_IORING_REGISTER_FILES_UPDATE
#undef IORING_REGISTER_EVENTFD_ASYNC
#define IORING_REGISTER_EVENTFD_ASYNC liburing_IORING_REGISTER_EVENTFD_ASYNC
#undef IORING_REGISTER_PROBE
#define IORING_REGISTER_PROBE liburing_IORING_REGISTER_PROBE
#undef IORING_REGISTER_PERSONALITY
#define IORING_REGISTER_PERSONALITY liburing_IORING_REGISTER_PERSONALITY
#undef IORING_UNREGISTER_PERSONALITY
#define IORING_UNREGISTER_PERSONALITY liburing_IORING_UNREGISTER_PERSONALITY
#undef IORING_REGISTER_RESTRICTIONS
#define IORING_REGISTER_RESTRICTIONS liburing_IORING_REGISTER_RESTRICTIONS
#undef IORING_REGISTER_ENABLE_RINGS
#define IORING_REGISTER_ENABLE_RINGS liburing_IORING_REGISTER_ENABLE_RINGS
#undef IORING_REGISTER_FILES2
#define IORING_REGISTER_FILES2 liburing_IORING_REGISTER_FILES2
#undef IORING_REGISTER_FILES_UPDATE2
#define IORING_REGISTER_FILES_UPDATE2 liburing_IORING_REGISTER_FILES_UPDATE2
#undef IORING_REGISTER_BUFFERS2
#define IORING_REGISTER_BUFFERS2 liburing_IORING_REGISTER_BUFFERS2
#undef IORING_REGISTER_BUFFERS_UPDATE
#define IORING_REGISTER_BUFFERS_UPDATE liburing_IORING_REGISTER_BUFFERS_UPDATE
#undef IORING_REGISTER_IOWQ_AFF
#define IORING_REGISTER_IOWQ_AFF liburing_IORING_REGISTER_IOWQ_AFF
#undef IORING_UNREGISTER_IOWQ_AFF
#define IORING_UNREGISTER_IOWQ_AFF liburing_IORING_UNREGISTER_IOWQ_AFF
#undef IORING_REGISTER_IOWQ_MAX_WORKERS
#define IORING_REGISTER_IOWQ_MAX_WORKERS liburing_IORING_REGISTER_IOWQ_MAX_WORKERS
#undef IORING_REGISTER_RING_FDS
#define IORING_REGISTER_RING_FDS liburing_IORING_REGISTER_RING_FDS
#undef IORING_UNREGISTER_RING_FDS
#define IORING_UNREGISTER_RING_FDS liburing_IORING_UNREGISTER_RING_FDS
#undef IORING_REGISTER_PBUF_RING
#define IORING_REGISTER_PBUF_RING liburing_IORING_REGISTER_PBUF_RING
#undef IORING_UNREGISTER_PBUF_RING
#define IORING_UNREGISTER_PBUF_RING liburing_IORING_UNREGISTER_PBUF_RING
#undef IORING_REGISTER_SYNC_CANCEL
#define IORING_REGISTER_SYNC_CANCEL liburing_IORING_REGISTER_SYNC_CANCEL
#undef IORING_REGISTER_FILE_ALLOC_RANGE
#define IORING_REGISTER_FILE_ALLOC_RANGE liburing_IORING_REGISTER_FILE_ALLOC_RANGE
#undef IORING_REGISTER_PBUF_STATUS
#define IORING_REGISTER_PBUF_STATUS liburing_IORING_REGISTER_PBUF_STATUS
#undef IORING_REGISTER_NAPI
#define IORING_REGISTER_NAPI liburing_IORING_REGISTER_NAPI
#undef IORING_UNREGISTER_NAPI
#define IORING_UNREGISTER_NAPI liburing_IORING_UNREGISTER_NAPI
#undef IORING_REGISTER_CLOCK
#define IORING_REGISTER_CLOCK liburing_IORING_REGISTER_CLOCK
#undef IORING_REGISTER_CLONE_BUFFERS
#define IORING_REGISTER_CLONE_BUFFERS liburing_IORING_REGISTER_CLONE_BUFFERS
#undef IORING_REGISTER_SEND_MSG_RING
#define IORING_REGISTER_SEND_MSG_RING liburing_IORING_REGISTER_SEND_MSG_RING
#undef IORING_REGISTER_ZCRX_IFQ
#define IORING_REGISTER_ZCRX_IFQ liburing_IORING_REGISTER_ZCRX_IFQ
#undef IORING_REGISTER_RESIZE_RINGS
#define IORING_REGISTER_RESIZE_RINGS liburing_IORING_REGISTER_RESIZE_RINGS
#undef IORING_REGISTER_MEM_REGION
#define IORING_REGISTER_MEM_REGION liburing_IORING_REGISTER_MEM_REGION
#undef IORING_REGISTER_QUERY
#define IORING_REGISTER_QUERY liburing_IORING_REGISTER_QUERY
#undef IORING_REGISTER_ZCRX_CTRL
#define IORING_REGISTER_ZCRX_CTRL liburing_IORING_REGISTER_ZCRX_CTRL
#undef IORING_REGISTER_BPF_FILTER
#define IORING_REGISTER_BPF_FILTER liburing_IORING_REGISTER_BPF_FILTER
#undef IORING_REGISTER_LAST
#define IORING_REGISTER_LAST liburing_IORING_REGISTER_LAST
#undef IO_WQ_BOUND
#define IO_WQ_BOUND liburing_IO_WQ_BOUND
#undef IO_WQ_UNBOUND
#define IO_WQ_UNBOUND liburing_IO_WQ_UNBOUND
#undef IORING_RESTRICTION_REGISTER_OP
#define IORING_RESTRICTION_REGISTER_OP liburing_IORING_RESTRICTION_REGISTER_OP
#undef IORING_RESTRICTION_SQE_OP
#define IORING_RESTRICTION_SQE_OP liburing_IORING_RESTRICTION_SQE_OP
#undef IORING_RESTRICTION_SQE_FLAGS_ALLOWED
#define IORING_RESTRICTION_SQE_FLAGS_ALLOWED liburing_IORING_RESTRICTION_SQE_FLAGS_ALLOWED
#undef IORING_RESTRICTION_SQE_FLAGS_REQUIRED
#define IORING_RESTRICTION_SQE_FLAGS_REQUIRED liburing_IORING_RESTRICTION_SQE_FLAGS_REQUIRED
#undef IORING_RESTRICTION_LAST
#define IORING_RESTRICTION_LAST liburing_IORING_RESTRICTION_LAST
#undef IO_URING_NAPI_REGISTER_OP
#define IO_URING_NAPI_REGISTER_OP liburing_IO_URING_NAPI_REGISTER_OP
#undef IO_URING_NAPI_STATIC_ADD_ID
#define IO_URING_NAPI_STATIC_ADD_ID liburing_IO_URING_NAPI_STATIC_ADD_ID
#undef IO_URING_NAPI_STATIC_DEL_ID
#define IO_URING_NAPI_STATIC_DEL_ID liburing_IO_URING_NAPI_STATIC_DEL_ID
#undef IO_URING_NAPI_TRACKING_DYNAMIC
#define IO_URING_NAPI_TRACKING_DYNAMIC liburing_IO_URING_NAPI_TRACKING_DYNAMIC
#undef IO_URING_NAPI_TRACKING_STATIC
#define IO_URING_NAPI_TRACKING_STATIC liburing_IO_URING_NAPI_TRACKING_STATIC
#undef IO_URING_NAPI_TRACKING_INACTIVE
#define IO_URING_NAPI_TRACKING_INACTIVE liburing_IO_URING_NAPI_TRACKING_INACTIVE
#undef IOU_PBUF_RING_MMAP
#define IOU_PBUF_RING_MMAP liburing_IOU_PBUF_RING_MMAP
#undef IOU_PBUF_RING_INC
#define IOU_PBUF_RING_INC liburing_IOU_PBUF_RING_INC
#undef IORING_ZCRX_AREA_DMABUF
#define IORING_ZCRX_AREA_DMABUF liburing_IORING_ZCRX_AREA_DMABUF
#undef ZCRX_REG_IMPORT
#define ZCRX_REG_IMPORT liburing_ZCRX_REG_IMPORT
#undef ZCRX_REG_NODEV
#define ZCRX_REG_NODEV liburing_ZCRX_REG_NODEV
#undef ZCRX_FEATURE_RX_PAGE_SIZE
#define ZCRX_FEATURE_RX_PAGE_SIZE liburing_ZCRX_FEATURE_RX_PAGE_SIZE
#undef ZCRX_CTRL_FLUSH_RQ
#define ZCRX_CTRL_FLUSH_RQ liburing_ZCRX_CTRL_FLUSH_RQ
#undef ZCRX_CTRL_EXPORT
#define ZCRX_CTRL_EXPORT liburing_ZCRX_CTRL_EXPORT
#undef __ZCRX_CTRL_LAST
#define __ZCRX_CTRL_LAST liburing___ZCRX_CTRL_LAST
#undef IOSQE_FIXED_FILE
#undef IOSQE_IO_DRAIN
#undef IOSQE_IO_LINK
#undef IOSQE_IO_HARDLINK
#undef IOSQE_ASYNC
#undef IOSQE_BUFFER_SELECT
#undef IOSQE_CQE_SKIP_SUCCESS
#undef IORING_RW_ATTR_FLAG_PI
#undef IORING_FILE_INDEX_ALLOC
#undef IORING_URING_CMD_FIXED
#undef IORING_URING_CMD_MULTISHOT
#undef IORING_URING_CMD_MASK
#undef IORING_FSYNC_DATASYNC
#undef IORING_TIMEOUT_ABS
#undef IORING_TIMEOUT_UPDATE
#undef IORING_TIMEOUT_BOOTTIME
#undef IORING_TIMEOUT_REALTIME
#undef IORING_LINK_TIMEOUT_UPDATE
#undef IORING_TIMEOUT_ETIME_SUCCESS
#undef IORING_TIMEOUT_MULTISHOT
#undef IORING_TIMEOUT_IMMEDIATE_ARG
#undef IORING_TIMEOUT_CLOCK_MASK
#undef IORING_TIMEOUT_UPDATE_MASK
#undef SPLICE_F_FD_IN_FIXED
#undef IORING_POLL_ADD_MULTI
#undef IORING_POLL_UPDATE_EVENTS
#undef IORING_POLL_UPDATE_USER_DATA
#undef IORING_POLL_ADD_LEVEL
#undef IORING_ASYNC_CANCEL_ALL
#undef IORING_ASYNC_CANCEL_FD
#undef IORING_ASYNC_CANCEL_ANY
#undef IORING_ASYNC_CANCEL_FD_FIXED
#undef IORING_ASYNC_CANCEL_USERDATA
#undef IORING_ASYNC_CANCEL_OP
#undef IORING_RECVSEND_POLL_FIRST
#undef IORING_RECV_MULTISHOT
#undef IORING_RECVSEND_FIXED_BUF
#undef IORING_SEND_ZC_REPORT_USAGE
#undef IORING_RECVSEND_BUNDLE
#undef IORING_SEND_VECTORIZED
#undef IORING_ACCEPT_MULTISHOT
#undef IORING_ACCEPT_DONTWAIT
#undef IORING_ACCEPT_POLL_FIRST
#undef IORING_MSG_RING_CQE_SKIP
#undef IORING_MSG_RING_FLAGS_PASS
#undef IORING_FIXED_FD_NO_CLOEXEC
#undef IORING_NOP_INJECT_RESULT
#undef IORING_NOP_FILE
#undef IORING_NOP_FIXED_FILE
#undef IORING_NOP_FIXED_BUFFER
#undef IORING_NOP_TW
#undef IORING_NOP_CQE32
#undef IORING_NOTIF_USAGE_ZC_COPIED
#undef IORING_CQE_F_BUFFER
#undef IORING_CQE_F_MORE
#undef IORING_CQE_F_SOCK_NONEMPTY
#undef IORING_CQE_F_NOTIF
#undef IORING_CQE_F_BUF_MORE
#undef IORING_CQE_F_SKIP
#undef IORING_CQE_F_32
#undef IORING_CQE_F_TSTAMP_HW
#undef IORING_CQE_BUFFER_SHIFT
#undef IORING_TIMESTAMP_HW_SHIFT
#undef IORING_TIMESTAMP_TYPE_SHIFT
#undef IORING_SETUP_IOPOLL
#undef IORING_SETUP_SQPOLL
#undef IORING_SETUP_SQ_AFF
#undef IORING_SETUP_CQSIZE
#undef IORING_SETUP_CLAMP
#undef IORING_SETUP_ATTACH_WQ
#undef IORING_SETUP_R_DISABLED
#undef IORING_SETUP_SUBMIT_ALL
#undef IORING_SETUP_COOP_TASKRUN
#undef IORING_SETUP_TASKRUN_FLAG
#undef IORING_SETUP_SQE128
#undef IORING_SETUP_CQE32
#undef IORING_SETUP_SINGLE_ISSUER
#undef IORING_SETUP_DEFER_TASKRUN
#undef IORING_SETUP_NO_MMAP
#undef IORING_SETUP_REGISTERED_FD_ONLY
#undef IORING_SETUP_NO_SQARRAY
#undef IORING_SETUP_HYBRID_IOPOLL
#undef IORING_SETUP_CQE_MIXED
#undef IORING_SETUP_SQE_MIXED
#undef IORING_SETUP_SQ_REWIND
#undef IORING_FEAT_SINGLE_MMAP
#undef IORING_FEAT_NODROP
#undef IORING_FEAT_SUBMIT_STABLE
#undef IORING_FEAT_RW_CUR_POS
#undef IORING_FEAT_CUR_PERSONALITY
#undef IORING_FEAT_FAST_POLL
#undef IORING_FEAT_POLL_32BITS
#undef IORING_FEAT_SQPOLL_NONFIXED
#undef IORING_FEAT_EXT_ARG
#undef IORING_FEAT_NATIVE_WORKERS
#undef IORING_FEAT_RSRC_TAGS
#undef IORING_FEAT_CQE_SKIP
#undef IORING_FEAT_LINKED_FILE
#undef IORING_FEAT_REG_REG_RING
#undef IORING_FEAT_RECVSEND_BUNDLE
#undef IORING_FEAT_MIN_TIMEOUT
#undef IORING_FEAT_RW_ATTR
#undef IORING_FEAT_NO_IOWAIT
#undef IORING_OFF_SQ_RING
#undef IORING_OFF_CQ_RING
#undef IORING_OFF_SQES
#undef IORING_OFF_PBUF_RING
#undef IORING_OFF_PBUF_SHIFT
#undef IORING_OFF_MMAP_MASK
#undef IORING_SQ_NEED_WAKEUP
#undef IORING_SQ_CQ_OVERFLOW
#undef IORING_SQ_TASKRUN
#undef IORING_CQ_EVENTFD_DISABLED
#undef IORING_ENTER_GETEVENTS
#undef IORING_ENTER_SQ_WAKEUP
#undef IORING_ENTER_SQ_WAIT
#undef IORING_ENTER_EXT_ARG
#undef IORING_ENTER_REGISTERED_RING
#undef IORING_ENTER_ABS_TIMER
#undef IORING_ENTER_EXT_ARG_REG
#undef IORING_ENTER_NO_IOWAIT
#undef IORING_REG_WAIT_TS
#undef IORING_REGISTER_USE_REGISTERED_RING
#undef IORING_RSRC_REGISTER_SPARSE
#undef IORING_REGISTER_FILES_SKIP
#undef IO_URING_OP_SUPPORTED
#undef IORING_MEM_REGION_TYPE_USER
#undef IORING_MEM_REGION_REG_WAIT_ARG
#undef IORING_REGISTER_SRC_REGISTERED
#undef IORING_REGISTER_DST_REPLACE
#undef IORING_ZCRX_AREA_SHIFT
#undef IORING_ZCRX_AREA_MASK
#else
/* Where it is included later, it has nothing to add. */
#define LINUX_IO_URING_H
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* In an array of descriptors: leave this slot as it is. */
#define IORING_REGISTER_FILES_SKIP (-2)

/* What `IORING_OP_MSG_RING` does: its `addr`. */
enum io_uring_msg_ring_flags {
	/* Post a CQE with `len` as `res` and `off` as `user_data`. */
	IORING_MSG_DATA,
	/* Install the registered file `addr3` in the other ring, in slot `file_index`. */
	IORING_MSG_SEND_FD,
};

/* `opcode` of `struct io_uring_napi`. */
enum io_uring_napi_op {
	/* Begin, with the tracking strategy `op_param`. */
	IO_URING_NAPI_REGISTER_OP,
	/* Busy-poll the queue `op_param` as well. */
	IO_URING_NAPI_STATIC_ADD_ID,
	/* Busy-poll that queue no more. */
	IO_URING_NAPI_STATIC_DEL_ID,
};

/* Which queues are busy-polled. */
enum io_uring_napi_tracking_strategy {
	/* Those of the sockets that requests wait for. */
	IO_URING_NAPI_TRACKING_DYNAMIC,
	/* Those that the program names. */
	IO_URING_NAPI_TRACKING_STATIC,
	/* None. */
	IO_URING_NAPI_TRACKING_INACTIVE = 255,
};

/* The operations: `opcode` of an SQE. An unknown one completes with `-EINVAL`. */
enum io_uring_op {
	/* Nothing; see `IORING_NOP_*`. */
	IORING_OP_NOP,
	/* preadv2(2): `addr` iovecs, `len` of them, `off`, `rw_flags`. */
	IORING_OP_READV,
	/* pwritev2(2): `addr` iovecs, `len` of them, `off`, `rw_flags`. */
	IORING_OP_WRITEV,
	/* fsync(2), or fdatasync(2) with `IORING_FSYNC_DATASYNC`; `off` and `len` may give a range. */
	IORING_OP_FSYNC,
	/* Read into registered buffer `buf_index`, at `addr`. */
	IORING_OP_READ_FIXED,
	/* Write from registered buffer `buf_index`, at `addr`. */
	IORING_OP_WRITE_FIXED,
	/* Wait for `poll32_events`; `res` is the events found. */
	IORING_OP_POLL_ADD,
	/* Remove or update the poll request whose `user_data` is `addr`; `-ENOENT` if there is none. */
	IORING_OP_POLL_REMOVE,
	/* sync_file_range(2). */
	IORING_OP_SYNC_FILE_RANGE,
	/* sendmsg(2). */
	IORING_OP_SENDMSG,
	/* recvmsg(2). */
	IORING_OP_RECVMSG,
	/*
	 * Complete with `-ETIME` at the time `addr` points at, or with 0 after `off` other
	 * completions.
	 */
	IORING_OP_TIMEOUT,
	/* Remove or update the timeout whose `user_data` is `addr`; `-ENOENT` if there is none. */
	IORING_OP_TIMEOUT_REMOVE,
	/* accept4(2). */
	IORING_OP_ACCEPT,
	/* Cancel the requests that match; see `IORING_ASYNC_CANCEL_*`. `-ENOENT` if there is none. */
	IORING_OP_ASYNC_CANCEL,
	/* A timeout for the request before it in a link. */
	IORING_OP_LINK_TIMEOUT,
	/* connect(2). */
	IORING_OP_CONNECT,
	/* fallocate(2). */
	IORING_OP_FALLOCATE,
	/* openat(2). */
	IORING_OP_OPENAT,
	/* close(2), of a descriptor or of a registered file. */
	IORING_OP_CLOSE,
	/* Update registered files: `addr` descriptors, `len` of them, from `off`. */
	IORING_OP_FILES_UPDATE,
	/* statx(2). */
	IORING_OP_STATX,
	/* pread(2), with `rw_flags`. */
	IORING_OP_READ,
	/* pwrite(2), with `rw_flags`. */
	IORING_OP_WRITE,
	/* posix_fadvise(2). */
	IORING_OP_FADVISE,
	/* madvise(2). */
	IORING_OP_MADVISE,
	/* send(2); sendto(2) when `addr2` is set. */
	IORING_OP_SEND,
	/* recv(2). */
	IORING_OP_RECV,
	/* openat2(2). */
	IORING_OP_OPENAT2,
	/* epoll_ctl(2). */
	IORING_OP_EPOLL_CTL,
	/* splice(2). */
	IORING_OP_SPLICE,
	/*
	 * Give buffers to a group, the older way: `addr` the first, `len` bytes each, `fd` of them,
	 * IDs from `off`.
	 */
	IORING_OP_PROVIDE_BUFFERS,
	/* Take `fd` buffers of a group back. */
	IORING_OP_REMOVE_BUFFERS,
	/* tee(2). */
	IORING_OP_TEE,
	/* shutdown(2). */
	IORING_OP_SHUTDOWN,
	/* renameat2(2). */
	IORING_OP_RENAMEAT,
	/* unlinkat(2). */
	IORING_OP_UNLINKAT,
	/* mkdirat(2). */
	IORING_OP_MKDIRAT,
	/* symlinkat(2). */
	IORING_OP_SYMLINKAT,
	/* linkat(2). */
	IORING_OP_LINKAT,
	/* Post a CQE to another ring, or send it a registered file. */
	IORING_OP_MSG_RING,
	/* fsetxattr(2). */
	IORING_OP_FSETXATTR,
	/* setxattr(2). */
	IORING_OP_SETXATTR,
	/* fgetxattr(2). */
	IORING_OP_FGETXATTR,
	/* getxattr(2). */
	IORING_OP_GETXATTR,
	/* socket(2). */
	IORING_OP_SOCKET,
	/* A command of the file's driver: `cmd_op`, with its argument in `cmd`. */
	IORING_OP_URING_CMD,
	/* send(2) or sendto(2) without copying; a second CQE, `IORING_CQE_F_NOTIF`, frees the buffer. */
	IORING_OP_SEND_ZC,
	/* sendmsg(2) without copying; a second CQE, `IORING_CQE_F_NOTIF`, frees the buffers. */
	IORING_OP_SENDMSG_ZC,
	/* Read into provided buffers each time that there is data. */
	IORING_OP_READ_MULTISHOT,
	/* waitid(2). */
	IORING_OP_WAITID,
	/* FUTEX_WAIT_BITSET of futex2. */
	IORING_OP_FUTEX_WAIT,
	/* FUTEX_WAKE_BITSET of futex2. */
	IORING_OP_FUTEX_WAKE,
	/* futex_waitv(2). */
	IORING_OP_FUTEX_WAITV,
	/* Make a descriptor for a registered file. */
	IORING_OP_FIXED_FD_INSTALL,
	/* ftruncate(2). */
	IORING_OP_FTRUNCATE,
	/* bind(2). */
	IORING_OP_BIND,
	/* listen(2). */
	IORING_OP_LISTEN,
	/* Receive into the area of a zero-copy receive queue. */
	IORING_OP_RECV_ZC,
	/* epoll_wait(2), without a timeout. */
	IORING_OP_EPOLL_WAIT,
	/* Like READV, the iovecs inside registered buffer `buf_index`. */
	IORING_OP_READV_FIXED,
	/* Like WRITEV, the iovecs inside registered buffer `buf_index`. */
	IORING_OP_WRITEV_FIXED,
	/* pipe2(2). */
	IORING_OP_PIPE,
	/* NOP in a 128 byte SQE. */
	IORING_OP_NOP128,
	/* URING_CMD in a 128 byte SQE. */
	IORING_OP_URING_CMD128,
	/* The number of operations known to this header. */
	IORING_OP_LAST,
};

/* Opcodes of `io_uring_register`. An unknown one gives `-EINVAL`. */
enum io_uring_register_op {
	/* Register buffers: an array of iovecs. `-EBUSY` if there are some. */
	IORING_REGISTER_BUFFERS,
	/* Unregister all buffers. `-ENXIO` if there are none. */
	IORING_UNREGISTER_BUFFERS,
	/* Register files: an array of descriptors, -1 for an empty slot. `-EBUSY` if there are some. */
	IORING_REGISTER_FILES,
	/* Unregister all files. `-ENXIO` if there are none. */
	IORING_UNREGISTER_FILES,
	/* Signal an eventfd at each completion. `-EBUSY` if there is one. */
	IORING_REGISTER_EVENTFD,
	/* Unregister the eventfd. `-ENXIO` if there is none. */
	IORING_UNREGISTER_EVENTFD,
	/* Replace registered files: `struct io_uring_files_update`; answers the number done. */
	IORING_REGISTER_FILES_UPDATE,
	/* Signal an eventfd only at completions that did not come at once. */
	IORING_REGISTER_EVENTFD_ASYNC,
	/* Which operations there are: `struct io_uring_probe`, zeroed. */
	IORING_REGISTER_PROBE,
	/* Register the task's credentials; answers their ID. */
	IORING_REGISTER_PERSONALITY,
	/* Unregister the credentials whose ID is the count. `-EINVAL` if there are none. */
	IORING_UNREGISTER_PERSONALITY,
	/* Restrict a ring that is still disabled: an array of `struct io_uring_restriction`. */
	IORING_REGISTER_RESTRICTIONS,
	/* Enable a ring made with `IORING_SETUP_R_DISABLED`. `-EBADFD` if it is enabled. */
	IORING_REGISTER_ENABLE_RINGS,
	/* Register files with tags: `struct io_uring_rsrc_register`. */
	IORING_REGISTER_FILES2,
	/* Replace files with tags: `struct io_uring_rsrc_update2`. */
	IORING_REGISTER_FILES_UPDATE2,
	/* Register buffers with tags: `struct io_uring_rsrc_register`. */
	IORING_REGISTER_BUFFERS2,
	/* Replace buffers with tags: `struct io_uring_rsrc_update2`. */
	IORING_REGISTER_BUFFERS_UPDATE,
	/* Bind the workers to CPUs: a CPU mask and its size. */
	IORING_REGISTER_IOWQ_AFF,
	/* Undo that. */
	IORING_UNREGISTER_IOWQ_AFF,
	/* Limit the workers: two counts, by `enum io_wq_type`; 0 only asks. The old ones come back. */
	IORING_REGISTER_IOWQ_MAX_WORKERS,
	/*
	 * Register rings for enter: an array of `struct io_uring_rsrc_update`; answers the number
	 * done.
	 */
	IORING_REGISTER_RING_FDS,
	/* Undo that. */
	IORING_UNREGISTER_RING_FDS,
	/*
	 * Register a provided buffer ring: `struct io_uring_buf_reg`. `-EEXIST` if the group has
	 * buffers.
	 */
	IORING_REGISTER_PBUF_RING,
	/* Unregister it. `-ENOENT` if there is none. */
	IORING_UNREGISTER_PBUF_RING,
	/* Cancel and wait until it is done: `struct io_uring_sync_cancel_reg`. */
	IORING_REGISTER_SYNC_CANCEL,
	/* Where `IORING_FILE_INDEX_ALLOC` finds slots: `struct io_uring_file_index_range`. */
	IORING_REGISTER_FILE_ALLOC_RANGE,
	/* The head of a provided buffer ring: `struct io_uring_buf_status`. */
	IORING_REGISTER_PBUF_STATUS,
	/* Busy-poll the network: `struct io_uring_napi`; the old values come back. */
	IORING_REGISTER_NAPI,
	/* Undo that. */
	IORING_UNREGISTER_NAPI,
	/* The clock of waits: `struct io_uring_clock_register`. */
	IORING_REGISTER_CLOCK,
	/* Copy registered buffers of another ring: `struct io_uring_clone_buffers`. */
	IORING_REGISTER_CLONE_BUFFERS,
	/* MSG_RING without a ring of one's own, fd -1: `struct io_uring_sqe`. */
	IORING_REGISTER_SEND_MSG_RING,
	/* Register a zero-copy receive queue: `struct io_uring_zcrx_ifq_reg`. */
	IORING_REGISTER_ZCRX_IFQ,
	/*
	 * Change the size of the rings: `struct io_uring_params`. `-EINVAL` without
	 * `IORING_SETUP_DEFER_TASKRUN`.
	 */
	IORING_REGISTER_RESIZE_RINGS,
	/* Register a memory region: `struct io_uring_mem_region_reg`. */
	IORING_REGISTER_MEM_REGION,
	/* What the kernel offers, fd -1 allowed: `struct io_uring_query_hdr`. */
	IORING_REGISTER_QUERY,
	/* Operate a zero-copy receive queue: `struct zcrx_ctrl`. */
	IORING_REGISTER_ZCRX_CTRL,
	/* Register a filter of requests: `struct io_uring_bpf`; with fd -1 for the task. */
	IORING_REGISTER_BPF_FILTER,
	/* The number of opcodes known to this header. */
	IORING_REGISTER_LAST,
};

/* `flags` of `struct io_uring_buf_reg`. */
enum io_uring_register_pbuf_ring_flags {
	/* The kernel allocates the ring; map it at `IORING_OFF_PBUF_RING`. */
	IOU_PBUF_RING_MMAP = 1,
	/* A buffer is used up piece by piece, over several requests. */
	IOU_PBUF_RING_INC,
};

/* The kinds of restrictions. */
enum io_uring_register_restriction_op {
	/* Allow the register opcode `register_op`. */
	IORING_RESTRICTION_REGISTER_OP,
	/* Allow the operation `sqe_op`. */
	IORING_RESTRICTION_SQE_OP,
	/* Allow the flags `sqe_flags`. */
	IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
	/* Require the flags `sqe_flags`. */
	IORING_RESTRICTION_SQE_FLAGS_REQUIRED,
	/* The number of kinds known to this header. */
	IORING_RESTRICTION_LAST,
};

/* `cmd_op` of `IORING_OP_URING_CMD` on a socket. */
enum io_uring_socket_op {
	/* ioctl(2) SIOCINQ: bytes not yet read. */
	SOCKET_URING_OP_SIOCINQ,
	/* ioctl(2) SIOCOUTQ: bytes not yet sent. */
	SOCKET_URING_OP_SIOCOUTQ,
	/* getsockopt(2); `res` is the length. `-EOPNOTSUPP` unless the level is SOL_SOCKET. */
	SOCKET_URING_OP_GETSOCKOPT,
	/* setsockopt(2). */
	SOCKET_URING_OP_SETSOCKOPT,
	/* Transmit timestamps, each a 32 byte CQE, until there are no more. */
	SOCKET_URING_OP_TX_TIMESTAMP,
	/* getsockname(2), or getpeername(2) when `optlen` is 1. */
	SOCKET_URING_OP_GETSOCKNAME,
};

/* The bits of an SQE's `flags`. */
enum io_uring_sqe_flags_bit {
	/* The bit of `IOSQE_FIXED_FILE`. */
	IOSQE_FIXED_FILE_BIT,
	/* The bit of `IOSQE_IO_DRAIN`. */
	IOSQE_IO_DRAIN_BIT,
	/* The bit of `IOSQE_IO_LINK`. */
	IOSQE_IO_LINK_BIT,
	/* The bit of `IOSQE_IO_HARDLINK`. */
	IOSQE_IO_HARDLINK_BIT,
	/* The bit of `IOSQE_ASYNC`. */
	IOSQE_ASYNC_BIT,
	/* The bit of `IOSQE_BUFFER_SELECT`. */
	IOSQE_BUFFER_SELECT_BIT,
	/* The bit of `IOSQE_CQE_SKIP_SUCCESS`. */
	IOSQE_CQE_SKIP_SUCCESS_BIT,
};

/* `flags` of `struct io_uring_zcrx_area_reg`. */
enum io_uring_zcrx_area_flags {
	/* The area is the dmabuf `dmabuf_fd`, not memory of the process. */
	IORING_ZCRX_AREA_DMABUF = 1,
};

/* The kinds of workers. */
enum io_wq_type {
	/* For work on files and block devices, which ends. */
	IO_WQ_BOUND,
	/* For work that may wait without end. */
	IO_WQ_UNBOUND,
};

/* `op` of `struct zcrx_ctrl`. */
enum zcrx_ctrl_op {
	/* Take in the refill ring's entries. */
	ZCRX_CTRL_FLUSH_RQ,
	/* Make a file descriptor with which another ring can import the queue. */
	ZCRX_CTRL_EXPORT,
	/* The number of operations known to this header. */
	__ZCRX_CTRL_LAST,
};

/* `features` of `struct io_uring_query_zcrx`. */
enum zcrx_features {
	/* `rx_buf_len` may be chosen. */
	ZCRX_FEATURE_RX_PAGE_SIZE = 1,
};

/* `flags` of `struct io_uring_zcrx_ifq_reg`. */
enum zcrx_reg_flags {
	/* Use the interface queue that another ring exported; `if_idx` holds its file descriptor. */
	ZCRX_REG_IMPORT = 1,
	/* No device: the queue only copies. */
	ZCRX_REG_NODEV,
};

/* A buffer in a provided buffer ring. */
struct io_uring_buf {
	/* The buffer's address. */
	__u64 addr;
	/* The buffer's length in bytes. */
	__u32 len;
	/* The buffer's ID, which the CQE reports. */
	__u16 bid;
	/* Reserved. In entry 0, the ring's tail. */
	__u16 resv;
};

/* The argument of `ZCRX_CTRL_EXPORT`. */
struct zcrx_ctrl_export {
	/* Out: the file descriptor. */
	__u32 zcrx_fd;
	/* Reserved: 0. */
	__u32 __resv1[11];
};

/* The argument of `ZCRX_CTRL_FLUSH_RQ`: none yet. */
struct zcrx_ctrl_flush_rq {
	/* Reserved: 0. */
	__u64 __resv[6];
};

/*
 * Where the parts of the completion ring lie: bytes from the start of its mapping. Filled by
 * setup.
 */
struct io_cqring_offsets {
	/* The application's index of the next CQE to read. */
	__u32 head;
	/* The server's index behind the last CQE. */
	__u32 tail;
	/* The number of entries minus one. */
	__u32 ring_mask;
	/* The number of entries. */
	__u32 ring_entries;
	/* The count of CQEs lost for want of room. */
	__u32 overflow;
	/* The CQEs. */
	__u32 cqes;
	/* `IORING_CQ_EVENTFD_DISABLED`. */
	__u32 flags;
	/* Reserved: 0. */
	__u32 resv1;
	/* In, with `IORING_SETUP_NO_MMAP`: the address of the rings' memory. */
	__u64 user_addr;
};

/*
 * Where the parts of the submission ring lie: bytes from the start of its mapping. Filled by
 * setup.
 */
struct io_sqring_offsets {
	/* The server's index of the next entry to take. */
	__u32 head;
	/* The application's index behind the last entry. */
	__u32 tail;
	/* The number of entries minus one. */
	__u32 ring_mask;
	/* The number of entries. */
	__u32 ring_entries;
	/* `IORING_SQ_*`. */
	__u32 flags;
	/* The count of entries refused because their index was out of range. */
	__u32 dropped;
	/* The indices of SQEs; unused with `IORING_SETUP_NO_SQARRAY`. */
	__u32 array;
	/* Reserved: 0. */
	__u32 resv1;
	/* In, with `IORING_SETUP_NO_MMAP`: the address of the SQEs' memory. */
	__u64 user_addr;
};

/* The time in the second half of a transmit timestamp's CQE. */
struct io_timespec {
	/* Seconds. */
	__u64 tv_sec;
	/* Nanoseconds. */
	__u64 tv_nsec;
};

/* Protection information that goes with a read or write. */
struct io_uring_attr_pi {
	/* `IO_INTEGRITY_CHK_*`. */
	__u16 flags;
	/* The application tag. */
	__u16 app_tag;
	/* The length of the information in bytes. */
	__u32 len;
	/* The address of the information. */
	__u64 addr;
	/* The seed of the reference tag. */
	__u64 seed;
	/* Reserved: 0. */
	__u64 rsvd;
};

/* The argument of `IORING_REGISTER_PBUF_RING` and `IORING_UNREGISTER_PBUF_RING`. */
struct io_uring_buf_reg {
	/* The ring's address, on a page; 0 with `IOU_PBUF_RING_MMAP`. */
	__u64 ring_addr;
	/* A power of two, at most 32768. */
	__u32 ring_entries;
	/* The buffer group. */
	__u16 bgid;
	/* `IOU_PBUF_RING_*`. */
	__u16 flags;
	/* With `IOU_PBUF_RING_INC`: a buffer with fewer bytes left is not used on. */
	__u32 min_left;
	/* Reserved: 0. */
	__u32 resv[5];
};

/* A ring of buffers that the application provides for requests with `IOSQE_BUFFER_SELECT`. */
struct io_uring_buf_ring {
	/* Header and entries. */
	union {
		/* The view with the tail. */
		struct {
			/* Lies over `bufs[0].addr`. */
			__u64 resv1;
			/* Lies over `bufs[0].len`. */
			__u32 resv2;
			/* Lies over `bufs[0].bid`. */
			__u16 resv3;
			/* The application's index behind the last buffer; wraps at 65536. */
			__u16 tail;
		};
		/* The entries, a power of two of them. */
		struct io_uring_buf bufs[0];
	};
};

/* The argument of `IORING_REGISTER_PBUF_STATUS`. */
struct io_uring_buf_status {
	/* In: the buffer group. */
	__u32 buf_group;
	/* Out: the index of the next buffer that will be taken. */
	__u32 head;
	/* Reserved: 0. */
	__u32 resv[8];
};

/* The argument of `IORING_REGISTER_CLOCK`. */
struct io_uring_clock_register {
	/* CLOCK_MONOTONIC or CLOCK_BOOTTIME; `-EINVAL` for others. */
	__u32 clockid;
	/* Reserved: 0. */
	__u32 __resv[3];
};

/* The argument of `IORING_REGISTER_CLONE_BUFFERS`. */
struct io_uring_clone_buffers {
	/* The ring to copy from. */
	__u32 src_fd;
	/* `IORING_REGISTER_SRC_REGISTERED`, `IORING_REGISTER_DST_REPLACE`. */
	__u32 flags;
	/* The first slot of the source. */
	__u32 src_off;
	/* The first slot of the destination. */
	__u32 dst_off;
	/* The number of slots; 0 with both offsets 0 for all. */
	__u32 nr;
	/* Reserved: 0. */
	__u32 pad[3];
};

/* A completion. */
struct io_uring_cqe {
	/* The value of the SQE. */
	__u64 user_data;
	/* What the system call would have returned, or -errno. */
	__s32 res;
	/* `IORING_CQE_F_*`. */
	__u32 flags;
	/* 16 bytes more, in a 32 byte CQE. */
	__u64 big_cqe[];
};

/* The argument of `IORING_REGISTER_FILE_ALLOC_RANGE`. */
struct io_uring_file_index_range {
	/* The first slot. */
	__u32 off;
	/* The number of slots. */
	__u32 len;
	/* Reserved: 0. */
	__u64 resv;
};

/* The argument of `IORING_REGISTER_FILES_UPDATE`. */
struct io_uring_files_update {
	/* The first slot. */
	__u32 offset;
	/* Reserved: 0. */
	__u32 resv;
	/* The address of the descriptors: -1 empties a slot. */
	__u64 fds;
};

/* The argument of enter with `IORING_ENTER_EXT_ARG`. */
struct io_uring_getevents_arg {
	/* The address of the signal mask during the wait, or 0. */
	__u64 sigmask;
	/* The size of the signal mask in bytes. */
	__u32 sigmask_sz;
	/*
	 * Microseconds to wait for all events asked for, before fewer suffice
	 * (`IORING_FEAT_MIN_TIMEOUT`).
	 */
	__u32 min_wait_usec;
	/* The address of a `struct __kernel_timespec`, or 0 to wait without end. */
	__u64 ts;
};

/* The argument of `IORING_REGISTER_MEM_REGION`. */
struct io_uring_mem_region_reg {
	/* The address of a `struct io_uring_region_desc`. */
	__u64 region_uptr;
	/* `IORING_MEM_REGION_REG_WAIT_ARG` or 0. */
	__u64 flags;
	/* Reserved: 0. */
	__u64 __resv[2];
};

/* The argument of `IORING_REGISTER_NAPI` and `IORING_UNREGISTER_NAPI`. */
struct io_uring_napi {
	/* Microseconds to busy-poll. */
	__u32 busy_poll_to;
	/* 1 to prefer busy polling to interrupts. */
	__u8 prefer_busy_poll;
	/* What to do. */
	union {
		/* Reserved without `opcode`: 0. */
		__u8 pad[3];
		/* `IO_URING_NAPI_*_OP` and `_ID`. */
		__u8 opcode;
	};
	/* About what. */
	union {
		/* Reserved without `op_param`: 0. */
		__u64 resv;
		/* What `opcode` is about. */
		__u32 op_param;
	};
};

/* What `io_uring_setup` is asked for and what it answers. */
struct io_uring_params {
	/* Out: entries of the submission queue, a power of two, at most 32768. */
	__u32 sq_entries;
	/* Out: entries of the completion queue; in with `IORING_SETUP_CQSIZE`, at most 65536. */
	__u32 cq_entries;
	/* In: `IORING_SETUP_*`. */
	__u32 flags;
	/* In: the submission thread's CPU, with `IORING_SETUP_SQ_AFF`. */
	__u32 sq_thread_cpu;
	/* In: milliseconds without work until the submission thread sleeps; 0 is one second. */
	__u32 sq_thread_idle;
	/* Out: `IORING_FEAT_*`. */
	__u32 features;
	/* In: the ring to share with, with `IORING_SETUP_ATTACH_WQ`. */
	__u32 wq_fd;
	/* Reserved: 0. */
	__u32 resv[3];
	/* Out: the layout of the submission ring. */
	struct io_sqring_offsets sq_off;
	/* Out: the layout of the completion ring. */
	struct io_cqring_offsets cq_off;
};

/* What is known of one operation. */
struct io_uring_probe_op {
	/* `IORING_OP_*`. */
	__u8 op;
	/* Reserved: 0. */
	__u8 resv;
	/* `IO_URING_OP_SUPPORTED` or 0. */
	__u16 flags;
	/* Reserved: 0. */
	__u32 resv2;
};

/* The argument of `IORING_REGISTER_PROBE`. All out. */
struct io_uring_probe {
	/* The last operation that the kernel knows. */
	__u8 last_op;
	/* The number of `ops` filled. */
	__u8 ops_len;
	/* Reserved: 0. */
	__u16 resv;
	/* Reserved: 0. */
	__u32 resv2[3];
	/* One for each operation. */
	struct io_uring_probe_op ops[];
};

/* The head of a buffer that a multishot recvmsg filled; name, control data and payload follow. */
struct io_uring_recvmsg_out {
	/* The length of the source address, even if it was cut. */
	__u32 namelen;
	/* The length of the control data. */
	__u32 controllen;
	/* The length of the payload, even if it was cut. */
	__u32 payloadlen;
	/* `MSG_*` flags of the message received. */
	__u32 flags;
};

/* One entry of a registered wait region: how `io_uring_submit_and_wait_reg` waits. */
struct io_uring_reg_wait {
	/* The timeout, if `flags` has `IORING_REG_WAIT_TS`. */
	struct __kernel_timespec ts;
	/* Microseconds to wait for all events asked for, before fewer suffice. */
	__u32 min_wait_usec;
	/* `IORING_REG_WAIT_TS` or 0. */
	__u32 flags;
	/* The address of the signal mask during the wait, or 0. */
	__u64 sigmask;
	/* The size of the signal mask in bytes. */
	__u32 sigmask_sz;
	/* Reserved: 0. */
	__u32 pad[3];
	/* Reserved: 0. */
	__u64 pad2[2];
};

/* A memory region. */
struct io_uring_region_desc {
	/* In, with `IORING_MEM_REGION_TYPE_USER`: its address. */
	__u64 user_addr;
	/* In: its size in bytes, whole pages. */
	__u64 size;
	/* In: `IORING_MEM_REGION_TYPE_USER` or 0. */
	__u32 flags;
	/* In: the region's ID; 0. */
	__u32 id;
	/* Out: where to map it. */
	__u64 mmap_offset;
	/* Reserved: 0. */
	__u64 __resv[4];
};

/* A restriction of a ring. */
struct io_uring_restriction {
	/* `IORING_RESTRICTION_*`. */
	__u16 opcode;
	/* What is restricted. */
	union {
		/* `IORING_REGISTER_*`. */
		__u8 register_op;
		/* `IORING_OP_*`. */
		__u8 sqe_op;
		/* `IOSQE_*`. */
		__u8 sqe_flags;
	};
	/* Reserved: 0. */
	__u8 resv;
	/* Reserved: 0. */
	__u32 resv2[3];
};

/* The argument of `IORING_REGISTER_FILES2` and `IORING_REGISTER_BUFFERS2`. */
struct io_uring_rsrc_register {
	/* The number of slots. */
	__u32 nr;
	/* `IORING_RSRC_REGISTER_SPARSE` or 0. */
	__u32 flags;
	/* Reserved: 0. */
	__u64 resv2;
	/* The address of the descriptors or iovecs. */
	__u64 data;
	/* The address of the tags, or 0. A tag comes as `user_data` of a CQE when its slot is free. */
	__u64 tags;
};

/* A registered ring, or an update without tags. */
struct io_uring_rsrc_update {
	/* The slot; with RING_FDS -1 for any, and the one taken comes back. */
	__u32 offset;
	/* Reserved: 0. */
	__u32 resv;
	/* The ring's descriptor, or the address of new contents. */
	__u64 data;
};

/* The argument of `IORING_REGISTER_FILES_UPDATE2` and `IORING_REGISTER_BUFFERS_UPDATE`. */
struct io_uring_rsrc_update2 {
	/* The first slot. */
	__u32 offset;
	/* Reserved: 0. */
	__u32 resv;
	/* The address of the descriptors or iovecs. */
	__u64 data;
	/* The address of the tags, or 0. */
	__u64 tags;
	/* The number of slots. */
	__u32 nr;
	/* Reserved: 0. */
	__u32 resv2;
};

/* A request. Which fields an operation reads is told at its opcode. */
struct io_uring_sqe {
	/* `IORING_OP_*`. */
	__u8 opcode;
	/* `IOSQE_*`. */
	__u8 flags;
	/* The I/O priority; flags in send, receive and accept. */
	__u16 ioprio;
	/* The file, or its registered index with `IOSQE_FIXED_FILE`. */
	__s32 fd;
	/* The offset. */
	union {
		/* The file offset, -1 for the file's position; a count or flags in some operations. */
		__u64 off;
		/* A second address. */
		__u64 addr2;
		/* URING_CMD. */
		struct {
			/* URING_CMD: the command. */
			__u32 cmd_op;
			/* Reserved: 0. */
			__u32 __pad1;
		};
	};
	/* The address. */
	union {
		/* The address of a buffer, of iovecs, of a path and so on. */
		__u64 addr;
		/* SPLICE: the offset to read at, -1 for none. */
		__u64 splice_off_in;
		/* Socket options. */
		struct {
			/* GETSOCKOPT, SETSOCKOPT: the level. */
			__u32 level;
			/* GETSOCKOPT, SETSOCKOPT: the option. */
			__u32 optname;
		};
	};
	/* The length of the buffer in bytes, or the number of iovecs. */
	__u32 len;
	/* The operation's flags. */
	union {
		/* Reads and writes: `RWF_*`. */
		__kernel_rwf_t rw_flags;
		/* FSYNC: `IORING_FSYNC_DATASYNC`. */
		__u32 fsync_flags;
		/* POLL_ADD without `IORING_FEAT_POLL_32BITS`: `POLL*`. */
		__u16 poll_events;
		/* POLL_ADD: `EPOLL*`; on big-endian machines with its halves exchanged. */
		__u32 poll32_events;
		/* SYNC_FILE_RANGE: `SYNC_FILE_RANGE_*`. */
		__u32 sync_range_flags;
		/* Send and receive: `MSG_*`. */
		__u32 msg_flags;
		/* Timeouts: `IORING_TIMEOUT_*`. */
		__u32 timeout_flags;
		/* ACCEPT: `SOCK_*`. */
		__u32 accept_flags;
		/* ASYNC_CANCEL: `IORING_ASYNC_CANCEL_*`. */
		__u32 cancel_flags;
		/* OPENAT: `O_*`. */
		__u32 open_flags;
		/* STATX: `AT_*`. */
		__u32 statx_flags;
		/* FADVISE, MADVISE: the advice. */
		__u32 fadvise_advice;
		/* SPLICE, TEE: `SPLICE_F_*`. */
		__u32 splice_flags;
		/* RENAMEAT: `RENAME_*`. */
		__u32 rename_flags;
		/* UNLINKAT: `AT_REMOVEDIR`. */
		__u32 unlink_flags;
		/* LINKAT: `AT_*`. */
		__u32 hardlink_flags;
		/* SETXATTR, FSETXATTR: `XATTR_*`. */
		__u32 xattr_flags;
		/* MSG_RING: `IORING_MSG_RING_*`. */
		__u32 msg_ring_flags;
		/* URING_CMD: `IORING_URING_CMD_*`. */
		__u32 uring_cmd_flags;
		/* WAITID: flags of the request; 0. */
		__u32 waitid_flags;
		/* Futex operations: flags of the request; 0. */
		__u32 futex_flags;
		/* FIXED_FD_INSTALL: `IORING_FIXED_FD_NO_CLOEXEC`. */
		__u32 install_fd_flags;
		/* NOP: `IORING_NOP_*`. */
		__u32 nop_flags;
		/* PIPE: `O_*`. */
		__u32 pipe_flags;
	};
	/* Comes back in the CQE, unchanged. */
	__u64 user_data;
	/* The buffer. */
	union {
		/* The registered buffer. */
		__u16 buf_index;
		/* The group of provided buffers, with `IOSQE_BUFFER_SELECT`. */
		__u16 buf_group;
	};
	/* The registered credentials to use; 0 for the task's. */
	__u16 personality;
	/* A second file. */
	union {
		/* SPLICE, TEE: the file to read. */
		__s32 splice_fd_in;
		/* Slot of the registered files plus one, or `IORING_FILE_INDEX_ALLOC`; 0 for a descriptor. */
		__u32 file_index;
		/* RECV_ZC: the queue. */
		__u32 zcrx_ifq_idx;
		/* GETSOCKOPT, SETSOCKOPT: the length of the value. */
		__u32 optlen;
		/* SEND. */
		struct {
			/* SEND, SEND_ZC: the length of the address at `addr2`. */
			__u16 addr_len;
			/* Reserved: 0. */
			__u16 __pad3[1];
		};
		/* WRITE. */
		struct {
			/* The device's stream that the data goes to; 0: none. */
			__u8 write_stream;
			/* Reserved: 0. */
			__u8 __pad4[3];
		};
	};
	/* Further arguments. */
	union {
		/* A third address. */
		struct {
			/* A third address or value. */
			__u64 addr3;
			/* Reserved: 0. */
			__u64 __pad2[1];
		};
		/* Attributes. */
		struct {
			/* The address of the attributes. */
			__u64 attr_ptr;
			/* What there is at `attr_ptr`: `IORING_RW_ATTR_FLAG_PI`. */
			__u64 attr_type_mask;
		};
		/* GETSOCKOPT, SETSOCKOPT: the address of the value. */
		__u64 optval;
		/* URING_CMD: the argument, 16 bytes, or 80 in a 128 byte SQE. */
		__u8 cmd[0];
	};
};

/* The argument of `IORING_REGISTER_SYNC_CANCEL`. */
struct io_uring_sync_cancel_reg {
	/* The `user_data` to match. */
	__u64 addr;
	/* The file to match, with `IORING_ASYNC_CANCEL_FD`. */
	__s32 fd;
	/* `IORING_ASYNC_CANCEL_*`. */
	__u32 flags;
	/* How long to wait, -1 in both fields for ever; then `-ETIME`. */
	struct __kernel_timespec timeout;
	/* The operation to match, with `IORING_ASYNC_CANCEL_OP`. */
	__u8 opcode;
	/* Reserved: 0. */
	__u8 pad[7];
	/* Reserved: 0. */
	__u64 pad2[3];
};

/* Restrictions of all rings that a task makes. */
struct io_uring_task_restriction {
	/* Flags; 0. */
	__u16 flags;
	/* The number of `restrictions`. */
	__u16 nr_res;
	/* Reserved: 0. */
	__u32 resv[3];
	/* The restrictions. */
	struct io_uring_restriction restrictions[];
};

/* The memory that receives the data. */
struct io_uring_zcrx_area_reg {
	/* In: its address; with a dmabuf, the offset in it. */
	__u64 addr;
	/* In: its length in bytes. */
	__u64 len;
	/* Out: the area, to be or-ed into the offsets of refill entries. */
	__u64 rq_area_token;
	/* In: `IORING_ZCRX_AREA_*`. */
	__u32 flags;
	/* In: the dmabuf, with `IORING_ZCRX_AREA_DMABUF`. */
	__u32 dmabuf_fd;
	/* Reserved: 0. */
	__u64 __resv2[2];
};

/* The second half of the CQE of a zero-copy receive. */
struct io_uring_zcrx_cqe {
	/* The offset of the data, with its area's token. */
	__u64 off;
	/* Reserved: 0. */
	__u64 __pad;
};

/*
 * Where the parts of the refill ring lie: bytes from the start of its region. Filled by
 * registration.
 */
struct io_uring_zcrx_offsets {
	/* The kernel's index of the next entry to take. */
	__u32 head;
	/* The application's index behind the last entry. */
	__u32 tail;
	/* The entries. */
	__u32 rqes;
	/* Reserved: 0. */
	__u32 __resv2;
	/* Reserved: 0. */
	__u64 __resv[2];
};

/* The argument of `IORING_REGISTER_ZCRX_IFQ`: a network queue for zero-copy receive. */
struct io_uring_zcrx_ifq_reg {
	/* In: the index of the interface. */
	__u32 if_idx;
	/* In: its receive queue. */
	__u32 if_rxq;
	/* In and out: entries of the refill ring. */
	__u32 rq_entries;
	/* In: `ZCRX_REG_*`. */
	__u32 flags;
	/* In: the address of a `struct io_uring_zcrx_area_reg`. */
	__u64 area_ptr;
	/* In: the address of a `struct io_uring_region_desc` for the refill ring. */
	__u64 region_ptr;
	/* Out: the layout of the refill ring. */
	struct io_uring_zcrx_offsets offsets;
	/* Out: the queue's ID, for `zcrx_ifq_idx` of an SQE and for `struct zcrx_ctrl`. */
	__u32 zcrx_id;
	/* In: the size of a receive buffer in bytes; 0 is the default. */
	__u32 rx_buf_len;
	/* Reserved: 0. */
	__u64 __resv[3];
};

/* An entry of the refill ring: a buffer given back. */
struct io_uring_zcrx_rqe {
	/* The offset of the buffer, with its area's token. */
	__u64 off;
	/* The length in bytes. */
	__u32 len;
	/* Reserved: 0. */
	__u32 __pad;
};

/* The argument of `IORING_REGISTER_ZCRX_CTRL`. */
struct zcrx_ctrl {
	/* The queue: `zcrx_id` of its registration. */
	__u32 zcrx_id;
	/* `ZCRX_CTRL_*`. */
	__u32 op;
	/* Reserved: 0. */
	__u64 __resv[2];
	/* The argument of the operation. */
	union {
		/* For `ZCRX_CTRL_EXPORT`. */
		struct zcrx_ctrl_export zc_export;
		/* For `ZCRX_CTRL_FLUSH_RQ`. */
		struct zcrx_ctrl_flush_rq zc_flush;
	};
};

/* `fd` is an index of a registered file. */
#define IOSQE_FIXED_FILE 1U

/* Start when everything submitted before has completed. */
#define IOSQE_IO_DRAIN 2U

/* The next SQE starts when this one succeeded; otherwise it completes with `-ECANCELED`. */
#define IOSQE_IO_LINK 4U

/* The next SQE starts when this one completed, even in failure. */
#define IOSQE_IO_HARDLINK 8U

/* Go to a worker at once, without trying first. */
#define IOSQE_ASYNC 16U

/* Take a buffer from group `buf_group`; `-ENOBUFS` if it is empty. */
#define IOSQE_BUFFER_SELECT 32U

/* Post no CQE if this one succeeds. */
#define IOSQE_CQE_SKIP_SUCCESS 64U

/* `attr_ptr` points at a `struct io_uring_attr_pi`. */
#define IORING_RW_ATTR_FLAG_PI 1U

/* Take any free slot of the registered files; `res` says which. */
#define IORING_FILE_INDEX_ALLOC 4294967295U

/* The command uses registered buffer `buf_index`. */
#define IORING_URING_CMD_FIXED 1U

/* The command posts several CQEs. */
#define IORING_URING_CMD_MULTISHOT 2U

/* The flags of `uring_cmd_flags` that programs have always been able to set. */
#define IORING_URING_CMD_MASK 1U

/* fdatasync(2) instead of fsync(2). */
#define IORING_FSYNC_DATASYNC 1U

/* The time is absolute. */
#define IORING_TIMEOUT_ABS 1U

/* TIMEOUT_REMOVE sets the timeout's time anew, from `addr2`. */
#define IORING_TIMEOUT_UPDATE 2U

/* The clock is CLOCK_BOOTTIME instead of CLOCK_MONOTONIC. */
#define IORING_TIMEOUT_BOOTTIME 4U

/* The clock is CLOCK_REALTIME instead of CLOCK_MONOTONIC. */
#define IORING_TIMEOUT_REALTIME 8U

/* TIMEOUT_REMOVE sets a link timeout's time anew. */
#define IORING_LINK_TIMEOUT_UPDATE 16U

/* Expiry, `-ETIME`, counts as success: links go on. */
#define IORING_TIMEOUT_ETIME_SUCCESS 32U

/* The timeout repeats, `off` times; 0 is without end. */
#define IORING_TIMEOUT_MULTISHOT 64U

/* `addr` is the time itself in nanoseconds, not the address of one. */
#define IORING_TIMEOUT_IMMEDIATE_ARG 128U

/* The flags that choose a clock; at most one may be set. */
#define IORING_TIMEOUT_CLOCK_MASK 12U

/* The flags that make an update of a removal. */
#define IORING_TIMEOUT_UPDATE_MASK 18U

/* `splice_fd_in` is an index of a registered file. */
#define SPLICE_F_FD_IN_FIXED 2147483648U

/* Post a CQE for each event, until it is removed. */
#define IORING_POLL_ADD_MULTI 1U

/* POLL_REMOVE sets the events anew, from `poll32_events`. */
#define IORING_POLL_UPDATE_EVENTS 2U

/* POLL_REMOVE sets `user_data` anew, from `off`. */
#define IORING_POLL_UPDATE_USER_DATA 4U

/* Level triggered. */
#define IORING_POLL_ADD_LEVEL 8U

/* All requests that match; `res` is their number. */
#define IORING_ASYNC_CANCEL_ALL 1U

/* Match `fd` instead of `addr` with `user_data`. */
#define IORING_ASYNC_CANCEL_FD 2U

/* Match every request. */
#define IORING_ASYNC_CANCEL_ANY 4U

/* `fd` is an index of a registered file. */
#define IORING_ASYNC_CANCEL_FD_FIXED 8U

/* Match `addr` with `user_data`, in addition to others. */
#define IORING_ASYNC_CANCEL_USERDATA 16U

/* Match `len` with the opcode, in addition to others. */
#define IORING_ASYNC_CANCEL_OP 32U

/* Wait by poll before the first try. */
#define IORING_RECVSEND_POLL_FIRST 1U

/* Receive into provided buffers each time that there is data. */
#define IORING_RECV_MULTISHOT 2U

/* The data is in registered buffer `buf_index`. */
#define IORING_RECVSEND_FIXED_BUF 4U

/* `res` of the notification says whether data was copied: `IORING_NOTIF_USAGE_ZC_COPIED`. */
#define IORING_SEND_ZC_REPORT_USAGE 8U

/* One request fills or sends several provided buffers; the CQE names the first. */
#define IORING_RECVSEND_BUNDLE 16U

/* `addr` is an array of iovecs, `len` of them. */
#define IORING_SEND_VECTORIZED 32U

/* Accept each connection that comes, a CQE for each. */
#define IORING_ACCEPT_MULTISHOT 1U

/* `-EAGAIN` if no connection waits. */
#define IORING_ACCEPT_DONTWAIT 2U

/* Wait by poll before the first try. */
#define IORING_ACCEPT_POLL_FIRST 4U

/* Post no CQE to the other ring when a file is sent. */
#define IORING_MSG_RING_CQE_SKIP 1U

/* `file_index` becomes `flags` of the CQE posted. */
#define IORING_MSG_RING_FLAGS_PASS 2U

/* The descriptor stays open in execve(2). */
#define IORING_FIXED_FD_NO_CLOEXEC 1U

/* `len` becomes `res`. */
#define IORING_NOP_INJECT_RESULT 1U

/* Look the file `fd` up. */
#define IORING_NOP_FILE 2U

/* With `IORING_NOP_FILE`: it is a registered one. */
#define IORING_NOP_FIXED_FILE 4U

/* Look registered buffer `buf_index` up. */
#define IORING_NOP_FIXED_BUFFER 8U

/* Complete after what is submitted in the same call. */
#define IORING_NOP_TW 16U

/* Post a 32 byte CQE. */
#define IORING_NOP_CQE32 32U

/* Data was copied after all; with `IORING_SEND_ZC_REPORT_USAGE`. */
#define IORING_NOTIF_USAGE_ZC_COPIED 2147483648U

/* A provided buffer was taken; its ID stands from bit `IORING_CQE_BUFFER_SHIFT`. */
#define IORING_CQE_F_BUFFER 1U

/* The request goes on and posts further CQEs. */
#define IORING_CQE_F_MORE 2U

/* The socket had more to read after this receive. */
#define IORING_CQE_F_SOCK_NONEMPTY 4U

/* The notification of a zero-copy send: its buffers are free again. */
#define IORING_CQE_F_NOTIF 8U

/* The buffer was used in part and will be used on (`IOU_PBUF_RING_INC`). */
#define IORING_CQE_F_BUF_MORE 16U

/* Filler before the end of a ring of mixed CQEs: to be passed over. */
#define IORING_CQE_F_SKIP 32U

/* This CQE is 32 bytes, with `IORING_SETUP_CQE_MIXED`. */
#define IORING_CQE_F_32 32768U

/* The transmit timestamp was made by hardware. */
#define IORING_CQE_F_TSTAMP_HW 65536U

/* The first bit of the buffer ID in `flags`. */
#define IORING_CQE_BUFFER_SHIFT 16U

/* The bit of `flags` that says hardware made the timestamp. */
#define IORING_TIMESTAMP_HW_SHIFT 16U

/* The first bit of the timestamp's type (`SCM_TSTAMP_*`) in `flags`. */
#define IORING_TIMESTAMP_TYPE_SHIFT 17U

/*
 * Completions are found by polling the device, without interrupts; needs `O_DIRECT` files on a
 * device that can poll.
 */
#define IORING_SETUP_IOPOLL 1U

/* A kernel thread takes the submissions; see `sq_thread_idle` and `IORING_SQ_NEED_WAKEUP`. */
#define IORING_SETUP_SQPOLL 2U

/* The submission thread runs on `sq_thread_cpu`. `-EINVAL` without `IORING_SETUP_SQPOLL`. */
#define IORING_SETUP_SQ_AFF 4U

/* `cq_entries` asks for the size of the completion queue (default: twice the submission queue). */
#define IORING_SETUP_CQSIZE 8U

/* Too many entries are reduced to the maximum instead of failing with `-EINVAL`. */
#define IORING_SETUP_CLAMP 16U

/* Share the workers, and the submission thread, of the ring `wq_fd`. */
#define IORING_SETUP_ATTACH_WQ 32U

/* The ring starts disabled: `-EBADFD` until `IORING_REGISTER_ENABLE_RINGS`. */
#define IORING_SETUP_R_DISABLED 64U

/* Submission goes on behind a request that is refused. */
#define IORING_SETUP_SUBMIT_ALL 128U

/* Completion work does not interrupt the task; it runs when the task next enters the kernel. */
#define IORING_SETUP_COOP_TASKRUN 256U

/*
 * `IORING_SQ_TASKRUN` shows that completion work waits. `-EINVAL` unless COOP_TASKRUN or
 * DEFER_TASKRUN is set.
 */
#define IORING_SETUP_TASKRUN_FLAG 512U

/* SQEs are 128 bytes. */
#define IORING_SETUP_SQE128 1024U

/* CQEs are 32 bytes. */
#define IORING_SETUP_CQE32 2048U

/* Only one task submits; `-EEXIST` for another. */
#define IORING_SETUP_SINGLE_ISSUER 4096U

/*
 * Completion work runs only when the task asks for events. `-EINVAL` without
 * `IORING_SETUP_SINGLE_ISSUER`.
 */
#define IORING_SETUP_DEFER_TASKRUN 8192U

/*
 * The application supplies the memory of the rings and SQEs: `user_addr` of `cq_off` and of
 * `sq_off`.
 */
#define IORING_SETUP_NO_MMAP 16384U

/*
 * Setup returns a registered ring index and no file descriptor. `-EINVAL` without
 * `IORING_SETUP_NO_MMAP`.
 */
#define IORING_SETUP_REGISTERED_FD_ONLY 32768U

/* There is no index array between the submission ring and the SQEs: slot n is SQE n. */
#define IORING_SETUP_NO_SQARRAY 65536U

/* Sleep for a part of the expected time before polling. `-EINVAL` without `IORING_SETUP_IOPOLL`. */
#define IORING_SETUP_HYBRID_IOPOLL 131072U

/* CQEs are 16 bytes or, with `IORING_CQE_F_32`, 32. `-EINVAL` together with CQE32. */
#define IORING_SETUP_CQE_MIXED 262144U

/*
 * SQEs are 64 bytes or, for `IORING_OP_NOP128` and `IORING_OP_URING_CMD128`, 128. `-EINVAL`
 * together with SQE128.
 */
#define IORING_SETUP_SQE_MIXED 524288U

/*
 * Every submission starts at SQE 0; head and tail of the submission ring are not used. `-EINVAL`
 * without NO_SQARRAY, or with SQPOLL.
 */
#define IORING_SETUP_SQ_REWIND 1048576U

/* One mapping holds both rings. */
#define IORING_FEAT_SINGLE_MMAP 1U

/* A full completion queue loses no CQE: they are kept aside and `IORING_SQ_CQ_OVERFLOW` is set. */
#define IORING_FEAT_NODROP 2U

/* What an SQE points at, except data buffers, may be reused once it was submitted. */
#define IORING_FEAT_SUBMIT_STABLE 4U

/* Offset -1 reads and writes at the file's position. */
#define IORING_FEAT_RW_CUR_POS 8U

/* A request has the credentials of the task that submits it, not of the one that made the ring. */
#define IORING_FEAT_CUR_PERSONALITY 16U

/* Requests on pollable files wait by poll, without a worker. */
#define IORING_FEAT_FAST_POLL 32U

/* `poll32_events` takes all 32 bits, `EPOLLEXCLUSIVE` among them. */
#define IORING_FEAT_POLL_32BITS 64U

/* With SQPOLL, files need not be registered. */
#define IORING_FEAT_SQPOLL_NONFIXED 128U

/* `IORING_ENTER_EXT_ARG`: enter takes a timeout and a signal mask. */
#define IORING_FEAT_EXT_ARG 256U

/* Workers are threads of the process. */
#define IORING_FEAT_NATIVE_WORKERS 512U

/* Registered files and buffers take tags and can be updated. */
#define IORING_FEAT_RSRC_TAGS 1024U

/* `IOSQE_CQE_SKIP_SUCCESS`. */
#define IORING_FEAT_CQE_SKIP 2048U

/* A linked request looks its file up when it starts, so an earlier link may open it. */
#define IORING_FEAT_LINKED_FILE 4096U

/* `IORING_REGISTER_USE_REGISTERED_RING`. */
#define IORING_FEAT_REG_REG_RING 8192U

/* `IORING_RECVSEND_BUNDLE`. */
#define IORING_FEAT_RECVSEND_BUNDLE 16384U

/* `min_wait_usec` of the wait's argument. */
#define IORING_FEAT_MIN_TIMEOUT 32768U

/* Reads and writes take attributes: `attr_ptr`, `attr_type_mask`. */
#define IORING_FEAT_RW_ATTR 65536U

/* `IORING_ENTER_NO_IOWAIT`. */
#define IORING_FEAT_NO_IOWAIT 131072U

/* The submission ring; with `IORING_FEAT_SINGLE_MMAP` both rings. */
#define IORING_OFF_SQ_RING 0ULL

/* The completion ring. */
#define IORING_OFF_CQ_RING 134217728ULL

/* The array of SQEs. */
#define IORING_OFF_SQES 268435456ULL

/* A provided buffer ring; its group is or-ed in at `IORING_OFF_PBUF_SHIFT`. */
#define IORING_OFF_PBUF_RING 2147483648ULL

/* The first bit of the buffer group in a mapping offset. */
#define IORING_OFF_PBUF_SHIFT 16ULL

/* The bits of a mapping offset that say which region is meant. */
#define IORING_OFF_MMAP_MASK 4160749568ULL

/* The submission thread sleeps: enter with `IORING_ENTER_SQ_WAKEUP`. */
#define IORING_SQ_NEED_WAKEUP 1U

/* CQEs wait outside the full ring: enter with `IORING_ENTER_GETEVENTS` fetches them. */
#define IORING_SQ_CQ_OVERFLOW 2U

/* Completion work waits: enter with `IORING_ENTER_GETEVENTS` runs it. */
#define IORING_SQ_TASKRUN 4U

/* Completions do not signal the registered eventfd. Written by the application. */
#define IORING_CQ_EVENTFD_DISABLED 1U

/* Wait for `min_complete` CQEs; with 0, flush what is pending. */
#define IORING_ENTER_GETEVENTS 1U

/* Wake the submission thread. */
#define IORING_ENTER_SQ_WAKEUP 2U

/* With SQPOLL: wait until the submission queue has room. */
#define IORING_ENTER_SQ_WAIT 4U

/* The argument is a `struct io_uring_getevents_arg`, not a signal mask. */
#define IORING_ENTER_EXT_ARG 8U

/* `fd` is an index from `IORING_REGISTER_RING_FDS`. */
#define IORING_ENTER_REGISTERED_RING 16U

/* The timeout is a time on the ring's clock, not a length of time. */
#define IORING_ENTER_ABS_TIMER 32U

/* The argument is an offset into the registered wait region, of a `struct io_uring_reg_wait`. */
#define IORING_ENTER_EXT_ARG_REG 64U

/* This wait does not count as waiting for I/O in CPU statistics. */
#define IORING_ENTER_NO_IOWAIT 128U

/* `ts` holds a timeout. */
#define IORING_REG_WAIT_TS 1U

/* Or-ed into the opcode: `fd` is the index of a registered ring. */
#define IORING_REGISTER_USE_REGISTERED_RING 2147483648U

/* Register `nr` empty slots; `data` is 0. */
#define IORING_RSRC_REGISTER_SPARSE 1U

/* The operation is supported. */
#define IO_URING_OP_SUPPORTED 1U

/* The memory is the application's, at `user_addr`; otherwise the kernel's, to be mapped. */
#define IORING_MEM_REGION_TYPE_USER 1U

/* The region holds arguments of waits. Only while the ring is disabled. */
#define IORING_MEM_REGION_REG_WAIT_ARG 1U

/* `src_fd` is the index of a registered ring. */
#define IORING_REGISTER_SRC_REGISTERED 1U

/* Buffers that the destination has are replaced; `-EBUSY` otherwise. */
#define IORING_REGISTER_DST_REPLACE 2U

/* The first bit of the area in an offset. */
#define IORING_ZCRX_AREA_SHIFT 48U

/* The bits of the area in an offset. */
#define IORING_ZCRX_AREA_MASK 18446462598732840960ULL

#ifdef __cplusplus
}
#endif

#endif
