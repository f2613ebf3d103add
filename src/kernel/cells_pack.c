/*
 * cells_pack.c - rows of a table as bytes, and back into another.
 *
 *	states    | words of the rows, one after the other |
 *	columns   | of each segment: a word of all rows, the next one ... | or: bytes, an exact column |
 */
#include <string.h>

#include "base/mem.h"
#include "kernel/cells.h"

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

uint64_t qn_cells_pack(const struct qn_cells *c, uint64_t row, uint64_t n, void *out)
{
	const size_t state_nbytes = c->layout->nwords * sizeof(int64_t);
	size_t word = 0;
	char *at = out;

	if (!c->has_columns) {
		memcpy(out, qn_cells_state(c, row), n * state_nbytes);
		return n * state_nbytes;
	}
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

static bool unpack_states(struct qn_cells *c, uint64_t row, uint64_t n, const int64_t *from,
			  uint64_t nbytes)
{
	const size_t nwords = c->layout->nwords;

	if (nbytes != n * nwords * sizeof(*from))
		return false;
	for (uint64_t r = row; r < row + n; r++, from += nwords) {
		qn_state_merge(c->layout, qn_cells_state(c, r), from);
		if (c->kernel->normalize)
			c->kernel->normalize(c->self, qn_cells_state(c, r));
	}
	return true;
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
