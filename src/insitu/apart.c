/*
 * apart.c - do boxes overlap, of one rank or of several? What is in two of them would be reduced twice, and no result
 * would tell. Boxes are sorted by where they begin along the dimension that parts them most; of each, those are looked
 * at that begin before it ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "insitu/reduction.h"
#include "select/select.h"

/* A box, as ranks send it: the rank, then of each dimension where it begins, then where it ends. */
struct boxes {
	uint64_t *word; /* owned */
	uint64_t n;
	int ndim;
	char *const *dim_name;
};

static size_t count_words(const struct boxes *b)
{
	return 1 + 2 * (size_t)b->ndim;
}

static const uint64_t *begin_of(const struct boxes *b, uint64_t i)
{
	return b->word + i * count_words(b) + 1;
}

static const uint64_t *end_of(const struct boxes *b, uint64_t i)
{
	return begin_of(b, i) + b->ndim;
}

/* Those of this rank that have elements. */
static bool list_own(const quern_reduction *r, int rank, struct boxes *b)
{
	const int first = r->frame.has_steps;
	uint64_t *to;

	b->ndim = r->frame.ndim - first;
	b->dim_name = r->frame.dim_name + first;
	b->word = qn_calloc(r->nboxes + 1, count_words(b) * sizeof(*b->word));
	to = b->word;
	for (size_t i = 0; to && i < r->nboxes; i++) {
		const struct quern_box *box = &r->box[i];

		if (!qn_box_nelems(box))
			continue;
		*to++ = (uint64_t)rank;
		memcpy(to, box->start + first, (size_t)b->ndim * sizeof(*to));
		to += b->ndim;
		for (int d = first; d < r->frame.ndim; d++)
			*to++ = box->start[d] + box->count[d];
		b->n++;
	}
	return b->word;
}

/* --- rank 0 --- */

/* A box by its begin along one dimension. */
struct place {
	uint64_t begin, box;
};

static int by_begin(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->box > y->box) - (x->box < y->box);
}

static void sort(const struct boxes *b, int dim, struct place *place)
{
	for (uint64_t i = 0; i < b->n; i++)
		place[i] = (struct place){ begin_of(b, i)[dim], i };
	qsort(place, b->n, sizeof(*place), by_begin);
}

static uint64_t count_begins(const struct place *place, uint64_t n)
{
	uint64_t count = n > 0;

	for (uint64_t i = 1; i < n; i++)
		count += place[i].begin != place[i - 1].begin;
	return count;
}

/* The dimension along which most of them begin elsewhere. */
static int find_dimension(const struct boxes *b, struct place *place)
{
	uint64_t most = 0;
	int dim = 0;

	for (int d = 0; d < b->ndim; d++) {
		uint64_t count;

		sort(b, d, place);
		count = count_begins(place, b->n);
		if (count > most)
			dim = d;
		most = qn_max_u64(count, most);
	}
	return dim;
}

static bool overlap(const struct boxes *b, uint64_t i, uint64_t k)
{
	for (int d = 0; d < b->ndim; d++)
		if (begin_of(b, i)[d] >= end_of(b, k)[d] || begin_of(b, k)[d] >= end_of(b, i)[d])
			return false;
	return true;
}

/* Two that do. */
static bool find_two(const struct boxes *b, struct place *place, uint64_t two[2])
{
	const int dim = find_dimension(b, place);

	sort(b, dim, place);
	for (uint64_t i = 0; i < b->n; i++) {
		const uint64_t end = end_of(b, place[i].box)[dim];

		for (uint64_t k = i + 1; k < b->n && place[k].begin < end; k++) {
			two[0] = qn_min_u64(place[i].box, place[k].box);
			two[1] = qn_max_u64(place[i].box, place[k].box);
			if (overlap(b, two[0], two[1]))
				return true;
		}
	}
	return false;
}

/* As --select has it: "y=0:5,x=2:4". */
static void print(const struct boxes *b, uint64_t i, size_t nbytes, char *out)
{
	size_t n = 0;

	for (int d = 0; d < b->ndim && n < nbytes; d++)
		n += (size_t)snprintf(out + n, nbytes - n, "%s%s=%llu:%llu", d ? "," : "",
				      b->dim_name[d], (unsigned long long)begin_of(b, i)[d],
				      (unsigned long long)end_of(b, i)[d]);
}

static enum quern_status check(const struct boxes *b, struct quern_message *err)
{
	struct place *place = qn_calloc(b->n + 1, sizeof(*place));
	uint64_t two[2];
	char text[2][320];
	bool is_any;

	if (!place)
		return qn_error_nomem(err, b->n * sizeof(*place), "the boxes of all ranks");
	is_any = find_two(b, place, two);
	free(place);
	if (!is_any)
		return QUERN_OK;
	for (int i = 0; i < 2; i++)
		print(b, two[i], sizeof(text[i]), text[i]);
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "the box %s of rank %llu and the box %s of rank %llu overlap: each "
			    "element is of one box, without halos",
			    text[0], (unsigned long long)b->word[two[0] * count_words(b)], text[1],
			    (unsigned long long)b->word[two[1] * count_words(b)]);
}

enum quern_status qn_reduction_compare_boxes(const quern_reduction *r, struct qn_comm *c,
					     struct quern_message *err)
{
	struct boxes mine = { .n = 0 }, all;
	void *words = NULL;
	enum quern_status st =
		list_own(r, qn_comm_rank(c), &mine) ? QUERN_OK : qn_error_nomem(err, 0, "boxes");

	st = qn_comm_agree(c, st, err);
	all = mine;
	if (!st)
		st = qn_comm_gatherv(c, mine.word, &all.n, count_words(&mine) * sizeof(*mine.word),
				     &words, err);
	all.word = words;
	if (!st)
		st = check(&all, err);
	free(words);
	free(mine.word);
	return st;
}
