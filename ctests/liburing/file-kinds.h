/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Kinds of files: each maker gives a new one, whose other end stays open, or -1 where there is none to have. */
#ifndef CTESTS_FILE_KINDS_H
#define CTESTS_FILE_KINDS_H

#include "rings.h"
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

static inline int pipe_end(int end, int flags)
{
	int fds[2];

	MUST(pipe2(fds, flags));
	return fds[end];
}

static inline int empty_pipe(void) { return pipe_end(0, 0); }
static inline int empty_nonblocking_pipe(void) { return pipe_end(0, O_NONBLOCK); }
static inline int pipe_to_write(void) { return pipe_end(1, 0); }

static inline int pipe_with_data(void)
{
	int fds[2];

	MUST(pipe(fds));
	MUST(write(fds[1], "12345678", 8));
	return fds[0];
}

static inline int full_pipe_of(int flags)
{
	static char page[4096];
	int fds[2];

	MUST(pipe2(fds, O_NONBLOCK));
	while (write(fds[1], page, sizeof(page)) > 0)
		;
	MUST(fcntl(fds[1], F_SETFL, flags));
	return fds[1];
}

static inline int full_pipe(void) { return full_pipe_of(0); }
static inline int full_nonblocking_pipe(void) { return full_pipe_of(O_NONBLOCK); }

static inline int pipe_without_writer(void)
{
	int fds[2];

	MUST(pipe(fds));
	MUST(close(fds[1]));
	return fds[0];
}

/* A system call has no RWF_NOWAIT for one that splice(2) was used on. */
static inline int spliced_pipe(void)
{
	int fds[2], other[2];

	MUST(pipe(fds));
	MUST(pipe(other));
	MUST(write(fds[1], "1", 1));
	MUST(splice(fds[0], NULL, other[1], NULL, 1, 0));
	return fds[0];
}

static inline int fifo_of(int flags)
{
	char path[4096];

	temp_dir(path, sizeof(path) - 8);
	strcat(path, "/fifo");
	MUST(mkfifo(path, 0600));
	int fd = (int)MUST(open(path, O_RDWR | flags));

	MUST(unlink(path));
	*strrchr(path, '/') = '\0';
	MUST(rmdir(path));
	return fd;
}

static inline int fifo(void) { return fifo_of(0); }

static inline int fifo_with_data(void)
{
	int fd = fifo_of(0);

	MUST(write(fd, "12345678", 8));
	return fd;
}

static inline int local_of(int type, const char *data)
{
	int fds[2];

	socket_pair(fds, type);
	if (data)
		MUST(send(fds[1], data, strlen(data), 0));
	return fds[0];
}

static inline int local_stream(void) { return local_of(SOCK_STREAM, NULL); }
static inline int local_stream_with_data(void) { return local_of(SOCK_STREAM, "12345678"); }
static inline int nonblocking_local_stream(void) { return local_of(SOCK_STREAM | SOCK_NONBLOCK, NULL); }
static inline int local_messages(void) { return local_of(SOCK_SEQPACKET, NULL); }

static inline int tcp_end(void)
{
	int fds[2];

	tcp_pair(fds);
	return fds[0];
}

static inline int tcp_with_data(void)
{
	int fds[2];

	tcp_pair(fds);
	MUST(send(fds[1], "12345678", 8, 0));
	return fds[0];
}

static inline int nonblocking_tcp(void)
{
	int fd = tcp_end();

	MUST(fcntl(fd, F_SETFL, O_NONBLOCK));
	return fd;
}

static inline int timed_of(int fd, int option)
{
	struct timeval soon = { .tv_usec = 1000 };

	MUST(setsockopt(fd, SOL_SOCKET, option, &soon, sizeof(soon)));
	return fd;
}

static inline int tcp_with_receive_timeout(void) { return timed_of(tcp_end(), SO_RCVTIMEO); }

static inline int listener_of(int type)
{
	int fd = (int)MUST(socket(AF_INET, type, 0));

	MUST(listen(fd, 2));
	return fd;
}

