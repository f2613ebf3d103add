/*
 * cells_pack.c - rows of a table as bytes, and back into another.
 *
 *	states    | words of the rows, one after the other; of lists those in use |
 *	columns   | of each segment: a word of all rows, the next one ... | or: bytes, an exact column |
 */
#include <string.h>

#include "base/mem.h"
#include "base/tally.h"
#include "kernel/cells.h"
#include "kernel/list.h"

uint64_t qn_cells_pack_nbytes(const struct qn_cells *c, uint64_t row, uint64_t n)
{
	uint64_t nbytes = 0;

	for (int i = 0; i < c->layout->nsegments; i++)
		nbytes += c->exact[i]
				  ? sizeof(uint64_t) + qn_column_pack_nbytes(c->exact[i], row, n)
				  : c->layout->segment[i].nwords * n * sizeof(int64_t);
	return nbytes;
}

/* An exact column, behind its number of bytes. Where it ends; NULL: memory was lacking. */
static char *pack_exact(const struct qn_column *c, uint64_t row, uint64_t n, char *out)
{
	const uint64_t nbytes = qn_column_pack(c, row, n, out + sizeof(nbytes));

	memcpy(out, &nbytes, sizeof(nbytes));
	return nbytes ? out + sizeof(nbytes) + nbytes : NULL;
}

static char *pack_words(const struct qn_cells *c, size_t word, size_t nwords, uint64_t row,
			uint64_t n, char *out)
{
	for (size_t k = 0; k < nwords; k++, out += n * sizeof(int64_t))
		memcpy(out, qn_cells_column(c, word + k) + row, n * sizeof(int64_t));
	return out;
}

/* Of lists only the words that are in use. */
static size_t count_used(const struct quern_segment *s, const int64_t *words)
{
	if (s->op == QUERN_TALLY)
		return qn_tally_nwords_used(words, s->nwords, s->width);
	return s->op == QUERN_LIST ? qn_list_nwords_used(s->dtype, words) : s->nwords;
}

static uint64_t pack_states(const struct qn_cells *c, uint64_t row, uint64_t n, int64_t *out)
{
	const int64_t *begin = out;

	for (uint64_t r = row; r < row + n; r++) {
		const int64_t *state = qn_cells_state(c, r);

		for (int i = 0; i < c->layout->nsegments; i++) {
			const size_t used = count_used(&c->layout->segment[i], state);

			memcpy(out, state, used * sizeof(*out));
			out += used;
			state += c->layout->segment[i].nwords;
		}
	}
	return (uint64_t)(out - begin) * sizeof(*out);
}

uint64_t qn_cells_pack(const struct qn_cells *c, uint64_t row, uint64_t n, void *out)
{
	size_t word = 0;
	char *at = out;

	if (!c->has_columns)
		return pack_states(c, row, n, out);
	for (int i = 0; at && i < c->layout->nsegments; i++) {
		const size_t nwords = c->layout->segment[i].nwords;

		at = c->exact[i] ? pack_exact(c->exact[i], row, n, at)
				 : pack_words(c, word, nwords, row, n, at);
		word += nwords;
	}
	return at ? (uint64_t)(at - (char *)out) : 0;
}

/* --- unpack --- */

static void merge_words(struct qn_cells *c, const struct quern_segment *s, size_t word,
			uint64_t row, uint64_t n, const int64_t *from)
{
	const size_t width = s->op == QUERN_MINLOC || s->op == QUERN_MAXLOC ? 2 : 1;
	struct qn_layout_of_state one = { .nsegments = 1, .segment = { *s } };
	int64_t *column, into[2], pair[2];

	one.segment[0].nwords = width == 1 ? n : 2;
	for (size_t k = 0; k < s->nwords; k += width, from += width * n) {
		column = qn_cells_column(c, word + k) + row;
		if (width == 1) {
			qn_state_merge(&one, column, from);
			continue;
		}
		for (uint64_t r = 0; r < n; r++) {
			into[0] = column[r];
			into[1] = column[c->rows->nrows + r];
			pair[0] = from[r];
			pair[1] = from[n + r];
			qn_state_merge(&one, into, pair);
			column[r] = into[0];
			column[c->rows->nrows + r] = into[1];
		}
	}
}

/* A segment of a row. Returns the words that it took; 0: it is no such thing, or a list has no room for it. */
static size_t unpack_segment(const struct quern_segment *s, int64_t *into, const int64_t *from,
			     size_t nwords)
{
	struct qn_layout_of_state one = { .nsegments = 1, .segment = { *s } };
	size_t used = s->nwords;

	if (nwords && s->op == QUERN_LIST) {
		uint64_t most = qn_list_most(s->dtype, s->nwords);

		if (from[0] < 0 || (uint64_t)from[0] > most - (uint64_t)into[0])
			return 0;
		used = qn_list_nwords_used(s->dtype, from);
	}
	if (nwords && s->op == QUERN_TALLY)
		used = nwords < 2 ? 0 : qn_tally_nwords_used(from, s->nwords, s->width);
	if (used > nwords)
		return 0;
	qn_state_merge(&one, into, from);
	return used;
}

static bool unpack_states(struct qn_cells *c, uint64_t row, uint64_t n, const int64_t *from,
			  uint64_t nbytes)
{
	size_t left = (size_t)(nbytes / sizeof(*from)), used;

	for (uint64_t r = row; r < row + n; r++) {
		int64_t *state = qn_cells_state(c, r);

		for (int i = 0; i < c->layout->nsegments; i++) {
			used = unpack_segment(&c->layout->segment[i], state, from, left);
			if (!used)
				return false;
			from += used;
			left -= used;
			state += c->layout->segment[i].nwords;
		}
		if (c->kernel->normalize)
			c->kernel->normalize(c->self, qn_cells_state(c, r));
	}
	return left == 0 && nbytes % sizeof(*from) == 0;
}

/* What is left of nbytes; UINT64_MAX: it is no such thing, or there is no memory. */
static uint64_t unpack_exact(struct qn_column *c, uint64_t row, uint64_t n, const int64_t *from,
			     uint64_t nbytes)
{
	uint64_t size;

	if (nbytes < sizeof(*from))
		return UINT64_MAX;
	nbytes -= sizeof(*from);
	size = (uint64_t)*from;
	return size <= nbytes && qn_column_unpack(c, row, n, from + 1, size) ? nbytes - size
									     : UINT64_MAX;
}

bool qn_cells_unpack(struct qn_cells *c, uint64_t row, uint64_t n, const void *bytes,
		     uint64_t nbytes)
{
	const char *at = bytes;
	size_t word = 0;

	if (!c->has_columns)
		return unpack_states(c, row, n, bytes, nbytes);
	for (int i = 0; i < c->layout->nsegments; i++) {
		const struct quern_segment *s = &c->layout->segment[i];
		const uint64_t size = s->nwords * n * sizeof(int64_t);
		uint64_t left = nbytes < size ? UINT64_MAX : nbytes - size;

		if (c->exact[i])
			left = unpack_exact(c->exact[i], row, n, (const void *)at, nbytes);
		else if (left != UINT64_MAX)
			merge_words(c, s, word, row, n, (const void *)at);
		if (left == UINT64_MAX)
			return false;
		at += nbytes - left;
		nbytes = left;
		word += s->nwords;
	}
	return nbytes == 0 && !qn_cells_check_spilled(c);
}
