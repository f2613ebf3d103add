/*
 * kernel.c - the table of kernels, and what follows from the segments of a state.
 */
#include "kernel/kernel.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/least.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/tally.h"
#include "exact/acc.h"
#include "kernel/list.h"

const struct quern_kernel *qn_kernel_find(const char *name)
{
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++)
		if (!strcmp((*k)->name, name))
			return *k;
	return NULL;
}

/* --- what is asked for instead of a kernel --- */

enum relation { FIELD, OTHER_NAME };

static const struct word {
	const char *word, *kernel;
	enum relation is;
} words[] = {
	/* clang-format off */
	{ "average", "mean", OTHER_NAME },	{ "avg", "mean", OTHER_NAME },
	{ "stddev", "std", OTHER_NAME },	{ "stdev", "std", OTHER_NAME },
	{ "sd", "std", OTHER_NAME },		{ "variance", "var", OTHER_NAME },
	{ "skewness", "moments", FIELD },	{ "skew", "moments", FIELD },
	{ "kurtosis", "moments", FIELD },	{ "statistics", "moments", OTHER_NAME },
	{ "stats", "moments", OTHER_NAME },	{ "moment", "moments", OTHER_NAME },
	{ "describe", "moments", OTHER_NAME },	{ "minimum", "min", OTHER_NAME },
	{ "maximum", "max", OTHER_NAME },	{ "ptp", "range", OTHER_NAME },
	{ "argmin", "minmax", FIELD },		{ "argmax", "minmax", FIELD },
	{ "extremes", "minmax", OTHER_NAME },	{ "hist", "histogram", OTHER_NAME },
	{ "hist2d", "histogram2d", OTHER_NAME },
	{ "correlation", "corr", OTHER_NAME },	{ "pearson", "corr", OTHER_NAME },
	{ "linregress", "regress", OTHER_NAME }, { "regression", "regress", OTHER_NAME },
	{ "linear_trend", "trend", OTHER_NAME }, { "slope", "regress", FIELD },		{ "intercept", "regress", FIELD },
	{ "r2", "regress", FIELD },		{ "total", "sum", OTHER_NAME },
	{ "missing", "count", FIELD },		{ "len", "count", OTHER_NAME },
	{ "size", "count", OTHER_NAME },	{ "top", "topk", OTHER_NAME },
	{ "largest", "topk", OTHER_NAME },	{ "smallest", "topk", OTHER_NAME },
	{ "quantile", "quantiles", OTHER_NAME }, { "percentile", "quantiles", OTHER_NAME },
	{ "percentiles", "quantiles", OTHER_NAME }, { "unique", "distinct", OTHER_NAME },
	{ "nunique", "distinct", OTHER_NAME }, { "cardinality", "distinct", OTHER_NAME },
	/* clang-format on */
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(words[i].word, name))
			return &words[i];
	return NULL;
}

const char *qn_kernel_meant(const char *word)
{
	const struct word *w = find_word(word);

	for (const struct quern_kernel *const *k = qn_kernels; *k; k++)
		if (!strcasecmp((*k)->name, word))
			return (*k)->name;
	return w ? w->kernel : NULL;
}

static const char *kernel_name(const void *ctx, int i)
{
	(void)ctx;
	return qn_kernels[i] ? qn_kernels[i]->name : NULL;
}

enum quern_status qn_kernel_unknown(const char *name, struct quern_message *err)
{
	const struct word *w = find_word(name);
	const char *near = qn_kernel_meant(name);

	if (!near)
		near = qn_nearest(name, kernel_name, NULL);
	if (!w)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "there is no kernel '%s'%s%s%s; `quern kernels` "
				    "lists them",
				    name, near ? "; did you mean '" : "", near ? near : "",
				    near ? "'?" : "");
	return qn_error_set(err, QUERN_ERR_USAGE,
			    w->is == FIELD ? "%s is a field of the kernel %s: quern run %s ..."
					   : "there is no kernel '%s', but %s: quern run %s ...",
			    name, w->kernel, w->kernel);
}

bool qn_kernel_takes_text(const struct quern_kernel *k, enum quern_role role)
{
	(void)role;
	return k->takes_text;
}

