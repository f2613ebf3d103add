#include "api/datasets.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/share.h"
#include "describe/describe.h"
#include "find/axes.h"
#include "find/files.h"
#include "find/warnings.h"

#define MOST_NOTED 512 /* bytes of names in a note */

const quern_run *qn_run_single(const quern_run *run, size_t i)
{
	if (!run->nsingles)
		return i == 0 ? run : NULL;
	return i < run->nsingles ? run->single[i] : NULL;
}

/* --- what words stand for, on a rank that has the first file --- */

struct lookup {
	const quern_run *run;
	const char *file;
	struct qn_listing list;
	struct qn_names found; /* paths */
	struct qn_names notes; /* sentences for the user */
	struct quern_message *err;
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The path in the listing that a word gives as it is; NULL: there is none. */
static const char *find_exactly(const struct lookup *k, const char *word)
{
	for (size_t i = 0; i < k->list.n; i++)
		if (!strcmp(k->list.path[i] + (*word != '/'), word))
			return k->list.path[i];
	return NULL;
}

/* A pattern with a slash is one of whole paths, another one of names in any group. */
static bool matches(const char *pattern, const char *path)
{
	if (!strchr(pattern, '/'))
		return !fnmatch(pattern, last_part(path), 0);
	return !fnmatch(pattern, path + (*pattern != '/'), FNM_PATHNAME);
}

/* Can the kernel take such elements, as far as their type tells? NULL, or what they are. */
static const char *refuse_type(const struct lookup *k, const struct qn_about *about)
{
	const char *type = about ? about->dtype : "";
	const bool is_text = !strcmp(type, "string") || !strncmp(type, "|S", 2);

	if (is_text)
		return k->run->engine.kernel->takes_text ? NULL : "text";
	if (!*type || strchr("<>|", *type) || quern_option_string(&k->run->options, "column"))
		return NULL;
	return type;
}

/* Why dataset i is not among those that a pattern means; NULL: it is. */
static const char *leave_out(const struct lookup *k, size_t i)
{
	const struct qn_about *about = k->list.about ? &k->list.about[i] : NULL;

	if (!qn_source_is_variable(&k->list, i))
		return qn_role_names[about->role];
	return refuse_type(k, about);
}

static bool has_name(const struct qn_names *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->name[i], name))
			return true;
	return false;
}

/* Adds "/time (coordinate)" to what was left out; what has no room in the text is counted. */
static void note(char *text, const char *path, const char *why, size_t *nmore)
{
	const size_t n = strlen(text), room = MOST_NOTED - n;
	const char *sep = n ? ", " : "";

	if (!*nmore && (size_t)snprintf(text + n, room, "%s%s (%s)", sep, path, why) < room)
		return;
	text[n] = '\0';
	++*nmore;
}

static enum quern_status end_notes(struct lookup *k, const char *pattern, const char *left,
				   size_t nmore)
{
	char more[32] = "";

	if (!*left)
		return QUERN_OK;
	if (nmore)
		snprintf(more, sizeof(more), " and %zu more", nmore);
	return qn_warnings_add(&k->notes, k->err, "-d '%s' leaves out %s%s: name them to have them",
			       pattern, left, more);
}

static enum quern_status add_matching(struct lookup *k, const char *pattern)
{
	char left[MOST_NOTED] = "";
	size_t nmore = 0, n = 0;
	bool is_odd = false; /* what is left out: coordinates are expected to be */
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < k->list.n; i++) {
		const char *path = k->list.path[i], *why = leave_out(k, i);

		if (!matches(pattern, path) || has_name(&k->found, path))
			continue;
		if (why)
			note(left, path, why, &nmore);
		else
			st = qn_names_add(&k->found, path, k->err);
		n += !why;
		is_odd = is_odd || (why && qn_source_is_variable(&k->list, i));
	}
	if (!st && !n)
		return qn_error_set(k->err, QUERN_ERR_USAGE,
				    "%s: no variable is called like -d '%s'%s%s; `quern inspect` "
				    "lists what there is",
				    k->file, pattern, *left ? ", only " : "", left);
	return st || !is_odd ? st : end_notes(k, pattern, left, nmore);
}

