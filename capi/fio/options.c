/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The options of the engine, and which of them exclude each other. */
#include "engine.h"
#include "optgroup.h"

#define ENGINE_FLAG(option, text)                                                                  \
	{                                                                                          \
		.name = #option, .lname = #option, .type = FIO_OPT_STR_SET,                        \
		.off1 = offsetof(struct engine_options, option), .maxval = 1, .help = text,        \
		.category = FIO_OPT_C_ENGINE, .group = FIO_OPT_G_IOURING,                          \
	}

/* fio stores through this table and sorts it: it is not const. */
struct fio_option engine_option_list[] = {
	{
		.name = "api",
		.lname = "Ring API",
		.type = FIO_OPT_STR,
		.off1 = offsetof(struct engine_options, api),
		.help = "Which rings the job talks to",
		.def = "uring",
		.posval = {
			{ .ival = "uring", .oval = API_URING, .help = "io_uring's" },
			{ .ival = "aio-ring", .oval = API_AIO_RING, .help = "Linux aio's, of 2018" },
		},
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_IOURING,
	},
	{
		.name = "backing",
		.lname = "Who serves the rings",
		.type = FIO_OPT_STR,
		.off1 = offsetof(struct engine_options, backing),
		.help = "Who serves the rings",
		.def = "auto",
		.posval = {
			{ .ival = "auto", .oval = BACKING_AUTO, .help = "The kernel, or threads where it is blocked; or as ANYRING_BACKING says" },
			{ .ival = "kernel", .oval = BACKING_KERNEL, .help = "The kernel's io_uring" },
			{ .ival = "soft", .oval = BACKING_SOFT, .help = "Threads of the process" },
		},
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_IOURING,
	},
	ENGINE_FLAG(hipri, "Poll for completions"),
	ENGINE_FLAG(fixedbufs, "Register the I/O buffers"),
	ENGINE_FLAG(registerfiles, "Register the files (api=uring)"),
	ENGINE_FLAG(sqthread, "Submit from a thread (api=aio-ring)"),
	ENGINE_FLAG(sqthread_poll, "A thread polls the SQ: no calls"),
	{
		.name = "sqthread_poll_cpu",
		.lname = "CPU of the SQ thread",
		.type = FIO_OPT_INT,
		.off1 = offsetof(struct engine_options, sqthread_poll_cpu),
		.help = "Which CPU the SQ thread runs on",
		.def = "-1",
		.minval = -1,
		.maxval = 65534,
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_IOURING,
	},
	ENGINE_FLAG(sqwq, "Run what would block beside each other (api=aio-ring)"),
	{
		.name = "nonvectored",
		.lname = "Use non-vectored reads and writes",
		.type = FIO_OPT_STR_SET,
		.off1 = offsetof(struct engine_options, nonvectored),
		.help = "Use non-vectored reads and writes (-1: where there are)",
		.def = "-1",
		.no_warn_def = 1,
		.minval = -1,
		.maxval = 1,
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_IOURING,
	},
	{
		.name = "force_async",
		.lname = "Set IOSQE_ASYNC",
		.type = FIO_OPT_INT,
		.off1 = offsetof(struct engine_options, force_async),
		.help = "Set IOSQE_ASYNC on every Nth request (api=uring)",
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_IOURING,
	},
	{ .name = NULL },
};

static const char *uring_fault(const struct engine_options *o)
{
	if (o->sqthread)
		return "sqthread needs api=aio-ring; api=uring has sqthread_poll";
	if (o->sqwq)
		return "sqwq needs api=aio-ring; api=uring has force_async";
	return NULL;
}

static const char *aio_ring_fault(const struct engine_options *o)
{
	if (o->registerfiles)
		return "registerfiles needs api=uring";
	if (o->force_async)
		return "force_async needs api=uring; api=aio-ring has sqwq";
	return NULL;
}

const char *engine_options_fault(const struct engine_options *o)
{
	if (o->fixedbufs && o->nonvectored == 0)
		return "nonvectored=0 and fixedbufs exclude each other";
	if (o->sqthread_poll_cpu != NOT_GIVEN && !o->sqthread && !o->sqthread_poll)
		return "sqthread_poll_cpu needs sqthread_poll";
	if (o->force_async < 0)
		return "force_async is below 0";
	if (o->sqthread_poll_cpu >= sysconf(_SC_NPROCESSORS_CONF))
		return "sqthread_poll_cpu: there is no such CPU";
	return o->api == API_URING ? uring_fault(o) : aio_ring_fault(o);
}
