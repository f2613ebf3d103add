#include "proof/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "proof/random.h"

void qn_number_store(enum quern_dtype t, unsigned char *p, double x)
{
	const int64_t i = (int64_t)x;
	const uint64_t u = (uint64_t)(int64_t)fabs(x);
	const float f = (float)x;

	switch (t) {
	case QUERN_F32:
		memcpy(p, &f, sizeof(f));
		break;
	case QUERN_F64:
		memcpy(p, &x, sizeof(x));
		break;
	default:
		memcpy(p, qn_dtype_is_signed(t) ? (const void *)&i : &u, qn_dtype_size(t));
	}
}

double qn_number_load(enum quern_dtype t, const void *p)
{
	int64_t s = 0;
	uint64_t u = 0;
	double x;
	float f;

	if (t == QUERN_F32) {
		memcpy(&f, p, sizeof(f));
		return f;
	}
	if (t == QUERN_F64) {
		memcpy(&x, p, sizeof(x));
		return x;
	}
	memcpy(&u, p, qn_dtype_size(t));
	if (!qn_dtype_is_signed(t))
		return (double)u;
	s = (int64_t)(u << (64 - 8 * qn_dtype_size(t)));
	return (double)(s >> (64 - 8 * qn_dtype_size(t)));
}

bool qn_sample_init(struct qn_sample *s, enum quern_dtype t, size_t size, int ndim,
		    const uint64_t *shape)
{
	memset(s, 0, sizeof(*s));
	s->dtype = t;
	s->size = size;
	s->ndim = ndim;
	s->nelems = 1;
	s->nan_missing = true;
	for (int i = 0; i < ndim; i++) {
		s->shape[i] = shape[i];
		s->nelems *= shape[i];
	}
	s->with_dtype = (enum quern_dtype)(((int)t + 3) % QUERN_NDTYPES);
	s->with = qn_calloc(s->nelems, qn_dtype_size(s->with_dtype));
	s->weight = qn_calloc(s->nelems, sizeof(*s->weight));
	s->values = qn_calloc(s->nelems, size);
	s->valid = qn_calloc(s->nelems, sizeof(bool));
	if (!s->with || !s->weight || !s->values || !s->valid)
		return false;
	memset(s->valid, true, s->nelems);
	return true;
}

void qn_sample_fini(struct qn_sample *s)
{
	free(s->values);
	free(s->valid);
	free(s->with);
	free(s->weight);
}

unsigned char *qn_sample_at(const struct qn_sample *s, size_t i)
{
	return s->values + i * s->size;
}

double qn_sample_value(const struct qn_sample *s, size_t i)
{
	return qn_number_load(s->dtype, qn_sample_at(s, i));
}

bool qn_sample_is_missing(const struct qn_sample *s, size_t i)
{
	return !s->valid[i] ||
	       (s->dtype != QUERN_TEXT && s->nan_missing && isnan(qn_sample_value(s, i)));
}

/* A text: few letters, so that there are many ties, and all bytes when wild. */
static void fill_text(const struct qn_sample *s, unsigned char *p, enum qn_mood mood,
		      uint64_t *seed)
{
	const size_t n = qn_random_below(seed, s->size + 1);

	memset(p, 0, s->size);
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(mood == QN_WILD ? qn_random_below(seed, 256)
						       : 'a' + qn_random_below(seed, 3));
}

static void fill_number(enum quern_dtype t, unsigned char *p, enum qn_mood mood,
			unsigned nmissing_in, uint64_t *seed)
{
	uint64_t bits = qn_random_bits(seed);
	double x = 20 + 10 * qn_random_normal(seed);

	if (mood == QN_ROUND)
		x = copysign((double)(bits % 4), bits & 64 ? -1 : 1);
	qn_number_store(t, p, x);
	if (mood == QN_WILD)
		memcpy(p, &bits, qn_dtype_size(t));
	if (nmissing_in && qn_dtype_is_float(t) && qn_random_below(seed, nmissing_in) == 0)
		qn_number_store(t, p, NAN);
}

/* Weights are often 0. */
static void fill_others(struct qn_sample *s, enum qn_mood mood, unsigned nmissing_in, uint64_t seed)
{
	for (size_t i = 0; i < s->nelems; i++) {
		fill_number(s->with_dtype, s->with + i * qn_dtype_size(s->with_dtype), mood,
			    nmissing_in, &seed);
		s->weight[i] = (float)qn_random_below(&seed, 8) / 3;
	}
}

void qn_sample_fill(struct qn_sample *s, enum qn_mood mood, unsigned nmissing_in, uint64_t *seed)
{
	fill_others(s, mood, nmissing_in, *seed);
	for (size_t i = 0; i < s->nelems; i++) {
		s->valid[i] = !nmissing_in || qn_random_below(seed, nmissing_in) != 0;
		if (s->dtype == QUERN_TEXT)
			fill_text(s, qn_sample_at(s, i), mood, seed);
		else
			fill_number(s->dtype, qn_sample_at(s, i), mood, nmissing_in, seed);
	}
}

struct quern_box qn_sample_box(const struct qn_sample *s)
{
	struct quern_box box = { .ndim = s->ndim };

	for (int i = 0; i < s->ndim; i++) {
		box.count[i] = s->shape[i];
		box.step[i] = 1;
	}
	return box;
}
