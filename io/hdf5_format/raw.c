/*
 * raw.c - an HDF5 file as bytes: superblock, bounded reads, fields.
 */
#include "io/hdf5_format/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"
#include "data/dataset.h"

enum quern_status qn_h5_damaged(const struct qn_h5_raw *r, uint64_t addr, const char *why)
{
	return qn_error_set(r->err, QUERN_ERR_DATA,
			    "%s: dataset %s: its chunk index is damaged: %s (at offset %" PRIu64
			    " of the file); check the file with h5dump or copy it again",
			    r->file, r->path, why, addr);
}

/* What a writer has added in the meantime. */
static void look_again(struct qn_h5_raw *r)
{
	struct stat s;

	if (qn_sys_fstat(r->fd, &s) || (uint64_t)s.st_size <= r->nbytes)
		return;
	r->budget += (uint64_t)s.st_size - r->nbytes;
	r->nbytes = (uint64_t)s.st_size;
}

static enum quern_status check_range(struct qn_h5_raw *r, uint64_t addr, uint64_t nbytes)
{
	if (r->is_growing && (addr > r->nbytes || nbytes > r->nbytes - addr))
		look_again(r);
	if (addr > r->nbytes || nbytes > r->nbytes - addr)
		return qn_h5_damaged(r, addr, "it leads beyond the end of the file");
	if (nbytes > r->budget)
		return qn_h5_damaged(r, addr, "it goes round in a circle");
	r->budget -= nbytes;
	return QUERN_OK;
}

static enum quern_status read_plainly(const struct qn_h5_raw *r, uint64_t addr, size_t nbytes,
				      uint8_t *out)
{
	while (nbytes > 0) {
		ssize_t n = qn_sys_pread(r->fd, out, nbytes, (off_t)addr);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return qn_error_set(r->err, QUERN_ERR_DATA,
					    "%s: cannot be read at offset %" PRIu64 ": %s", r->file,
					    addr, n < 0 ? strerror(errno) : "the file has shrunk");
		out += n;
		addr += (uint64_t)n;
		nbytes -= (size_t)n;
	}
	return QUERN_OK;
}

/* Has the window begin at addr, unless the bytes are in it. */
static enum quern_status move_window(const struct qn_h5_raw *r, uint64_t addr, size_t nbytes)
{
	struct qn_h5_window *w = r->window;
	enum quern_status status;

	if (addr >= w->at && addr - w->at <= w->n && nbytes <= w->n - (addr - w->at))
		return QUERN_OK;
	w->n = 0;
	w->at = addr;
	nbytes = (size_t)qn_min_u64(sizeof(w->bytes), r->nbytes - addr);
	status = read_plainly(r, addr, nbytes, w->bytes);
	w->n = status == QUERN_OK ? nbytes : 0;
	return status;
}

static enum quern_status read_all(const struct qn_h5_raw *r, uint64_t addr, size_t nbytes,
				  uint8_t *out)
{
	enum quern_status status;

	if (!r->window || nbytes > sizeof(r->window->bytes) / 2)
		return read_plainly(r, addr, nbytes, out);
	status = move_window(r, addr, nbytes);
	if (status == QUERN_OK)
		memcpy(out, r->window->bytes + (addr - r->window->at), nbytes);
	return status;
}

enum quern_status qn_h5_read(struct qn_h5_raw *r, uint64_t addr, uint64_t nbytes, void *out)
{
	enum quern_status status = check_range(r, addr, nbytes);

	return status == QUERN_OK ? read_all(r, addr, nbytes, out) : status;
}

enum quern_status qn_h5_read_new(struct qn_h5_raw *r, uint64_t addr, uint64_t nbytes, uint8_t **out)
{
	enum quern_status status = check_range(r, addr, nbytes);
	uint8_t *p;

