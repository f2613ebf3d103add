/*
 * values.c - the different values of a row.
 */
#include "values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tally.h"
#include "kernel/list.h"
#include "kernel/order.h"
#include "kernel/tile.h"
#include "kernels/text.h"
#include "sketch.h"

#define DEFAULT_LIMIT 65536 /* of all values of 16 bits */
#define LEAST_LIMIT   256   /* that is taken where many rows shall fit in: */
#define MOST_NBYTES   (UINT64_C(256) << 20)
#define MOST_LIMIT    (INT64_C(1) << 28)

enum { COUNT, MISSING, NANS, REST };

struct values {
	enum quern_dtype dtype;
	bool nan_missing, keeps_list, wants_sketch;
	size_t text_nbytes; /* 0: numbers */
	uint64_t limit, most_in_row;
	size_t width, nwords; /* of an entry, and of a tally */
	unsigned bits;	      /* of a sketch; 0: no row can have more values than the limit */
};

const struct quern_option qn_values_options[] = {
	{ "limit", 0, QUERN_OPT_INT, "N", NULL, 1, MOST_LIMIT,
	  "exact up to so many different values of a cell; 65536, of many cells fewer, by default" },
	{ .name = NULL },
};

/* --- open --- */

/* How many different values elements can have. */
static uint64_t count_possible(const struct values *v)
{
	const unsigned bits = v->text_nbytes ? 8 * (unsigned)qn_min_u64(v->text_nbytes, 8)
					     : qn_order_bits(v->dtype);

	return bits < 64 ? UINT64_C(1) << bits : UINT64_MAX;
}

static uint64_t choose_limit(const struct values *v, const struct quern_input *in)
{
	const uint64_t given = (uint64_t)quern_option_int(in->options, "limit");
	const uint64_t nbytes = 2 * v->width * sizeof(int64_t) * qn_max_u64(in->nrows, 1);

	if (given)
		return given;
	return qn_max_u64(LEAST_LIMIT, qn_min_u64(DEFAULT_LIMIT, MOST_NBYTES / nbytes));
}

static void choose_form(struct values *v, const struct quern_input *in)
{
	const uint64_t possible = qn_min_u64(count_possible(v), qn_max_u64(in->most_in_row, 1));
	size_t list;

	v->limit = choose_limit(v, in);
	v->nwords = qn_tally_nwords(qn_min_u64(v->limit + 1, possible), v->width);
	if (possible > v->limit) {
		v->bits = QN_SKETCH_LEAST_BITS;
		while (v->bits < QN_SKETCH_MOST_BITS && v->limit * 2 > UINT64_C(1) << v->bits)
			v->bits++;
	}
	list = v->text_nbytes ? SIZE_MAX : qn_list_nwords(v->dtype, in->most_in_row);
	v->keeps_list = in->nrows > 1 && list <= v->nwords;
}

enum quern_status qn_values_open(const struct quern_input *in, void **self, bool wants_sketch)
{
	struct values *v = qn_calloc(1, sizeof(*v));

	if (!v)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	v->dtype = in->dtype;
	v->nan_missing = in->nan_missing;
	v->wants_sketch = wants_sketch;
	v->most_in_row = in->most_in_row;
	v->text_nbytes = in->dtype == QUERN_TEXT ? in->text_nbytes : 0;
	v->width = 1 + (v->text_nbytes ? qn_text_nwords(v->text_nbytes) : 1);
	choose_form(v, in);
	*self = v;
	return QUERN_OK;
}

/* The state of both has a sketch if one of them wants it. */
void qn_values_share(void *self, void *other)
{
	struct values *v = self, *o = other;

	v->wants_sketch = v->wants_sketch || o->wants_sketch;
	o->wants_sketch = v->wants_sketch;
}

static bool has_sketch(const struct values *v)
{
	return v->wants_sketch && v->bits && !v->keeps_list;
}

int qn_values_layout(const void *self, struct quern_segment *segments)
{
	const struct values *v = self;

	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = REST };
	segments[1] =
		(struct quern_segment){ .op = QUERN_TALLY, .nwords = v->nwords, .width = v->width };
	segments[2] = (struct quern_segment){ .op = QUERN_MAX, .nwords = (size_t)1 << v->bits };
	if (v->keeps_list)
		segments[1] =
			(struct quern_segment){ .op = QUERN_LIST,
						.nwords = qn_list_nwords(v->dtype, v->most_in_row),
						.dtype = v->dtype };
	return has_sketch(v) ? 3 : 2;
}

