/*
 * stage.c - shells and catalogs, made by a child process: what is in the staged file is
 * nobody's to vouch for.
 *
 * The answer is a verdict and, when that is good, uint64 bytes and the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"
#include "io/hdf5_child/child.h"
#include "io/hdf5_child/errand.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_write/stage.h"

#define IMAGE_NBYTES (UINT64_C(1) << 32)

struct question {
	const char *file, *path;
	const uint64_t *shape;
	int ndim;
	const struct qn_catalog *catalog; /* NULL: a shell is asked for */
	void **image;
	size_t *nbytes;
};

static void answer(void *ctx, int fd)
{
	const struct question *q = ctx;
	struct quern_message err = { .status = QUERN_OK };
	void *image = NULL;
	size_t nbytes = 0;
	enum quern_status status;

	status = q->catalog ? qn_hdf5_catalog(q->catalog, &image, &nbytes, &err)
			    : qn_hdf5_shell(q->file, q->path, q->shape, q->ndim, &image, &nbytes,
					    &err);
	qn_child_tell_block(fd, status, &err, image, nbytes);
}

static bool put_catalog(const struct qn_catalog *catalog, FILE *out)
{
	struct quern_message ignored = { .status = QUERN_OK };
	size_t nbytes = 0;
	void *flat = qn_catalog_flatten(catalog, &nbytes, &ignored);

	qn_put_block(out, flat, nbytes);
	free(flat);
	return flat != NULL;
}

static bool put_question(const void *question, FILE *out)
{
	const struct question *q = question;

	qn_put_text(out, q->file);
	qn_put_text(out, q->path);
	qn_put_block(out, q->shape, sizeof(*q->shape) * (size_t)q->ndim);
	return !q->catalog || put_catalog(q->catalog, out);
}

/* What is left is a catalog. */
static void *take_question(struct qn_words *in, void *shared)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct question *q = qn_calloc(1, sizeof(*q));
	struct qn_catalog *c = qn_calloc(1, sizeof(*c));
	const void *flat;
	size_t nbytes;

	(void)shared;
	if (!q || !c)
		return NULL;
	q->file = qn_take_text(in);
	q->path = qn_take_text(in);
	q->shape = qn_take_block(in, &nbytes);
	q->ndim = (int)(nbytes / sizeof(*q->shape));
	if (!in->ok || in->at == in->end)
		return q;
	flat = qn_take_block(in, &nbytes);
	in->ok = in->ok && qn_catalog_unflatten(flat, nbytes, c, &ignored) == QUERN_OK;
	q->catalog = c;
	return q;
}

const struct qn_errand qn_errand_stage = { QN_STAGE, answer, put_question, take_question };

static enum quern_status hear(struct qn_child *c, void *question, struct quern_message *err)
{
	const struct question *q = question;

	return qn_child_get_block(c, IMAGE_NBYTES, "a file", q->image, q->nbytes, err);
}

static void forget(void *question)
{
	const struct question *q = question;

	free(*q->image);
	*q->image = NULL;
}

static enum quern_status ask(struct question *q, struct quern_message *err)
{
	const struct qn_hdf5_asking a = { &qn_errand_stage, hear, forget, q, NULL };
	struct stat st;
	enum quern_status status;
	int fd;

	*q->image = NULL;
	status = qn_h5_open_signed(q->file, &fd, &st, err);
	if (status != QUERN_OK)
		return status;
	qn_sys_close(fd);
	return qn_hdf5_child_ask(&a, q->file, (uint64_t)st.st_size, err);
}

enum quern_status qn_hdf5_child_shell(const char *file, const char *path, const uint64_t *shape,
				      int ndim, void **image, size_t *nbytes,
				      struct quern_message *err)
{
	struct question q = { .file = file,
			      .path = path,
			      .shape = shape,
			      .ndim = ndim,
			      .image = image,
			      .nbytes = nbytes };

	return ask(&q, err);
}

enum quern_status qn_hdf5_child_catalog(const struct qn_catalog *c, void **image, size_t *nbytes,
					struct quern_message *err)
{
	struct question q = { .file = c->source, .catalog = c, .image = image, .nbytes = nbytes };

	return ask(&q, err);
}