bool qn_kernel_takes(const struct quern_kernel *k, enum quern_role role)
{
	return k->takes & QUERN_ROLE(role);
}

void qn_kernels_list(qn_kernel_holds *holds, enum quern_role role, char *out, size_t nbytes)
{
	out[0] = '\0';
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++) {
		const size_t n = strlen(out);

		if (holds(*k, role))
			snprintf(out + n, nbytes - n, "%s%s", n ? ", " : "", (*k)->name);
	}
}

static bool is_pair(enum quern_op op)
{
	return op == QUERN_MINLOC || op == QUERN_MAXLOC;
}

static bool is_sum(enum quern_op op)
{
	return op == QUERN_SUM || op == QUERN_EXACT;
}

static bool is_possible(const struct quern_segment *s)
{
	if (s->op == QUERN_LEAST)
		return s->width >= 2 && s->nwords > 0 && s->nwords % s->width == 0;
	if (s->op == QUERN_TALLY)
		return s->width >= 2 && s->nwords >= qn_tally_nwords(1, s->width);
	if (s->op == QUERN_EXACT && s->nfactors)
		return s->nfactors >= 1 && s->nfactors <= 3 && s->power == 1 && s->width == 0 &&
		       s->dtype == QUERN_F64 &&
		       s->nwords == (size_t)qn_acc_form(QUERN_F64, s->nfactors).nlimbs;
	if (s->op == QUERN_EXACT)
		return s->power >= 1 && s->power <= 4 && s->width == 0 &&
		       s->nwords == (size_t)qn_acc_form(s->dtype, s->power).nlimbs;
	if (s->op == QUERN_LIST)
		return s->nwords > 0 && s->width == 0 && s->dtype < QUERN_NDTYPES;
	return (int)s->op >= QUERN_SUM && s->op < QUERN_LEAST && s->width == 0 &&
	       !(is_pair(s->op) && s->nwords % 2);
}

enum quern_status qn_state_layout(const struct quern_kernel *k, const void *self,
				  struct qn_layout_of_state *l, struct quern_message *err)
{
	uint64_t nwords = 0;

	memset(l, 0, sizeof(*l));
	l->nsegments = k->layout(self, l->segment);
	if (l->nsegments < 1 || l->nsegments > QUERN_MAX_SEGMENTS)
		return qn_error_set(err, QUERN_ERR_RUN, "kernel %s is broken: %d segments of state",
				    k->name, l->nsegments);
	for (int i = 0; i < l->nsegments; i++) {
		const struct quern_segment *s = &l->segment[i];

		if (!is_possible(s))
			return qn_error_set(err, QUERN_ERR_RUN,
					    "kernel %s is broken: segment %d of its state", k->name,
					    i);
		if (!qn_add(nwords, s->nwords, &nwords) || nwords > PTRDIFF_MAX / sizeof(int64_t))
			return qn_error_set(err, QUERN_ERR_RUN,
					    "the state of kernel %s is too large", k->name);
	}
	l->nwords = (size_t)nwords;
	return QUERN_OK;
}

static void fill_pairs(int64_t *w, size_t nwords, int64_t key)
{
	for (size_t i = 0; i < nwords; i += 2) {
		w[i] = key;
		w[i + 1] = -1; /* the largest index: any element comes before it */
	}
}

static void fill(int64_t *w, size_t nwords, int64_t value)
{
	for (size_t i = 0; i < nwords; i++)
		w[i] = value;
}

void qn_state_identity(const struct qn_layout_of_state *l, int64_t *state)
{
	for (int i = 0; i < l->nsegments; i++) {
		size_t n = l->segment[i].nwords;

		switch (l->segment[i].op) {
		case QUERN_SUM:
		case QUERN_EXACT:
			fill(state, n, 0);
			break;
		case QUERN_MIN:
			fill(state, n, INT64_MAX);
			break;
		case QUERN_MAX:
			fill(state, n, INT64_MIN);
			break;
		case QUERN_MINLOC:
			fill_pairs(state, n, INT64_MAX);
			break;
		case QUERN_MAXLOC:
			fill_pairs(state, n, INT64_MIN);
			break;
		case QUERN_LEAST:
			qn_least_clear(state, n, l->segment[i].width);
			break;
		case QUERN_LIST:
			state[0] = 0;
			break;
		case QUERN_TALLY:
			qn_tally_clear(state);
			break;
		}
		state += n;
	}
}

