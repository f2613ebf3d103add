/*
 * fuzz.h - for the last line of a fuzz target, which defines LLVMFuzzerTestOneInput. With libFuzzer
 * (`make fuzz`) that is all; otherwise the program replays the files that it is given, and those of
 * the directories that it is given, and prints how many there were.
 *
 * A target gets any bytes and must not crash, hang, leak, nor break what it checks with FUZZ_CHECK.
 */
#ifndef QN_TESTS_FUZZ_FUZZ_H
#define QN_TESTS_FUZZ_FUZZ_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FUZZ_CHECK(condition)                                                           \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

/* The input, taken from its front; zeros when there is no more. */
struct fuzz_input {
	const uint8_t *at;
	size_t n;
};

static inline uint64_t fuzz_take(struct fuzz_input *in, size_t nbytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i<nbytes; i++, in->n -= in->n> 0)
		v |= (in->n > 0 ? (uint64_t)*in->at++ : 0) << 8 * i;
	return v;
}

#ifdef QN_LIBFUZZER
#define FUZZ_MAIN
#else
#define FUZZ_MAIN                          \
	int main(int argc, char **argv)    \
	{                                  \
		return replay(argc, argv); \
	}

static inline bool replay_file(const char *name)
{
	FILE *f = fopen(name, "r");
	struct stat s;
	uint8_t *p;
	size_t n;

	if (!f || fstat(fileno(f), &s) != 0 || !(p = malloc((size_t)s.st_size + 1)))
		return false;
	n = fread(p, 1, (size_t)s.st_size, f);
	fclose(f);
	/* exact: a sanitizer sees a byte too many */
	p = realloc(p, n ? n : 1);
	if (!p)
		return false;
	LLVMFuzzerTestOneInput(p, n);
	free(p);
	return true;
}

static inline int replay_directory(const char *name)
{
	DIR *d = opendir(name);
	struct dirent *e;
	char path[4096];
	int n = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", name, e->d_name);
			n += replay_file(path);
		}
	if (d)
		closedir(d);
	return n;
}

static inline int replay(int argc, char **argv)
{
	struct stat s;
	int n = 0;

	for (int i = 1; i < argc; i++)
		if (stat(argv[i], &s) == 0)
			n += S_ISDIR(s.st_mode) ? replay_directory(argv[i]) : replay_file(argv[i]);
	printf("%d\n", n);
	return n > 0 ? 0 : 1;
}
#endif

#endif
