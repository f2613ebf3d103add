/*
 * minmax.c - the smallest and the largest value, and where each is first.
 *
 *	state   | count | missing | min key, index | max key, index |
 *	segment |     SUM, 2      |   MINLOC, 2    |   MAXLOC, 2    |
 *
 * The index is that of the element in the whole dataset, in C order; of equal values the one with
 * the lowest index counts. -0 is below +0. Where NaN is a value (not missing), one NaN makes both
 * the minimum and the maximum NaN, at the first of them.
 *
 * Of text the pairs are lists of one entry, with a key of all of the bytes (text.h).
 *
 * A tile is scanned for its extremes only. Where they are is looked up when the tile improves on
 * the state, or ties with it and may be earlier: rarely, on most data.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/least.h"
#include "base/mem.h"
#include "kernel/tile.h"
#include "kernels.h"
#include "minmax_simd.h"
#include "elements/part.h"
#include "text.h"

typedef void scan_fn(enum quern_dtype, const void *, size_t, struct qn_minmax_keys *);
typedef bool scan_valid_fn(enum quern_dtype, const void *, const uint64_t *, size_t,
			   struct qn_minmax_keys *);
typedef size_t find_fn(const void *, size_t, uint64_t, size_t, size_t);

static scan_fn *const scans[] = QN_ISA_TABLE(qn_minmax_scan);
static scan_valid_fn *const scans_valid[] = QN_ISA_TABLE(qn_minmax_scan_valid);
static qn_part_keys_fn *const keys_of[] = QN_ISA_TABLE(qn_part_keys);
static find_fn *const finds[] = QN_ISA_TABLE(qn_minmax_find);

enum { COUNT, MISSING, MIN, MAX = MIN + 2, NWORDS = MAX + 2 };

/* Keys of NaN in the state: beyond any other, so that NaN wins. */
#define NAN_IN_MIN INT64_MIN
#define NAN_IN_MAX INT64_MAX

struct minmax {
	enum quern_dtype dtype;
	bool nan_missing;
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS];
	size_t text_nbytes, width; /* of text: words of an entry; otherwise 0 */
	scan_fn *scan;
	find_fn *find;
};

static enum quern_status minmax_open(const struct quern_input *in, void **self)
{
	struct minmax *m = qn_malloc(sizeof(*m));

	if (!m)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	m->dtype = in->dtype;
	m->nan_missing = in->nan_missing;
	m->ndim = in->ndim;
	memcpy(m->shape, in->shape, (size_t)in->ndim * sizeof(m->shape[0]));
	m->text_nbytes = in->dtype == QUERN_TEXT ? in->text_nbytes : 0;
	m->width = m->text_nbytes ? qn_text_nwords(m->text_nbytes) + 1 : 0;
	m->scan = scans[qn_cpu_level()];
	m->find = finds[qn_cpu_level()];
	*self = m;
	return QUERN_OK;
}

static int minmax_layout(const void *self, struct quern_segment *segments)
{
	const struct minmax *m = self;

	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = 2 };
	if (m->text_nbytes) {
		segments[1] = segments[2] = (struct quern_segment){ .op = QUERN_LEAST,
								    .nwords = m->width,
								    .width = m->width };
		return 3;
	}
	segments[1] = (struct quern_segment){ .op = QUERN_MINLOC, .nwords = 2 };
	segments[2] = (struct quern_segment){ .op = QUERN_MAXLOC, .nwords = 2 };
	return 3;
}

/* Room for a packed tile, or for its keys, or for an entry. */
static size_t minmax_scratch(const void *self)
{
	const struct minmax *m = self;

	if (m->text_nbytes)
		return m->width * sizeof(int64_t);
	return QUERN_TILE_NELEMS * sizeof(int64_t);
}

static bool is_valid(const struct quern_var *v, size_t i)
{
	return !v->valid || (v->valid[i / 64] >> i % 64 & 1);
}

