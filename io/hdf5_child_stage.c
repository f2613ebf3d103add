/*
 * hdf5_child_stage.c - shells and catalogs, made by a child process: what is in the staged file is
 * nobody's to vouch for.
 *
 * The answer is a verdict and, when that is good, uint64 bytes and the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "child.h"
#include "hdf5_file.h"
#include "hdf5_stage.h"

#define MEMORY_NBYTES (UINT64_C(3) << 29)
#define SECONDS	      8
#define MOST_SECONDS  600
#define IMAGE_NBYTES  (UINT64_C(1) << 32)

struct question {
	const char *file, *path;
	const uint64_t *shape;
	int ndim;
	const struct qn_catalog *catalog; /* NULL: a shell is asked for */
	struct qn_h5_caller caller;
};

static void answer(void *ctx, int fd)
{
	const struct question *q = ctx;
	struct quern_message err = { .status = QUERN_OK };
	void *image = NULL;
	size_t nbytes = 0;
	enum quern_status status;
	uint64_t n;

	H5PLset_loading_state(0);
	qn_h5_leave(&q->caller);
	status = q->catalog ? qn_hdf5_catalog(q->catalog, &image, &nbytes, &err)
			    : qn_hdf5_shell(q->file, q->path, q->shape, q->ndim, &image, &nbytes,
					    &err);
	n = nbytes;
	if (qn_child_tell_verdict(fd, status, &err) && status == QUERN_OK &&
	    qn_child_tell(fd, &n, sizeof n))
		qn_child_tell(fd, image, nbytes);
}

static enum quern_status hear(struct qn_child *c, void **image, size_t *nbytes,
			      struct quern_message *err)
{
	uint64_t n = 0;
	enum quern_status status = qn_child_get_verdict(c, err);

	if (status == QUERN_OK)
		status = qn_child_get(c, &n, sizeof n, err);
	if (status != QUERN_OK)
		return status;
	if (n > IMAGE_NBYTES)
		return qn_child_refuse(c, "a file without end", err);
	*image = malloc((size_t)n + 1);
	if (!*image)
		return qn_error_nomem(err, (size_t)n, "a file");
	status = qn_child_get(c, *image, (size_t)n, err);
	*nbytes = (size_t)n;
	if (status != QUERN_OK) {
		free(*image);
		*image = NULL;
	}
	return status;
}

static enum quern_status ask(struct question *q, void **image, size_t *nbytes,
			     struct quern_message *err)
{
	struct qn_child_limits limits = { .memory_nbytes = MEMORY_NBYTES,
					  .cpu_seconds = SECONDS,
					  .wall_seconds = SECONDS };
	struct qn_child c;
	struct stat st;
	enum quern_status status;
	char *subject;
	int fd;

	status = qn_h5_open_signed(q->file, &fd, &st, err);
	if (status != QUERN_OK)
		return status;
	close(fd);
	limits.cpu_seconds += (unsigned)qn_min_u64((uint64_t)st.st_size >> 30, MOST_SECONDS);
	limits.wall_seconds += (unsigned)qn_min_u64((uint64_t)st.st_size >> 26, MOST_SECONDS);
	if (asprintf(&subject, "%s: its metadata", q->file) < 0)
		return qn_error_nomem(err, strlen(q->file), "a process");
	qn_h5_enter(&q->caller);
	status = qn_child_start(&c, subject, &limits, answer, q, err);
	qn_h5_leave(&q->caller);
	free(subject);
	if (status != QUERN_OK)
		return status;
	status = hear(&c, image, nbytes, err);
	qn_child_end(&c);
	return status;
}

enum quern_status qn_hdf5_child_shell(const char *file, const char *path, const uint64_t *shape,
				      int ndim, void **image, size_t *nbytes,
				      struct quern_message *err)
{
	struct question q = { .file = file, .path = path, .shape = shape, .ndim = ndim };

	return ask(&q, image, nbytes, err);
}

enum quern_status qn_hdf5_child_catalog(const struct qn_catalog *c, void **image, size_t *nbytes,
					struct quern_message *err)
{
	struct question q = { .file = c->source, .catalog = c };

	return ask(&q, image, nbytes, err);
}
