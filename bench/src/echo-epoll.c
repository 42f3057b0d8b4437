/*
 * The echo server as one writes it by hand: epoll, non-blocking sockets. Prints its port and a newline,
 * serves until it is killed.
 */
#define _GNU_SOURCE
#include <sys/epoll.h>

#include "echo.h"

#define EVENTS 256

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl", errno);
}

static void accept_all(int epoll, int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0)
			die("accept", errno);
		send_at_once(fd);
		watch(epoll, fd);
	}
}

/* One message at a time is under way on a connection, so what is sent back always finds room. */
static void echo(int fd)
{
	char message[MESSAGE_MAX];
	ssize_t length = recv(fd, message, sizeof(message), 0);

	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0) {
		close(fd);
		return;
	}
	if (send(fd, message, (size_t)length, MSG_NOSIGNAL) != length)
		die("send", errno);
}

int main(void)
{
	int listener = listen_on_loopback(SOCK_NONBLOCK), epoll = epoll_create1(0);
	struct epoll_event events[EVENTS];

	if (epoll < 0)
		die("epoll_create1", errno);
	watch(epoll, listener);
	puts("");
	fflush(stdout);
	for (;;) {
		int ready = epoll_wait(epoll, events, EVENTS, -1);

		if (ready < 0)
			die("epoll_wait", errno);
		for (int i = 0; i < ready; i++) {
			if (events[i].data.fd == listener)
				accept_all(epoll, listener);
			else
				echo(events[i].data.fd);
		}
	}
}