/* The first valid element with these bits; there is one. */
static size_t first_with_bits(const struct minmax *m, const struct quern_tile *tile, uint64_t bits)
{
	const struct quern_var *v = tile->var;
	size_t i = m->find(v->values, qn_dtype_size(m->dtype), bits, 0, tile->nelems);

	while (!is_valid(v, i))
		i = m->find(v->values, qn_dtype_size(m->dtype), bits, i + 1, tile->nelems);
	return i;
}

static size_t first_nan(const struct minmax *m, const struct quern_tile *tile)
{
	size_t i = 0;

	for (; i < tile->nelems; i++) {
		struct qn_minmax_keys k;
		const char *p = (const char *)tile->var->values + i * qn_dtype_size(m->dtype);

		m->scan(m->dtype, p, 1, &k);
		if (qn_minmax_has_nan(m->dtype, &k) && is_valid(tile->var, i))
			break;
	}
	return i;
}

/* Replaces the pair if the key is better, or as good and earlier. A tile's elements ascend in the
   dataset, so its first one says whether it can be earlier. nan: the key is that of NaN. */
static void offer(const struct minmax *m, int64_t pair[2], const struct quern_tile *tile,
		  int64_t scan_key, int64_t key, bool nan)
{
	uint64_t i;

	if (key == pair[0] && qn_box_index(tile->box, tile->first, m->shape) >= (uint64_t)pair[1])
		return;
	i = nan ? first_nan(m, tile) : first_with_bits(m, tile, qn_minmax_bits(m->dtype, scan_key));
	i = qn_box_index(tile->box, tile->first + i, m->shape);
	if (key != pair[0] || i < (uint64_t)pair[1]) {
		pair[0] = key;
		pair[1] = (int64_t)i;
	}
}

static void offer_extremes(const struct minmax *m, int64_t *state, const struct quern_tile *tile,
			   const struct qn_minmax_keys *k)
{
	bool nan = qn_minmax_has_nan(m->dtype, k);
	int64_t min = nan ? NAN_IN_MIN : qn_minmax_state_key(m->dtype, k->min);
	int64_t max = nan ? NAN_IN_MAX : qn_minmax_state_key(m->dtype, k->max);

	if (min <= state[MIN])
		offer(m, state + MIN, tile, k->min, min, nan);
	if (max >= state[MAX])
		offer(m, state + MAX, tile, k->max, max, nan);
}

/* Replaces the entry by the text if that is better: mostly its first word says that it is not. */
static void offer_text(const struct minmax *m, int64_t *best, const struct quern_tile *tile,
		       size_t i, int64_t turn, int64_t *entry)
{
	const size_t nwords = m->width - 1;
	const unsigned char *text = (const unsigned char *)tile->var->values + i * m->text_nbytes;

	entry[0] = qn_text_word(text, m->text_nbytes, 0, turn);
	if (entry[0] > best[0])
		return;
	for (size_t w = 1; w < nwords; w++)
		entry[w] = qn_text_word(text, m->text_nbytes, w, turn);
	entry[nwords] = (int64_t)qn_box_index(tile->box, tile->first + i, m->shape);
	qn_least_offer(best, m->width, m->width, entry);
}

static void absorb_texts(const struct minmax *m, int64_t *state, int64_t *entry,
			 const struct quern_tile *tile)
{
	state[COUNT] += (int64_t)(tile->nelems - tile->var->nmissing);
	state[MISSING] += (int64_t)tile->var->nmissing;
	for (size_t i = 0; i < tile->nelems; i++) {
		if (!is_valid(tile->var, i))
			continue;
		offer_text(m, state + MIN, tile, i, 0, entry);
		offer_text(m, state + MIN + m->width, tile, i, -1, entry);
	}
}

