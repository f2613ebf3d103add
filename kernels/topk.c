/*
 * topk.c - the k largest values, or the k smallest, and where each is.
 *
 *	state   | count | missing | k entries: key, index      |
 *	segment |     SUM, 2      | LEAST, k * (words of a key + 1) |
 *
 * The key of a number is one word, that of a text has all of its bytes (text.h).
 *
 * The key is smaller the better the value is, so that the least entries are wanted: for the smallest
 * values it orders as they do, for the largest it is the complement of that. Of equal values those
 * with the lowest indices, in C order of the whole dataset, count. -0 is below +0. Where NaN is a
 * value (not missing) it is better than any other.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/mem.h"
#include "kernel/tile.h"
#include "kernels.h"
#include "text.h"

#define MAX_K	65536
#define NAN_KEY INT64_MIN /* no other float has it, in either order */

enum { COUNT, MISSING, LIST };

struct topk {
	enum quern_dtype dtype;
	bool nan_missing, smallest;
	size_t k, width; /* width: words of an entry */
	size_t text_nbytes;
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS];
};

static const struct quern_option topk_options[] = {
	{ "k", 0, QUERN_OPT_INT, "N", "10", 1, MAX_K, "how many values" },
	{ "smallest", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "the smallest ones instead of the largest" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

static enum quern_status topk_open(const struct quern_input *in, void **self)
{
	struct topk *t = qn_malloc(sizeof(*t));

	if (!t)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	t->dtype = in->dtype;
	t->nan_missing = in->nan_missing;
	t->smallest = quern_option_flag(in->options, "smallest");
	t->k = (size_t)quern_option_int(in->options, "k");
	t->text_nbytes = in->dtype == QUERN_TEXT ? in->text_nbytes : 0;
	t->width = 1 + (t->text_nbytes ? qn_text_nwords(t->text_nbytes) : 1);
	t->ndim = in->ndim;
	memcpy(t->shape, in->shape, (size_t)in->ndim * sizeof(t->shape[0]));
	*self = t;
	return QUERN_OK;
}

static int topk_layout(const void *self, struct quern_segment *segments)
{
	const struct topk *t = self;

	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = 2 };
	segments[1] = (struct quern_segment){ .op = QUERN_LEAST,
					      .nwords = t->width * t->k,
					      .width = t->width };
	return 2;
}

/* qn_key_from_double, in line. */
static inline int64_t float_key(double x)
{
	int64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

/* Complemented by `turn`, or not. */
#define INT_KEY(x)   ((int64_t)(x) ^ turn)
#define UINT_KEY(x)  (qn_key_from_uint(x) ^ turn)
#define FLOAT_KEY(x) ((x) != (x) ? NAN_KEY : float_key((double)(x)) ^ turn)

/* Defines keys of n values of a type; they may lie at any address. */
#define DEFINE_KEYS(name, TYPE, KEY)                                                             \
	static void name(const unsigned char *in, size_t n, int64_t turn, int64_t *restrict out) \
	{                                                                                        \
		for (size_t i = 0; i < n; i++) {                                                 \
			TYPE x;                                                                  \
                                                                                                 \
			memcpy(&x, in + i * sizeof(x), sizeof(x));                               \
			out[i] = KEY(x);                                                         \
		}                                                                                \
	}

DEFINE_KEYS(keys_i8, int8_t, INT_KEY)
DEFINE_KEYS(keys_u8, uint8_t, INT_KEY)
DEFINE_KEYS(keys_i16, int16_t, INT_KEY)
DEFINE_KEYS(keys_u16, uint16_t, INT_KEY)
DEFINE_KEYS(keys_i32, int32_t, INT_KEY)
DEFINE_KEYS(keys_u32, uint32_t, INT_KEY)
DEFINE_KEYS(keys_i64, int64_t, INT_KEY)
DEFINE_KEYS(keys_u64, uint64_t, UINT_KEY)
DEFINE_KEYS(keys_f32, float, FLOAT_KEY)
DEFINE_KEYS(keys_f64, double, FLOAT_KEY)

typedef void keys_fn(const unsigned char *, size_t, int64_t, int64_t *);

static keys_fn *const keys_of[QUERN_NDTYPES] = {
	[QUERN_I8] = keys_i8,	[QUERN_U8] = keys_u8,	[QUERN_I16] = keys_i16,
	[QUERN_U16] = keys_u16, [QUERN_I32] = keys_i32, [QUERN_U32] = keys_u32,
	[QUERN_I64] = keys_i64, [QUERN_U64] = keys_u64, [QUERN_F32] = keys_f32,
	[QUERN_F64] = keys_f64,
};

/* Keys of a tile, or one entry. */
static size_t topk_scratch(const void *self)
{
	const struct topk *t = self;

	return (t->text_nbytes ? t->width : QUERN_TILE_NELEMS) * sizeof(int64_t);
}

static bool is_valid(const uint64_t *valid, size_t i)
{
	return !valid || (valid[i / 64] >> i % 64 & 1);
}

/* Most values are worse than the worst of the list, and are seen to be by a comparison. */
static void offer_all(const struct topk *t, int64_t *list, const struct quern_tile *tile,
		      const int64_t *key, const uint64_t *valid)
{
	for (size_t i = 0; i < tile->nelems; i++) {
		int64_t entry[2] = { key[i], 0 };

		if (key[i] > list[0] || !is_valid(valid, i))
			continue;
		entry[1] = (int64_t)qn_box_index(tile->box, tile->first + i, t->shape);
		qn_least_offer(list, t->width * t->k, t->width, entry);
	}
}

/* The same of texts, by their first words. */
static void offer_texts(const struct topk *t, int64_t *list, const struct quern_tile *tile,
			int64_t *entry)
{
	const struct quern_var *v = tile->var;
	const size_t nwords = t->width - 1, size = t->text_nbytes;
	const int64_t turn = t->smallest ? 0 : -1;
	const unsigned char *text = v->values;

	for (size_t i = 0; i < tile->nelems; i++, text += size) {
		entry[0] = qn_text_word(text, size, 0, turn);
		if (entry[0] > list[0] || !is_valid(v->valid, i))
			continue;
		for (size_t w = 1; w < nwords; w++)
			entry[w] = qn_text_word(text, size, w, turn);
		entry[nwords] = (int64_t)qn_box_index(tile->box, tile->first + i, t->shape);
		qn_least_offer(list, t->width * t->k, t->width, entry);
	}
}

static void topk_absorb(const void *self, int64_t *state, void *scratch,
			const struct quern_tile *tile)
{
	const struct topk *t = self;
	const struct quern_var *v = tile->var;
	uint64_t marked[QUERN_TILE_NELEMS / 64];
	const uint64_t *valid = v->valid;
	size_t nmissing = v->nmissing;
	int64_t *key = scratch;

	if (t->nan_missing && qn_dtype_is_float(t->dtype)) {
		nmissing = qn_tile_mark(v, tile->nelems, true, marked);
		valid = marked;
	}
	state[COUNT] += (int64_t)(tile->nelems - nmissing);
	state[MISSING] += (int64_t)nmissing;
	if (t->text_nbytes) {
		offer_texts(t, state + LIST, tile, scratch);
		return;
	}
	keys_of[t->dtype](v->values, tile->nelems, t->smallest ? 0 : -1, key);
	offer_all(t, state + LIST, tile, key, nmissing ? valid : NULL);
}

static void topk_normalize(const void *self, int64_t *state)
{
	const struct topk *t = self;

	qn_least_sort(state + LIST, t->width * t->k, t->width);
}

/* Entry i from the best on. */
static const int64_t *entry_at(const struct topk *t, const int64_t *state, size_t i)
{
	return state + LIST + t->width * (t->k - 1 - i);
}

static size_t count_entries(const struct topk *t, const int64_t *state)
{
	size_t n = 0;

	while (n < t->k && !qn_least_is_empty(entry_at(t, state, n), t->width))
		n++;
	return n;
}

static double real_of(const struct topk *t, int64_t key)
{
	return key == NAN_KEY ? NAN : qn_key_to_double(t->smallest ? key : ~key);
}

/* room: n words. */
static void emit_values(const struct topk *t, const int64_t *state, size_t n, void *room,
			struct quern_result *r)
{
	double *real = room;
	int64_t *word = room;
	uint64_t *natural = room;

	for (size_t i = 0; i < n; i++) {
		const int64_t key = entry_at(t, state, i)[0];

		if (qn_dtype_is_float(t->dtype))
			real[i] = real_of(t, key);
		else if (t->dtype == QUERN_U64)
			natural[i] = qn_key_to_uint(t->smallest ? key : ~key);
		else
			word[i] = t->smallest ? key : ~key;
	}
	if (qn_dtype_is_float(t->dtype))
		quern_result_reals(r, "values", n, 0, real);
	else if (t->dtype == QUERN_U64)
		quern_result_uints(r, "values", n, 0, natural);
	else
		quern_result_ints(r, "values", n, 0, word);
}

static void emit_texts(const struct topk *t, const int64_t *state, size_t n, struct quern_result *r)
{
	unsigned char *texts = qn_malloc(n * t->text_nbytes + 1);

	for (size_t i = 0; texts && i < n; i++)
		qn_text_from_key(entry_at(t, state, i), t->text_nbytes, t->smallest ? 0 : -1,
				 texts + i * t->text_nbytes);
	if (texts)
		quern_result_texts(r, "values", n, texts, t->text_nbytes);
	else
		quern_result_lost(r);
	free(texts);
}

/* room: n * ndim words. */
static void emit_places(const struct topk *t, const int64_t *state, size_t n, int64_t *room,
			struct quern_result *r)
{
	const size_t ndim = (size_t)t->ndim;
	uint64_t coord[QUERN_MAX_DIMS];

	for (size_t i = 0; i < n; i++) {
		qn_unravel((uint64_t)entry_at(t, state, i)[t->width - 1], t->ndim, t->shape, coord);
		for (size_t d = 0; d < ndim; d++)
			room[i * ndim + d] = (int64_t)coord[d];
	}
	quern_result_ints(r, "coordinates", n, ndim, room);
}

static void topk_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct topk *t = self;
	const size_t n = count_entries(t, state);
	int64_t *room = qn_calloc(n > 0 ? n : 1, (size_t)t->ndim * sizeof(*room));

	quern_result_int(r, "count", state[COUNT]);
	quern_result_int(r, "missing", state[MISSING]);
	if (!room) {
		quern_result_lost(r);
		return;
	}
	if (t->text_nbytes)
		emit_texts(t, state, n, r);
	else
		emit_values(t, state, n, room, r);
	emit_places(t, state, n, room, r);
	free(room);
}

static const char *const *topk_fields(const void *self)
{
	static const char *const fields[] = { "count", "missing", "values", "coordinates", NULL };

	(void)self;
	return fields;
}

const struct quern_kernel qn_kernel_topk = {
	.abi = QUERN_KERNEL_ABI,
	.name = "topk",
	.doc = "the largest values, or the smallest, and the indexes of each",
	.options = topk_options,
	.takes_text = true,
	.open = topk_open,
	.close = free,
	.layout = topk_layout,
	.scratch = topk_scratch,
	.absorb = topk_absorb,
	.normalize = topk_normalize,
	.fields = topk_fields,
	.emit = topk_emit,
};
