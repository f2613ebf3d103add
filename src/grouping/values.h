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

/* Memory that the sets of a rank share, of all of its threads. */
struct qn_value_room {
	_Atomic uint64_t used; /* bytes */
	uint64_t most;
	uint64_t beside; /* bytes that the rank has for other things */
	uint64_t enough; /* of both, whatever values there are */
	char why[160];	 /* what it is a part of: "--memory 1G" */
};

/* False: so much more is not there. A room that is NULL has no end. */
bool qn_value_room_take(struct qn_value_room *room, uint64_t nbytes);
void qn_value_room_give(struct qn_value_room *room, uint64_t nbytes);

/* A zeroed one is empty. */
struct qn_value_set {
	struct qn_value_room *room; /* borrows; NULL: none */
	int64_t *slot;		    /* owned: a hash table, of which INT64_MIN is not taken */
	size_t nslots;		    /* a power of two, or 0 */
	uint64_t n; /* values in it, but for INT64_MIN, which has a place of its own */
	bool has_least;
	int64_t last;	 /* that was added, if n > 0 */
	bool is_beyond;	 /* there are more than QN_MOST_VALUES_OF_KEY: some may be left out */
	bool lacks_room; /* there was no memory: some are left out; */
	uint64_t wanted; /* bytes that the room has not; 0: it was the system */
};

void qn_value_set_add(struct qn_value_set *s, int64_t v);
/* Empties from. */
void qn_value_set_merge(struct qn_value_set *into, struct qn_value_set *from);
void qn_value_set_fini(struct qn_value_set *s);

/* All of them, rising: owned by the caller. NULL: no memory. */
int64_t *qn_value_set_list(const struct qn_value_set *s, uint64_t *n);

/* Puts n values in rising order, each once; how many there are then. */
uint64_t qn_values_sort(int64_t *values, uint64_t n);

/* Bytes that n values of a key take at most, from when so many threads collect them until they are numbered. */
uint64_t qn_values_most_nbytes(uint64_t n, uint64_t nthreads);

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
/* Of those that n values would have. */
uint64_t qn_value_numbers_need(const int64_t *values, uint64_t n);

/* Negative: it is none of them. */
int32_t qn_value_numbers_find(const struct qn_value_numbers *t, int64_t v);

#endif
