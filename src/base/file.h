/*
 * file.h - the thin layer through which data is read from files; below it is only the operating
 * system. Tests slow it down here: QUERN_TEST_READ_DELAY="n3:4000,0:250,*:100" makes reads on host
 * n3 take at least 4000 ns a KiB, those of rank 0 elsewhere 250 ns, and all others 100 ns. With
 * QUERN_TEST_HOSTS=4 (cluster/comm_mpi.h) the ranks of a machine take each other for four hosts.
 */
#ifndef QN_BASE_FILE_H
#define QN_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "quern_kernel.h"

/*
 * Opening a file for reading: a regular one or none. What else may have the name, a named pipe or a
 * device, is never waited for. Both return the descriptor, or -1 with errno: EISDIR and ENXIO of what
 * is not regular. *st (NULL: not wanted) is what fstat says.
 */
int qn_file_open(const char *file, struct stat *st);
/* Of a name that only quern gives: a symbolic link has been put there by somebody else. ELOOP. */
int qn_file_open_own(const char *file, struct stat *st);
/* The words for errno after these. */
const char *qn_file_why(int why);
/* The status of input that cannot be opened or read: QUERN_ERR_DENIED, QUERN_ERR_RUN where the system
   has no more to give, otherwise QUERN_ERR_DATA. */
enum quern_status qn_file_status(int why);
/* All bytes of a regular file of at most `most`, owned, with a '\0' behind them; NULL with errno:
   EFBIG of a larger one. */
char *qn_file_load(const char *file, size_t most, size_t *nbytes);

/* An open file in the hands of one thread. */
struct qn_file {
	int fd;			/* borrows */
	uint64_t delay_ns;	/* a KiB; 0 but in tests */
	int64_t owed_ns;	/* of the delay, not yet slept */
};

struct qn_file qn_file_on(int fd);

/* Reads nbytes at an offset. Returns how many it has read: fewer only at the end of the file, or -1
   with errno set. */
ssize_t qn_file_read(struct qn_file *f, void *out, size_t nbytes, uint64_t offset);

/* A buffer for qn_file_place must be that much longer than the bytes: a cache line. */
#define QN_PLACE_NBYTES 64

/* Where in the first line of the buffer, in steps of 16 bytes, the bytes at that offset of a
   file are copied to fastest, from the page cache. */
uint8_t *qn_file_place(uint8_t *buffer, uint64_t offset);

/* Bytes that the storage below the page cache has delivered to this process so far, ahead of its
   reads too; 0 where the system does not tell. */
uint64_t qn_file_fetched(void);

/* The delay that a setting as above has for a host and a rank (as text, or NULL); 0: none. */
uint64_t qn_file_delay(const char *setting, const char *host, const char *rank);

#endif
