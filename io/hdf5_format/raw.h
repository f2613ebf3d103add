/*
 * raw.h - an HDF5 file as bytes: bounded reads, little-endian fields, checksums.
 *
 * The chunk index is read by these and not through the library, which needs time quadratic in the
 * number of chunks before H5Dchunk_iter. Formats: "HDF5 File Format Specification Version 3.0".
 * Everything in the file is hostile. No call needs the lock of file.h.
 */
#ifndef QN_IO_HDF5_FORMAT_RAW_H
#define QN_IO_HDF5_FORMAT_RAW_H

#include <endian.h>
#include <string.h>

#include "base/error.h"

/* Bytes of a file that were read already: of very many small files the calls are what costs. */
struct qn_h5_window {
	uint64_t at;
	size_t n;
	uint8_t bytes[8192];
};

/* The file, and what its superblock says about the fields in it. */
struct qn_h5_raw {
	const char *file, *path; /* borrows: for messages */
	int fd;			 /* borrows */
	uint64_t nbytes;	 /* size of the file */
	bool is_growing;	 /* and that is no limit */
	uint64_t base;		 /* of the addresses in the file: the user block */
	unsigned addr_nbytes;	 /* "size of offsets": bytes of an address, 2 to 8 */
	unsigned length_nbytes;	 /* "size of lengths", 2 to 8 */
	uint64_t budget;	 /* bytes that may still be read; see qn_h5_read */
	struct quern_message *err;
	struct qn_h5_window *window; /* (opt) borrows */
};

/* Does the file have the signature of HDF5, at 0 or where a user block may end? */
enum quern_status qn_h5_find_superblock(const char *file, int fd, uint64_t nbytes, bool *is,
					struct quern_message *err);

/* Is it open for SWMR writing, or was left so? */
bool qn_h5_is_growing(int fd);

/* Finds and reads the superblock (versions 0 to 3). Keeps fd, file, path and err. */
enum quern_status qn_h5_raw_init(struct qn_h5_raw *r, const char *file, const char *path, int fd,
				 uint64_t nbytes, struct quern_message *err);

/* The same, with what is to be r->file, path, fd, nbytes, err and window already in *r. */
enum quern_status qn_h5_raw_open(struct qn_h5_raw *r);

/*
 * Sets *root to the absolute offset of the object header of the root group. False: there is more to
 * this file than its superblock says (an extension, a driver, a writer), or it is damaged; what it is
 * is for the library to find out. Nothing is recorded.
 */
bool qn_h5_find_root(struct qn_h5_raw *r, uint64_t *root);

/* Records "FILE: dataset PATH: its chunk index is damaged: WHY (at offset ADDR)"; QUERN_ERR_DATA. */
enum quern_status qn_h5_damaged(const struct qn_h5_raw *r, uint64_t addr, const char *why);

/*
 * Reads exactly nbytes at the absolute offset addr. Index structures do not overlap, so an index
 * that is read in more bytes than the file has goes round in a circle: that is refused.
 */
enum quern_status qn_h5_read(struct qn_h5_raw *r, uint64_t addr, uint64_t nbytes, void *out);

/* The same into new memory, which the caller frees; nbytes are checked against the file first. */
enum quern_status qn_h5_read_new(struct qn_h5_raw *r, uint64_t addr, uint64_t nbytes,
				 uint8_t **out);

/* Asks the system to read ahead: the index of a cold file is many small blocks far apart. */
void qn_h5_prefetch(const struct qn_h5_raw *r, uint64_t addr, uint64_t nbytes);

/* The unsigned little-endian number of nbytes (1 to 8) at p. */
static inline uint64_t qn_h5_uint(const uint8_t *p, unsigned nbytes)
{
	uint64_t v = 0;

	if (nbytes == 8) {
		memcpy(&v, p, sizeof(v));
		return le64toh(v);
	}
	for (unsigned i = nbytes; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

/* An address field, made absolute; QN_ADDR_NONE (all ones in the file: undefined) stays so, and an
   address that cannot be one gives a number beyond the end of any file. */
uint64_t qn_h5_addr(const struct qn_h5_raw *r, const uint8_t *p);

/* A place in a block that was read. Taking more than there is sets `overrun` and gives zero. */
struct qn_h5_cursor {
	const uint8_t *at, *end;
	bool overrun;
};

static inline size_t qn_h5_left(const struct qn_h5_cursor *c)
{
	return (size_t)(c->end - c->at);
}

uint64_t qn_h5_take(struct qn_h5_cursor *c, unsigned nbytes);
uint64_t qn_h5_take_addr(struct qn_h5_cursor *c, const struct qn_h5_raw *r);
void qn_h5_skip(struct qn_h5_cursor *c, size_t nbytes);

/* The checksum of metadata: lookup3 of Bob Jenkins, "hashlittle", initial value 0. */
uint32_t qn_h5_lookup3(const uint8_t *p, size_t nbytes);

/* Do the last 4 of nbytes hold the checksum of those before? */
bool qn_h5_sum_is_right(const uint8_t *p, size_t nbytes);

/* Checks a block: four letters of signature, the version (0), and its checksum at the end.
   `what` names the block in messages. */
enum quern_status qn_h5_check_block(const struct qn_h5_raw *r, uint64_t addr, const uint8_t *p,
				    size_t nbytes, const char *signature, const char *what);

#endif