static inline int listener(void) { return listener_of(SOCK_STREAM); }
static inline int nonblocking_listener(void) { return listener_of(SOCK_STREAM | SOCK_NONBLOCK); }
static inline int listener_with_timeout(void) { return timed_of(listener(), SO_RCVTIMEO); }

static inline int local_listener(void)
{
	struct sockaddr_un { sa_family_t family; } nowhere = { AF_UNIX };
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	/* It gets a name of its own. */
	MUST(bind(fd, (struct sockaddr *)&nowhere, sizeof(nowhere)));
	MUST(listen(fd, 2));
	return fd;
}

static inline int unconnected_tcp(void) { return (int)MUST(socket(AF_INET, SOCK_STREAM, 0)); }
static inline int unconnected_local(void) { return (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)); }
static inline int udp(void) { return (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)); }
static inline int uevents(void) { return socket(AF_NETLINK, SOCK_DGRAM, 15); }

static inline int empty_eventfd(void) { return (int)MUST(eventfd(0, 0)); }
static inline int counted_eventfd(void) { return (int)MUST(eventfd(3, 0)); }
static inline int nonblocking_eventfd(void) { return (int)MUST(eventfd(0, EFD_NONBLOCK)); }

static inline int full_eventfd(void)
{
	uint64_t most = UINT64_MAX - 1;
	int fd = empty_eventfd();

	MUST(write(fd, &most, sizeof(most)));
	return fd;
}

static inline int idle_timerfd(void) { return (int)MUST(timerfd_create(CLOCK_MONOTONIC, 0)); }

static inline int expired_timerfd(void)
{
	struct itimerspec at_once = { .it_value = { .tv_nsec = 1 } };
	struct timespec moment = { .tv_nsec = 1000000 };
	int fd = idle_timerfd();

	MUST(timerfd_settime(fd, 0, &at_once, NULL));
	nanosleep(&moment, NULL);
	return fd;
}

static inline int idle_signalfd(void)
{
	sigset_t none;

	sigemptyset(&none);
	return (int)MUST(signalfd(-1, &none, 0));
}

static inline int idle_inotify(void) { return (int)MUST(inotify_init1(0)); }

static inline int inotify_with_event(void)
{
	int fd = idle_inotify(), watch = (int)MUST(inotify_add_watch(fd, "/", IN_CREATE));

	MUST(inotify_rm_watch(fd, watch));
	return fd;
}

static inline int idle_fanotify(void) { return fanotify_init(FAN_CLASS_NOTIF, O_RDONLY); }

static inline int empty_epoll(void) { return (int)MUST(epoll_create1(0)); }

static inline int ready_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = empty_epoll();

	MUST(epoll_ctl(fd, EPOLL_CTL_ADD, counted_eventfd(), &event));
	return fd;
}

static inline int pidfd_of(unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, getpid(), flags);
}

static inline int own_pidfd(void) { return pidfd_of(0); }

static inline int pty_master(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	if (fd >= 0 && (grantpt(fd) || unlockpt(fd)))
		return -1;
	return fd;
}

static inline int pty_slave_of(int flags, const char *typed)
{
	int master = pty_master();
	int fd = master < 0 ? -1 : open(ptsname(master), O_RDWR | O_NOCTTY | flags);

	if (typed && fd >= 0)
		MUST(write(master, typed, strlen(typed)));
	return fd;
}

static inline int pty_slave(void) { return pty_slave_of(0, NULL); }
static inline int nonblocking_pty_slave(void) { return pty_slave_of(O_NONBLOCK, NULL); }
static inline int typed_pty_slave(void) { return pty_slave_of(0, "1234567\n"); }

static inline int dev_null(void) { return (int)MUST(open("/dev/null", O_RDWR)); }
static inline int dev_zero(void) { return (int)MUST(open("/dev/zero", O_RDWR)); }
static inline int dev_full(void) { return open("/dev/full", O_RDWR); }
static inline int dev_urandom(void) { return open("/dev/urandom", O_RDWR); }
static inline int dev_fuse(void) { return open("/dev/fuse", O_RDWR); }
static inline int dev_tun(void) { return open("/dev/net/tun", O_RDWR); }

