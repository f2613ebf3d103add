#include "insitu/reduction.h"

#include <stdlib.h>
#include <string.h>

#include "base/fp.h"
#include "base/mem.h"
#include "kernel/tile.h"

#define MOST_NDIM (QUERN_MAX_DIMS - 1) /* with one of steps before them */

/* Steps, where nobody says how many there will be: so that all elements can be counted. */
#define ANY_STEPS (UINT64_C(1) << 20)

/* --- life --- */

quern_reduction *quern_reduction_new(quern_session *session, const char *kernel)
{
	quern_reduction *r = qn_calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->session = session;
	r->mask = QN_NO_MASK;
	r->kernel = qn_strdup(kernel ? kernel : "");
	if (!r->kernel) {
		free(r);
		return NULL;
	}
	return r;
}

void quern_reduction_free(quern_reduction *r)
{
	QN_OWN_FP;

	if (!r)
		return;
	qn_step_tables_fini(&r->tables);
	qn_absorber_fini(&r->absorber);
	quern_run_free(r->run);
	quern_session_free(r->alone);
	for (size_t i = 0; i < r->nheld; i++)
		free(r->held[i].stride);
	qn_frame_fini(&r->frame);
	qn_names_fini(&r->option);
	qn_names_fini(&r->value);
	free(r->room_of_block);
	free(r->room_of_mask);
	free(r->valid);
	free(r->held);
	free(r->box);
	free(r->steps);
	free(r->kernel);
	free(r);
}

enum quern_status quern_reduction_status(const quern_reduction *r)
{
	return r->err.status;
}

enum quern_status quern_reduction_fail(quern_reduction *r, const char *why)
{
	return r->err.status ? r->err.status : qn_error_set(&r->err, QUERN_ERR_USAGE, "%s", why);
}

const char *quern_reduction_message(const quern_reduction *r)
{
	return r->err.status ? r->err.text : "";
}

/* --- options --- */

#define NO_VALUE "\1" /* of a flag, in a list of texts */

enum quern_status quern_reduction_set(quern_reduction *r, const char *name, const char *value)
{
	enum quern_status st = r->err.status;

	if (!st && r->run)
		st = qn_error_set(&r->err, QUERN_ERR_USAGE,
				  "--%s: options are set before the first step is absorbed", name);
	if (!st)
		st = qn_names_add(&r->option, name, &r->err);
	return st ? st : qn_names_add(&r->value, value ? value : NO_VALUE, &r->err);
}

/* Without another word it is the first variable that is reduced. */
static enum quern_status set_options(const quern_reduction *r, quern_run *run)
{
	bool has_dataset = false;
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < r->option.n; i++) {
		const char *value = r->value.name[i];

		has_dataset = has_dataset || !strcmp(r->option.name[i], "dataset");
		st = quern_run_set(run, r->option.name[i], strcmp(value, NO_VALUE) ? value : NULL);
	}
	if (!st && !has_dataset && r->nheld)
		st = quern_run_set(run, "dataset", r->frame.variable[r->held[0].variable].name);
	return st;
}

static enum quern_status refuse_any(void *ctx, struct qn_run *run, struct quern_message *err)
{
	(void)ctx;
	(void)run;
	return qn_error_set(err, QUERN_ERR_USAGE, "this run has no data");
}

quern_run *qn_reduction_new_run(quern_reduction *r, quern_session *session,
				const struct qn_frame *frame)
{
	quern_run *run = quern_run_new(session, r->kernel);

	if (!run)
		return NULL;
	run->frame = frame;
	run->most_steps = r->frame.has_steps ? r->most_steps : 0;
	run->absorbed = (struct qn_absorbed){ qn_run_check_once, refuse_any, r };
	if (r->err.status)
		qn_error_pass(&run->err, r->err.status, &r->err);
	/* What is wrong is told by the run. */
	if (!set_options(r, run))
		quern_run_add_file(run, QN_FRAME_NAME);
	run->is_settled = true;
	return run;
}