	if (status != QUERN_OK)
		return status;
	p = qn_malloc(nbytes ? nbytes : 1);
	if (!p)
		return qn_error_nomem(r->err, nbytes, "a part of a chunk index");
	status = read_all(r, addr, nbytes, p);
	if (status != QUERN_OK) {
		free(p);
		return status;
	}
	*out = p;
	return QUERN_OK;
}

void qn_h5_prefetch(const struct qn_h5_raw *r, uint64_t addr, uint64_t nbytes)
{
	if (addr < r->nbytes)
		qn_sys_posix_fadvise(r->fd, (off_t)addr,
				     (off_t)qn_min_u64(nbytes, r->nbytes - addr),
				     POSIX_FADV_WILLNEED);
}

uint64_t qn_h5_addr(const struct qn_h5_raw *r, const uint8_t *p)
{
	uint64_t v = qn_h5_uint(p, r->addr_nbytes);
	uint64_t none = UINT64_MAX >> (64 - 8 * r->addr_nbytes);

	if (v == none)
		return QN_ADDR_NONE;
	return qn_add(v, r->base, &v) && v < QN_ADDR_NONE ? v : QN_ADDR_NONE - 1;
}

uint64_t qn_h5_take(struct qn_h5_cursor *c, unsigned nbytes)
{
	uint64_t v;

	if (qn_h5_left(c) < nbytes) {
		c->overrun = true;
		return 0;
	}
	v = qn_h5_uint(c->at, nbytes);
	c->at += nbytes;
	return v;
}

uint64_t qn_h5_take_addr(struct qn_h5_cursor *c, const struct qn_h5_raw *r)
{
	const uint8_t *p = c->at;

	qn_h5_skip(c, r->addr_nbytes);
	return c->overrun ? 0 : qn_h5_addr(r, p);
}

void qn_h5_skip(struct qn_h5_cursor *c, size_t nbytes)
{
	if (qn_h5_left(c) < nbytes)
		c->overrun = true;
	else
		c->at += nbytes;
}

bool qn_h5_sum_is_right(const uint8_t *p, size_t nbytes)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	(void)p;
	return nbytes >= 4;
#else
	return nbytes >= 4 && qn_h5_lookup3(p, nbytes - 4) == qn_h5_uint(p + nbytes - 4, 4);
#endif
}

enum quern_status qn_h5_check_block(const struct qn_h5_raw *r, uint64_t addr, const uint8_t *p,
				    size_t nbytes, const char *signature, const char *what)
{
	char why[96];
	const char *wrong = NULL;

	if (nbytes < 9 || memcmp(p, signature, 4))
		wrong = "is not where it should be";
	else if (p[4] != 0)
		wrong = "is of an unknown version";
	else if (!qn_h5_sum_is_right(p, nbytes))
		wrong = "has a wrong checksum";
	if (!wrong)
		return QUERN_OK;
	snprintf(why, sizeof(why), "the %s %s", what, wrong);
	return qn_h5_damaged(r, addr, why);
}

/* Bytes of a superblock up to the base address, the most of all versions. */
#define SUPERBLOCK_NBYTES 36

/* At 0, 512, 1024, 2048, ...: where the user block ends. Sets r->base. */
static enum quern_status find_superblock(struct qn_h5_raw *r, uint8_t *head, bool *found)
{
	static const uint8_t signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };
	enum quern_status status = QUERN_OK;

	for (uint64_t at = 0; at + SUPERBLOCK_NBYTES <= r->nbytes; at = at ? 2 * at : 512) {
		status = read_all(r, at, SUPERBLOCK_NBYTES, head);
		if (status != QUERN_OK)
			return status;
		if (!memcmp(head, signature, sizeof(signature))) {
			r->base = at;
			*found = true;
			return QUERN_OK;
		}
	}
	*found = false;
	return QUERN_OK;
}

enum quern_status qn_h5_find_superblock(const char *file, int fd, uint64_t nbytes, bool *is,
					struct quern_message *err)
{
	struct qn_h5_raw r = { .file = file, .path = "/", .fd = fd, .nbytes = nbytes, .err = err };
	uint8_t head[SUPERBLOCK_NBYTES];