static inline int dev_kmsg(void)
{
	int fd = open("/dev/kmsg", O_RDONLY);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

static inline int attached_tun(void)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = dev_tun();

	return fd < 0 || ioctl(fd, TUNSETIFF, &request) ? -1 : fd;
}

static inline int regular(void) { return temp_file(64); }
static inline int directory(void) { return (int)MUST(open("/", O_RDONLY | O_DIRECTORY)); }
static inline int path_only(void) { return (int)MUST(open("/", O_PATH)); }
static inline int memory_file(void) { return (int)MUST(syscall(SYS_memfd_create, "m", 0)); }
static inline int proc_status(void) { return (int)MUST(open("/proc/self/status", O_RDONLY)); }
static inline int proc_mounts(void) { return (int)MUST(open("/proc/self/mounts", O_RDONLY)); }
static inline int pressure(void) { return open("/proc/pressure/cpu", O_RDONLY); }

static inline int appended(void)
{
	int fd = regular();

	MUST(fcntl(fd, F_SETFL, O_APPEND));
	return fd;
}

static inline int no_file(void) { return 999; }

#define FILE_KIND(maker) { #maker, maker }
static const struct file_kind {
	const char *name;
	int (*make)(void);
} file_kinds[] = {
	FILE_KIND(empty_pipe), FILE_KIND(empty_nonblocking_pipe), FILE_KIND(pipe_with_data),
	FILE_KIND(pipe_to_write), FILE_KIND(full_pipe), FILE_KIND(full_nonblocking_pipe),
	FILE_KIND(pipe_without_writer), FILE_KIND(spliced_pipe), FILE_KIND(fifo), FILE_KIND(fifo_with_data),
	FILE_KIND(local_stream), FILE_KIND(local_stream_with_data), FILE_KIND(nonblocking_local_stream),
	FILE_KIND(local_messages), FILE_KIND(tcp_end), FILE_KIND(tcp_with_data), FILE_KIND(nonblocking_tcp),
	FILE_KIND(tcp_with_receive_timeout), FILE_KIND(listener), FILE_KIND(nonblocking_listener),
	FILE_KIND(listener_with_timeout), FILE_KIND(local_listener), FILE_KIND(unconnected_tcp),
	FILE_KIND(unconnected_local), FILE_KIND(udp), FILE_KIND(uevents), FILE_KIND(empty_eventfd),
	FILE_KIND(counted_eventfd), FILE_KIND(nonblocking_eventfd), FILE_KIND(full_eventfd), FILE_KIND(idle_timerfd),
	FILE_KIND(expired_timerfd), FILE_KIND(idle_signalfd), FILE_KIND(idle_inotify), FILE_KIND(inotify_with_event),
	FILE_KIND(idle_fanotify), FILE_KIND(empty_epoll), FILE_KIND(ready_epoll), FILE_KIND(own_pidfd),
	FILE_KIND(pty_master), FILE_KIND(pty_slave), FILE_KIND(nonblocking_pty_slave), FILE_KIND(typed_pty_slave),
	FILE_KIND(dev_null), FILE_KIND(dev_zero), FILE_KIND(dev_full), FILE_KIND(dev_urandom), FILE_KIND(dev_fuse),
	FILE_KIND(dev_tun), FILE_KIND(dev_kmsg), FILE_KIND(attached_tun), FILE_KIND(regular), FILE_KIND(appended),
	FILE_KIND(directory), FILE_KIND(path_only), FILE_KIND(memory_file), FILE_KIND(proc_status),
	FILE_KIND(proc_mounts), FILE_KIND(pressure), FILE_KIND(no_file),
};
enum { FILE_KINDS = sizeof(file_kinds) / sizeof(file_kinds[0]) };

#endif