static enum quern_status add_word(struct lookup *k, const char *word)
{
	const char *path = find_exactly(k, word);

	if (!*word)
		return qn_error_set(k->err, QUERN_ERR_USAGE,
				    "-d: a dataset is missing in the list: write t2m,u10");
	if (!path && qn_names_is_pattern(word))
		return add_matching(k, word);
	path = path ? path : word;
	if (has_name(&k->found, path))
		return qn_error_set(k->err, QUERN_ERR_USAGE, "-d: %s is given twice", word);
	return qn_names_add(&k->found, path, k->err);
}

static enum quern_status add_words(struct lookup *k, const char *text)
{
	char *words = qn_strdup(text), *rest = words, *word;
	enum quern_status st = words ? QUERN_OK : qn_error_nomem(k->err, strlen(text), "datasets");

	while (!st && (word = rest ? strsep(&rest, ",") : NULL))
		st = add_word(k, word + strspn(word, " "));
	free(words);
	return st;
}

/* A dataset may have commas and stars in its name. */
static enum quern_status look_up(struct lookup *k, const char *text)
{
	const struct qn_format *format = NULL;
	enum quern_status st = qn_source_format(k->file, &format, k->err);

	if (!st)
		st = qn_source_list(format, k->file, &k->list, k->err);
	if (!st)
		qn_source_hide_tables(&k->list);
	if (!st)
		st = find_exactly(k, text) ? qn_names_add(&k->found, text, k->err)
					   : add_words(k, text);
	return st;
}

/* --- on all ranks --- */

/* Paths, an empty one, notes. */
static enum quern_status pack(const struct lookup *k, struct qn_names *out,
			      struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < k->found.n; i++)
		st = qn_names_add(out, k->found.name[i], err);
	if (!st)
		st = qn_names_add(out, "", err);
	for (size_t i = 0; !st && i < k->notes.n; i++)
		st = qn_names_add(out, k->notes.name[i], err);
	return st;
}

/* Looks in the first file, on a rank that has it. Collective. */
static enum quern_status ask(quern_run *run, const char *text, struct qn_names *all,
			     struct quern_message *err)
{
	struct qn_subject files = { .settings = { .dataset = NULL } };
	struct qn_files m = { .describer = NULL };
	struct qn_names mine = { .n = 0 };
	enum quern_status st = qn_files_find(&run->team, &files, &run->files, &m, err);

	if (!st && (uint32_t)run->rank == m.describer[0]) {
		struct lookup k = { .run = run, .file = files.files.name[0], .err = err };

		st = look_up(&k, text);
		if (!st)
			st = pack(&k, &mine, err);
		qn_listing_fini(&k.list);
		qn_names_fini(&k.found);
		qn_names_fini(&k.notes);
	}
	st = qn_comm_agree(run->comm, st, err);
	if (!st)
		st = qn_files_gather(&run->team, &mine, all, err);
	st = qn_share_names(run->comm, st, all, err);
	qn_names_fini(&mine);
	qn_files_fini(&m);
	qn_subject_fini(&files);
	return st;
}

/* Has what is the same for all of them from the run: its ranks, its options, its kernel. */
static quern_run *new_single(const quern_run *run, const char *path)
{
	quern_run *s = qn_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->options = run->options;
	s->files = run->files;
	s->most_cells = run->most_cells;
	s->comm = run->comm;
	s->rank = run->rank;
	s->nranks = run->nranks;
	s->nhosts = run->nhosts;
	s->team = run->team;
	s->where.looks_closely = run->where.looks_closely;
	s->subject.settings = run->subject.settings;
	s->engine.settings = run->engine.settings;
	s->engine.kernel = run->engine.kernel;
	s->engine.costs = run->engine.costs;
	s->dataset = qn_strdup(path);
	s->subject.settings.dataset = s->dataset;
	s->name = s->dataset ? last_part(s->dataset) : NULL;
	return s;
}

