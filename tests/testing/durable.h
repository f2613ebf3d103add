/*
 * durable.h - what is left of files when the power fails, for QUERN_TEST_FAULTS=...:lose. The model is the
 * worst that POSIX allows: of a file's bytes only those that were there at its last fsync are left, and
 * of the names in a directory only those that were there at the directory's. The test build tells of
 * each change that it makes; what has been changed since is kept, and put back in the end.
 *
 * Renames are taken to stay in one directory. Nothing here is for more than one thread that writes.
 */
#ifndef QN_TESTS_TESTING_DURABLE_H
#define QN_TESTS_TESTING_DURABLE_H

#include <stdint.h>

/* prefix: of the names under which what is removed is kept, in the file system of the files. */
void test_durable_begin(const char *prefix);

/* Before a name is removed or replaced, and after it is (from: what was renamed to it, or NULL). Called
   with the same path. */
void test_durable_keep(const char *path);
void test_durable_removed(const char *path);
void test_durable_renamed(const char *from, const char *to);
/* A file or directory that was not there. */
void test_durable_made(const char *path);
/* A directory that is no more. */
void test_durable_emptied(const char *path);

/* Before the bytes of a file that is open for writing change for the first time. */
void test_durable_touch(int fd);
/* After fsync, of a file or a directory. */
void test_durable_synced(int fd);

/* Puts everything back. */
void test_durable_lose(void);
/* Puts some of it back: of the names those that changed last, of the bytes any sectors. */
void test_durable_tear(uint64_t seed);

#endif
