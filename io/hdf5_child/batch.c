/*
 * batch.c - descriptions of very many files that are mostly alike, by a few child processes.
 *
 * Batches of files go to the children in turns, and their answers are taken in the order of the files:
 * while one is heard the others work, as far as the sockets hold what they say. A child describes what
 * is like the first file by itself (alike.h) and the rest through the library. What a child could
 * not describe, and all of a batch after which it was gone, is described by a child of its own each,
 * which finds out why.
 *
 * The answer to a batch is its size in bytes (uint64), and for each file a struct answer, the flat form
 * of a full description or a message, and the chunks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/sandbox/child.h"
#include "data/reading.h"
#include "io/hdf5_format/alike.h"
#include "io/hdf5_child/child.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/ask.h"
#include "io/hdf5_child/errand.h"
#include "io/hdf5_child/grants.h"

#define BATCH		   16
#define FEWEST_A_CHILD	   64
#define MOST_CHILDREN	   16
#define MEMORY_NBYTES	   (UINT64_C(3) << 29)
#define CPU_SECONDS	   7
#define WALL_SECONDS	   30
#define ANSWER_NBYTES	   (UINT64_C(1) << 31)
#define DESCRIPTION_NBYTES (UINT64_C(1) << 24)

/* ABSENT: the file can be read, and does not have the dataset; a message follows. */
enum kind { FAILED, ALIKE, FULL, ABSENT };

struct answer {
	uint64_t kind;
	uint64_t flat_nbytes, nchunks; /* what follows */
	/* Of one that is alike: */
	uint64_t file_nbytes, user_block;
	int64_t file_mtime_ns;
	uint64_t shape[QUERN_MAX_DIMS], chunk[QUERN_MAX_DIMS];
	char index[24];
};

struct batches {
	const struct qn_dataset *like;
	const char *const *files, *const *paths;
	size_t n;
	size_t nchildren, number; /* of this child */
	struct qn_child child[MOST_CHILDREN];
};

static const char *column_of(const struct qn_dataset *d)
{
	return d->column[0] ? d->column : NULL;
}

static const char *path_of(const struct batches *b, size_t i)
{
	return b->paths ? b->paths[i] : b->like->path;
}

/* --- the child --- */

struct telling {
	const struct batches *batches;
	struct qn_h5_alike *alike; /* owned */
	struct qn_listing listing; /* owned: of the file `listed`, unless NULL */
	const char *listed;
	FILE *out;	 /* the answer to a batch */
	size_t nrefused; /* files, before the one at hand */
};

static void tell_chunks(FILE *out, const struct qn_dataset *d)
{
	if (d->nchunks)
		fwrite(d->chunks, sizeof(*d->chunks), d->nchunks, out);
}

static void tell_alike(FILE *out, const struct qn_dataset *d)
{
	struct answer a = {
		.kind = ALIKE,
		.nchunks = d->nchunks,
		.file_nbytes = d->file_nbytes,
		.user_block = d->user_block,
		.file_mtime_ns = d->file_mtime_ns,
	};

	memcpy(a.shape, d->shape, sizeof(a.shape));
	memcpy(a.chunk, d->chunk, sizeof(a.chunk));
	memcpy(a.index, d->index, sizeof(a.index));
	fwrite(&a, sizeof(a), 1, out);
	tell_chunks(out, d);
}

static void tell_full(FILE *out, const struct qn_dataset *d)
{
	size_t nbytes = 0;
	void *flat = qn_dataset_pack(d, &nbytes);
	struct answer a = { .kind = flat ? FULL : FAILED, .flat_nbytes = nbytes };

	a.nchunks = flat ? d->nchunks : 0;
	fwrite(&a, sizeof(a), 1, out);
	if (flat) {
		fwrite(flat, 1, nbytes, out);
		tell_chunks(out, d);
	}
	free(flat);
}

/* A list of the datasets of a file, kept as the next question may be about the same one. */
static bool list(struct telling *t, const char *file)
{
	struct quern_message ignored = { .status = QUERN_OK };

	if (t->listed && !strcmp(t->listed, file))
		return true;
	qn_listing_fini(&t->listing);
	t->listed = qn_hdf5_list(file, &t->listing, &ignored) == QUERN_OK ? file : NULL;
	return t->listed != NULL;
}