/* Scans the valid elements; returns how many, but for those that are NaN where that is missing. */
static size_t scan_tile(const struct minmax *m, const struct quern_var *v, size_t nelems,
			void *scratch, struct qn_minmax_keys *k)
{
	size_t n = nelems - v->nmissing;

	if (!n)
		return 0;
	if (!v->nmissing) {
		m->scan(m->dtype, v->values, n, k);
	} else if (!scans_valid[qn_cpu_level()](m->dtype, v->values, v->valid, nelems, k)) {
		n = qn_tile_pack(v, nelems, m->nan_missing, scratch);
		if (n)
			m->scan(m->dtype, scratch, n, k);
	}
	if (!n || !m->nan_missing || !qn_minmax_has_nan(m->dtype, k))
		return n;
	n = qn_tile_pack(v, nelems, true, scratch);
	if (n)
		m->scan(m->dtype, scratch, n, k);
	return n;
}

static void minmax_absorb(const void *self, int64_t *state, void *scratch,
			  const struct quern_tile *tile)
{
	const struct minmax *m = self;
	struct qn_minmax_keys k = { 0, 0 };
	size_t n;

	if (m->text_nbytes) {
		absorb_texts(m, state, scratch, tile);
		return;
	}
	n = scan_tile(m, tile->var, tile->nelems, scratch, &k);
	state[COUNT] += (int64_t)n;
	state[MISSING] += (int64_t)(tile->nelems - n);
	if (n)
		offer_extremes(m, state, tile, &k);
}

/* A run on its way to cells, with their columns. */
struct rows {
	const struct minmax *m;
	const struct quern_tile *tile;
	uint64_t first; /* element of the tile's box */
	struct qn_part part;
	int64_t *count, *missing;
	int64_t *min, *min_index, *max, *max_index;
};

/* As offer(). least: an element of the tile is no earlier than this one in the dataset. */
static void offer_one(const struct rows *r, uint64_t i, uint64_t least, int64_t key, int64_t *best,
		      int64_t *index)
{
	uint64_t at;

	if (key == *best && least >= (uint64_t)*index)
		return;
	at = qn_box_index(r->tile->box, r->first + i, r->m->shape);
	if (key != *best || at < (uint64_t)*index) {
		*best = key;
		*index = (int64_t)at;
	}
}

/* Element i, whose key is beyond that of an extreme of the row, or the same, or that of NaN. */
static void offer_to_row(const struct rows *r, size_t row, uint64_t i, uint64_t least, int64_t key)
{
	const int64_t inf = qn_key_from_double(INFINITY);
	const bool nan = qn_dtype_is_float(r->m->dtype) && (key > inf || key < ~inf);

	if (nan && r->m->nan_missing) {
		r->count[row]--;
		r->missing[row]++;
		return;
	}
	if (nan || key <= r->min[row])
		offer_one(r, i, least, nan ? NAN_IN_MIN : key, r->min + row, r->min_index + row);
	if (nan || key >= r->max[row])
		offer_one(r, i, least, nan ? NAN_IN_MAX : key, r->max + row, r->max_index + row);
}

static void absorb_step(const struct rows *r, uint64_t first, const int64_t *key)
{
	const bool is_float = qn_dtype_is_float(r->m->dtype);
	const uint64_t least = qn_box_index(r->tile->box, r->first + first, r->m->shape);

	for (size_t i = 0; i < r->part.r.n; i++) {
		const size_t row = qn_part_row(&r->part, i);
		/* Then NaN may be earlier, whatever its key is. */
		const bool has_nan = is_float && r->max[row] == NAN_IN_MAX;

		if ((key[i] <= r->min[row] || key[i] >= r->max[row] || has_nan) &&
		    qn_part_has(&r->part, first + i))
			offer_to_row(r, row, first + i, least, key[i]);
	}
}

