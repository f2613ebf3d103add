#include "insitu/blocks.h"

#include <string.h>

#include "base/mem.h"

/* Fewer elements side by side are copied to be part of a larger block: a kernel costs more than that, by the call. */
#define LEAST_DIRECT 768

/* Do the dimensions from `begin` on lie side by side, as C has them? */
static bool is_dense(const struct qn_held_array *a, const struct quern_box *box, int begin)
{
	int64_t nbytes = (int64_t)a->size;

	for (int d = box->ndim - 1; d >= begin; d--) {
		if (box->count[d] > 1 && a->stride[d] != nbytes)
			return false;
		nbytes *= (int64_t)box->count[d];
	}
	return true;
}

/* Dimensions inside of the cut: as many as a block has room for; where enough elements lie side by side, no more
   than do. */
void qn_blocks_init(struct qn_blocks *b, const struct quern_box *box,
		    const struct qn_held_array *array, uint64_t most)
{
	uint64_t inner = 1;
	int d = box->ndim - 1;

	*b = (struct qn_blocks){ .box = box };
	while (d > 0 && inner * box->count[d] <= most &&
	       !(inner * box->count[d] >= LEAST_DIRECT && is_dense(array, box, d) &&
		 !is_dense(array, box, d - 1)))
		inner *= box->count[d--];
	b->dim = d;
	b->step = box->ndim ? qn_min_u64(qn_max_u64(most / inner, 1), box->count[d]) : 1;
	/* Blocks of about the same size. */
	if (box->ndim)
		b->step = qn_ceil_div(box->count[d], qn_ceil_div(box->count[d], b->step));
	for (int k = 0; k < box->ndim; k++)
		b->is_done = b->is_done || !box->count[k];
}

#define COPY(type)                                                                       \
	for (int64_t i = 0; i < n; i++)                                                  \
		memcpy(to + i * (int64_t)sizeof(type), from + i * stride, sizeof(type)); \
	break

/* n elements that are `stride` bytes apart. */
static void copy_row(const char *from, int64_t stride, size_t size, int64_t n, char *to)
{
	if (stride == (int64_t)size) {
		memcpy(to, from, (size_t)n * size);
		return;
	}
	switch (size) {
	case 1:
		COPY(uint8_t);
	case 2:
		COPY(uint16_t);
	case 4:
		COPY(uint32_t);
	default:
		COPY(uint64_t);
	}
}

static void copy(const struct qn_held_array *a, const struct quern_box *block, const char *from,
		 char *to)
{
	const int last = block->ndim - 1;
	const uint64_t row = block->count[last];
	uint64_t index[QUERN_MAX_DIMS] = { 0 };
	int d;

	do {
		copy_row(from, a->stride[last], a->size, (int64_t)row, to);
		to += row * a->size;
		for (d = last - 1; d >= 0; d--) {
			from += a->stride[d];
			if (++index[d] < block->count[d])
				break;
			from -= (int64_t)block->count[d] * a->stride[d];
			index[d] = 0;
		}
	} while (d >= 0);
}

const void *qn_held_values(const struct qn_held_array *array, const struct quern_box *box,
			   const struct quern_box *block, void *room)
{
	const char *from = array->first;

	for (int d = 0; d < box->ndim; d++)
		from += (int64_t)(block->start[d] - box->start[d]) * array->stride[d];
	if (is_dense(array, block, 0))
		return from;
	copy(array, block, from, room);
	return room;
}

static void advance(struct qn_blocks *b)
{
	int d = b->dim;

	b->at[d] += b->step;
	for (; d >= 0 && b->at[d] >= b->box->count[d]; d--) {
		b->at[d] = 0;
		if (d > 0)
			b->at[d - 1]++;
	}
	b->is_done = d < 0;
}

bool qn_blocks_next(struct qn_blocks *b, struct quern_box *block)
{
	if (b->is_done)
		return false;
	*block = *b->box;
	for (int d = 0; d < block->ndim; d++) {
		block->start[d] += b->at[d];
		if (d < b->dim)
			block->count[d] = 1;
		if (d == b->dim)
			block->count[d] = qn_min_u64(b->step, block->count[d] - b->at[d]);
	}
	advance(b);
	return true;
}
