/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Prints for each name@node, or name alone, of its arguments whose definition the program gets. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *node = strchr(argv[i], '@');
		Dl_info info;

		if (node)
			*node++ = '\0';
		void *found = node ? dlvsym(RTLD_DEFAULT, argv[i], node) : dlsym(RTLD_DEFAULT, argv[i]);

		if (!found || !dladdr(found, &info))
			return 1;
		printf("%s@%s %s\n", argv[i], node ? node : "", info.dli_fname);
	}
	return 0;
}
