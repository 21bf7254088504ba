/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs a fuzz target over files, for compilers without libFuzzer: replay FILE... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(1 << 20);
	size_t n;

	if (f == NULL || data == NULL) {
		perror(path);
		return 1;
	}
	n = fread(data, 1, 1 << 20, f);
	fclose(f);
	/* Said before, so that a crash shows whose it is. */
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed += replay(argv[i]);
	printf("Executed %d files\n", argc - 1);
	return failed != 0;
}
