/*
 * part.c - runs as kernels with absorb_rows see them.
 */
#include "elements/part.h"

#include <string.h>

#include "kernel/tile.h"

const void *qn_part_values(const struct quern_tile *tile, const struct qn_row_run *run,
			   enum quern_role role)
{
	const struct quern_var *v = &tile->var[role];

	return (const char *)v->values + run->first * qn_dtype_size(v->dtype);
}

int64_t *qn_part_column(const struct qn_part *part, size_t word)
{
	return qn_cells_column(part->cells, word) + part->first_row;
}

static bool is_there(const struct qn_part *part, uint64_t i)
{
	const uint64_t bit = part->r.bit + i;

	return !part->there || (part->there[bit / 64] >> bit % 64 & 1);
}

/* All are valid but for those that are not. */
static void count_steps(const struct qn_part *part, size_t valid, size_t invalid)
{
	static qn_part_counts_fn *const counts[] = QN_ISA_TABLE(qn_part_counts);
	const struct qn_part_elements *r = &part->r;

	qn_cells_add_alike(part->cells, valid, part->first_row, r->n, (int64_t)r->nsteps);
	if (r->valid)
		counts[qn_cpu_level()](r, part->there, qn_part_column(part, valid),
				       qn_part_column(part, invalid));
}

/* Rows are told by their distance from the first of them, and those of no row have no value. */
static bool pick(struct qn_part *part, const struct qn_row_run *run, size_t valid, size_t invalid,
		 struct qn_picked *room)
{
	int64_t least = INT64_MAX, *in, *out;

	for (size_t i = 0; i < run->nelems; i++)
		if (run->rows[i] >= 0 && run->rows[i] < least)
			least = run->rows[i];
	if (least == INT64_MAX)
		return false;
	part->first_row = (uint64_t)least;
	in = qn_part_column(part, valid);
	out = qn_part_column(part, invalid);
	memset(room->valid, 0, sizeof(room->valid));
	for (size_t i = 0; i < run->nelems; i++) {
		const bool has_row = run->rows[i] >= 0, has = has_row && qn_part_has(part, i);

		room->row[i] = has_row ? (uint32_t)(run->rows[i] - least) : 0;
		room->valid[i / 64] |= (uint64_t)has << i % 64;
		in[room->row[i]] += has;
		out[room->row[i]] += has_row && !has && is_there(part, i);
	}
	part->r.row = room->row;
	part->r.valid = room->valid;
	part->r.bit = 0;
	return true;
}

bool qn_part_begin(struct qn_part *part, const struct quern_tile *tile,
		   const struct qn_row_run *run, size_t valid, size_t invalid,
		   struct qn_picked *room)
{
	const struct quern_var *v = tile->var;

	part->first_row = run->row;
	part->there = tile->there;
	part->r = (struct qn_part_elements){
		.dtype = v->dtype,
		.values = qn_part_values(tile, run, QUERN_VALUE),
		.valid = v->valid,
		.bit = run->first,
		.n = run->nelems,
		.nsteps = (size_t)run->nsteps,
		.stride = (size_t)run->stride,
	};
	if (run->kind == QN_RUN_ONE) {
		part->r.n = part->r.stride = 1;
		part->r.nsteps = run->nelems;
	}
	if (run->kind == QN_RUN_INDEXED)
		return pick(part, run, valid, invalid, room);
	count_steps(part, valid, invalid);
	return true;
}
