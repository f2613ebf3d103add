#include "run/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/storage.h"
#include "run/kept.h"
#include "run/key_axes.h"

const char *qn_run_quantity(const struct qn_run *run)
{
	const struct qn_dataset *d = &run->subject->dataset;
	const char *path = qn_dataset_name(d), *slash = strrchr(path, '/');

	if (run->formula.made[QUERN_VALUE])
		return run->formula.name;
	if (run->settings.name)
		return run->settings.name;
	return d->column[0] ? d->column : slash ? slash + 1 : path;
}

/* Are both called the same in files? */
static bool is_same(const char *a, const char *b)
{
	char x[QN_NAME_NBYTES], y[QN_NAME_NBYTES];

	qn_text_name(a, sizeof(x), x);
	qn_text_name(b, sizeof(y), y);
	return !strcmp(x, y);
}

/* A column of a table has the name of the field, a variable of a file that of the dataset before it. */
static bool is_of_field(const struct qn_run *run, const struct qn_key *key, const char *field)
{
	char variable[QN_NAME_NBYTES + 64];

	snprintf(variable, sizeof(variable), "%.*s_%s", QN_NAME_NBYTES, qn_run_quantity(run),
		 field);
	return is_same(key->name, field) || is_same(key->name, variable);
}

static enum quern_status check_fields(const struct qn_run *run, const struct qn_key *key,
				      struct quern_message *err)
{
	const char *const *all = run->kernel->fields(run->self);

	for (size_t i = 0; run->fields.n ? i < run->fields.n : all[i] != NULL; i++) {
		const char *field = run->fields.n ? run->fields.name[i] : all[i];

		if (is_of_field(run, key, field))
			return qn_error_set(
				err, QUERN_ERR_USAGE,
				"--by: the groups of %s would be called %s, as the field %s of the "
				"result: name them otherwise with --by NAME=%s",
				key->text, key->name, field, key->text);
	}
	return QUERN_OK;
}

static bool keeps(const struct qn_run *run, const char *name)
{
	const struct qn_dataset *d = &run->subject->dataset;

	for (int k = 0; k < d->ndim; k++)
		if (qn_kept_stays(run, k) && d->dim_name[k] && is_same(d->dim_name[k], name))
			return true;
	return false;
}

static enum quern_status check_dimensions(const struct qn_run *run, const struct qn_key *key,
					  struct quern_message *err)
{
	if (!keeps(run, key->name))
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"--by: the groups of %s would be called as the dimension %s that is kept: name "
		"them otherwise with --by NAME=%s, or reduce it with --over",
		key->text, key->name, key->text);
}

static enum quern_status check_pairs(const struct qn_run *run, struct quern_message *err)
{
	if (!run->settings.pairs)
		return QUERN_OK;
	if (!run->keys.n)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--pairs: there are no keys: name them with --by KEY,KEY");
	if (keeps(run, QN_PAIRS_NAME))
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--pairs: the combinations would be called as the dimension " QN_PAIRS_NAME
			" that is kept: reduce it with --over");
	for (int i = 0; i < run->keys.n; i++)
		if (!strcmp(run->keys.key[i].name, QN_PAIRS_NAME))
			return qn_error_set(
				err, QUERN_ERR_USAGE,
				"--pairs: the combinations would be called as the key " QN_PAIRS_NAME
				": name it otherwise with --by NAME=%s",
				run->keys.key[i].text);
	return QUERN_OK;
}

static enum quern_status check_keepdims(const struct qn_run *run, struct quern_message *err)
{
	if (!run->settings.keepdims || qn_kept_any(run))
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--keepdims: everything is reduced to plain numbers, which have no "
			    "dimensions: say with --over which are reduced, or group with --by");
}

enum quern_status qn_names_check(const struct qn_run *run, struct quern_message *err)
{
	enum quern_status st = check_pairs(run, err);

	if (!st)
		st = check_keepdims(run, err);

	for (int i = 0; !st && i < run->keys.n; i++) {
		st = check_dimensions(run, &run->keys.key[i], err);
		if (!st)
			st = check_fields(run, &run->keys.key[i], err);
	}
	return st;
}

/* --- methods --- */

/* "years" or "days", of times of a dimension that come round again; NULL: of no others are the groups. */
static const char *cycle_of(const struct qn_run *run, int dim)
{
	for (int i = 0; i < run->keys.n; i++) {
		const struct qn_key *k = &run->keys.key[i];

		if (k->dim[0] == dim && qn_key_has_times(run, k) && *qn_part_cycle(k->part.kind))
			return qn_part_cycle(k->part.kind);
	}
	return NULL;
}

static void put_dimension(FILE *f, const struct qn_dataset *d, int dim, const char *cycle,
			  bool *is_open)
{
	char name[QN_NAME_NBYTES] = "";

	if (d->dim_name[dim])
		qn_text_name(d->dim_name[dim], sizeof(name), name);
	else
		snprintf(name, sizeof(name), "dim_%d", dim);
	if (*is_open && cycle)
		fprintf(f, " %c", QN_METHOD);
	fprintf(f, "%s%s:", ftell(f) ? " " : "", name);
	if (cycle)
		fprintf(f, " %c within %s %s: %c over %s", QN_METHOD, cycle, name, QN_METHOD,
			cycle);
	*is_open = !cycle;
}

static void put_comment(FILE *f, const struct qn_run *run)
{
	if (run->formula.where)
		fprintf(f, " (of the elements that the global attribute where holds for%s)",
			run->rolling.n ? ", in windows as rolling says" : "");
	else if (run->rolling.n)
		fprintf(f, " (in windows as the global attribute rolling says)");
}

char *qn_run_methods(const struct qn_run *run, bool in_steps)
{
	const struct qn_dataset *d = &run->subject->dataset;
	bool is_open = false;
	char *text = NULL;
	size_t n;
	FILE *f = qn_open_memstream(&text, &n);

	for (int i = 0; f && i < d->ndim; i++)
		if (run->reduced[i])
			put_dimension(f, d, i, in_steps ? cycle_of(run, i) : NULL, &is_open);
	if (f && run->rolling.n && run->rolling.dim >= 0)
		put_dimension(f, d, run->rolling.dim, NULL, &is_open);
	if (f && is_open)
		fprintf(f, " %c", QN_METHOD);
	if (f && ftell(f))
		put_comment(f, run);
	if (f && !fclose(f))
		return text;
	free(text);
	return NULL;
}