/* Of no field it emits a list. */
size_t qn_values_most_values(const void *self)
{
	(void)self;
	return 1;
}

/* --- elements --- */

/* Keys of a tile, and the values of which they are; of a text its key. */
size_t qn_values_scratch(const void *self)
{
	const struct values *v = self;

	return qn_max_u64(v->width * sizeof(int64_t),
			  QUERN_TILE_NELEMS * (sizeof(uint64_t) + sizeof(double)));
}

static uint64_t hash_of(const int64_t *key, size_t nwords)
{
	uint64_t h = 0;

	for (size_t i = 0; i < nwords; i++) {
		h = (h ^ (uint64_t)key[i]) + UINT64_C(0x9e3779b97f4a7c15);
		h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
		h ^= h >> 31;
	}
	return h;
}

static void add_key(const struct values *v, int64_t *state, const int64_t *key, uint64_t count)
{
	const bool is_new = qn_tally_add(state + REST, v->nwords, v->width, key, count);

	if (is_new && has_sketch(v))
		qn_sketch_add(state + REST + v->nwords, v->bits, hash_of(key, v->width - 1));
}

/* Equal ones that come one after the other are added at once. */
static void add_keys(const struct values *v, int64_t *state, const uint64_t *keys, size_t n)
{
	for (size_t i = 0, k; i < n; i = k) {
		const int64_t key = qn_key_from_uint(keys[i]);

		for (k = i + 1; k < n && keys[k] == keys[i];)
			k++;
		add_key(v, state, &key, k - i);
	}
}

/* -0 becomes 0, whose key is the next one. */
static void join_zeros(enum quern_dtype t, uint64_t *keys, size_t n)
{
	const uint64_t zero = UINT64_C(1) << (qn_order_bits(t) - 1);

	for (size_t i = 0; qn_dtype_is_float(t) && i < n; i++)
		keys[i] += keys[i] == zero - 1;
}

static void absorb_numbers(const struct values *v, int64_t *state, void *scratch,
			   const struct quern_tile *tile)
{
	const struct quern_var *var = tile->var;
	const size_t nvalid = tile->nelems - var->nmissing;
	uint64_t *keys = scratch;
	size_t n = tile->nelems;

	if (var->nmissing || qn_order_keys(v->dtype, var->values, n, keys)) {
		void *packed = keys + QUERN_TILE_NELEMS;

		n = qn_tile_pack(var, n, true, packed);
		qn_order_keys(v->dtype, packed, n, keys);
	}
	join_zeros(v->dtype, keys, n);
	state[COUNT] += (int64_t)nvalid;
	state[MISSING] += (int64_t)var->nmissing;
	state[NANS] += (int64_t)(nvalid - n);
	if (v->keeps_list)
		qn_list_append(v->dtype, state + REST, keys, n);
	else
		add_keys(v, state, keys, n);
}

static bool is_valid(const uint64_t *valid, size_t i)
{
	return !valid || (valid[i / 64] >> i % 64 & 1);
}

static void absorb_texts(const struct values *v, int64_t *state, int64_t *key,
			 const struct quern_tile *tile)
{
	const unsigned char *text = tile->var->values;

	state[COUNT] += (int64_t)(tile->nelems - tile->var->nmissing);
	state[MISSING] += (int64_t)tile->var->nmissing;
	for (size_t i = 0; i < tile->nelems; i++, text += v->text_nbytes) {
		if (!is_valid(tile->var->valid, i))
			continue;
		for (size_t w = 0; w + 1 < v->width; w++)
			key[w] = qn_text_word(text, v->text_nbytes, w, 0);
		add_key(v, state, key, 1);
	}
}

void qn_values_absorb(const void *self, int64_t *state, void *scratch,
		      const struct quern_tile *tile)
{
	const struct values *v = self;

	if (v->text_nbytes)
		absorb_texts(v, state, scratch, tile);
	else
		absorb_numbers(v, state, scratch, tile);
}

