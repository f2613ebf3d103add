#include "data/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/reading.h"

void qn_frame_fini(struct qn_frame *f)
{
	for (int d = 0; d < f->ndim; d++)
		free(f->dim_name[d]);
	for (size_t i = 0; i < f->n; i++) {
		free(f->variable[i].name);
		free(f->variable[i].units);
		free(f->variable[i].calendar);
		free(f->variable[i].values);
	}
	free(f->variable);
	memset(f, 0, sizeof(*f));
}

static bool copy_text(const char *text, char **out)
{
	*out = text ? qn_strdup(text) : NULL;
	return *out || !text;
}

bool qn_frame_add(struct qn_frame *f, const struct qn_frame_variable *v)
{
	struct qn_frame_variable *new;
	bool ok;

	if (!qn_grow_by_one(&f->variable, f->n, sizeof(*f->variable)))
		return false;
	new = &f->variable[f->n++];
	*new = *v;
	ok = copy_text(v->name, &new->name);
	ok = copy_text(v->units, &new->units) && ok;
	return copy_text(v->calendar, &new->calendar) && ok;
}

const struct qn_frame_variable *qn_frame_find(const struct qn_frame *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->variable[i].name, name))
			return &f->variable[i];
	return NULL;
}

int qn_frame_dimension(const struct qn_frame *f, const char *name)
{
	for (int d = 0; d < f->ndim; d++)
		if (!strcmp(f->dim_name[d], name))
			return d;
	return -1;
}

static const struct qn_frame_variable *find_path(const struct qn_frame *f, const char *path)
{
	return qn_frame_find(f, path + (*path == '/'));
}

const struct qn_frame_variable *qn_frame_held(const struct qn_frame *f, const char *path)
{
	const struct qn_frame_variable *v = find_path(f, path);

	return v && !v->values && !v->is_step ? v : NULL;
}

static bool is_coordinate(const struct qn_frame *f, const struct qn_frame_variable *v)
{
	return v->ndim == 1 && !strcmp(v->name, f->dim_name[v->dim[0]]);
}

/* --- types --- */

static struct qn_type type_of(enum quern_dtype t)
{
	static const struct {
		enum qn_class class;
		uint32_t size;
		char letter;
	} kind[QUERN_NDTYPES] = {
		[QUERN_I8] = { QN_INT, 1, 'i' },    [QUERN_U8] = { QN_UINT, 1, 'u' },
		[QUERN_I16] = { QN_INT, 2, 'i' },   [QUERN_U16] = { QN_UINT, 2, 'u' },
		[QUERN_I32] = { QN_INT, 4, 'i' },   [QUERN_U32] = { QN_UINT, 4, 'u' },
		[QUERN_I64] = { QN_INT, 8, 'i' },   [QUERN_U64] = { QN_UINT, 8, 'u' },
		[QUERN_F32] = { QN_FLOAT, 4, 'f' }, [QUERN_F64] = { QN_FLOAT, 8, 'f' },
	};
	const uint16_t one = 1;
	const bool big = *(const uint8_t *)&one == 0;
	struct qn_type type = { .class = kind[t].class, .size = kind[t].size, .big_endian = big };

	snprintf(type.name, sizeof(type.name), "%c%c%u",
		 type.size == 1 ? '|'
		 : big		? '>'
				: '<',
		 kind[t].letter, (unsigned)type.size);
	return type;
}

/* --- the format --- */

static enum quern_status probe(const char *file, bool *is, struct quern_message *err)
{
	(void)err;
	*is = qn_reading()->frame && !strcmp(file, QN_FRAME_NAME);
	return QUERN_OK;
}

static bool is_growing(const char *file)
{
	(void)file;
	return false;
}

static enum quern_status list(const char *file, struct qn_listing *out, struct quern_message *err)
{
	const struct qn_frame *f = qn_reading()->frame;
	bool ok = true;

	(void)file;
	*out = (struct qn_listing){ .n = 0 };
	for (size_t i = 0; ok && i < f->n; i++) {
		char *path = NULL;

		ok = qn_asprintf(&path, "/%s", f->variable[i].name) >= 0 &&
		     qn_listing_add(out, path);
		free(path);
	}
	if (!ok) {
		qn_listing_fini(out);
		return qn_error_nomem(err, 0, "a list of variables");
	}
	qn_listing_sort(out);
	return QUERN_OK;
}

