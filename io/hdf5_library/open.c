#include "io/hdf5_library/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/relax.h"
#include "base/system.h"

#define HEAD_NBYTES    4096
#define DRIVER_NBYTES  8
#define MOST_USERBLOCK (UINT64_C(1) << 32)

/* The beginning of the file behind its user block: superblock, and what names its driver. */
struct head {
	uint8_t bytes[HEAD_NBYTES];
	size_t n;
};

static void read_head(const char *file, struct head *h)
{
	static const uint8_t signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };
	struct stat st;
	struct quern_message ignored = { .status = QUERN_OK };
	ssize_t n = 0;
	int fd;

	h->n = 0;
	if (qn_h5_open_plain(file, &fd, &st, &ignored) != QUERN_OK)
		return;
	for (uint64_t at = 0; at < MOST_USERBLOCK && n >= 0; at = at ? 2 * at : 512) {
		n = qn_sys_pread(fd, h->bytes, sizeof(h->bytes), (off_t)at);
		if (n < (ssize_t)sizeof(signature))
			break;
		if (!memcmp(h->bytes, signature, sizeof(signature))) {
			h->n = (size_t)n;
			break;
		}
	}
	qn_sys_close(fd);
}

/* The driver information of the first superblocks stands behind them, that of later ones in the
   object header there. */
static bool names_driver(const struct head *h, const char *driver)
{
	return h->n > DRIVER_NBYTES && memmem(h->bytes, h->n, driver, DRIVER_NBYTES);
}

/* --- writers --- */

/* Superblocks of version 3 say whether a writer has the file open. */
static bool is_marked(const struct head *h)
{
	return h->n > 11 && h->bytes[8] == 3 && h->bytes[11] & 1;
}

static enum quern_status left_behind(const char *file, struct quern_message *err)
{
	char *word = qn_text_word(file);

	qn_error_because(
		err, QUERN_ERR_DENIED, QN_HELD,
		"%s: is marked as open for writing: wait until its "
		"writer has finished; if there is none any more, it was left so by a crash: "
		"`h5clear -s %s` takes the mark away, then see that its data is what it should be",
		file, word ? word : "FILE");
	free(word);
	return QUERN_ERR_DENIED;
}

/* --- families --- */

/* The digits of the first member's number: the last zeros of the name that have no other digit
   beside them. */
static bool find_number(const char *file, size_t *at, size_t *length)
{
	const char *slash = strrchr(file, '/');
	bool found = false;

	for (size_t i = slash ? (size_t)(slash - file) + 1 : 0; file[i];) {
		size_t n = strspn(file + i, "0123456789");

		if (n > 0 && strspn(file + i, "0") == n) {
			*at = i;
			*length = n;
			found = true;
		}
		i += n ? n : 1;
	}
	return found;
}

/* "dir/x-%05d.h5" for the first member "dir/x-00000.h5"; NULL when it is not called so. Owned. */
static char *family_name(const char *file)
{
	size_t at = 0, length = 0, n = 0;
	char *name;

	if (!find_number(file, &at, &length))
		return NULL;
	name = qn_malloc(2 * strlen(file) + 32);
	for (size_t i = 0; name && file[i]; i++) {
		if (i == at) {
			n += (size_t)sprintf(name + n, "%%0%zud", length);
			i += length - 1;
			continue;
		}
		if (file[i] == '%')
			name[n++] = '%';
		name[n++] = file[i];
	}
	if (name)
		name[n] = '\0';
	return name;
}

bool qn_h5_is_member(const char *first, const char *name)
{
	size_t at = 0, length = 0;

	if (!find_number(first, &at, &length) || strncmp(first, name, at) != 0)
		return false;
	return !strcmp(name + at + strspn(name + at, "0123456789"), first + at + length);
}

static hid_t open_family(const char *file, hid_t fapl)
{
	char *name = family_name(file);
	hid_t family = H5Pcopy(fapl), id = -1;

	if (name && family >= 0 && H5Pset_fapl_family(family, 0, H5P_DEFAULT) >= 0)
		id = H5Fopen(name, H5F_ACC_RDONLY, family);
	qn_h5_close(family);
	free(name);
	return id;
}

static enum quern_status refuse_family(const char *file, struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"%s: is the beginning of a family of files that "
		"cannot be opened: all of them must be beside it, and their names differ "
		"in a number that is 0 in this one; 'h5repart' makes one file of them",
		file);
}

static enum quern_status refuse_multi(const char *file, struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"%s: is one of several files that were written with "
		"the multi or split driver, each for another kind of data, which quern does "
		"not read: make one file of them with 'h5repack'",
		file);
}

bool qn_h5_is_family(hid_t file)
{
	hid_t fapl = H5Fget_access_plist(file);
	bool is = fapl >= 0 && H5Pget_driver(fapl) == H5FD_FAMILY;

	qn_h5_close(fapl);
	return is;
}

/*
 * After the library has refused a file: opens it as one that is being written in SWMR mode, which
 * shows what the writer has flushed, or as a family of which it is the first member. fapl: how it was
 * to be opened. *out is negative when it is neither. When it is known what it is, and it cannot be read:
 * QUERN_ERR_DENIED of what a writer has left behind, QUERN_ERR_DATA of several files by what they hold.
 */
static enum quern_status open_unusual(const char *file, hid_t fapl, hid_t *out,
				      struct quern_message *err)
{
	struct head h;

	*out = -1;
	read_head(file, &h);
	/* Members of very old families do not say so: by its name alone, any cut file that has a
	   neighbour would be one. */
	if (names_driver(&h, "NCSAfami"))
		*out = open_family(file, fapl);
	if (*out < 0 && is_marked(&h))
		*out = H5Fopen(file, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, fapl);
	if (*out >= 0)
		return QUERN_OK;
	if (names_driver(&h, "NCSAfami"))
		return refuse_family(file, err);
	if (names_driver(&h, "NCSAmult"))
		return refuse_multi(file, err);
	return is_marked(&h) ? left_behind(file, err) : QUERN_OK;
}

/* A file system that has no locks is no reason not to read; a writer that holds one is. */
static hid_t access_list(void)
{
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);

#if H5_VERSION_GE(1, 12, 1) || (H5_VERS_MINOR == 10 && H5_VERSION_GE(1, 10, 7))
	if (fapl >= 0)
		H5Pset_file_locking(fapl, true, true);
#endif
	qn_h5_relax(fapl);
	return fapl;
}

enum quern_status qn_h5_open_file(const char *file, hid_t *out, struct quern_message *err)
{
	hid_t fapl = access_list(), id;
	enum quern_status status = QUERN_OK;
	struct quern_message why = { .status = QUERN_OK };

	qn_h5_forget();
	id = H5Fopen(file, H5F_ACC_RDONLY, fapl < 0 ? H5P_DEFAULT : fapl);
	if (id < 0) {
		qn_h5_fail_open(&why, file);
		status = open_unusual(file, fapl, &id, err);
	}
	if (id < 0 && status == QUERN_OK)
		status = qn_error_pass(err, why.status, &why);
	qn_h5_close(fapl);
	if (status == QUERN_OK)
		*out = id;
	return status;
}