/* --- the grid --- */

static enum quern_status check_early(quern_reduction *r, const char *what, bool is_late)
{
	if (r->err.status)
		return r->err.status;
	if (is_late || r->run)
		return qn_error_set(
			&r->err, QUERN_ERR_USAGE,
			"%s: is told too late: first the grid, then steps, coordinates, "
			"boxes, variables, and then steps are absorbed",
			what);
	return QUERN_OK;
}

static enum quern_status check_name(quern_reduction *r, const char *name)
{
	if (!name || !*name || strchr(name, '/'))
		return qn_error_set(&r->err, QUERN_ERR_USAGE,
				    "a dimension or variable has no name, or one with a slash");
	if (qn_frame_find(&r->frame, name))
		return qn_error_set(&r->err, QUERN_ERR_USAGE, "%s: there are two of this name",
				    name);
	return QUERN_OK;
}

static enum quern_status check_dimension(quern_reduction *r, const char *name)
{
	enum quern_status st = check_name(r, name);

	if (!st && qn_frame_dimension(&r->frame, name) >= 0)
		st = qn_error_set(&r->err, QUERN_ERR_USAGE, "%s: two dimensions have this name",
				  name);
	return st;
}

enum quern_status quern_reduction_grid(quern_reduction *r, int ndim, const uint64_t *shape,
				       const char *const *names)
{
	struct qn_frame *f = &r->frame;
	uint64_t n = ANY_STEPS;
	enum quern_status st = check_early(r, "the grid", f->ndim > 0);

	if (!st && (ndim < 1 || ndim > MOST_NDIM))
		st = qn_error_set(&r->err, QUERN_ERR_USAGE, "a grid has 1 to %d dimensions, not %d",
				  MOST_NDIM, ndim);
	for (int d = 0; !st && d < ndim; d++) {
		st = check_dimension(r, names[d]);
		if (!st && (!qn_mul(n, shape[d], &n) || n > INT64_MAX / sizeof(double)))
			st = qn_error_set(&r->err, QUERN_ERR_USAGE,
					  "the grid has more elements than can be counted");
		if (st)
			break;
		f->shape[f->ndim] = shape[d];
		f->dim_name[f->ndim++] = qn_strdup(names[d]);
		if (!f->dim_name[f->ndim - 1])
			st = qn_error_nomem(&r->err, 0, "a grid");
	}
	return st;
}

enum quern_status quern_reduction_steps(quern_reduction *r, const char *name, uint64_t most,
					const char *units, const char *calendar)
{
	struct qn_frame *f = &r->frame;
	enum quern_status st = check_early(r, "the dimension of steps",
					   !f->ndim || f->has_steps || f->n || r->nboxes);
	struct qn_frame_variable v = { .dtype = QUERN_F64, .ndim = 1, .is_step = true };
	char *own;

	if (!st)
		st = check_dimension(r, name);
	if (st)
		return st;
	if (most > ANY_STEPS)
		return qn_error_set(&r->err, QUERN_ERR_USAGE, "no more than %llu steps can be told",
				    (unsigned long long)ANY_STEPS);
	own = qn_strdup(name);
	v.name = own;
	v.units = (char *)(uintptr_t)units;
	v.calendar = (char *)(uintptr_t)calendar;
	if (!own || !qn_frame_add(f, &v)) {
		free(own);
		return qn_error_nomem(&r->err, 0, "steps");
	}
	memmove(f->dim_name + 1, f->dim_name, (size_t)f->ndim * sizeof(*f->dim_name));
	memmove(f->shape + 1, f->shape, (size_t)f->ndim * sizeof(*f->shape));
	f->dim_name[0] = own;
	f->shape[0] = 0;
	f->ndim++;
	f->has_steps = true;
	r->most_steps = most ? most : ANY_STEPS;
	return QUERN_OK;
}