static enum quern_status list_closely(const char *file, struct qn_listing *out,
				      struct quern_message *err)
{
	const struct qn_frame *f = qn_reading()->frame;
	enum quern_status st = list(file, out, err);

	if (st)
		return st;
	out->about = qn_calloc(out->n, sizeof(*out->about));
	if (!out->about) {
		qn_listing_fini(out);
		return qn_error_nomem(err, 0, "a list of variables");
	}
	for (size_t i = 0; i < out->n; i++) {
		const struct qn_frame_variable *v = find_path(f, out->path[i]);
		struct qn_about *a = &out->about[i];
		const struct qn_type type = type_of(v->dtype);

		a->role = v->values || v->is_step ? QN_COORDINATE : QN_VARIABLE;
		a->ndim = v->ndim;
		for (int k = 0; k < v->ndim; k++)
			a->shape[k] = f->shape[v->dim[k]];
		memcpy(a->dtype, type.name, sizeof(a->dtype));
	}
	return QUERN_OK;
}

static enum quern_status locate(const char *file, const char *path, struct qn_target *out,
				struct quern_message *err)
{
	*out = (struct qn_target){ .is = find_path(qn_reading()->frame, path) ? QN_DATASET
					 : !strcmp(path, "/")		      ? QN_GROUP
									      : QN_NOTHING };
	if (out->is == QN_NOTHING)
		return QUERN_OK;
	out->file = qn_strdup(file);
	out->path = qn_strdup(path);
	if (out->file && out->path)
		return QUERN_OK;
	qn_target_fini(out);
	return qn_error_nomem(err, 0, "a name");
}

/* Chunks as large as descriptions may have them: nobody reads by them but coordinates. */
#define MOST_CHUNK_NBYTES (UINT64_C(1) << 31)

static void set_chunks(struct qn_dataset *d)
{
	uint64_t nbytes = d->type.size;

	for (int k = d->ndim - 1; k >= 0; k--) {
		d->chunk[k] = qn_max_u64(qn_min_u64(d->shape[k], MOST_CHUNK_NBYTES / nbytes), 1);
		nbytes *= d->chunk[k];
	}
}

static bool set_dimension(const struct qn_frame *f, int dim, struct qn_dataset *d, int k)
{
	const struct qn_frame_variable *c = qn_frame_find(f, f->dim_name[dim]);

	d->shape[k] = f->shape[dim];
	if (c && is_coordinate(f, c) && qn_asprintf(&d->dim_scale[k], "/%s", c->name) < 0)
		d->dim_scale[k] = NULL;
	d->dim_name[k] = qn_strdup(f->dim_name[dim]);
	return d->dim_name[k] && (d->dim_scale[k] || !c || !is_coordinate(f, c));
}

/* A variable without dimensions is a scalar, as in a file. */
static bool fill(const struct qn_frame *f, const struct qn_frame_variable *v, const char *file,
		 struct qn_dataset *d)
{
	bool ok;

	*d = (struct qn_dataset){ .type = type_of(v->dtype),
				  .ndim = v->ndim ? v->ndim : 1,
				  .scalar = !v->ndim,
				  .shape = { 1 },
				  .layout = QN_CONTIGUOUS };
	d->file = qn_strdup(file);
	ok = qn_asprintf(&d->path, "/%s", v->name) >= 0 && d->file;
	for (int k = 0; k < v->ndim; k++)
		ok = set_dimension(f, v->dim[k], d, k) && ok;
	set_chunks(d);
	snprintf(d->units, sizeof(d->units), "%s", v->units ? v->units : "");
	snprintf(d->calendar, sizeof(d->calendar), "%s", v->calendar ? v->calendar : "");
	snprintf(d->why_not_native, sizeof(d->why_not_native), "it is in memory");
	return ok;
}

static enum quern_status describe(const char *file, const char *path, const char *column,
				  bool with_index, struct qn_dataset *out,
				  struct quern_message *err)
{
	const struct qn_frame_variable *v = find_path(qn_reading()->frame, path);

