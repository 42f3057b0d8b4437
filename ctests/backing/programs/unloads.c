/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* unloads PLUGIN WAY FILE: loads a plugin, has it use a ring, and unloads it; says whether it is gone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	for (int round = 0; round < 3; round++) {
		void *plugin = dlopen(argv[1], RTLD_NOW);
		int (*use_ring)(const char *, const char *);
		pid_t child;
		int status;

		if (!plugin) {
			puts(dlerror());
			return 1;
		}
		*(void **)&use_ring = dlsym(plugin, "use_ring");
		if (!use_ring || use_ring(argv[2], argv[3])) {
			puts("failed");
			return 1;
		}
		dlclose(plugin);
		/* Whoever comes back to the plugin's code does so by now, or in a fork. */
		usleep(100000);
		child = fork();
		if (child == 0)
			_exit(0);
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
			return 1;
	}
	puts(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) ? "stays" : "gone");
	return 0;
}
