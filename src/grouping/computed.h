/*
 * computed.h - keys that expressions make (keys/keys.h).
 *
 *	hemisphere=lat > 0	  coordinates and small datasets alone: evaluated before any data is read
 *	bin(t2m, 200:320:10)	  the data: with each tile; the groups are known
 *	warm=t2m > 273.15	  a condition: 0 and 1
 *	k=round(t2m / 10)	  other values: a pass over the data collects those that there are (struct qn_value_set), and
 *				  the passes after it number them
 */
#ifndef QN_GROUPING_COMPUTED_H
#define QN_GROUPING_COMPUTED_H

#include "formula/formula.h"
#include "grouping/values.h"
#include "keys/keys.h"

enum qn_computed_kind { QN_COMPUTED_BINS, QN_COMPUTED_CONDITION, QN_COMPUTED_VALUES };

/* A key whose groups come with each tile. */
struct qn_computed {
	int key;		   /* its number */
	struct qn_formula formula; /* owned */
	enum qn_computed_kind kind;
	bool is_real;	     /* its values */
	const double *edges; /* borrows: of bins, */
	uint64_t nedges;     /* so many */
	double per_bin;	     /* of bins about as wide as each other: 1 / width; else 0 */
	struct qn_value_numbers numbers; /* owned: of values, once they are known */
};

struct qn_computed_keys {
	int n;
	struct qn_value_room *room; /* borrows: of the values that are collected; NULL: no end */
	struct qn_computed given[QN_MOST_KEYS];
};

/* Completes the keys that are computed: those that can be are evaluated; the others are given. QUERN_ERR_USAGE: an
   expression is wrong. named, used: as of struct qn_formula_texts. Every rank returns the same status. *out need not be initialized; the caller frees it with
   qn_computed_fini, whatever is returned. Keeps the keys. Collective. */
enum quern_status qn_computed_find(const struct qn_subject *subject, const struct qn_team *team,
				   const struct qn_named_list *named, bool *used,
				   struct qn_keys *keys, struct qn_computed_keys *out,
				   struct quern_message *err);
void qn_computed_fini(struct qn_computed_keys *c);

/* The operands of all expressions, numbered as they follow each other; each begins with the data. */
const struct qn_operand *qn_computed_operand(const struct qn_computed_keys *c, uint32_t number);

/* Must a pass over the data collect values first? */
bool qn_computed_collects(const struct qn_computed_keys *c);

/* Is every group of key number `key` one of an element that is there, or of bins? */
bool qn_computed_has_all(const struct qn_computed_keys *c, int key);

/* Bytes of what stands beside the data, and of tables. */
uint64_t qn_computed_nbytes(const struct qn_computed_keys *c);

/* Bytes that each worker holds (grouper.h). */
uint64_t qn_computed_worker_nbytes(const struct qn_computed_keys *c, uint64_t tile_nelems,
				   uint64_t item_nelems);
/* As qn_formula_limit does. */
void qn_computed_limit(struct qn_computed_keys *c, uint64_t nbytes);

/* Why a set of the values of given key i does not do. */
enum quern_status qn_computed_check(const struct qn_computed_keys *c, const struct qn_keys *keys,
				    int i, const struct qn_value_set *set,
				    struct quern_message *err);

/* What all ranks have collected becomes the groups of the keys. set: of each given key; it is emptied.
   Collective. */
enum quern_status qn_computed_settle(struct qn_computed_keys *c, const struct qn_team *team,
				     struct qn_keys *keys, struct qn_value_set *set,
				     struct quern_message *err);

#endif
