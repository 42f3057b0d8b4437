/* What the echo servers share. */
#ifndef ECHO_H
#define ECHO_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX 4096
#define CONNECTIONS_MAX 1024

static inline void die(const char *what, int error)
{
	fprintf(stderr, "echo: %s: %s\n", what, strerror(error));
	exit(1);
}

/* A socket that listens on a free port of loopback; prints the port. `type_flags`: SOCK_NONBLOCK or 0. */
static inline int listen_on_loopback(int type_flags)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | type_flags, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, CONNECTIONS_MAX) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		die("listening", errno);
	printf("%u ", ntohs(address.sin_port));
	return fd;
}

static inline void send_at_once(int fd)
{
	int one = 1;

	if (fd >= CONNECTIONS_MAX)
		die("connections", EMFILE);
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		die("TCP_NODELAY", errno);
}

#endif