	(void)with_index;
	if (!v)
		return qn_error_because(err, QUERN_ERR_DATA, QN_NO_DATASET,
					"%s: there is no variable %s", file, path);
	if (column)
		return qn_error_set(err, QUERN_ERR_USAGE, "--column: %s in memory has no members",
				    path);
	if (fill(qn_reading()->frame, v, file, out))
		return QUERN_OK;
	qn_dataset_fini(out);
	return qn_error_nomem(err, sizeof(*out), "a variable");
}

static enum quern_status describe_part(const char *file, const char *path, const char *column,
				       const struct quern_box *part, struct qn_dataset *out,
				       struct quern_message *err)
{
	(void)part;
	return describe(file, path, column, true, out, err);
}

static enum quern_status sources(const struct qn_dataset *d, struct qn_sources *out,
				 struct quern_message *err)
{
	(void)out;
	return qn_error_set(err, QUERN_ERR_DATA, "%s: %s has no sources", d->file, d->path);
}

static void describe_like(const struct qn_dataset *like, const char *const *files,
			  const char *const *paths, size_t n, int nprocesses, qn_described *take,
			  void *ctx)
{
	bool more = true;

	(void)nprocesses;
	for (size_t i = 0; more && i < n; i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct qn_dataset d = { .file = NULL };
		const enum quern_status st =
			describe(files[i], paths ? paths[i] : like->path, NULL, true, &d, &err);

		more = take(ctx, files[i], st ? NULL : &d, &err);
		qn_dataset_fini(&d);
	}
}

static enum quern_status texts(const char *file, const char *path, struct qn_names *out,
			       struct quern_message *err)
{
	const struct qn_frame_variable *v = find_path(qn_reading()->frame, path);
	enum quern_status st = QUERN_OK;

	(void)file;
	if (v && v->calendar)
		st = qn_names_add(out, "calendar", err) || qn_names_add(out, v->calendar, err)
			     ? err->status
			     : QUERN_OK;
	if (!st && v && v->units)
		st = qn_names_add(out, "units", err) || qn_names_add(out, v->units, err)
			     ? err->status
			     : QUERN_OK;
	return st;
}

/* --- values --- */

struct reader {
	const struct qn_dataset *d; /* keeps */
	const void *values;	    /* borrows */
};

static enum quern_status open_reader(const struct qn_dataset *d, void **reader,
				     struct quern_message *err)
{
	const struct qn_frame *f = qn_reading()->frame;
	const struct qn_frame_variable *v = find_path(f, d->path);
	struct reader *r;

	if (!v || (!v->values && !v->is_step))
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"%s is in memory, and past steps of it are not kept: it can only "
			"be what is reduced, or a name of an expression",
			d->path);
	r = qn_calloc(1, sizeof(*r));
	if (!r)
		return qn_error_nomem(err, sizeof(*r), "a reader");
	r->d = d;
	r->values = v->is_step ? (const void *)f->steps : v->values;
	*reader = r;
	return QUERN_OK;
}

/* Row after row of the innermost dimension. */
static enum quern_status read_box(void *reader, const struct quern_box *box, void *out,
				  struct quern_message *err)
{
	const struct reader *r = reader;
	const size_t size = r->d->type.size;
	const uint64_t row = box->count[box->ndim - 1];
	uint64_t n = 1;

	(void)err;
	for (int k = 0; k < box->ndim; k++)
		n *= box->count[k];
	for (uint64_t i = 0; row && i < n; i += row) {
		uint64_t rest = i, at = 0, stride = 1;

		for (int k = box->ndim - 1; k >= 0; k--) {
			at += (box->start[k] + rest % box->count[k]) * stride;
			rest /= box->count[k];
			stride *= r->d->shape[k];
		}
		memcpy((char *)out + i * size, (const char *)r->values + at * size, row * size);
	}
	return QUERN_OK;
}

static void close_reader(void *reader)
{
	free(reader);
}

const struct qn_format *qn_frame_format(const char *file)
{
	static const struct qn_format format = {
		.name = "memory",
		.probe = probe,
		.is_growing = is_growing,
		.list = list,
		.list_closely = list_closely,
		.locate = locate,
		.describe = describe,
		.describe_part = describe_part,
		.sources = sources,
		.describe_like = describe_like,
		.texts = texts,
		.open = open_reader,
		.read = read_box,
		.close = close_reader,
	};
	bool is = false;

	probe(file, &is, NULL);
	return is ? &format : NULL;
}
