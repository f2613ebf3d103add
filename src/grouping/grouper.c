#include "grouping/grouper.h"

#include <stdlib.h>

#include "base/mem.h"
#include "grouping/numbers.h"

struct qn_grouper {
	const struct qn_computed_keys *c;
	struct qn_piece_of_key *piece;
	struct qn_formula_worker *worker[QN_MOST_KEYS];
	int32_t *group[QN_MOST_KEYS];
	struct qn_value_set found[QN_MOST_KEYS];
};

struct qn_grouper *qn_grouper_new(const struct qn_computed_keys *c, uint64_t tile_nelems,
				  const char *host)
{
	struct qn_grouper *g = qn_calloc(1, sizeof(*g));
	bool ok = g != NULL;

	if (!ok)
		return NULL;
	g->c = c;
	g->piece = qn_alloc_aligned(sizeof(*g->piece));
	ok = g->piece != NULL;
	for (int i = 0; ok && i < c->n; i++) {
		g->found[i].room = c->room;
		g->worker[i] = qn_formula_worker_new(&c->given[i].formula, QUERN_TILE_NELEMS, host);
		g->group[i] = qn_malloc((size_t)tile_nelems * sizeof(*g->group[i]));
		ok = g->worker[i] && g->group[i];
	}
	if (ok)
		return g;
	qn_grouper_free(g);
	return NULL;
}

uint64_t qn_computed_worker_nbytes(const struct qn_computed_keys *c, uint64_t tile_nelems,
				   uint64_t item_nelems)
{
	uint64_t nbytes = c->n ? sizeof(struct qn_grouper) + sizeof(struct qn_piece_of_key) : 0;

	for (int i = 0; i < c->n; i++)
		nbytes += tile_nelems * sizeof(int32_t) +
			  qn_formula_worker_nbytes(&c->given[i].formula, QUERN_TILE_NELEMS,
						   item_nelems);
	return nbytes;
}

enum quern_status qn_grouper_turn(struct qn_grouper *g, const struct quern_box *box,
				  uint32_t *operand, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	uint32_t before = 0;

	for (int i = 0; i < g->c->n; i++) {
		st = qn_formula_worker_turn(g->worker[i], box, operand, err);
		if (st)
			break;
		before += (uint32_t)g->c->given[i].formula.n;
	}
	*operand += *operand ? before : 0;
	return st;
}

const int32_t *const *qn_grouper_number(struct qn_grouper *g, const struct quern_tile *tile,
					const uint64_t *there, uint64_t *nbeyond)
{
	for (int i = 0; i < g->c->n; i++)
		*nbeyond += qn_computed_number(&g->c->given[i], g->worker[i], tile, there, g->piece,
					       g->group[i]);
	return (const int32_t *const *)g->group;
}

void qn_grouper_collect(struct qn_grouper *g, const struct quern_tile *tile, const uint64_t *there)
{
	for (int i = 0; i < g->c->n; i++)
		qn_computed_collect(&g->c->given[i], g->worker[i], tile, there, g->piece,
				    &g->found[i]);
}

enum quern_status qn_grouper_check(const struct qn_grouper *g, const struct qn_keys *keys,
				   struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (int i = 0; !st && i < g->c->n; i++)
		st = qn_computed_check(g->c, keys, i, &g->found[i], err);
	return st;
}

void qn_grouper_merge(struct qn_grouper *g, struct qn_value_set *set)
{
	for (int i = 0; i < g->c->n; i++)
		qn_value_set_merge(&set[i], &g->found[i]);
}

uint64_t qn_grouper_read_nbytes(const struct qn_grouper *g)
{
	uint64_t nbytes = 0;

	for (int i = 0; g && i < g->c->n; i++)
		nbytes += qn_formula_worker_read_nbytes(g->worker[i]);
	return nbytes;
}

enum quern_status qn_grouper_leave(struct qn_grouper *g, struct quern_message *err)
{
	struct quern_message ignored = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;

	for (int i = 0; g && i < g->c->n; i++) {
		enum quern_status now = qn_formula_worker_free(g->worker[i], st ? &ignored : err);

		g->worker[i] = NULL;
		st = st ? st : now;
	}
	return st;
}

void qn_grouper_free(struct qn_grouper *g)
{
	struct quern_message ignored = { .status = QUERN_OK };

	if (!g)
		return;
	qn_grouper_leave(g, &ignored);
	for (int i = 0; i < g->c->n; i++) {
		free(g->group[i]);
		qn_value_set_fini(&g->found[i]);
	}
	free(g->piece);
	free(g);
}