static enum quern_status add_single(quern_run *run, const char *path, struct quern_message *err)
{
	quern_run *s = new_single(run, path);

	if (s)
		run->single[run->nsingles++] = s;
	if (!s || !s->dataset)
		return qn_error_nomem(err, sizeof(*s), "a run");
	for (size_t i = 0; i + 1 < run->nsingles; i++)
		if (!strcmp(run->single[i]->name, s->name))
			return qn_error_set(err, QUERN_ERR_USAGE,
					    "-d: %s and %s would both be called %s in the result: "
					    "run them one by one",
					    run->single[i]->dataset, s->dataset, s->name);
	return QUERN_OK;
}

static enum quern_status make_singles(quern_run *run, const struct qn_names *paths, size_t n,
				      struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	if (run->engine.settings.expr)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--expr: makes one result, and -d names %zu datasets: name "
				    "one; the expression knows the others by their names",
				    n);
	run->single = qn_calloc(n, sizeof(*run->single));
	if (!run->single)
		return qn_error_nomem(err, n * sizeof(*run->single), "runs");
	for (size_t i = 0; !st && i < n; i++)
		st = add_single(run, paths->name[i], err);
	return st;
}

static enum quern_status take(quern_run *run, const struct qn_names *all, struct quern_message *err)
{
	size_t n = 0;
	enum quern_status st = QUERN_OK;

	while (n < all->n && *all->name[n])
		n++;
	for (size_t i = n + 1; !st && !run->rank && i < all->n; i++)
		st = qn_names_add(&run->subject.warnings, all->name[i], err);
	if (st || n > 1)
		return st ? st : make_singles(run, all, n, err);
	run->dataset = qn_strdup(all->name[0]);
	run->subject.settings.dataset = run->dataset;
	return run->dataset ? QUERN_OK : qn_error_nomem(err, 0, "the name of a dataset");
}

enum quern_status qn_datasets_find(quern_run *run, struct quern_message *err)
{
	const char *text = run->named.results;
	struct qn_names all = { .n = 0 };
	enum quern_status st;

	if (!text || (!strchr(text, ',') && !qn_names_is_pattern(text)))
		return QUERN_OK;
	st = ask(run, text, &all, err);
	if (!st)
		st = take(run, &all, err);
	qn_names_fini(&all);
	return qn_comm_agree(run->comm, st, err);
}

void qn_datasets_fini(quern_run *run)
{
	for (size_t i = 0; i < run->nsingles; i++) {
		quern_run *s = run->single[i];

		qn_result_fini(&s->result);
		qn_run_fini(&s->engine);
		qn_access_fini(&s->where.access);
		qn_subject_fini(&s->subject);
		free(s->dataset);
		free(s);
	}
	free(run->single);
	free(run->dataset);
	run->single = NULL;
	run->nsingles = 0;
}

/* --- what is said of them --- */

enum quern_status qn_datasets_fail(quern_run *run, const quern_run *single, enum quern_status st)
{
	const bool is_named = strstr(single->err.text, single->name) != NULL;

	if (!st || !single->err.text[0])
		return st;
	if (is_named)
		return qn_error_pass(&run->err, st, &single->err);
	return qn_error_because(&run->err, st, single->err.reason, "dataset %s: %s",
				single->dataset, single->err.text);
}

static enum quern_status add_warning(quern_run *run, const quern_run *s, const char *text,
				     struct quern_message *err)
{
	char *named = NULL;
	enum quern_status st;

	if (has_name(&run->subject.warnings, text))
		return QUERN_OK;
	if (strstr(text, s->name))
		return qn_names_add(&run->subject.warnings, text, err);
	if (qn_asprintf(&named, "%s: %s", s->name, text) < 0)
		return qn_error_nomem(err, strlen(text), "a warning");
	st = qn_names_add(&run->subject.warnings, named, err);
	free(named);
	return st;
}

enum quern_status qn_datasets_warn(quern_run *run, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; i < run->nsingles; i++) {
		const quern_run *s = run->single[i];
		const struct qn_names *l[] = { &s->subject.warnings, &s->engine.warnings };

