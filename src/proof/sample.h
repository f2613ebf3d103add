/*
 * sample.h - a small dataset in memory, made of a seed, on which kernels are tried.
 */
#ifndef QN_PROOF_SAMPLE_H
#define QN_PROOF_SAMPLE_H

#include "quern_kernel.h"

/* What the values are like. */
enum qn_mood {
	QN_SMOOTH, /* a normal distribution, 20 +- 10 */
	QN_ROUND,  /* few different values, zeros of both signs */
	QN_WILD,   /* any bits */
	QN_NMOODS
};

struct qn_sample {
	enum quern_dtype dtype;
	size_t size; /* bytes of an element */
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS];
	size_t nelems;
	unsigned char *values; /* owned */
	bool *valid;	       /* owned */
	bool nan_missing;
	/* Of each element, for kernels that take them: another value, a weight. */
	enum quern_dtype with_dtype;
	unsigned char *with; /* owned */
	float *weight;	     /* owned */
};

/* Zeros, all valid. size: bytes of an element. False: there is no memory. Freed with qn_sample_fini, whatever is
   returned. */
bool qn_sample_init(struct qn_sample *s, enum quern_dtype t, size_t size, int ndim,
		    const uint64_t *shape);
void qn_sample_fini(struct qn_sample *s);

/* nmissing_in: one in so many elements is missing, and as many are NaN; 0: none. */
void qn_sample_fill(struct qn_sample *s, enum qn_mood mood, unsigned nmissing_in, uint64_t *seed);

/* An element of a sample. */
unsigned char *qn_sample_at(const struct qn_sample *s, size_t i);
double qn_sample_value(const struct qn_sample *s, size_t i);
bool qn_sample_is_missing(const struct qn_sample *s, size_t i);

/* A number of a type at p: of integers the low bytes, of unsigned ones those of its magnitude. */
void qn_number_store(enum quern_dtype t, unsigned char *p, double x);
double qn_number_load(enum quern_dtype t, const void *p);

/* All of it. */
struct quern_box qn_sample_box(const struct qn_sample *s);

#endif
