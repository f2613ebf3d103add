#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rolling/rolling.h"
#include "select/select.h"

/* How many of a part there are before it begins again, the shortest year has 360 days; 0: it never does. */
static int64_t cycle_of(enum qn_part_kind kind)
{
	static const struct {
		enum qn_part_kind kind;
		int64_t n;
	} cycles[] = { { QN_PART_MONTH, 12 },
		       { QN_PART_HOUR, 24 },
		       { QN_PART_DAYOFYEAR, 360 },
		       { QN_PART_SEASON, 4 } };

	for (size_t i = 0; i < sizeof(cycles) / sizeof(*cycles); i++)
		if (cycles[i].kind == kind)
			return cycles[i].n;
	return 0;
}

/* Do the groups go round: is it no further from the last to the first than between others? */
static bool wraps(const struct qn_key *k)
{
	const int64_t cycle = k->kind == QN_KEY_PARTS ? cycle_of(k->part.kind) : 0;
	int64_t most = 1;

	if (!cycle || !k->ngroups)
		return false;
	for (uint32_t i = 1; i < k->ngroups; i++) {
		const int64_t gap = k->integers[i] - k->integers[i - 1];

		most = gap > most ? gap : most;
	}
	return k->integers[0] + cycle - k->integers[k->ngroups - 1] <= most;
}

/* Is there one beside that goes on where it begins again, as the year of a month? The last month of a year is followed by
   the first of the next one then, which is another row: windows end there. */
static bool goes_on(const struct qn_keys *keys, int but)
{
	for (int i = 0; i < keys->n; i++) {
		const struct qn_key *k = &keys->key[i];

		if (i != but && k->kind == QN_KEY_PARTS &&
		    (k->part.kind == QN_PART_YEAR || k->part.kind == QN_PART_SEASONYEAR ||
		     qn_part_is_time(k->part.kind)))
			return true;
	}
	return false;
}

static int find_key(const struct qn_keys *keys, const char *name)
{
	for (int i = 0; i < keys->n; i++)
		if (!strcmp(keys->key[i].name, name))
			return i;
	return -1;
}

/* As results call them: those without a name dim_0, ... */
static int find_dimension(const struct qn_dataset *d, const char *name)
{
	const char *number = strncmp(name, "dim_", 4) ? name : name + 4;
	const int dim = qn_dimension_find(d, name);

	return dim < 0 && number != name ? qn_dimension_find(d, number) : dim;
}

/* What the result has, for a message. */
static void list_dimensions(const struct qn_rolling_result *of, char *out, size_t nbytes)
{
	size_t at = 0;

	*out = '\0';
	for (int i = 0; at < nbytes && i < of->keys->n; i++)
		at += (size_t)snprintf(out + at, nbytes - at, "%s%s", at ? ", " : "",
				       of->keys->key[i].name);
	for (int d = 0; at < nbytes && d < of->dataset->ndim; d++) {
		const char *name = of->dataset->dim_name[d];

		if (of->reduced[d])
			continue;
		at += (size_t)snprintf(out + at, nbytes - at, "%s", at ? ", " : "");
		if (at < nbytes)
			at += name ? (size_t)snprintf(out + at, nbytes - at, "%s", name)
				   : (size_t)snprintf(out + at, nbytes - at, "dim_%d", d);
	}
}

static enum quern_status refuse(const struct qn_rolling *r, const struct qn_rolling_result *of,
				struct quern_message *err)
{
	const int dim = find_dimension(of->dataset, r->name);
	char names[256];

	list_dimensions(of, names, sizeof(names));
	if (!*names)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--rolling: the result has no dimensions: keep some with "
				    "--over, or group with --by");
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--rolling: %s is %s: windows go along a dimension of the result, "
			    "which has: %s",
			    r->name, dim < 0 ? "not there" : "reduced", names);
}

static void place(struct qn_rolling *r, const struct qn_rows *rows, const struct qn_row_term *term)
{
	r->stride = term->stride;
	r->length = term->group || term->given ? term->ngroups
					       : rows->selection.count[term->dim[0]];
}

static enum quern_status check_length(const struct qn_rolling *r, struct quern_message *err)
{
	if (r->n <= r->length)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--rolling: the result has %" PRIu64
			    " along %s, fewer than the %" PRIu64 " of a window",
			    r->length, r->name, r->n);
}

enum quern_status qn_rolling_find(struct qn_rolling *r, const struct qn_rolling_result *of,
				  struct quern_message *err)
{
	const struct qn_rows *rows = of->rows;

	if (of->pairs)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--rolling goes along a dimension of the result, and --pairs "
				    "has but one, of combinations: leave either out");
	r->key = find_key(of->keys, r->name);
	r->dim = r->key < 0 ? find_dimension(of->dataset, r->name) : -1;
	if (r->dim >= 0 && of->reduced[r->dim])
		r->dim = -1;
	if (r->key < 0 && r->dim < 0)
		return refuse(r, of, err);
	r->wraps = r->key >= 0 && wraps(&of->keys->key[r->key]) && !goes_on(of->keys, r->key);
	if (r->key >= 0)
		place(r, rows, &rows->term[rows->nterms - 1 - r->key]);
	for (int t = 0; r->dim >= 0 && t < rows->nterms - of->keys->n; t++)
		if (rows->term[t].dim[0] == r->dim)
			place(r, rows, &rows->term[t]);
	return r->key >= 0 && !of->is_known ? QUERN_OK : check_length(r, err);
}