		for (int k = 0; k < 2; k++)
			for (size_t w = 0; !st && w < l[k]->n; w++)
				st = add_warning(run, s, l[k]->name[w], err);
	}
	return st;
}

/* --- one file for all --- */

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* NULL axes: they have none. */
static bool same_values(const struct qn_axis_values *a, const struct qn_axis_values *b)
{
	if (!a || !b)
		return !a == !b;
	return a->n == b->n && a->is_real == b->is_real && a->dtype == b->dtype &&
	       same_text(a->units, b->units) && same_text(a->calendar, b->calendar) &&
	       (!a->n || !memcmp(a->values, b->values, a->n * sizeof(*a->values)));
}

static enum quern_status check_dimension(const quern_run *a, int i, const quern_run *b, int j,
					 const char *file, struct quern_message *err)
{
	const uint64_t n = qn_picks_count(&a->subject.picks, &a->subject.selection, i);
	const uint64_t m = qn_picks_count(&b->subject.picks, &b->subject.selection, j);
	const char *name = a->subject.dataset.dim_name[i];
	char how[96] = "does not have the coordinates";

	if (a->engine.reduced[i] || b->engine.reduced[j] || !name ||
	    !same_text(name, b->subject.dataset.dim_name[j]))
		return QUERN_OK;
	if (n == m && same_values(a->subject.axes ? &a->subject.axes[i] : NULL,
				  b->subject.axes ? &b->subject.axes[j] : NULL))
		return QUERN_OK;
	if (n != m)
		snprintf(how, sizeof(how), "has %" PRIu64 " indexes, not %" PRIu64, m, n);
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"--output %s: dimension %s of %s %s as that of %s, and one file cannot "
		"have both: write .json or .csv, or a file for each with a run of its own",
		file, name, b->dataset, how, a->dataset);
}

static enum quern_status check_dimensions(const quern_run *a, const quern_run *b, const char *file,
					  struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (int i = 0; !st && i < a->subject.dataset.ndim; i++)
		for (int j = 0; !st && j < b->subject.dataset.ndim; j++)
			st = check_dimension(a, i, b, j, file, err);
	return st;
}

/* How many fields it has; *name: the i-th. */
static size_t field_at(const quern_run *s, size_t i, const char **name)
{
	const char *const *fields = s->engine.kernel->fields(s->engine.self);
	const struct qn_names *picked = &s->engine.fields;
	size_t n = 0;

	for (; picked->n ? n < picked->n : fields[n] != NULL; n++)
		if (n == i)
			*name = picked->n ? picked->name[n] : fields[n];
	return n;
}

/* The variable of a field of a is not called as one of b, or as a dimension of it. */
static enum quern_status check_variables(const quern_run *a, const quern_run *b, const char *file,
					 struct quern_message *err)
{
	const char *field = "";
	const size_t n = field_at(a, 0, &field);

	for (size_t i = 0; i < n; i++) {
		char name[512];

		field_at(a, i, &field);
		snprintf(name, sizeof(name), "%s_%s", a->name, field);
		if (!strcmp(name, b->name))
			return qn_error_set(err, QUERN_ERR_USAGE,
					    "--output %s: field %s of %s would be called as the "
					    "dataset %s: write .json or .csv, or a file for each",
					    file, field, a->dataset, b->dataset);
	}
	return QUERN_OK;
}

enum quern_status qn_datasets_check_file(const quern_run *run, const char *file,
					 struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	if (run->nsingles && run->engine.settings.pairs)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--output %s: with --pairs each dataset may have groups of its "
				    "own, and one file cannot have them all: write .json or .csv",
				    file);
	for (size_t i = 0; i < run->nsingles; i++)
		for (size_t j = 0; !st && j < run->nsingles; j++) {
			if (i < j)
				st = check_dimensions(run->single[i], run->single[j], file, err);
			if (!st && i != j)
				st = check_variables(run->single[i], run->single[j], file, err);
		}
	return st;
}
