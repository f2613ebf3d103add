#include "find/join.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/system.h"
#include "base/text.h"
#include "select/select.h"
#include "find/coordinate.h"
#include "resolve/resolve.h"
#include "find/stack.h"
#include "describe/describe.h"
#include "find/warnings.h"

#define MOST_NAMED   10			  /* bad files in a message */
#define LARGE_NBYTES (UINT64_C(64) << 20) /* a file: its chunk index may be large too */

/* Files that cannot be used. */
struct bad {
	struct quern_message why; /* what is wrong with the first of them */
	struct qn_names file;
};

/* What a rank finds out about its files. */
struct search {
	const struct qn_dataset *first;
	int along;
	struct qn_mosaic found; /* members, without parts */
	struct bad bad;
	struct quern_message err; /* that has nothing to do with a file */
};

/* --- what may be joined --- */

static enum quern_status differs(const struct qn_dataset *first, const struct qn_dataset *other,
				 struct quern_message *err, const char *what, const char *a,
				 const char *b)
{
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: dataset %s: %s is %s, but %s in %s: these files "
			    "do not go together",
			    other->file, other->path, what, b, a, first->file);
}

static const char *name_or(const char *name)
{
	return name && *name ? name : "not given";
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static enum quern_status check_dimension(const struct qn_dataset *first,
					 const struct qn_dataset *other, int dim, int along,
					 struct quern_message *err)
{
	const uint64_t length = qn_dataset_length(first, dim);
	char what[64], a[32], b[32];

	if (!same_text(first->dim_name[dim], other->dim_name[dim])) {
		snprintf(what, sizeof(what), "the name of dimension %d", dim);
		return differs(first, other, err, what, name_or(first->dim_name[dim]),
			       name_or(other->dim_name[dim]));
	}
	if (dim == along || length == qn_dataset_length(other, dim))
		return QUERN_OK;
	snprintf(what, sizeof(what), "the length of dimension %d (%.24s)", dim,
		 first->dim_name[dim] ? first->dim_name[dim] : "?");
	snprintf(a, sizeof(a), "%" PRIu64, length);
	snprintf(b, sizeof(b), "%" PRIu64, qn_dataset_length(other, dim));
	return differs(first, other, err, what, a, b);
}

static bool same_type(const struct qn_type *a, const struct qn_type *b)
{
	return a->class == b->class && a->size == b->size && a->big_endian == b->big_endian &&
	       !strcmp(a->name, b->name);
}

static const char *signedness(const struct qn_dataset *d)
{
	return d->cf.as_unsigned ? "unsigned" : "as its type says";
}

enum quern_status qn_join_check(const struct qn_dataset *first, const struct qn_dataset *other,
				int along, struct quern_message *err)
{
	char a[16], b[16];
	enum quern_status st = QUERN_OK;

	if (first->cf.as_unsigned != other->cf.as_unsigned)
		return differs(first, other, err, "what _Unsigned or the bounds of bytes say of it",
			       signedness(first), signedness(other));
	if (!same_type(&first->type, &other->type))
		return differs(first, other, err, "its type", first->type.name, other->type.name);
	if (along == QN_STACKED && other->is_null)
		return differs(first, other, err, "its dataspace", "simple", "null");
	if (first->is_null || other->is_null) /* no elements, of any rank */
		return QUERN_OK;
	if (first->ndim != other->ndim || first->scalar != other->scalar) {
		snprintf(a, sizeof(a), "%d", first->scalar ? 0 : first->ndim);
		snprintf(b, sizeof(b), "%d", other->scalar ? 0 : other->ndim);
		return differs(first, other, err, "the number of its dimensions", a, b);
	}
	for (int d = 0; !st && d < first->ndim; d++)
		st = check_dimension(first, other, d, along, err);
	if (!st && strcmp(first->units, other->units))
		st = differs(first, other, err, "its unit", name_or(first->units),
			     name_or(other->units));
	return st;
}

/* --- the first of the files --- */

/* The dimension to join along. */
static enum quern_status find_along(const struct qn_subject *subject, int *along,
				    struct quern_message *err)
{
	const char *name = subject->settings.along;
	const struct qn_dataset *d = &subject->dataset;

	if (subject->settings.stack) {
		*along = QN_STACKED;
		return qn_stack_check(subject, err);
	}
	*along = name ? qn_dimension_find(d, name) : 0;
	if (*along < 0)
		return qn_dimension_refuse(d, "--along", name, err);
	if (d->scalar && subject->files.n > 1)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s: dataset %s is a scalar: it has no "
				    "dimension to join files along (--stack NAME puts them along "
				    "a new one)",
				    d->file, d->path);
	return QUERN_OK;
}

