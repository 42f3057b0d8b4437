/*
 * The load on an echo server: each connection sends a message, waits until all of it has come back, sends
 * the next.
 *
 *	echo-load PORT CONNECTIONS BYTES MILLISECONDS
 *
 * Prints messages per second and the 50th, 90th, 99th and 99.9th percentile of their latency in
 * microseconds. The first tenth of the time is not counted.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

#include "echo.h"

/* Latencies by tenths of a microsecond; the last one has all that are longer. */
#define BUCKETS 1000000

struct connection {
	uint64_t sent_at;
	size_t received;
};

static uint32_t histogram[BUCKETS];
static unsigned long messages;
static struct connection connections[CONNECTIONS_MAX];
static char message[MESSAGE_MAX];
static size_t bytes;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void send_message(int fd)
{
	connections[fd].sent_at = now();
	connections[fd].received = 0;
	if (send(fd, message, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		die("send", errno);
}

static void receive(int fd, int counts)
{
	char reply[MESSAGE_MAX];
	ssize_t length = recv(fd, reply, sizeof(reply), 0);

	if (length <= 0)
		die("recv", length < 0 ? errno : ECONNRESET);
	if (memcmp(reply, message + connections[fd].received, (size_t)length))
		die("what came back", EBADMSG);
	connections[fd].received += (size_t)length;
	if (connections[fd].received < bytes)
		return;
	if (counts) {
		uint64_t tenths = (now() - connections[fd].sent_at) / 100;

		histogram[tenths < BUCKETS ? tenths : BUCKETS - 1]++;
		messages++;
	}
	send_message(fd);
}

static double percentile(double share)
{
	unsigned long seen = 0;
	unsigned int i;

	for (i = 0; i < BUCKETS - 1; i++) {
		seen += histogram[i];
		if ((double)seen >= share * (double)messages)
			break;
	}
	return i / 10.0;
}

static void connect_all(int epoll, unsigned int port, unsigned int count)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (unsigned int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

		if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			die("connecting", errno);
		send_at_once(fd);
		send_message(fd);
	}
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: echo-load PORT CONNECTIONS BYTES MILLISECONDS\n");
		return 2;
	}
	bytes = strtoul(argv[3], NULL, 10);
	if (!bytes || bytes > MESSAGE_MAX)
		die("BYTES", EINVAL);
	for (size_t i = 0; i < bytes; i++)
		message[i] = (char)(i * 7 + 1);

	int epoll = epoll_create1(0);
	struct epoll_event events[256];
	uint64_t nanoseconds = strtoul(argv[4], NULL, 10) * 1000000u;

	connect_all(epoll, (unsigned int)atoi(argv[1]), (unsigned int)atoi(argv[2]));
	uint64_t start = now() + nanoseconds / 10, end = start + nanoseconds, at;

	while ((at = now()) < end) {
		int ready = epoll_wait(epoll, events, 256, 1000);

		if (ready <= 0)
			die("waiting for replies", ready < 0 ? errno : ETIMEDOUT);
		for (int i = 0; i < ready; i++)
			receive(events[i].data.fd, at >= start);
	}
	if (!messages)
		die("replies", ETIMEDOUT);
	printf("%.1f %.1f %.1f %.1f %.1f\n", (double)messages / ((double)nanoseconds / 1e9), percentile(0.5),
	       percentile(0.9), percentile(0.99), percentile(0.999));
	return 0;
}