/* Only where all can be listed, and no link of any kind has that name. */
static bool is_absent(struct telling *t, const char *file, const char *path)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_h5_end end;
	bool absent;

	if (!list(t, file) || t->listing.nflaws || qn_listing_has(&t->listing, path) ||
	    qn_hdf5_follow(file, path, &end, &ignored) != QUERN_OK)
		return false;
	absent = end.is == QN_NOTHING;
	qn_h5_end_fini(&end);
	return absent;
}

static bool was_refused(const struct telling *t)
{
	return qn_child_nrefused() > t->nrefused;
}

static void tell_failure(struct telling *t, const char *file, const char *path, const char *why)
{
	bool absent = is_absent(t, file, path) && !was_refused(t);
	struct answer a = { .kind = absent ? ABSENT : FAILED,
			    .flat_nbytes = absent ? strlen(why) : 0 };

	fwrite(&a, sizeof(a), 1, t->out);
	fwrite(why, 1, a.flat_nbytes, t->out);
}

static void tell_file(struct telling *t, size_t i)
{
	const struct batches *b = t->batches;
	const char *file = b->files[i], *path = path_of(b, i);
	struct quern_message err = { .status = QUERN_OK };
	FILE *out = t->out;
	struct qn_dataset d;

	t->nrefused = qn_child_nrefused();
	if (t->alike && qn_h5_alike_describe(t->alike, file, path, &d)) {
		tell_alike(out, &d);
		free(d.chunks);
	} else if (qn_hdf5_describe(file, path, column_of(b->like), true, &d, &err) == QUERN_OK) {
		if (was_refused(t))
			fwrite(&(struct answer){ .kind = FAILED }, sizeof(struct answer), 1, out);
		else
			tell_full(out, &d);
		qn_dataset_fini(&d);
	} else {
		tell_failure(t, file, path, err.text);
	}
}

static bool tell_batch(int fd, struct telling *t, size_t first)
{
	size_t nbytes, end = (size_t)qn_min_u64(first + BATCH, t->batches->n);
	char *text = NULL;
	uint64_t n;
	bool ok;

	t->out = qn_open_memstream(&text, &nbytes);
	if (!t->out)
		return false;
	for (size_t i = first; i < end; i++)
		tell_file(t, i);
	ok = !ferror(t->out);
	ok = fclose(t->out) == 0 && ok;
	n = nbytes;
	ok = ok && qn_child_tell(fd, &n, sizeof(n)) && qn_child_tell(fd, text, nbytes);
	free(text);
	return ok;
}

static void answer_batches(void *ctx, int fd)
{
	const struct batches *b = ctx;
	struct telling t = { .batches = b, .alike = qn_h5_alike_new(b->like) };
	bool ok = true;

	for (size_t i = b->number * BATCH; ok && i < b->n; i += b->nchildren * BATCH) {
		qn_child_renew(CPU_SECONDS);
		ok = tell_batch(fd, &t, i);
	}
	qn_listing_fini(&t.listing);
	qn_h5_alike_free(t.alike);
}

/* Those of this child only, which are batches like all. */
static bool put_batches(const void *question, FILE *out)
{
	const struct batches *b = question;

	qn_put_number(out, b->paths != NULL);
	for (size_t i = b->number * BATCH; i < b->n; i += b->nchildren * BATCH)
		for (size_t k = i; k < qn_min_u64(i + BATCH, b->n); k++) {
			qn_put_text(out, b->files[k]);
			if (b->paths)
				qn_put_text(out, b->paths[k]);
		}
	qn_put_text(out, NULL);
	return qn_put_dataset(out, b->like);
}

static void *take_batches(struct qn_words *in, void *shared)
{
	struct batches *b = qn_calloc(1, sizeof(*b));
	const char **files = NULL, **paths = NULL, *file;
	size_t nfiles = 0, npaths = 0;
	bool with_paths, ok = b != NULL;

	(void)shared;
	with_paths = qn_take_number(in) != 0;
	while (ok && (file = qn_take_text(in))) {
		ok = qn_grow(&files, &nfiles, b->n + 1, sizeof(*files)) &&
		     qn_grow(&paths, &npaths, b->n + 1, sizeof(*paths));
		if (ok) {
			files[b->n] = file;
			paths[b->n++] = with_paths ? qn_take_text(in) : NULL;
		}
	}
	if (!ok)
		return NULL;
	b->files = files;
	b->paths = with_paths ? paths : NULL;
	b->nchildren = 1;
	b->like = qn_take_dataset(in);
	return b;
}