/* Is it worth the time to find out first what is selected, and then to read that part of the index? */
static bool is_index_worth_it(const struct qn_subject *subject)
{
	const char *select = subject->settings.select;
	struct stat s;

	return select && *select && subject->files.n == 1 && !subject->settings.stack &&
	       !qn_sys_stat(subject->files.name[0], &s) && (uint64_t)s.st_size >= LARGE_NBYTES;
}

/* Where there is one file the selection is known before there are chunks. */
static enum quern_status index_part(struct qn_subject *subject, struct quern_message *err)
{
	struct qn_dataset visible;
	enum quern_status st;

	qn_dataset_visible(&subject->dataset, &visible);
	st = qn_coordinate_select(&visible, NULL, subject->settings.select, &subject->selection,
				  &subject->picks, err);

	if (!st)
		st = qn_source_index(&subject->dataset, &subject->selection, err);
	subject->selected = !st;
	return st;
}

/* On the rank that sees the first file. */
static enum quern_status describe_here(struct qn_subject *subject, struct quern_message *err)
{
	bool in_parts = is_index_worth_it(subject);
	enum quern_status st =
		qn_source_describe(subject->files.name[subject->first], subject->settings.dataset,
				   subject->settings.column, !in_parts, &subject->dataset, err);

	return st || !in_parts ? st : index_part(subject, err);
}

/* A block of one rank on rank 0: *block is owned there, NULL elsewhere. Takes mine. Collective. */
static enum quern_status fetch(const struct qn_team *team, void *mine, size_t mine_nbytes,
			       void **block, uint64_t *nbytes, struct quern_message *err)
{
	uint64_t *sizes = qn_calloc((size_t)qn_comm_size(team->comm), sizeof(*sizes));
	enum quern_status st = sizes ? QUERN_OK : qn_error_nomem(err, 0, "sizes");

	*block = NULL;
	*nbytes = 0;
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, mine_nbytes, block, sizes, err);
	for (int r = 0; !st && *block && r < qn_comm_size(team->comm); r++)
		*nbytes += sizes[r];
	free(sizes);
	free(mine);
	return st;
}

/* The description that another rank has made, as rank 0's. */
static enum quern_status unpack_first(struct qn_subject *subject, const void *flat,
				      uint64_t flat_nbytes, void **chunks, uint64_t chunks_nbytes,
				      struct quern_message *err)
{
	enum quern_status st = qn_dataset_unpack(flat, flat_nbytes, &subject->dataset, err);

	if (st)
		return st;
	subject->dataset.chunks = *chunks;
	subject->dataset.nchunks = chunks_nbytes / sizeof(struct qn_chunk);
	*chunks = NULL;
	return qn_dataset_check(&subject->dataset, err);
}

/* Collective. */
static enum quern_status fetch_first(const struct qn_team *team, struct qn_subject *subject,
				     bool described, struct quern_message *err)
{
	struct qn_dataset *d = &subject->dataset;
	void *flat = NULL, *chunks = NULL, *all_flat = NULL, *all_chunks = NULL;
	size_t nbytes = 0, nchunks = described ? d->nchunks : 0;
	uint64_t flat_nbytes, chunks_nbytes = 0;
	enum quern_status st = QUERN_OK;

	if (described) {
		flat = qn_dataset_pack(d, &nbytes);
		st = flat ? QUERN_OK : qn_error_nomem(err, sizeof(*d), "the description");
		chunks = d->chunks;
		d->chunks = NULL;
		qn_dataset_fini(d);
	}
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = fetch(team, flat, nbytes, &all_flat, &flat_nbytes, err);
	else
		free(flat);
	if (!st)
		st = fetch(team, chunks, nchunks * sizeof(*d->chunks), &all_chunks, &chunks_nbytes,
			   err);
	else
		free(chunks);
	if (!st && qn_comm_rank(team->comm) == 0)
		st = unpack_first(subject, all_flat, flat_nbytes, &all_chunks, chunks_nbytes, err);
	free(all_flat);
	free(all_chunks);
	return qn_comm_agree(team->comm, st, err);
}

