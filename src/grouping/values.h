/*
 * values.h - sets of int64, and their numbers in rising order.
 */
#ifndef QN_GROUPING_VALUES_H
#define QN_GROUPING_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More are refused. */
#define QN_MOST_VALUES_OF_KEY (UINT64_C(1) << 24)

/* A zeroed one is empty. */
struct qn_value_set {
	int64_t *slot; /* owned: a hash table, of which INT64_MIN is not taken */
	size_t nslots; /* a power of two, or 0 */
	uint64_t n;    /* values in it, but for INT64_MIN, which has a place of its own */
	bool has_least;
	int64_t last;	 /* that was added, if n > 0 */
	bool is_beyond;	 /* there are more than QN_MOST_VALUES_OF_KEY: some may be left out */
	bool lacks_room; /* there was no memory: some are left out */
};

void qn_value_set_add(struct qn_value_set *s, int64_t v);
void qn_value_set_merge(struct qn_value_set *into, const struct qn_value_set *from);
void qn_value_set_fini(struct qn_value_set *s);

/* All of them, rising: owned by the caller. NULL: no memory. */
int64_t *qn_value_set_list(const struct qn_value_set *s, uint64_t *n);

/* The numbers of values: by their difference to the least, or by a hash table. */
struct qn_value_numbers {
	int64_t least;
	uint64_t nranks; /* of a table of differences; 0: hashed */
	int32_t *number; /* owned: of differences, or of slots; negative: none */
	int64_t *slot;	 /* owned */
	size_t nslots;
};

/* n values, rising. False: no memory. */
bool qn_value_numbers_init(struct qn_value_numbers *t, const int64_t *values, uint64_t n);
void qn_value_numbers_fini(struct qn_value_numbers *t);
uint64_t qn_value_numbers_nbytes(const struct qn_value_numbers *t);

/* Negative: it is none of them. */
int32_t qn_value_numbers_find(const struct qn_value_numbers *t, int64_t v);

#endif