static bool minmax_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
			       const struct quern_tile *tile, const struct qn_row_run *run)
{
	static const uint32_t same[QN_RUN_NELEMS];
	const struct minmax *m = self;
	const size_t size = qn_dtype_size(m->dtype);
	struct rows r = { .m = m, .tile = tile, .first = run->first, .part = { .cells = cells } };
	struct qn_picked picked;

	if (!qn_part_begin(&r.part, tile, run, COUNT, MISSING, &picked))
		return true;
	if (run->kind == QN_RUN_ONE) {
		r.part.r.row = same;
		r.part.r.n = r.part.r.nsteps;
		r.part.r.nsteps = 1;
	}
	r.count = qn_part_column(&r.part, COUNT);
	r.missing = qn_part_column(&r.part, MISSING);
	r.min = qn_part_column(&r.part, MIN);
	r.min_index = qn_part_column(&r.part, MIN + 1);
	r.max = qn_part_column(&r.part, MAX);
	r.max_index = qn_part_column(&r.part, MAX + 1);
	for (size_t s = 0; s < r.part.r.nsteps; s++) {
		const uint64_t first = s * r.part.r.stride;

		keys_of[qn_cpu_level()](m->dtype, (const char *)r.part.r.values + first * size,
					r.part.r.n, scratch);
		absorb_step(&r, first, scratch);
	}
	return true;
}

static void emit_value(const struct minmax *m, const char *name, int64_t key,
		       struct quern_result *r)
{
	bool nan = key == NAN_IN_MIN || key == NAN_IN_MAX;

	if (m->dtype == QUERN_U64)
		quern_result_uint(r, name, qn_key_to_uint(key));
	else if (qn_dtype_is_float(m->dtype))
		quern_result_real(r, name, nan ? NAN : qn_key_to_double(key));
	else
		quern_result_int(r, name, qn_minmax_integer(m->dtype, key));
}

static void emit_place(const struct minmax *m, const char *name, int64_t index,
		       struct quern_result *r)
{
	uint64_t coord[QUERN_MAX_DIMS];
	int64_t out[QUERN_MAX_DIMS];

	qn_unravel((uint64_t)index, m->ndim, m->shape, coord);
	for (int d = 0; d < m->ndim; d++)
		out[d] = (int64_t)coord[d];
	quern_result_ints(r, name, (size_t)m->ndim, 0, out);
}

static void emit_texts(const struct minmax *m, const int64_t *state, struct quern_result *r)
{
	const int64_t *min = state + MIN, *max = min + m->width;
	unsigned char *text = qn_malloc(m->text_nbytes);

	if (!text) {
		quern_result_lost(r);
		return;
	}
	qn_text_from_key(min, m->text_nbytes, 0, text);
	quern_result_text(r, "min", text, m->text_nbytes);
	qn_text_from_key(max, m->text_nbytes, -1, text);
	quern_result_text(r, "max", text, m->text_nbytes);
	free(text);
	emit_place(m, "argmin", min[m->width - 1], r);
	emit_place(m, "argmax", max[m->width - 1], r);
}

static void minmax_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	static const char *const name[] = { "min", "max", "argmin", "argmax" };
	const struct minmax *m = self;

	quern_result_int(r, "count", state[COUNT]);
	quern_result_int(r, "missing", state[MISSING]);
	if (state[COUNT] == 0) {
		for (int i = 0; i < 4; i++)
			quern_result_null(r, name[i]);
		return;
	}
	if (m->text_nbytes) {
		emit_texts(m, state, r);
		return;
	}
	emit_value(m, "min", state[MIN], r);
	emit_value(m, "max", state[MAX], r);
	emit_place(m, "argmin", state[MIN + 1], r);
	emit_place(m, "argmax", state[MAX + 1], r);
}

static const char *const *minmax_fields(const void *self)
{
	static const char *const fields[] = { "count",	"missing", "min", "max",
					      "argmin", "argmax",  NULL };

	(void)self;
	return fields;
}

const struct quern_kernel qn_kernel_minmax = {
	.abi = QUERN_KERNEL_ABI,
	.name = "minmax",
	.doc = "smallest and largest value, and the indexes where each occurs first",
	.takes_text = true,
	.repeats = true,
	.takes_row_weights = true,
	.takes = QUERN_ROLE(QUERN_WEIGHT),
	.open = minmax_open,
	.close = free,
	.layout = minmax_layout,
	.scratch = minmax_scratch,
	.absorb = minmax_absorb,
	.absorb_rows = minmax_absorb_rows,
	.fields = minmax_fields,
	.emit = minmax_emit,
};