/* The description of the first file, from a rank that sees it, on all ranks. Collective. */
static enum quern_status describe_one(const struct qn_team *team, struct qn_subject *subject,
				      const struct qn_files *m, struct quern_message *err)
{
	bool mine = (uint32_t)qn_comm_rank(team->comm) == m->describer[subject->first];
	enum quern_status st = QUERN_OK;

	if (mine)
		st = describe_here(subject, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st && m->describer[subject->first])
		st = fetch_first(team, subject, mine, err);
	return st ? st : qn_share_dataset(team->comm, &subject->dataset, err);
}

/* The first file that says what the others are to be like: a null dataspace says nothing. Collective. */
static enum quern_status describe_first(const struct qn_team *team, struct qn_subject *subject,
					const struct qn_files *m, struct quern_message *err)
{
	enum quern_status st = describe_one(team, subject, m, err);

	while (!st && subject->dataset.is_null && !subject->settings.stack &&
	       subject->first + 1 < subject->files.n) {
		qn_dataset_fini(&subject->dataset);
		subject->first++;
		st = describe_one(team, subject, m, err);
	}
	return st;
}

/* --- the others --- */

static enum quern_status note_bad(struct bad *bad, const char *file,
				  const struct quern_message *why, struct quern_message *err)
{
	if (!bad->file.n)
		bad->why = *why;
	return qn_names_add(&bad->file, file, err);
}

/* Takes the description of a file. */
static bool take_description(void *ctx, const char *file, struct qn_dataset *d,
			     const struct quern_message *why)
{
	struct search *s = ctx;
	struct quern_message err = *why;
	enum quern_status st = err.status;
	uint32_t member;

	if (!st)
		st = qn_join_check(s->first, d, s->along, &err);
	if (st)
		st = note_bad(&s->bad, file, &err, &s->err);
	else
		st = qn_mosaic_add(&s->found, d, &member, &s->err);
	return !st && s->bad.file.n < MOST_NAMED;
}

/* The files but the first that this rank describes: *list is owned. */
static enum quern_status my_files(const struct qn_team *team, const struct qn_subject *subject,
				  const struct qn_files *m, const char ***list, size_t *n,
				  struct quern_message *err)
{
	*n = 0;
	*list = qn_calloc(subject->files.n, sizeof(**list));
	if (!*list)
		return qn_error_nomem(err, subject->files.n * sizeof(**list), "the names of files");
	for (size_t i = subject->first + 1; i < subject->files.n; i++)
		if (m->describer[i] == (uint32_t)qn_comm_rank(team->comm))
			(*list)[(*n)++] = subject->files.name[i];
	return QUERN_OK;
}

/* The format of the first file, which this host need not see: that of a file that it sees. */
static enum quern_status find_format(const char *const *file, size_t n,
				     const struct qn_format **format, struct quern_message *err)
{
	*format = NULL;
	for (size_t i = 0; i < n; i++) {
		struct quern_message ignored = { .status = QUERN_OK };

		if (!qn_source_format(file[i], format, i ? &ignored : err))
			return QUERN_OK;
	}
	return err->status ? err->status : QUERN_ERR_DATA;
}

/* The name that was given, n times: in the first file it may be a link to another. Owned. */
static const char **names_in(const struct qn_dataset *first, size_t n)
{
	const char **paths = qn_calloc(n, sizeof(*paths));

	for (size_t i = 0; paths && i < n; i++)
		paths[i] = qn_dataset_name(first);
	return paths;
}