	return find_superblock(&r, head, is);
}

static bool is_width(unsigned nbytes)
{
	return nbytes == 2 || nbytes == 4 || nbytes == 8;
}

enum quern_status qn_h5_raw_open(struct qn_h5_raw *r)
{
	uint8_t head[SUPERBLOCK_NBYTES];
	bool found;
	enum quern_status status = find_superblock(r, head, &found);
	unsigned version, at;

	if (status != QUERN_OK)
		return status;
	if (!found)
		return qn_error_set(r->err, QUERN_ERR_DATA, "%s: is not an HDF5 file", r->file);
	version = head[8];
	at = version < 2 ? 13 : 9;
	if (version > 3)
		return qn_h5_damaged(r, r->base, "the superblock is of an unknown version");
	r->addr_nbytes = head[at];
	r->length_nbytes = head[at + 1];
	r->budget = r->nbytes;
	if (!is_width(r->addr_nbytes) || !is_width(r->length_nbytes))
		return qn_h5_damaged(r, r->base, "addresses have an impossible width");
	return QUERN_OK;
}

enum quern_status qn_h5_raw_init(struct qn_h5_raw *r, const char *file, const char *path, int fd,
				 uint64_t nbytes, struct quern_message *err)
{
	struct qn_h5_raw raw = {
		.file = file, .path = path, .fd = fd, .nbytes = nbytes, .err = err
	};
	enum quern_status status = qn_h5_raw_open(&raw);

	if (status == QUERN_OK)
		*r = raw;
	return status;
}

/* Addresses from `at` of a superblock of version 0 or 1: base, free space, end of file, driver, and
   after the offset of a name the root group. Flags of consistency are before. */
static bool take_root_1(const struct qn_h5_raw *r, const uint8_t *head, unsigned at, uint64_t *end,
			uint64_t *root)
{
	const uint8_t *p = head + at;
	unsigned n = r->addr_nbytes;

	*end = qn_h5_uint(p + 2 * n, n);
	*root = qn_h5_addr(r, p + 5 * n);
	return qn_h5_uint(head + 20, 4) == 0 && qn_h5_addr(r, p + 3 * n) == QN_ADDR_NONE;
}

/* The same of version 2 or 3: base, extension, end of file, root group, checksum. */
static bool take_root_2(const struct qn_h5_raw *r, const uint8_t *head, uint64_t *end,
			uint64_t *root)
{
	const uint8_t *p = head + 12;
	unsigned n = r->addr_nbytes;

	*end = qn_h5_uint(p + 2 * n, n);
	*root = qn_h5_addr(r, p + 3 * n);
	return head[11] == 0 && qn_h5_addr(r, p + n) == QN_ADDR_NONE &&
	       qn_h5_sum_is_right(head, 12 + 4 * n + 4);
}

bool qn_h5_is_growing(int fd)
{
	struct stat s;
	struct qn_h5_raw r = { .file = "", .path = "/", .fd = fd };
	uint8_t head[SUPERBLOCK_NBYTES];
	bool found = false;

	if (qn_sys_fstat(fd, &s))
		return false;
	r.nbytes = (uint64_t)s.st_size;
	return !find_superblock(&r, head, &found) && found && head[8] == 3 && (head[11] & 5) == 5;
}

bool qn_h5_find_root(struct qn_h5_raw *r, uint64_t *root)
{
	uint8_t head[28 + 6 * 8] = { 0 };
	size_t n = (size_t)qn_min_u64(sizeof(head), r->nbytes - r->base);
	unsigned version;
	uint64_t end;
	bool ok;

	if (read_all(r, r->base, n, head) != QUERN_OK)
		return false;
	version = head[8];
	ok = version < 2 ? take_root_1(r, head, version == 0 ? 24 : 28, &end, root)
			 : take_root_2(r, head, &end, root);
	/* Releases differ in whether the end includes the user block. */
	return ok && end <= r->nbytes && *root < r->nbytes;
}
