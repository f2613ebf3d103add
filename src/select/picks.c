#include "select/picks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "select/progression.h"

static void pick_fini(struct qn_pick *p)
{
	free(p->piece);
	free(p->stretch);
	memset(p, 0, sizeof(*p));
}

void qn_picks_fini(struct qn_picks *p)
{
	for (int d = 0; d < QUERN_MAX_DIMS; d++)
		pick_fini(&p->dim[d]);
	qn_names_fini(&p->said);
	memset(p, 0, sizeof(*p));
}

bool qn_pick_add(struct qn_pick *p, const struct qn_piece *piece)
{
	if (!qn_grow(&p->piece, &p->room, p->npieces + 1, sizeof(*p->piece)))
		return false;
	p->piece[p->npieces++] = *piece;
	return true;
}

/* --- pieces to stretches --- */

static uint64_t last_of(const struct qn_piece *p)
{
	return p->start + (p->count - 1) * p->step;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

/* The box that has all pieces, with the largest step. */
static void find_box(const struct qn_pick *p, int d, struct quern_box *box)
{
	uint64_t low = UINT64_MAX, high = 0, step = 0;

	for (size_t i = 0; i < p->npieces; i++) {
		const struct qn_piece *piece = &p->piece[i];

		low = qn_min_u64(low, piece->start);
		high = qn_max_u64(high, last_of(piece));
		if (piece->count > 1)
			step = qn_gcd(step, piece->step);
		if (piece->start != p->piece[0].start)
			step = qn_gcd(step, distance(piece->start, p->piece[0].start));
	}
	box->start[d] = low;
	box->step[d] = step ? step : 1;
	box->count[d] = (high - low) / box->step[d] + 1;
}

/* A piece is one stretch, or as many as it has indexes. */
static bool is_stretch(const struct qn_piece *p, uint64_t step)
{
	return p->count == 1 || p->step == step;
}

static bool count_stretches(const struct qn_pick *p, uint64_t step, uint64_t *n)
{
	*n = 0;
	for (size_t i = 0; i < p->npieces; i++) {
		const struct qn_piece *piece = &p->piece[i];

		*n += is_stretch(piece, step) ? 1 : piece->count;
		if (*n > QN_MOST_STRETCHES)
			return false;
	}
	return true;
}

static int by_first(const void *a, const void *b)
{
	const struct qn_picked_run *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static void put_stretches(struct qn_pick *p, const struct quern_box *box, int d)
{
	const uint64_t step = box->step[d];

	for (size_t i = 0; i < p->npieces; i++) {
		const struct qn_piece *piece = &p->piece[i];
		const bool one = is_stretch(piece, step);
		const uint64_t n = one ? 1 : piece->count;

		for (uint64_t k = 0; k < n; k++)
			p->stretch[p->nstretches++] = (struct qn_picked_run){
				.first = (piece->start + k * piece->step - box->start[d]) / step,
				.n = one ? piece->count : 1
			};
	}
}

/* Those that touch or overlap are one. */
static void merge_stretches(struct qn_pick *p)
{
	uint64_t n = 0;

	qsort(p->stretch, p->nstretches, sizeof(*p->stretch), by_first);
	for (uint64_t i = 1; i < p->nstretches; i++) {
		struct qn_picked_run *s = &p->stretch[n];
		const struct qn_picked_run *next = &p->stretch[i];

		if (next->first > s->first + s->n)
			p->stretch[++n] = *next;
		else
			s->n = qn_max_u64(s->n, next->first + next->n - s->first);
	}
	p->nstretches = n + 1;
	p->npicked = 0;
	for (uint64_t i = 0; i < p->nstretches; i++) {
		p->stretch[i].before = p->npicked;
		p->npicked += p->stretch[i].n;
	}
}

const char *qn_picks_unite(struct qn_picks *p, int d, struct quern_box *box)
{
	struct qn_pick *pick = &p->dim[d];
	uint64_t n;

	find_box(pick, d, box);
	if (!count_stretches(pick, box->step[d], &n))
		return "its pieces with steps are too many single indexes: say so with --where";
	pick->stretch = qn_calloc(n, sizeof(*pick->stretch));
	if (!pick->stretch)
		return "there is no memory for its pieces";
	put_stretches(pick, box, d);
	merge_stretches(pick);
	if (pick->npicked == box->count[d]) {
		free(pick->stretch);
		pick->stretch = NULL;
		pick->nstretches = 0;
	}
	p->any |= pick->nstretches > 0;
	return NULL;
}

/* --- what is picked --- */

uint64_t qn_picks_count(const struct qn_picks *p, const struct quern_box *selection, int d)
{
	return p->dim[d].nstretches ? p->dim[d].npicked : selection->count[d];
}

uint64_t qn_picks_nelems(const struct qn_picks *p, const struct quern_box *selection)
{
	uint64_t n = 1;

	/* No more than the box has, whose product fits. */
	for (int d = 0; d < selection->ndim; d++)
		n *= qn_picks_count(p, selection, d);
	return n;
}

/* The last stretch whose first index of the box, or (by_number) number among those that are picked, is i or before
   it; or 0. */
static uint64_t find_stretch(const struct qn_pick *p, bool by_number, uint64_t i)
{
	uint64_t low = 0, high = p->nstretches;

	while (high - low > 1) {
		const uint64_t mid = low + (high - low) / 2;
		const struct qn_picked_run *s = &p->stretch[mid];

		if ((by_number ? s->before : s->first) <= i)
			low = mid;
		else
			high = mid;
	}
	return low;
}

uint64_t qn_picks_index(const struct qn_picks *p, const struct quern_box *selection, int d,
			uint64_t i)
{
	const struct qn_pick *pick = &p->dim[d];

	if (pick->nstretches) {
		const struct qn_picked_run *s = &pick->stretch[find_stretch(pick, true, i)];

		i = s->first + (i - s->before);
	}
	return selection->start[d] + i * selection->step[d];
}

bool qn_pick_has(const struct qn_pick *p, uint64_t i)
{
	const struct qn_picked_run *s;

	if (!p->nstretches)
		return true;
	s = &p->stretch[find_stretch(p, false, i)];
	return i >= s->first && i - s->first < s->n;
}

/* Which of first, first + step, ... (n) a stretch has: from number *begin to before *end. */
static void meet(const struct qn_picked_run *s, uint64_t first, uint64_t n, uint64_t step,
		 uint64_t *begin, uint64_t *end)
{
	const uint64_t stop = s->first + s->n;

	*begin = s->first > first ? qn_ceil_div(s->first - first, step) : 0;
	*end = stop > first ? qn_min_u64(n, qn_ceil_div(stop - first, step)) : 0;
}

bool qn_pick_has_any(const struct qn_pick *p, uint64_t first, uint64_t n, uint64_t step)
{
	const uint64_t last = first + (n - 1) * step;
	uint64_t begin, end;

	if (!p->nstretches || !n)
		return n > 0;
	for (uint64_t k = find_stretch(p, false, first); k < p->nstretches; k++) {
		if (p->stretch[k].first > last)
			return false;
		meet(&p->stretch[k], first, n, step, &begin, &end);
		if (begin < end)
			return true;
	}
	return false;
}

void qn_pick_mark(const struct qn_pick *p, uint64_t first, uint64_t n, uint64_t step,
		  uint64_t *bits)
{
	uint64_t begin, end;

	memset(bits, 0, (size_t)qn_ceil_div(n, 64) * sizeof(*bits));
	for (uint64_t k = n ? find_stretch(p, false, first) : p->nstretches; k < p->nstretches;
	     k++) {
		meet(&p->stretch[k], first, n, step, &begin, &end);
		if (begin >= n)
			break;
		for (uint64_t i = begin; i < end; i++)
			bits[i / 64] |= UINT64_C(1) << i % 64;
	}
}

int32_t *qn_pick_numbers(const struct qn_pick *p, uint64_t n)
{
	int32_t *number = p->npicked <= INT32_MAX ? qn_calloc(n, sizeof(*number)) : NULL;

	if (!number)
		return NULL;
	memset(number, 0xff, (size_t)n * sizeof(*number));
	for (uint64_t k = 0; k < p->nstretches; k++)
		for (uint64_t i = 0; i < p->stretch[k].n; i++)
			number[p->stretch[k].first + i] = (int32_t)(p->stretch[k].before + i);
	return number;
}

uint64_t qn_picks_touch(const struct qn_picks *p, const struct quern_box *box, int d,
			uint64_t chunk, uint64_t *nchunks)
{
	const struct qn_pick *pick = &p->dim[d];
	const uint64_t start = box->start[d], step = box->step[d];
	uint64_t n = 0, next = 0; /* chunk that has not been counted */

	*nchunks = 0;
	for (uint64_t k = 0; k < pick->nstretches && pick->stretch[k].first < box->count[d]; k++) {
		const struct qn_picked_run *s = &pick->stretch[k];
		const uint64_t here = qn_min_u64(s->n, box->count[d] - s->first);
		const uint64_t first = (start + s->first * step) / chunk;
		const uint64_t last = (start + (s->first + here - 1) * step) / chunk;

		n += here;
		*nchunks += step > chunk ? here : last + 1 - qn_max_u64(first, next);
		next = last + 1;
	}
	return n;
}

/* --- to other ranks --- */

struct head {
	struct quern_box box;
	uint64_t npieces[QUERN_MAX_DIMS];
	uint64_t names_nbytes;
};

void *qn_picks_pack(const struct qn_picks *p, const struct quern_box *box, size_t *nbytes)
{
	struct head h = { .box = *box };
	size_t names_nbytes = 0;
	void *names = qn_names_pack(&p->said, &names_nbytes);
	char *flat = NULL, *at;

	*nbytes = sizeof(h) + names_nbytes;
	h.names_nbytes = names_nbytes;
	for (int d = 0; d < box->ndim; d++) {
		h.npieces[d] = p->dim[d].npieces;
		*nbytes += p->dim[d].npieces * sizeof(struct qn_piece);
	}
	if (names)
		flat = qn_malloc(*nbytes);
	if (flat) {
		memcpy(flat, &h, sizeof(h));
		at = flat + sizeof(h);
		for (int d = 0; d < box->ndim; d++) {
			const size_t n = p->dim[d].npieces * sizeof(struct qn_piece);

			if (n)
				memcpy(at, p->dim[d].piece, n);
			at += n;
		}
		memcpy(at, names, names_nbytes);
	}
	free(names);
	return flat;
}

static enum quern_status cut_short(struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN,
			    "a selection that came from another rank is damaged");
}

static enum quern_status take_pieces(struct qn_pick *p, const char **at, size_t *left, uint64_t n,
				     struct quern_message *err)
{
	struct qn_piece piece;
	uint64_t last;

	if (n > *left / sizeof(piece))
		return cut_short(err);
	for (uint64_t i = 0; i < n; i++, *at += sizeof(piece)) {
		memcpy(&piece, *at, sizeof(piece));
		if (!piece.count || !piece.step || !qn_mul(piece.count - 1, piece.step, &last) ||
		    !qn_add(last, piece.start, &last))
			return cut_short(err);
		if (!qn_pick_add(p, &piece))
			return qn_error_nomem(err, sizeof(piece), "a selection");
	}
	*left -= n * sizeof(piece);
	return QUERN_OK;
}

enum quern_status qn_picks_unpack(struct qn_picks *p, const void *data, size_t nbytes,
				  struct quern_box *box, struct quern_message *err)
{
	const char *at = data;
	struct head h;
	enum quern_status st = QUERN_OK;

	qn_picks_fini(p);
	if (nbytes < sizeof(h))
		return cut_short(err);
	memcpy(&h, at, sizeof(h));
	at += sizeof(h);
	nbytes -= sizeof(h);
	if (h.box.ndim < 0 || h.box.ndim > QUERN_MAX_DIMS)
		return cut_short(err);
	for (int d = 0; !st && d < h.box.ndim; d++)
		st = take_pieces(&p->dim[d], &at, &nbytes, h.npieces[d], err);
	if (!st && nbytes != h.names_nbytes)
		st = cut_short(err);
	if (!st)
		st = qn_names_unpack(&p->said, at, nbytes, err);
	*box = h.box;
	return st;
}