/* Unsigned, so that a kernel that overflows a sum gets wrong numbers, not undefined behaviour. */
static void merge_sums(int64_t *restrict into, const int64_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		into[i] = (int64_t)((uint64_t)into[i] + (uint64_t)from[i]);
}

static void merge_min(int64_t *into, const int64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		into[i] = from[i] < into[i] ? from[i] : into[i];
}

static void merge_max(int64_t *into, const int64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		into[i] = from[i] > into[i] ? from[i] : into[i];
}

static void merge_pairs(int64_t *into, const int64_t *from, size_t n, bool largest)
{
	for (size_t i = 0; i < n; i += 2) {
		bool better = largest ? from[i] > into[i] : from[i] < into[i];
		bool earlier = (uint64_t)from[i + 1] < (uint64_t)into[i + 1];

		if (better || (from[i] == into[i] && earlier))
			memcpy(into + i, from + i, 2 * sizeof(*into));
	}
}

void qn_state_merge(const struct qn_layout_of_state *l, int64_t *into, const int64_t *from)
{
	for (int i = 0; i < l->nsegments; i++) {
		size_t n = l->segment[i].nwords;

		switch (l->segment[i].op) {
		case QUERN_SUM:
		case QUERN_EXACT:
			merge_sums(into, from, n);
			break;
		case QUERN_MIN:
			merge_min(into, from, n);
			break;
		case QUERN_MAX:
			merge_max(into, from, n);
			break;
		case QUERN_MINLOC:
		case QUERN_MAXLOC:
			merge_pairs(into, from, n, l->segment[i].op == QUERN_MAXLOC);
			break;
		case QUERN_LEAST:
			qn_least_merge(into, from, n, l->segment[i].width);
			break;
		case QUERN_LIST:
			qn_list_merge(l->segment[i].dtype, into, from);
			break;
		case QUERN_TALLY:
			qn_tally_merge(into, from, n, l->segment[i].width);
			break;
		}
		into += n;
		from += n;
	}
}

static bool is_valid_list(const int64_t *list, size_t nwords, size_t width, const char **why)
{
	for (size_t i = width; i < nwords; i += width)
		QN_HOLDS(!qn_least_is_better(list + i - width, list + i, width),
			 "entries of a list descend to the best one");
	return true;
}

static bool is_normal(const struct quern_kernel *k, const void *self, size_t nwords,
		      const int64_t *state)
{
	int64_t *copy = k->normalize ? qn_alloc_aligned(nwords * sizeof(*copy)) : NULL;
	bool same = true;

	if (copy) {
		memcpy(copy, state, nwords * sizeof(*copy));
		k->normalize(self, copy);
		same = !memcmp(copy, state, nwords * sizeof(*copy));
	}
	free(copy);
	return same;
}

bool qn_state_is_valid(const struct quern_kernel *k, const void *self,
		       const struct qn_layout_of_state *l, const int64_t *state, const char **why)
{
	const int64_t *at = state;

	for (int i = 0; i < l->nsegments; i++) {
		const struct quern_segment *s = &l->segment[i];

		if (s->op == QUERN_LEAST && !is_valid_list(at, s->nwords, s->width, why))
			return false;
		at += s->nwords;
	}
	QN_HOLDS((size_t)(at - state) == l->nwords, "segments are all of a state");
	QN_HOLDS(is_normal(k, self, l->nwords, state), "a normalized state stays as it is");
	return true;
}

void qn_state_double(const struct qn_layout_of_state *l, int64_t *state)
{
	for (int i = 0; i < l->nsegments; i++) {
		size_t n = is_sum(l->segment[i].op) ? l->segment[i].nwords : 0;

		for (size_t k = 0; k < n; k++)
			state[k] = (int64_t)(2 * (uint64_t)state[k]);
		state += l->segment[i].nwords;
	}
}

bool qn_state_repeats(const struct quern_kernel *k, const struct qn_layout_of_state *l)
{
	for (int i = 0; i < l->nsegments; i++)
		if (l->segment[i].op >= QUERN_LEAST && l->segment[i].op != QUERN_EXACT)
			return false;
	return k->repeats;
}
