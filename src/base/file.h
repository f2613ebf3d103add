/*
 * file.h - files of users: opened so that nothing but a regular file is waited for, loaded whole,
 * and placed in memory where reading them is fast. The calls of the system are in system.h.
 */
#ifndef QN_BASE_FILE_H
#define QN_BASE_FILE_H

#include <stdbool.h>
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
/* Of errno: nothing has the name. Whatever else a look at a name fails with does not tell. */
bool qn_file_is_none(int why);

/* Locks what is open (flock), without waiting: 0 or errno, EWOULDBLOCK when somebody else has a lock. 0 too
   where the file system has no locks: that is no reason to fail. */
int qn_file_lock(int fd, int operation);
/* The words for errno after these. */
const char *qn_file_why(int why);
/* The status of input that cannot be opened or read: QUERN_ERR_DENIED, QUERN_ERR_RUN where the system
   has no more to give, otherwise QUERN_ERR_DATA. */
enum quern_status qn_file_status(int why);
/* All bytes of a regular file of at most `most`, owned, with a '\0' behind them; NULL with errno:
   EFBIG of a larger one. */
char *qn_file_load(const char *file, size_t most, size_t *nbytes);

/* Has a file these bytes at its beginning? White space of the file before them does not count. */
bool qn_file_begins(const char *file, const char *head);

/* A buffer for qn_file_place must be that much longer than the bytes: a cache line. */
#define QN_PLACE_NBYTES 64

/* Where in the first line of the buffer, in steps of 16 bytes, the bytes at that offset of a
   file are copied to fastest, from the page cache. */
uint8_t *qn_file_place(uint8_t *buffer, uint64_t offset);

/* Bytes that the storage below the page cache has delivered to this process so far, ahead of its
   reads too; 0 where the system does not tell. */
uint64_t qn_file_fetched(void);

#endif
