/*
 * file.c - the HDF5 library: one lock around it, files as bytes, and what it says when it fails.
 */
#include "io/hdf5_library/file.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#include "base/system.h"
#include "io/hdf5_format/raw.h"

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- why it failed --- */

/* Of "WHAT: ..., errno = 28, error message = 'WHY', ..." what matters: "WHAT: WHY". The rest are addresses
   of this program and names of files, which the message has already. */
static void keep_reason(struct qn_h5_caller *caller, const char *text)
{
	static const char number[] = "errno = ", words[] = "error message = '";
	const char *why = strstr(text, words), *at = strstr(text, number);
	const size_t what = strcspn(text, ":,");

	caller->number = at ? atoi(at + sizeof(number) - 1) : 0;
	if (!why) {
		snprintf(caller->why, sizeof(caller->why), "%s", text);
		return;
	}
	why += sizeof(words) - 1;
	snprintf(caller->why, sizeof(caller->why), "%.*s: %.*s", (int)what, text,
		 (int)strcspn(why, "'"), why);
}

/* Walking upward, the first entry is the innermost: the most specific one. */
static herr_t keep_first(unsigned n, const H5E_error2_t *e, void *ctx)
{
	if (n == 0 && e->desc)
		keep_reason(ctx, e->desc);
	return 0;
}

/* The library calls it whenever one of its functions fails, where it would print. The next of its
   functions forgets the reason, be it only one that closes something; we do not. */
static herr_t note_failure(hid_t stack, void *ctx)
{
	struct qn_h5_caller *caller = ctx;

	caller->why[0] = '\0';
	caller->number = 0;
	H5Ewalk2(stack, H5E_WALK_UPWARD, keep_first, caller);
	return 0;
}

/* The one between whose enter and leave this is; NULL: none. */
static struct qn_h5_caller *current(void)
{
	H5E_auto2_t note = NULL;
	void *ctx = NULL;

	return H5Eget_auto2(H5E_DEFAULT, &note, &ctx) >= 0 && note == note_failure ? ctx : NULL;
}

void qn_h5_forget(void)
{
	struct qn_h5_caller *caller = current();

	if (caller) {
		caller->why[0] = '\0';
		caller->number = 0;
	}
}

/* A reason is told of once: what fails next, of this file or another one, has its own. */
static enum quern_status fail(struct quern_message *err, enum quern_status status, const char *file,
			      const char *path, const char *doing)
{
	const struct qn_h5_caller *caller = current();
	const char *why = caller ? caller->why : "";
	const int number = caller ? caller->number : 0;

	if (number == EACCES || number == EPERM)
		status = QUERN_ERR_DENIED;
	qn_error_set(err, status, "%s: %s%s%s%s%s%s", file, path ? "dataset " : "",
		     path ? path : "", path ? ": " : "", doing, why[0] ? ": " : "", why);
	qn_h5_forget();
	return status;
}

/* Only here can it be a lock: what else the library does with a file does not ask for one. */
enum quern_status qn_h5_fail_open(struct quern_message *err, const char *file)
{
	const struct qn_h5_caller *caller = current();

	if (!caller || caller->number != EWOULDBLOCK)
		return fail(err, QUERN_ERR_DATA, file, NULL,
			    "cannot be opened as HDF5 (cut short, damaged, or being written?)");
	qn_h5_forget();
	return qn_error_because(err, QUERN_ERR_DENIED, QN_HELD,
				"%s: is locked by another program, "
				"which has it open for writing: wait until that has closed it",
				file);
}

enum quern_status qn_h5_fail(struct quern_message *err, const char *file, const char *path,
			     const char *doing)
{
	return fail(err, QUERN_ERR_DATA, file, path, doing);
}

enum quern_status qn_h5_fail_write(struct quern_message *err, const char *file, const char *path,
				   const char *doing)
{
	return fail(err, QUERN_ERR_RUN, file, path, doing);
}

/* --- the lock --- */

void qn_h5_enter(struct qn_h5_caller *caller)
{
	pthread_mutex_lock(&library_lock);
	caller->print = NULL;
	caller->print_ctx = NULL;
	caller->why[0] = '\0';
	caller->number = 0;
	H5Eget_auto2(H5E_DEFAULT, &caller->print, &caller->print_ctx);
	H5Eset_auto2(H5E_DEFAULT, note_failure, caller);
}

void qn_h5_leave(const struct qn_h5_caller *caller)
{
	H5Eset_auto2(H5E_DEFAULT, caller->print, caller->print_ctx);
	pthread_mutex_unlock(&library_lock);
}

void qn_h5_close(hid_t id)
{
	if (id >= 0)
		H5Idec_ref(id);
}

static enum quern_status not_opened(const char *file, int why, struct quern_message *err)
{
	const char *advice = "";

	if (why == ENOENT || why == ENOTDIR)
		advice = "; check the path";
	if (why == ENOENT && strchr(file, '%'))
		advice = "; of a family of files give the first one, whose number is 0";
	if (why == EACCES || why == EPERM)
		advice = "; ask its owner for permission to read it";
	if (why == EISDIR)
		advice = "; name the files in it";
	return qn_error_because(err, qn_file_status(why),
				why == ENOENT || why == ENOTDIR ? QN_NO_FILE : QN_NO_REASON,
				"%s: cannot be opened: %s%s", file, qn_file_why(why), advice);
}

enum quern_status qn_h5_open_plain(const char *file, int *fd, struct stat *st,
				   struct quern_message *err)
{
	*fd = qn_file_open(file, st);
	return *fd < 0 ? not_opened(file, errno, err) : QUERN_OK;
}

static enum quern_status not_signed(const char *file, int fd, const struct stat *st,
				    struct quern_message *err)
{
	char head[3] = "";

	if (st->st_size == 0)
		return qn_error_set(err, QUERN_ERR_DATA, "%s: is empty, not an HDF5 file", file);
	if (qn_sys_pread(fd, head, sizeof(head), 0) == sizeof(head) && !memcmp(head, "CDF", 3)) {
		char *word = qn_text_word(file);

		qn_error_set(err, QUERN_ERR_DATA,
			     "%s: is a classic NetCDF file, not HDF5; convert it with "
			     "`nccopy -k nc4 %s NEW.nc`",
			     file, word ? word : "FILE");
		free(word);
		return QUERN_ERR_DATA;
	}
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"%s: is not an HDF5 file; quern reads HDF5, NetCDF-4, PyTables and NeXus", file);
}

enum quern_status qn_h5_open_signed(const char *file, int *fd, struct stat *st,
				    struct quern_message *err)
{
	bool is = false;
	int f = -1;
	enum quern_status status = qn_h5_open_plain(file, &f, st, err);

	if (status != QUERN_OK)
		return status;
	status = qn_h5_find_superblock(file, f, (uint64_t)st->st_size, &is, err);
	if (status == QUERN_OK && !is)
		status = not_signed(file, f, st, err);
	if (status != QUERN_OK) {
		qn_sys_close(f);
		return status;
	}
	*fd = f;
	return QUERN_OK;
}