void qn_values_normalize(const void *self, int64_t *state)
{
	const struct values *v = self;

	if (v->keeps_list)
		qn_list_sort(v->dtype, state + REST, v->most_in_row);
	else
		qn_tally_sort(state + REST, v->nwords, v->width);
}

/* --- what is found --- */

static void take(struct qn_values_found *f, uint64_t count, uint64_t key, const int64_t *text)
{
	f->ndistinct++;
	if (count <= f->frequency)
		return;
	f->frequency = count;
	f->key = key;
	f->text = text;
}

static void look_at_list(const struct values *v, const int64_t *list, struct qn_values_found *f)
{
	const uint64_t n = (uint64_t)list[0];

	for (uint64_t i = 0, k; i < n; i = k) {
		const uint64_t key = qn_list_key(v->dtype, list, i);

		for (k = i + 1; k < n && qn_list_key(v->dtype, list, k) == key;)
			k++;
		take(f, k - i, key, NULL);
	}
}

static void look_at_tally(const struct values *v, const int64_t *tally, struct qn_values_found *f)
{
	const size_t n = (size_t)tally[0];

	for (size_t i = 0; i < n; i++) {
		const int64_t *entry = qn_tally_entry(tally, v->width, i);

		take(f, (uint64_t)entry[v->width - 1], qn_key_to_uint(entry[0]),
		     v->text_nbytes ? entry : NULL);
	}
	f->is_exact = n <= v->limit;
}

/* No less than those that are known, and no more than there can be. */
static void estimate(const struct values *v, const int64_t *reg, struct qn_values_found *f)
{
	const double n = nearbyint(qn_sketch_count(reg, v->bits));
	const uint64_t most = qn_min_u64(f->count - f->nnan, count_possible(v));

	f->ndistinct = n < (double)most ? qn_max_u64((uint64_t)n, f->ndistinct) : most;
	f->error = qn_sketch_error(v->bits) * (double)f->ndistinct;
}

void qn_values_find(const void *self, const int64_t *state, struct qn_values_found *found)
{
	const struct values *v = self;
	const uint64_t nan = (uint64_t)state[NANS];

	*found = (struct qn_values_found){ .count = (uint64_t)state[COUNT],
					   .missing = (uint64_t)state[MISSING],
					   .is_exact = true };
	if (v->nan_missing) {
		found->count -= nan;
		found->missing += nan;
	} else {
		found->nnan = nan;
	}
	if (v->keeps_list)
		look_at_list(v, state + REST, found);
	else
		look_at_tally(v, state + REST, found);
	if (!found->is_exact && has_sketch(v))
		estimate(v, state + REST + v->nwords, found);
	found->ndistinct += found->nnan > 0;
}

/* --- results --- */

static double real_of(enum quern_dtype t, uint64_t key)
{
	const uint32_t key32 = (uint32_t)key;
	const uint32_t bits32 = key32 >> 31 ? key32 ^ UINT32_C(0x80000000) : ~key32;
	const uint64_t bits = key >> 63 ? key ^ UINT64_C(1) << 63 : ~key;
	double x;
	float f;

	memcpy(&x, &bits, sizeof(x));
	memcpy(&f, &bits32, sizeof(f));
	return t == QUERN_F32 ? (double)f : x;
}

static void emit_text(const struct values *v, const char *name, const int64_t *key,
		      struct quern_result *r)
{
	unsigned char *text = qn_malloc(v->text_nbytes);

	if (text) {
		qn_text_from_key(key, v->text_nbytes, 0, text);
		quern_result_text(r, name, text, v->text_nbytes);
	} else {
		quern_result_lost(r);
	}
	free(text);
}

void qn_values_emit_key(const void *self, const char *name, const struct qn_values_found *found,
			struct quern_result *r)
{
	const struct values *v = self;
	const uint64_t half = UINT64_C(1) << (v->text_nbytes ? 0 : qn_order_bits(v->dtype) - 1);

	if (v->text_nbytes)
		emit_text(v, name, found->text, r);
	else if (qn_dtype_is_float(v->dtype))
		quern_result_real(r, name, real_of(v->dtype, found->key));
	else if (v->dtype == QUERN_U64)
		quern_result_uint(r, name, found->key);
	else
		quern_result_int(r, name,
				 (int64_t)(found->key - (qn_dtype_is_signed(v->dtype) ? half : 0)));
}