const struct qn_errand qn_errand_batches = { QN_BATCHES, answer_batches, put_batches,
					     take_batches };

/* --- the parent --- */

/* A description of what is like `like` but for what the answer says. The names are borrowed. */
static bool make_alike(const struct batches *b, size_t i, const struct answer *a,
		       struct qn_dataset *d)
{
	if (!memchr(a->index, '\0', sizeof(a->index)))
		return false;
	*d = *b->like;
	d->file = (char *)b->files[i];
	d->path = (char *)path_of(b, i);
	d->file_nbytes = a->file_nbytes;
	d->user_block = a->user_block;
	d->file_mtime_ns = a->file_mtime_ns;
	memcpy(d->shape, a->shape, sizeof(d->shape));
	memset(d->beyond, 0, sizeof(d->beyond));
	memcpy(d->chunk, a->chunk, sizeof(d->chunk));
	memcpy(d->index, a->index, sizeof(d->index));
	d->nchunks = 0;
	d->chunks = NULL;
	return true;
}

static bool take_bytes(const char **at, const char *end, void *out, uint64_t nbytes)
{
	if (nbytes > (uint64_t)(end - *at))
		return false;
	memcpy(out, *at, (size_t)nbytes);
	*at += nbytes;
	return true;
}

static bool take_chunks(const char **at, const char *end, uint64_t n, struct qn_dataset *d)
{
	uint64_t nbytes;

	if (n == 0)
		return true;
	if (!qn_mul(n, sizeof(*d->chunks), &nbytes) || nbytes > (uint64_t)(end - *at))
		return false;
	d->chunks = qn_malloc((size_t)nbytes);
	d->nchunks = d->chunks ? n : 0;
	return d->chunks && take_bytes(at, end, d->chunks, nbytes);
}

/* A full description: owned, and of this file. */
static bool make_full(const struct batches *b, size_t i, const char **at, const char *end,
		      uint64_t nbytes, struct qn_dataset *d)
{
	struct quern_message ignored = { .status = QUERN_OK };

	if (nbytes > DESCRIPTION_NBYTES || nbytes > (uint64_t)(end - *at) ||
	    qn_dataset_unpack(*at, (size_t)nbytes, d, &ignored) != QUERN_OK)
		return false;
	*at += nbytes;
	if (!strcmp(d->file, b->files[i]) && !strcmp(d->path, path_of(b, i)))
		return true;
	qn_dataset_fini(d);
	return false;
}

/* Tells `take` that the dataset is not there. */
static bool take_absence(const struct batches *b, size_t i, const char **at, const char *end,
			 uint64_t nbytes, bool *made, qn_described *take, void *ctx)
{
	struct quern_message why = { .status = QUERN_ERR_DATA };

	*made = nbytes < sizeof(why.text) && take_bytes(at, end, why.text, nbytes);
	return *made ? take(ctx, b->files[i], NULL, &why) : true;
}

/* Gives what the answer says of a dataset to `take`; *made: it was one that is good. */
static bool take_answer(const struct batches *b, size_t i, const char **at, const char *end,
			bool *made, qn_described *take, void *ctx)
{
	struct quern_message err = { .status = QUERN_OK };
	struct answer a;
	struct qn_dataset d;
	bool more = true, owned;

	*made = take_bytes(at, end, &a, sizeof(a)) && a.kind != FAILED;
	if (!*made)
		return true;
	if (a.kind == ABSENT)
		return take_absence(b, i, at, end, a.flat_nbytes, made, take, ctx);
	owned = a.kind == FULL;
	qn_log(QN_LOG_DEBUG, "%s: described by %s", b->files[i],
	       owned ? "the library" : "our own parser");
	*made = owned ? make_full(b, i, at, end, a.flat_nbytes, &d) : make_alike(b, i, &a, &d);
	if (!*made)
		return true;
	*made = take_chunks(at, end, a.nchunks, &d) && qn_dataset_check(&d, &err) == QUERN_OK;
	if (*made)
		more = take(ctx, b->files[i], &d, &err);
	if (owned)
		qn_dataset_fini(&d);
	else
		free(d.chunks);
	return more;
}

static bool describe_alone(const struct batches *b, size_t i, qn_described *take, void *ctx)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d = { .ndim = 0 };
	bool more;

	if (qn_hdf5_child_describe(b->files[i], path_of(b, i), column_of(b->like), true, &d,
				   &err) == QUERN_OK)
		qn_dataset_check(&d, &err);
	more = take(ctx, b->files[i], &d, &err);
	qn_dataset_fini(&d);
	return more;
}