/* The dimensions of a text, "lat,lon": in their order. */
static enum quern_status find_dimensions(quern_reduction *r, const char *text,
					 struct qn_frame_variable *v, uint64_t *n)
{
	char *words = qn_strdup(text), *rest = words, *word;
	enum quern_status st = words ? QUERN_OK : qn_error_nomem(&r->err, 0, "dimensions");

	*n = 1;
	while (!st && (word = rest ? strsep(&rest, ",") : NULL)) {
		const int d = qn_frame_dimension(&r->frame, word + strspn(word, " "));

		if (d < r->frame.has_steps || (v->ndim && d <= v->dim[v->ndim - 1]))
			st = qn_error_set(
				&r->err, QUERN_ERR_USAGE,
				"%s: %s is no dimension of the grid, that of steps, or not "
				"in the order of the grid",
				v->name, word);
		else
			v->dim[v->ndim++] = d;
		if (!st && !qn_mul(*n, r->frame.shape[d], n))
			st = qn_error_nomem(&r->err, 0, "a coordinate");
	}
	free(words);
	return st;
}

static enum quern_status check_type(quern_reduction *r, const char *name, enum quern_dtype type)
{
	if ((int)type >= 0 && type < QUERN_NDTYPES)
		return QUERN_OK;
	return qn_error_set(&r->err, QUERN_ERR_USAGE, "%s: there is no type %d of numbers", name,
			    (int)type);
}

enum quern_status quern_reduction_coordinate(quern_reduction *r, const char *name,
					     const char *dimensions, enum quern_dtype type,
					     const void *values, const char *units)
{
	struct qn_frame_variable v = { .name = (char *)(uintptr_t)name,
				       .dtype = type,
				       .units = (char *)(uintptr_t)units };
	uint64_t n = 1, nbytes = 0;
	enum quern_status st = check_early(r, "a coordinate", !r->frame.ndim || r->nheld);

	if (!st)
		st = check_name(r, name);
	if (!st)
		st = check_type(r, name, type);
	if (!st)
		st = find_dimensions(r, dimensions ? dimensions : name, &v, &n);
	if (st)
		return st;
	v.values = qn_mul(n, qn_dtype_size(type), &nbytes) ? qn_malloc((size_t)nbytes + 1) : NULL;
	if (v.values)
		memcpy(v.values, values, (size_t)nbytes);
	if (v.values && qn_frame_add(&r->frame, &v))
		return QUERN_OK;
	return qn_error_nomem(&r->err, (size_t)nbytes, "a coordinate");
}

enum quern_status quern_reduction_box(quern_reduction *r, const uint64_t *start,
				      const uint64_t *count)
{
	const struct qn_frame *f = &r->frame;
	const int first = f->has_steps;
	struct quern_box b = { .ndim = f->ndim, .count = { 1 }, .step = { 1 } };
	enum quern_status st = check_early(r, "a box", !f->ndim || r->nheld);

	for (int d = first; !st && d < f->ndim; d++) {
		b.start[d] = start[d - first];
		b.count[d] = count[d - first];
		b.step[d] = 1;
		if (b.start[d] > f->shape[d] || b.count[d] > f->shape[d] - b.start[d])
			st = qn_error_set(
				&r->err, QUERN_ERR_USAGE,
				"a box ends at index %llu of dimension %s, which has %llu",
				(unsigned long long)(b.start[d] + b.count[d]), f->dim_name[d],
				(unsigned long long)f->shape[d]);
	}
	if (!st && !qn_grow_by_one(&r->box, r->nboxes, sizeof(*r->box)))
		st = qn_error_nomem(&r->err, sizeof(*r->box), "a box");
	if (!st)
		r->box[r->nboxes++] = b;
	return st;
}

/* --- variables --- */