static enum quern_status describe_others(const struct qn_team *team,
					 const struct qn_subject *subject, const struct qn_files *m,
					 struct search *s, struct quern_message *err)
{
	const struct qn_format *format;
	struct quern_message why = { .status = QUERN_OK };
	const char **mine, **paths = NULL;
	size_t n;
	enum quern_status st = my_files(team, subject, m, &mine, &n, err);

	if (!st && n && find_format(mine, n, &format, &why))
		for (size_t i = 0; !st && i < n; i++)
			st = note_bad(&s->bad, mine[i], &why, err);
	else if (!st && n && !(paths = names_in(s->first, n)))
		st = qn_error_nomem(err, n * sizeof(*paths), "the names of datasets");
	else if (!st && n)
		format->describe_like(s->first, mine, paths, n, (int)team->place.nthreads,
				      take_description, s);
	free(paths);
	free(mine);
	return st || !s->err.status ? st : qn_error_set(err, s->err.status, "%s", s->err.text);
}

/* Says what is wrong with the first bad file, and which are bad too. */
static enum quern_status tell_bad(const struct bad *bad, struct quern_message *err)
{
	char text[QN_ERROR_NBYTES], *at = text;
	const char *end = text + sizeof(text);

	qn_text_put(text, 600, bad->why.text);
	at += strlen(text);
	for (size_t i = 1; i < bad->file.n && at < end; i++)
		at += snprintf(at, (size_t)(end - at), "%s%s",
			       i > 1 ? ", " : "; these cannot be used either: ", bad->file.name[i]);
	return qn_error_because(err, bad->why.status, bad->why.reason, "%s", text);
}

/* The reason and then the names, in one piece; owned. NULL without memory. */
static void *pack_bad(const struct bad *bad, size_t *nbytes)
{
	size_t names_nbytes = 0;
	void *names = qn_names_pack(&bad->file, &names_nbytes);
	char *flat = names ? qn_calloc(sizeof(bad->why) + names_nbytes, 1) : NULL;

	if (flat) {
		memcpy(flat, &bad->why, sizeof(bad->why));
		memcpy(flat + sizeof(bad->why), names, names_nbytes);
		*nbytes = sizeof(bad->why) + names_nbytes;
	}
	free(names);
	return flat;
}

/* All ranks' blocks of one kind on rank 0, each given to `take`. Takes flat. Collective. */
static enum quern_status gather(const struct qn_team *team, void *flat, size_t nbytes,
				enum quern_status (*take)(void *ctx, const void *block,
							  size_t nbytes, struct quern_message *err),
				void *ctx, struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(team->comm), at = 0;
	uint64_t *sizes = qn_calloc(nranks, sizeof(*sizes));
	void *all = NULL;
	enum quern_status st = QUERN_OK;

	if (!flat || !sizes)
		st = qn_error_nomem(err, nbytes, "the descriptions of files");
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, flat, nbytes, &all, sizes, err);
	for (size_t r = 0; !st && all && r < nranks; at += sizes[r++])
		st = take(ctx, (char *)all + at, sizes[r], err);
	free(all);
	free(sizes);
	free(flat);
	return qn_comm_agree(team->comm, st, err);
}

static enum quern_status take_bad(void *ctx, const void *block, size_t nbytes,
				  struct quern_message *err)
{
	struct bad *bad = ctx;
	struct qn_names more = { .n = 0 };
	struct quern_message why;
	enum quern_status st = QUERN_OK;

	if (nbytes < sizeof(why))
		return qn_error_set(err, QUERN_ERR_RUN,
				    "a rank says nothing of use about its files");
	memcpy(&why, block, sizeof(why));
	st = qn_names_unpack(&more, (const char *)block + sizeof(why), nbytes - sizeof(why), err);
	for (size_t i = 0; !st && i < more.n && bad->file.n < MOST_NAMED; i++)
		st = note_bad(bad, more.name[i], &why, err);
	qn_names_fini(&more);
	return st;
}

