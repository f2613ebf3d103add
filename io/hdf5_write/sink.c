/*
 * sink.c - the driver for it: HDF5 Reference Manual, H5FD; "HDF5 Virtual File Layer".
 */
#include "io/hdf5_write/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"

#if H5_VERSION_GE(1, 14, 0)
#include <H5FDdevelop.h>
#endif

#define DRIVER_VALUE 300 /* 256 to 511 are for drivers that no other program knows of */

struct qn_h5_sink {
	int fd;	      /* -1: quern is done with it */
	int why;      /* errno of the first failure */
	bool is_open; /* the library has it still */
};

/* What the library knows of an open file. */
struct opened {
	H5FD_t common; /* first */
	struct qn_h5_sink *sink;
	haddr_t eoa, eof;
};

struct settings {
	struct qn_h5_sink *sink;
};

static void fail(struct qn_h5_sink *s, int why)
{
	if (!s->why)
		s->why = why;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t fapl, haddr_t most)
{
	const struct settings *set = H5Pget_driver_info(fapl);
	struct opened *o = set ? qn_calloc(1, sizeof(*o)) : NULL;
	struct stat st;

	(void)name;
	(void)flags;
	(void)most;
	if (!o || qn_sys_fstat(set->sink->fd, &st)) {
		free(o);
		return NULL;
	}
	o->sink = set->sink;
	o->sink->is_open = true;
	o->eof = (haddr_t)st.st_size;
	return &o->common;
}

static herr_t driver_close(H5FD_t *file)
{
	struct opened *o = (struct opened *)file;

	o->sink->is_open = false;
	/* Nobody else does: the library has come to it late. */
	if (o->sink->fd < 0)
		free(o->sink);
	free(o);
	return 0;
}

/* Those of the library's own driver for files, on which it depends where it puts things. */
static herr_t driver_query(const H5FD_t *file, unsigned long *flags)
{
	(void)file;
	*flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA |
		 H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA;
	return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
	(void)type;
	return ((const struct opened *)file)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t addr)
{
	(void)type;
	((struct opened *)file)->eoa = addr;
	return 0;
}

static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
	(void)type;
	return ((const struct opened *)file)->eof;
}

/* What is behind the end of the file is zeros. */
static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t nbytes,
			  void *out)
{
	struct opened *o = (struct opened *)file;
	char *to = out;

	(void)type;
	(void)dxpl;
	while (nbytes) {
		ssize_t n = qn_sys_pread(o->sink->fd, to, nbytes, (off_t)addr);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail(o->sink, errno);
		if (n <= 0)
			break;
		to += n;
		addr += (haddr_t)n;
		nbytes -= (size_t)n;
	}
	memset(to, 0, nbytes);
	return 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t nbytes,
			   const void *bytes)
{
	struct opened *o = (struct opened *)file;
	const char *from = bytes;

	(void)type;
	(void)dxpl;
	if (addr + nbytes > o->eof)
		o->eof = addr + nbytes;
	while (nbytes && !o->sink->why) {
		ssize_t n = qn_sys_pwrite(o->sink->fd, from, nbytes, (off_t)addr);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fail(o->sink, n < 0 ? errno : ENOSPC);
			break;
		}
		from += n;
		addr += (haddr_t)n;
		nbytes -= (size_t)n;
	}
	return 0;
}

static herr_t driver_truncate(H5FD_t *file, hid_t dxpl, hbool_t closing)
{
	struct opened *o = (struct opened *)file;

	(void)dxpl;
	(void)closing;
	if (!o->sink->why && qn_sys_ftruncate(o->sink->fd, (off_t)o->eoa))
		fail(o->sink, errno);
	o->eof = o->eoa;
	return 0;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 14, 0)
	.version = H5FD_CLASS_VERSION,
	.value = DRIVER_VALUE,
#endif
	.name = "quern",
	.maxaddr = INT64_MAX,
	.fc_degree = H5F_CLOSE_WEAK,
	.fapl_size = sizeof(struct settings),
	.open = driver_open,
	.close = driver_close,
	.query = driver_query,
	.get_eoa = driver_get_eoa,
	.set_eoa = driver_set_eoa,
	.get_eof = driver_get_eof,
	.read = driver_read,
	.write = driver_write,
	.truncate = driver_truncate,
	.fl_map = H5FD_FLMAP_DICHOTOMY,
};

struct qn_h5_sink *qn_h5_sink_open(int fd, hid_t fapl, hid_t fcpl, hid_t *file)
{
	struct qn_h5_sink *s = qn_calloc(1, sizeof(*s));
	const struct settings set = { .sink = s };
	hid_t id = s ? H5FDregister(&driver) : -1;

	*file = -1;
	if (s)
		s->fd = fd;
	if (id >= 0 && H5Pset_driver(fapl, id, &set) >= 0)
		*file = fcpl < 0 ? H5Fopen("quern", H5F_ACC_RDWR, fapl)
				 : H5Fcreate("quern", H5F_ACC_TRUNC, fcpl, fapl);
	if (id >= 0)
		H5FDunregister(id); /* the file keeps it */
	if (*file >= 0)
		return s;
	free(s);
	return NULL;
}

int qn_h5_sink_why(const struct qn_h5_sink *s)
{
	return s->why;
}

bool qn_h5_sink_close(struct qn_h5_sink *s, hid_t file, int *why)
{
	const bool ok = H5Fclose(file) >= 0;

	*why = s->why;
	/* What the library does with it from now on leads nowhere. */
	s->why = s->why ? s->why : EBADF;
	s->fd = -1;
	if (!s->is_open)
		free(s);
	return ok;
}