/* Of arrays that have just the elements of their boxes, as C has them. */
static void set_dense(const struct quern_box *b, int first, int64_t nbytes, int64_t *stride)
{
	for (int d = b->ndim - 1; d >= first; d--) {
		stride[d - first] = nbytes;
		nbytes *= (int64_t)b->count[d];
	}
}

static enum quern_status set_strides(quern_reduction *r, const struct qn_frame_variable *v,
				     const ptrdiff_t *strides, int64_t *out)
{
	const ptrdiff_t size = (ptrdiff_t)qn_dtype_size(v->dtype);
	const int first = r->frame.has_steps, n = r->frame.ndim - first;

	for (size_t i = 0; i < r->nboxes; i++, out += n)
		for (int d = 0; d < n; d++) {
			if (!strides) {
				set_dense(&r->box[i], first, size, out);
				break;
			}
			if (*strides % size)
				return qn_error_set(
					&r->err, QUERN_ERR_USAGE,
					"%s: a stride of %td bytes is no multiple of its elements' "
					"%td",
					v->name, *strides, size);
			out[d] = *strides++;
		}
	return QUERN_OK;
}

enum quern_status quern_reduction_variable(quern_reduction *r, const char *name,
					   enum quern_dtype type, const ptrdiff_t *strides,
					   const char *units)
{
	struct qn_frame_variable v = { .name = (char *)(uintptr_t)name,
				       .dtype = type,
				       .ndim = r->frame.ndim,
				       .units = (char *)(uintptr_t)units };
	struct qn_held *held;
	enum quern_status st = check_early(r, "a variable", !r->frame.ndim);

	if (!st)
		st = check_name(r, name);
	if (!st)
		st = check_type(r, name, type);
	for (int d = 0; d < v.ndim; d++)
		v.dim[d] = d;
	if (!st &&
	    (!qn_frame_add(&r->frame, &v) || !qn_grow_by_one(&r->held, r->nheld, sizeof(*r->held))))
		st = qn_error_nomem(&r->err, sizeof(v), "a variable");
	if (st)
		return st;
	held = &r->held[r->nheld++];
	*held = (struct qn_held){ .variable = r->frame.n - 1 };
	held->stride = qn_calloc(r->nboxes * (size_t)r->frame.ndim + 1, sizeof(*held->stride));
	return held->stride ? set_strides(r, &v, strides, held->stride)
			    : qn_error_nomem(&r->err, 0, "a variable");
}

enum quern_status quern_reduction_mask(quern_reduction *r, const char *name)
{
	enum quern_status st = check_early(r, "the mask", r->mask != QN_NO_MASK);

	for (size_t i = 0; !st && i < r->nheld; i++) {
		const struct qn_frame_variable *v = &r->frame.variable[r->held[i].variable];

		if (!strcmp(v->name, name) && qn_dtype_size(v->dtype) == 1) {
			r->mask = i;
			return QUERN_OK;
		}
	}
	return st ? st
		  : qn_error_set(&r->err, QUERN_ERR_USAGE,
				 "%s: a mask is a variable of elements of one byte, and there is "
				 "none of this name",
				 name);
}

/* --- the result --- */

static enum quern_status fill(void *ctx, struct qn_run *run, struct quern_message *err)
{
	quern_reduction *r = ctx;
	struct qn_report *report = &run->report;

	if (r->err.status)
		return qn_error_pass(err, r->err.status, &r->err);
	report->nchunks = r->nchunks;
	report->decoded_nbytes = r->nbytes;
	report->nbeyond = r->absorber.nbeyond;
	report->nheld = r->absorber.nheld;
	return r->run ? qn_step_tables_add(&r->tables, run, err) : QUERN_OK;
}

quern_run *quern_reduction_run(quern_reduction *r)
{
	QN_OWN_FP;
	quern_run *run = qn_reduction_new_run(r, r->session, &r->frame);

	if (!run)
		return NULL;
	run->absorbed = (struct qn_absorbed){ qn_run_check_once, fill, r };
	run->agree = qn_reduction_agree;
	return run;
}
