#include "io/hdf5_child/errand.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/reading.h"
#include "io/hdf5_library/file.h"

/* --- words --- */

void qn_put_number(FILE *out, uint64_t v)
{
	fwrite(&v, sizeof(v), 1, out);
}

void qn_put_block(FILE *out, const void *bytes, size_t nbytes)
{
	static const char zeros[sizeof(uint64_t)];

	qn_put_number(out, nbytes);
	if (nbytes)
		fwrite(bytes, 1, nbytes, out);
	fwrite(zeros, 1, -nbytes % sizeof(zeros), out);
}

void qn_put_text(FILE *out, const char *text)
{
	qn_put_block(out, text, text ? strlen(text) + 1 : 0);
}

bool qn_put_dataset(FILE *out, const struct qn_dataset *d)
{
	size_t nbytes = 0;
	void *flat = qn_dataset_pack(d, &nbytes);

	if (!flat)
		return false;
	qn_put_block(out, flat, nbytes);
	qn_put_block(out, d->chunks, d->nchunks * sizeof(*d->chunks));
	free(flat);
	return true;
}

const void *qn_take_block(struct qn_words *in, size_t *nbytes)
{
	const uint64_t n = qn_take_number(in), left = (uint64_t)(in->end - in->at);
	const void *at = in->at;
	uint64_t padded;

	in->ok = in->ok && qn_add(n, -n % sizeof(uint64_t), &padded) && padded <= left;
	*nbytes = in->ok ? n : 0;
	in->at += in->ok ? padded : 0;
	return at;
}

uint64_t qn_take_number(struct qn_words *in)
{
	uint64_t v = 0;

	in->ok = in->ok && in->end - in->at >= (ptrdiff_t)sizeof(v);
	if (!in->ok)
		return 0;
	memcpy(&v, in->at, sizeof(v));
	in->at += sizeof(v);
	return v;
}

const char *qn_take_text(struct qn_words *in)
{
	size_t nbytes;
	const char *text = qn_take_block(in, &nbytes);

	return nbytes ? text : NULL;
}

struct qn_dataset *qn_take_dataset(struct qn_words *in)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_dataset *d = qn_calloc(1, sizeof(*d));
	size_t nbytes;
	const void *flat = qn_take_block(in, &nbytes);

	in->ok = in->ok && d && qn_dataset_unpack(flat, nbytes, d, &ignored) == QUERN_OK;
	flat = qn_take_block(in, &nbytes);
	if (in->ok && nbytes) {
		d->chunks = (struct qn_chunk *)(uintptr_t)flat;
		d->nchunks = nbytes / sizeof(*d->chunks);
	}
	return d;
}

/* --- in a child that was forked here --- */

struct here {
	const struct qn_errand *errand;
	void *question;
	const struct qn_h5_caller *caller;
};

/* Metadata needs no plugins. */
static void work_here(void *ctx, int fd)
{
	const struct here *h = ctx;

	H5PLset_loading_state(0);
	qn_h5_leave(h->caller);
	h->errand->work(h->question, fd);
}

/* The lock is held while the child comes into being, so that in it too it can be taken. */
static enum quern_status start_here(struct qn_child *c, const char *subject,
				    const struct qn_child_limits *limits,
				    const struct qn_errand_start *s, struct quern_message *err)
{
	struct qn_h5_caller caller;
	struct here here = { s->errand, s->question, &caller };
	enum quern_status status;

	qn_h5_enter(&caller);
	status = qn_child_start(c, subject, limits, work_here, &here, err);
	qn_h5_leave(&caller);
	return status;
}

/* --- by the installed program --- */

static struct qn_errand_head make_head(const struct qn_child_limits *limits,
				       const struct qn_errand_start *s)
{
	const struct qn_reading *r = qn_reading();

	return (struct qn_errand_head){ .errand = (uint64_t)s->errand->number,
					.memory_nbytes = limits->memory_nbytes,
					.shared_nbytes = s->shared ? s->shared_nbytes : 0,
					.cpu_seconds = limits->cpu_seconds,
					.metadata_seconds = r->metadata_seconds,
					.chunk_seconds = r->chunk_seconds,
					.plugins = s->plugins,
					.allow_external = r->allow_external,
					.as_stored = r->as_stored };
}

/* Owned; NULL: no memory. */
static char *put_order(const struct qn_child_limits *limits, const struct qn_errand_start *s,
		       size_t *nbytes)
{
	struct qn_errand_head h = make_head(limits, s);
	size_t names_nbytes = 0;
	void *names = qn_names_pack(limits->files, &names_nbytes);
	char *words = NULL;
	FILE *out = names ? qn_open_memstream(&words, nbytes) : NULL;
	bool ok = out != NULL;

	if (ok) {
		fwrite(&h, sizeof(h), 1, out);
		qn_put_block(out, names, names_nbytes);
		ok = s->errand->put(s->question, out) && !ferror(out);
		ok = fclose(out) == 0 && ok;
	}
	free(names);
	if (!ok) {
		free(words);
		return NULL;
	}
	h.nbytes = *nbytes - sizeof(h);
	memcpy(words, &h, sizeof(h));
	return words;
}

static enum quern_status start_there(struct qn_child *c, const char *subject,
				     const struct qn_child_limits *limits,
				     const struct qn_errand_start *s, struct quern_message *err)
{
	struct qn_child_order o = { .to = qn_reading()->forkserver,
				    .shared = s->shared ? s->shared_fd : -1 };
	char *words = put_order(limits, s, &o.nbytes);
	enum quern_status status;

	if (!words)
		return qn_error_nomem(err, strlen(subject), "a question");
	o.words = words;
	status = qn_child_order(c, subject, limits, &o, err);
	free(words);
	return status;
}

enum quern_status qn_errand_start(struct qn_child *c, const char *subject,
				  const struct qn_child_limits *limits,
				  const struct qn_errand_start *s, struct quern_message *err)
{
	return (qn_reading()->forkserver ? start_there : start_here)(c, subject, limits, s, err);
}
