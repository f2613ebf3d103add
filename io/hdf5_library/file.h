/*
 * file.h - the HDF5 library: one lock around it, files as bytes, and what it says when it fails.
 */
#ifndef QN_IO_HDF5_LIBRARY_FILE_H
#define QN_IO_HDF5_LIBRARY_FILE_H

#include <hdf5.h>
#include <sys/stat.h>

#include "base/error.h"

/* What qn_h5_enter found, the handler of the program that uses quern as a library, and why the last
   function of the library that failed did so. */
struct qn_h5_caller {
	H5E_auto2_t print;
	void *print_ctx;
	char why[256];
	int number; /* errno, where the library tells of one; or 0 */
};

/* Takes the lock (the library is not thread-safe), silences its error printing and keeps what it would
   print; leave restores both. Every call of an H5 function in io/ happens between the two. They do not
   nest. */
void qn_h5_enter(struct qn_h5_caller *caller);
void qn_h5_leave(const struct qn_h5_caller *caller);

/* Opens a file for reading, with errno as the reason on failure, and reports what it is. Refuses
   what is not a regular file. The caller closes *fd. err: QUERN_ERR_DATA. */
enum quern_status qn_h5_open_plain(const char *file, int *fd, struct stat *st,
				   struct quern_message *err);

/* The same, and refuses what has not the signature of HDF5. */
enum quern_status qn_h5_open_signed(const char *file, int *fd, struct stat *st,
				    struct quern_message *err);

/* Before a file is opened: what failed before, of another one, is no reason of its failures. */
void qn_h5_forget(void);

/* Closes any identifier; ignores what was never opened (negative). */
void qn_h5_close(hid_t id);

/*
 * Records that `doing` failed, with the most specific thing that the library said when one of its
 * functions failed last, between this qn_h5_enter and its leave; others may have succeeded since. path may
 * be NULL. Returns QUERN_ERR_DATA, of what was to be written QUERN_ERR_RUN; QUERN_ERR_DENIED where the
 * system gave missing permission as the reason.
 */
enum quern_status qn_h5_fail(struct quern_message *err, const char *file, const char *path,
			     const char *doing);
/* The same of a file that H5Fopen has refused; QUERN_ERR_DENIED too where another program has locked it. */
enum quern_status qn_h5_fail_open(struct quern_message *err, const char *file);
enum quern_status qn_h5_fail_write(struct quern_message *err, const char *file, const char *path,
				   const char *doing);

#endif