/* Fails when there are bad files anywhere. Collective. */
static enum quern_status agree_on_files(const struct qn_team *team, const struct search *s,
					struct quern_message *err)
{
	struct bad bad = { .file = { .n = 0 } };
	size_t nbytes = 0;
	void *flat = pack_bad(&s->bad, &nbytes);
	enum quern_status st = gather(team, flat, nbytes, take_bad, &bad, err);

	if (!st && bad.file.n)
		st = tell_bad(&bad, err);
	qn_names_fini(&bad.file);
	return qn_comm_agree(team->comm, st, err);
}

/* --- the whole --- */

struct placing {
	const struct qn_team *team;
	struct qn_subject *subject;
	bool stacks;
	int along; /* of the whole */
	uint64_t origin[QUERN_MAX_DIMS];
};

/* What one part cannot do without the library, the whole cannot. */
static void weaken(struct qn_dataset *whole, const struct qn_dataset *d)
{
	if (whole->native && !d->native)
		memcpy(whole->why_not_native, d->why_not_native, sizeof(whole->why_not_native));
	whole->native = whole->native && d->native;
}

/* Adds its parts where the next file begins. Its chunks are taken. */
static enum quern_status add_parts(struct placing *p, struct qn_dataset *d,
				   struct quern_message *err)
{
	static const uint64_t origin[QUERN_MAX_DIMS];
	const int nprocesses = (int)p->team->place.nthreads;
	struct qn_mosaic layer;
	enum quern_status st;

	if (!p->stacks)
		return qn_resolve(d, p->origin, nprocesses, &p->subject->mosaic, err);
	qn_mosaic_init(&layer, d->ndim);
	st = qn_resolve(d, origin, nprocesses, &layer, err);
	if (!st)
		st = qn_mosaic_unite(&p->subject->mosaic, &layer, p->origin, 1, err);
	qn_mosaic_fini(&layer);
	return st;
}

/* Puts a dataset behind those that are there. Its chunks are taken. */
static enum quern_status place(struct placing *p, struct qn_dataset *d, struct quern_message *err)
{
	uint64_t length = p->stacks ? 1 : qn_dataset_length(d, p->along);
	enum quern_status st;

	if (d->is_null && !p->subject->dataset.is_null)
		return QUERN_OK;
	if ((d->layout == QN_VIRTUAL || d->layout == QN_EXTERNAL) && !qn_files_sees(d->file))
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s has its elements in other "
				    "files, and host %s, where rank 0 runs, cannot open it: give "
				    "this host a copy",
				    d->file, d->path, p->team->host);
	weaken(&p->subject->dataset, d);
	st = qn_subject_blame(p->subject, d, err);
	if (!st)
		st = add_parts(p, d, err);
	if (!st && !qn_add(p->origin[p->along], length, &p->origin[p->along]))
		st = qn_error_set(err, QUERN_ERR_DATA,
				  "%s: with it the files have more elements than "
				  "can be counted",
				  d->file);
	return st;
}

/* What the ranks have described, on rank 0: a mosaic of each, without parts. */
struct collection {
	uint32_t n;
	struct qn_mosaic *of; /* owned */
	uint32_t *next;	      /* owned: the member of each to be taken next */
};

static void collection_fini(struct collection *c)
{
	for (uint32_t r = 0; c->of && r < c->n; r++)
		qn_mosaic_fini(&c->of[r]);
	free(c->of);
	free(c->next);
}

static enum quern_status take_members(void *ctx, const void *block, size_t nbytes,
				      struct quern_message *err)
{
	struct collection *c = ctx;
	enum quern_status st = qn_mosaic_unpack(block, nbytes, &c->of[c->n], err);

	c->n += !st;
	return st;
}

/* The next description of a rank, put behind those that are there. */
static enum quern_status place_next(struct placing *p, struct collection *c, uint32_t rank,
				    struct quern_message *err)
{
	struct qn_mosaic *m = rank < c->n ? &c->of[rank] : NULL;
	struct qn_dataset d;
	enum quern_status st;

	if (!m || c->next[rank] == m->nmembers)
		return qn_error_set(err, QUERN_ERR_RUN, "rank %u has lost a description", rank);
	qn_mosaic_member(m, c->next[rank], &d);
	m->member[c->next[rank]++].chunks = NULL;
	st = place(p, &d, err);
	free(d.chunks);
	return st;
}