/* What the child says of a batch, owned; NULL, and no child any more: nothing. */
static char *hear_batch(struct qn_child *c, size_t *nbytes)
{
	struct quern_message ignored = { .status = QUERN_OK };
	uint64_t n;
	char *text = NULL;

	if (!qn_child_is_there(c))
		return NULL;
	qn_child_wait_anew(c);
	if (qn_child_get(c, &n, sizeof(n), &ignored) == QUERN_OK && n <= ANSWER_NBYTES)
		text = qn_malloc((size_t)n + 1);
	if (text && qn_child_get(c, text, (size_t)n, &ignored) == QUERN_OK) {
		*nbytes = (size_t)n;
		return text;
	}
	free(text);
	qn_child_end(c);
	return NULL;
}

static bool take_batch(struct batches *b, size_t first, qn_described *take, void *ctx)
{
	size_t nbytes = 0, last = (size_t)qn_min_u64(first + BATCH, b->n);
	char *text = hear_batch(&b->child[first / BATCH % b->nchildren], &nbytes);
	const char *at = text, *end = text + nbytes;
	bool more = true, made;

	for (size_t i = first; more && i < last; i++) {
		made = false;
		if (text)
			more = take_answer(b, i, &at, end, &made, take, ctx);
		if (!made && more)
			qn_log(QN_LOG_WARN,
			       "%s: no description from its batch: it is described alone",
			       b->files[i]);
		if (!made && more)
			more = describe_alone(b, i, take, ctx);
	}
	free(text);
	return more;
}

/* What a batch may take: the files of it that are described after that one by one have their own time. */
static unsigned wall_seconds(void)
{
	const unsigned given = qn_reading()->metadata_seconds;

	return given ? given : WALL_SECONDS;
}

/* The files of a child, of which one may be there for very many datasets. Others that they name it is
   refused, and what it then cannot describe is described alone. */
static enum quern_status grant_files(const struct batches *b, struct qn_grants *g)
{
	struct quern_message ignored = { .status = QUERN_OK };
	const char *last = b->like->file;
	enum quern_status status = qn_grants_init(g, b->like->file, NULL, false, &ignored);

	for (size_t i = b->number * BATCH; status == QUERN_OK && i < b->n;
	     i += b->nchildren * BATCH)
		for (size_t k = i; status == QUERN_OK && k < qn_min_u64(i + BATCH, b->n); k++) {
			if (strcmp(b->files[k], last))
				status = qn_names_add(&g->names, b->files[k], &ignored);
			last = b->files[k];
		}
	return status;
}

/* Starts the children. Where one cannot be started its files are described one by one. */
static void start(struct batches *b)
{
	struct qn_child_limits limits = { .memory_nbytes = MEMORY_NBYTES,
					  .cpu_seconds = CPU_SECONDS,
					  .wall_seconds = wall_seconds(),
					  .option = "--metadata-timeout" };
	const struct qn_errand_start s = { .errand = &qn_errand_batches, .question = b };
	struct quern_message ignored = { .status = QUERN_OK };

	for (b->number = 0; b->number < b->nchildren; b->number++) {
		struct qn_grants g;

		if (grant_files(b, &g) == QUERN_OK) {
			limits.files = &g.names;
			qn_errand_start(&b->child[b->number], "files", &limits, &s, &ignored);
		}
		qn_grants_fini(&g);
	}
}

void qn_hdf5_child_describe_like(const struct qn_dataset *like, const char *const *files,
				 const char *const *paths, size_t n, int nprocesses,
				 qn_described *take, void *ctx)
{
	struct batches b = { .like = like, .files = files, .paths = paths, .n = n };
	uint64_t most = qn_min_u64((uint64_t)nprocesses, MOST_CHILDREN);
	bool more = true;

	b.nchildren = (size_t)qn_max_u64(1, qn_min_u64(most, n / FEWEST_A_CHILD));
	qn_log(QN_LOG_INFO, "%zu files like %s are described by %zu processes", n, like->file,
	       b.nchildren);
	start(&b);
	for (size_t i = 0; more && i < n; i += BATCH)
		more = take_batch(&b, i, take, ctx);
	for (size_t i = 0; i < b.nchildren; i++)
		qn_child_end(&b.child[i]);
}
