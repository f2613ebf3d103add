/*
 * alike.c - is what ranks were told the same? Each has but its own cells, whose rows follow from options, grid and
 * steps: of others they would be taken for rows that they are not.
 */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "insitu/reduction.h"
#include "kernel/tile.h"

static uint64_t add_text(uint64_t digest, const char *text)
{
	const bool is_there = text != NULL;

	digest = qn_digest(digest, &is_there, sizeof(is_there));
	return is_there ? qn_digest(digest, text, strlen(text) + 1) : digest;
}

static uint64_t add_names(uint64_t digest, const struct qn_names *l)
{
	for (size_t i = 0; i < l->n; i++)
		digest = add_text(digest, l->name[i]);
	return digest;
}

static uint64_t kernel_of(const quern_reduction *r)
{
	return add_text(QN_DIGEST_OF_NONE, r->kernel);
}

static uint64_t options_of(const quern_reduction *r)
{
	return add_names(add_names(QN_DIGEST_OF_NONE, &r->option), &r->value);
}

static uint64_t grid_of(const quern_reduction *r)
{
	const struct qn_frame *f = &r->frame;
	uint64_t digest = qn_digest(QN_DIGEST_OF_NONE, &r->most_steps, sizeof(r->most_steps));

	for (int d = 0; d < f->ndim; d++) {
		digest = add_text(digest, f->dim_name[d]);
		if (d >= f->has_steps)
			digest = qn_digest(digest, &f->shape[d], sizeof(f->shape[d]));
	}
	return digest;
}

static uint64_t add_variable(uint64_t digest, const struct qn_frame *f,
			     const struct qn_frame_variable *v)
{
	uint64_t nbytes = v->values ? qn_dtype_size(v->dtype) : 0;

	digest = add_text(add_text(add_text(digest, v->name), v->units), v->calendar);
	digest = qn_digest(digest, &v->dtype, sizeof(v->dtype));
	digest = qn_digest(digest, v->dim, (size_t)v->ndim * sizeof(*v->dim));
	for (int d = 0; d < v->ndim; d++)
		nbytes *= f->shape[v->dim[d]];
	return qn_digest(digest, v->values, nbytes);
}

static uint64_t variables_of(const quern_reduction *r)
{
	uint64_t digest = QN_DIGEST_OF_NONE;

	for (size_t i = 0; i < r->frame.n; i++)
		digest = add_variable(digest, &r->frame, &r->frame.variable[i]);
	return digest;
}

static uint64_t mask_of(const quern_reduction *r)
{
	return r->mask;
}

static uint64_t nsteps_of(const quern_reduction *r)
{
	return r->frame.has_steps ? r->frame.shape[0] : r->run != NULL;
}

static uint64_t steps_of(const quern_reduction *r)
{
	const size_t n = r->frame.has_steps ? r->frame.shape[0] : 0;

	return qn_digest(QN_DIGEST_OF_NONE, r->steps, n * sizeof(*r->steps));
}

static const struct {
	const char *what;
	uint64_t (*of)(const quern_reduction *r);
	bool is_count;
} things[] = {
	{ "another kernel", kernel_of, false },
	{ "other options", options_of, false },
	{ "another grid, or most steps,", grid_of, false },
	{ "other coordinates or variables", variables_of, false },
	{ "another mask", mask_of, false },
	{ "another number of steps", nsteps_of, true },
	{ "other values of the steps", steps_of, false },
};

#define NTHINGS (sizeof(things) / sizeof(*things))

/* With those of rank 0. */
static enum quern_status compare(const struct qn_comm *c, const uint64_t *mine,
				 const uint64_t *first, struct quern_message *err)
{
	char counts[64] = "";
	size_t i = 0;

	while (i < NTHINGS && mine[i] == first[i])
		i++;
	if (i == NTHINGS)
		return QUERN_OK;
	if (things[i].is_count)
		snprintf(counts, sizeof(counts), ", %llu and not %llu", (unsigned long long)mine[i],
			 (unsigned long long)first[i]);
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "the reduction of rank %d has %s than that of rank 0%s: all ranks tell "
			    "theirs the same but for boxes and strides, and absorb the same steps",
			    qn_comm_rank(c), things[i].what, counts);
}

enum quern_status qn_reduction_agree(void *reduction, struct qn_comm *c, struct quern_message *err)
{
	quern_reduction *r = reduction;
	uint64_t mine[NTHINGS], first[NTHINGS];
	enum quern_status st = r->err.status ? qn_error_pass(err, r->err.status, &r->err)
					     : QUERN_OK;

	st = qn_comm_agree(c, st, err);
	for (size_t i = 0; i < NTHINGS; i++)
		first[i] = mine[i] = things[i].of(r);
	if (!st)
		st = qn_comm_bcast(c, first, sizeof(first), err);
	if (!st)
		st = qn_comm_agree(c, compare(c, mine, first, err), err);
	if (!st && !r->are_apart)
		st = qn_comm_agree(c, qn_reduction_compare_boxes(r, c, err), err);
	r->are_apart = !st;
	return st;
}