/* Rank 0: all files in their order. */
static enum quern_status place_all(struct placing *p, const struct qn_files *m,
				   struct collection *c, struct quern_message *err)
{
	struct qn_subject *subject = p->subject;
	enum quern_status st = QUERN_OK;

	free(subject->file_end); /* of a dataset that was joined before */
	subject->file_end = qn_calloc(subject->files.n, sizeof(*subject->file_end));
	if (!subject->file_end)
		st = qn_error_nomem(err, subject->files.n * sizeof(*subject->file_end),
				    "the ends of files");
	for (size_t i = subject->first; !st && i < subject->files.n; i++) {
		st = i > subject->first ? place_next(p, c, m->describer[i], err)
					: place(p, &subject->dataset, err);
		subject->file_end[i] = p->origin[p->along];
	}
	if (st)
		return st;
	for (int i = 0; i < subject->dataset.ndim; i++)
		subject->dataset.shape[i] = qn_dataset_length(&subject->dataset, i);
	memset(subject->dataset.beyond, 0, sizeof(subject->dataset.beyond));
	if (p->stacks)
		st = qn_stack_raise(&subject->dataset, subject->settings.stack, subject->files.n,
				    err);
	else
		subject->dataset.shape[p->along] = p->origin[p->along];
	return st ? st : qn_dataset_check(&subject->dataset, err);
}

/* Collective. */
static enum quern_status put_together(const struct qn_team *team, struct qn_subject *subject,
				      const struct qn_files *m, const struct search *s,
				      struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(team->comm), nbytes = 0;
	struct placing p = { .team = team,
			     .subject = subject,
			     .stacks = s->along == QN_STACKED,
			     .along = subject->along };
	struct collection c = { .of = qn_calloc(nranks, sizeof(*c.of)),
				.next = qn_calloc(nranks, sizeof(*c.next)) };
	void *flat = qn_mosaic_pack(&s->found, true, &nbytes);
	enum quern_status st = c.of && c.next ? QUERN_OK
					      : qn_error_nomem(err, nranks * sizeof(*c.of),
							       "the descriptions of files");

	st = qn_comm_agree(team->comm, st, err);
	if (st)
		free(flat);
	else
		st = gather(team, flat, nbytes, take_members, &c, err);
	if (!st && qn_comm_rank(team->comm) == 0)
		st = place_all(&p, m, &c, err);
	collection_fini(&c);
	st = qn_comm_agree(team->comm, st, err);
	if (!st && qn_comm_rank(team->comm) != 0)
		qn_dataset_fini(&subject->dataset);
	return st ? st : qn_share_dataset(team->comm, &subject->dataset, err);
}

static enum quern_status join_others(const struct qn_team *team, struct qn_subject *subject,
				     const struct qn_files *m, struct search *s,
				     struct quern_message *err)
{
	enum quern_status st = find_along(subject, &s->along, err);

	subject->along = s->along == QN_STACKED ? 0 : s->along;
	qn_mosaic_init(&s->found, subject->dataset.ndim);
	if (!st && subject->files.n > 1)
		st = describe_others(team, subject, m, s, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st && subject->files.n > 1)
		st = agree_on_files(team, s, err);
	if (!st && s->along == QN_STACKED)
		st = qn_stack_agree(team, subject, m, err);
	return st ? st : put_together(team, subject, m, s, err);
}

enum quern_status qn_join(const struct qn_team *team, struct qn_subject *subject,
			  const struct qn_files *m, struct quern_message *err)
{
	struct search s = { .first = &subject->dataset };
	enum quern_status st;

	subject->first = 0; /* of a dataset that was joined before, it may be another */
	st = describe_first(team, subject, m, err);

	if (!st) {
		qn_mosaic_init(&subject->mosaic,
			       subject->dataset.ndim +
				       (subject->settings.stack && !subject->dataset.scalar));
		st = join_others(team, subject, m, &s, err);
	}
	qn_mosaic_fini(&s.found);
	qn_names_fini(&s.bad.file);
	return st;
}
