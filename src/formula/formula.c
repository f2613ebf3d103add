#include "formula/formula.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "formula/latitude.h"
#include "kernel/roles.h"
#include "select/select.h"

/* The names of a formula while it is compiled. */
struct search {
	const struct qn_subject *subject;
	const struct qn_named_list *named; /* NULL: none */
	struct qn_formula *f;
	const char *option; /* the one that is compiled */
	bool collects;	    /* any name will do, and is noted */
	bool weighs;	    /* names are those of weights */
	bool failed;
	bool *used;		    /* borrows: by number in `named` */
	struct qn_names nearby;	    /* owned: to suggest, of what is not there */
	const struct qn_keys *keys; /* NULL: none */
	char elsewhere[512];
};

static bool is_path(const struct qn_subject *s, const char *name)
{
	return !strcmp(name, s->dataset.path) || !strcmp(name, qn_text_last(s->dataset.path));
}

/* What has been given a name is no longer found by it otherwise. */
static bool is_data(const struct search *s, const char *name)
{
	const struct qn_named *named = qn_named_find(s->named, name);

	if (named)
		return !named->file && is_path(s->subject, named->path);
	return is_path(s->subject, name);
}

static enum qn_operand_kind kind_of(const struct search *s, enum qn_program_kind kind,
				    const char *name)
{
	if (kind == QN_NAME_INDEX)
		return QN_OPERAND_INDEX;
	return s->weighs && !strcmp(name, QN_COSLAT) && !qn_named_find(s->named, name)
		       ? QN_OPERAND_COSINE
		       : QN_OPERAND_BESIDE;
}

static int find_operand(const struct qn_formula *f, enum qn_operand_kind kind, const char *name)
{
	for (int i = 1; i < f->n; i++)
		if (!strcmp(f->operand[i].name, name) && kind == f->operand[i].kind)
			return i;
	return -1;
}

static int add_operand(struct qn_formula *f, enum qn_operand_kind kind, const char *name)
{
	struct qn_operand *o;

	if (f->n >= QN_PROGRAM_MOST_OPERANDS ||
	    !qn_grow_by_one(&f->operand, (size_t)f->n, sizeof(*f->operand)))
		return -1;
	o = &f->operand[f->n];
	memset(o, 0, sizeof(*o));
	o->kind = kind;
	o->dtype = QUERN_I64;
	o->name = qn_strdup(name);
	return o->name ? f->n++ : -1;
}

static int note(struct search *s, enum qn_operand_kind kind, const char *name)
{
	int i = find_operand(s->f, kind, name);

	if (i < 0)
		i = add_operand(s->f, kind, name);
	s->failed = s->failed || i < 0;
	if (i > 0 && !s->f->operand[i].option)
		s->f->operand[i].option = s->option;
	return i;
}

static void mark_used(struct search *s, const char *name)
{
	const struct qn_named *named = qn_named_find(s->named, name);

	if (named)
		s->used[named - s->named->named] = true;
}

static enum quern_status resolve(void *ctx, enum qn_program_kind kind, const char *name,
				 struct qn_program_operand *out, struct quern_message *err)
{
	struct search *s = ctx;
	const struct qn_operand *o;
	const enum qn_operand_kind what = kind_of(s, kind, name);
	int i = what == QN_OPERAND_BESIDE && is_data(s, name) ? 0 : -1;

	if (kind != QN_NAME_INDEX)
		mark_used(s, name);
	if (i < 0)
		i = s->collects ? note(s, what, name) : find_operand(s->f, what, name);
	if (i < 0)
		return QUERN_OK;
	o = &s->f->operand[i];
	if (o->why)
		return qn_error_pass(err, o->why->status, o->why);
	out->number = i;
	out->dtype = o->dtype;
	out->units = o->units;
	out->calendar = o->calendar;
	if (s->collects && i) { /* as if it were a time, which goes with everything */
		out->dtype = kind == QN_NAME_INDEX ? QUERN_I64 : QUERN_F64;
		out->units = "days since 1970-01-01";
	}
	return QUERN_OK;
}

/* Names to suggest: those that were given, the data and its dimensions, and what is like a name of nothing. */
static const char *nth(const void *ctx, int i)
{
	const struct search *s = ctx;
	const struct qn_dataset *d = &s->subject->dataset;
	const int nnamed = s->named ? s->named->n : 0;

	if (i < nnamed)
		return s->named->named[i].name;
	i -= nnamed;
	if (i == 0)
		return qn_text_last(d->path);
	for (int k = 0; k < d->ndim; k++)
		if (d->dim_name[k] && --i == 0)
			return d->dim_name[k];
	return i > 0 && (size_t)i <= s->nearby.n ? s->nearby.name[i - 1] : NULL;
}

/* A key of --by, whose name is that of its groups. */
static const char *elsewhere(void *ctx, const char *name)
{
	struct search *s = ctx;

	for (int i = 0; s->keys && i < s->keys->n; i++)
		if (s->keys->key[i].name && !strcmp(s->keys->key[i].name, name)) {
			snprintf(
				s->elsewhere, sizeof(s->elsewhere),
				"it is a key of --by, which has no name here: write %.400s in its place",
				s->keys->key[i].text);
			return s->elsewhere;
		}
	return NULL;
}

static enum quern_status compile(struct search *s, const char *what, const char *text,
				 enum qn_program_want want, bool nan_missing,
				 struct qn_program **out, struct quern_message *err)
{
	const struct qn_program_names names = {
		.ctx = s, .resolve = resolve, .nth = nth, .elsewhere = elsewhere
	};

	s->option = what;
	return text ? qn_program_compile(what, text, &names, want, nan_missing, out, err)
		    : QUERN_OK;
}

static const char *option_of(const struct qn_formula_texts *texts, enum quern_role role)
{
	if (role == QUERN_WITH && texts->against)
		return "--against";
	return role == QUERN_VALUE && texts->option ? texts->option : qn_role_option(role);
}

static void collect_of(struct search *s, const char *option, const char *text)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_program *p = NULL;

	if (compile(s, option, text, QN_WANT_ANY, true, &p, &ignored) == QUERN_ERR_RUN)
		s->failed = true; /* no memory */
	qn_program_free(p);
}

/* Which names there are. What is wrong otherwise is found when it is known what they are. */
static enum quern_status collect(struct search *s, const struct qn_formula_texts *texts,
				 struct quern_message *err)
{
	s->collects = true;
	collect_of(s, "--where", texts->where);
	collect_of(s, "--against", s->f->against.index);
	for (enum quern_role role = 0; role < QUERN_NROLES; role++) {
		s->weighs = role == QUERN_WEIGHT;
		collect_of(s, option_of(texts, role), texts->made[role]);
	}
	s->collects = s->weighs = false;
	return s->failed ? qn_error_nomem(err, 0, "the names of an expression") : QUERN_OK;
}

static bool set_index(const struct qn_subject *subject, struct qn_operand *o)
{
	const int dim = qn_dimension_find(&subject->dataset, o->name);

	if (dim >= 0)
		o->stride[dim] = 1;
	return dim >= 0;
}

/* Keeps what a message suggests. */
static enum quern_status keep_suggested(struct search *s, const struct quern_message *why,
					struct quern_message *err)
{
	return *why->near ? qn_names_add(&s->nearby, why->near, err) : QUERN_OK;
}

static void drop_operand(struct qn_formula *f, int i)
{
	qn_operand_fini(&f->operand[i]);
	memmove(&f->operand[i], &f->operand[i + 1], (size_t)(f->n - i - 1) * sizeof(*f->operand));
	f->n--;
}

/* Keeps why an operand cannot be had until it is known where it is written. */
static enum quern_status keep_why(struct qn_operand *o, const struct quern_message *why,
				  struct quern_message *err)
{
	o->why = qn_malloc(sizeof(*o->why));
	if (!o->why)
		return qn_error_nomem(err, sizeof(*o->why), "a message");
	*o->why = *why;
	return QUERN_OK;
}

/* Of what is wrong with a file, most does not know what it is read for. */
static enum quern_status blame(const struct qn_operand *o, const struct quern_message *why,
			       struct quern_message *err)
{
	if (!strncmp(why->text, o->option, strlen(o->option)))
		return qn_error_pass(err, why->status, why);
	return qn_error_because(err, why->status, why->reason, "%s: %s: %s", o->option, o->name,
				why->text);
}

/* What the names are. Those of nothing are dropped, and pointed at when the text is compiled. */
static enum quern_status find_operands(struct search *s, const struct qn_team *team,
				       struct quern_message *err)
{
	struct qn_formula *f = s->f;
	enum quern_status st = QUERN_OK;

	for (int i = 1; !st && i < f->n;) {
		struct quern_message why = { .status = QUERN_OK };
		struct qn_operand *o = &f->operand[i];
		const struct qn_named *named = qn_named_find(s->named, o->name);
		const bool is_cosine = o->kind == QN_OPERAND_COSINE;
		bool is_unknown;

		if (o->kind == QN_OPERAND_INDEX)
			is_unknown = !set_index(s->subject, o);
		else {
			st = is_cosine ? qn_coslat_find(s->subject, team, o, &why)
				       : qn_operand_find(s->subject, team, named, o, &why);
			is_unknown = st && why.reason == QN_NO_DATASET && !named && !is_cosine;
			if (st && st != QUERN_ERR_USAGE)
				return blame(o, &why, err);
			if (st)
				st = is_unknown ? keep_suggested(s, &why, err)
						: keep_why(o, &why, err);
			st = qn_comm_agree(team->comm, st, err);
		}
		if (is_unknown)
			drop_operand(f, i);
		else
			i++;
	}
	return st;
}

/* Takes NAME= off the expression. */
static enum quern_status take_name(struct qn_formula *f, const char **expr,
				   struct quern_message *err)
{
	const size_t n = *expr ? qn_named_length(*expr) : 0;

	if (!*expr)
		return QUERN_OK;
	f->name = n ? qn_strndup(*expr, n) : qn_strdup("expr");
	if (!f->name)
		return qn_error_nomem(err, n, "the name of an expression");
	*expr = n ? strchr(*expr, '=') + 1 : *expr;
	return QUERN_OK;
}

static enum quern_status start(struct search *s, const char *options, struct quern_message *err)
{
	struct qn_formula *f = s->f;
	const struct qn_dataset *d = &s->subject->dataset;
	const bool packed = s->subject->settings.raw && d->cf.has_scale;

	if (s->subject->views[0].dtype == QUERN_TEXT)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s: dataset %s is text, which expressions do not take: run "
				    "without them",
				    options, d->path);
	if (add_operand(f, QN_OPERAND_DATA, d->path) < 0)
		return qn_error_nomem(err, sizeof(*f->operand), "an expression");
	f->operand[0].dtype = s->subject->views[0].dtype;
	f->operand[0].units = qn_strdup(packed ? "" : d->units);
	f->operand[0].calendar = qn_strdup(packed ? "" : d->calendar);
	return f->operand[0].units && f->operand[0].calendar
		       ? QUERN_OK
		       : qn_error_nomem(err, sizeof(d->units), "an expression");
}

static enum quern_status compile_all(struct search *s, const struct qn_formula_texts *texts,
				     struct quern_message *err)
{
	struct qn_formula *f = s->f;
	const bool nan = f->nan_missing;
	enum quern_status st =
		compile(s, "--where", texts->where, QN_WANT_CONDITION, nan, &f->where, err);

	for (enum quern_role role = 0; !st && role < QUERN_NROLES; role++) {
		s->weighs = role == QUERN_WEIGHT;
		st = compile(s, option_of(texts, role), texts->made[role], QN_WANT_NUMBER, nan,
			     &f->made[role], err);
	}
	return st;
}

/* A name that is written for nothing is one that is misspelt where it was meant. */
static enum quern_status check_used(const struct search *s, struct quern_message *err)
{
	const struct qn_named_list *l = s->named;
	const struct qn_named *data = l && !l->results ? qn_named_first(l) : NULL;

	for (int i = 0; l && i < l->n; i++)
		if (&l->named[i] != data && !s->used[i])
			return qn_error_set(err, QUERN_ERR_USAGE,
					    "--dataset: %s=%s%s%s is not used: --expr, --with, "
					    "--where, --weights and --by have no such name",
					    l->named[i].name, l->named[i].path,
					    l->named[i].file ? "@" : "",
					    l->named[i].file ? l->named[i].file : "");
	return QUERN_OK;
}

/* Of the names that were found. */
static bool has_coordinate(const struct search *s)
{
	const struct qn_against *a = &s->f->against;
	const int i = a->name ? find_operand(s->f, QN_OPERAND_BESIDE, a->name) : -1;

	if (a->name && is_data(s, a->name))
		return s->subject->dataset.ndim == 1;
	return i >= 0 && qn_against_is_along(a, s->subject, &s->f->operand[i]);
}

static enum quern_status find_all(struct search *s, const struct qn_team *team,
				  const struct qn_formula_texts *texts, struct quern_message *err)
{
	struct qn_formula_texts own = *texts;
	struct qn_against *against = &s->f->against;
	enum quern_status st =
		start(s, texts->option ? texts->option : "--expr, --with, --where, --weights", err);

	if (!st && !texts->option)
		st = take_name(s->f, &own.made[QUERN_VALUE], err);
	if (!st && texts->against)
		st = qn_against_find(s->subject, texts->against, against, err);
	own.made[QUERN_WITH] = texts->against ? against->coordinate : texts->made[QUERN_WITH];
	if (!st)
		st = collect(s, &own, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = find_operands(s, team, err);
	if (!st && texts->against && !has_coordinate(s)) {
		own.made[QUERN_WITH] = against->index;
		s->f->lacks_coordinate = true;
	}
	if (!st)
		st = compile_all(s, &own, err);
	return st;
}

static bool says_any(const struct qn_formula_texts *texts)
{
	bool any = texts->where || texts->against;

	for (int i = 0; i < QUERN_NROLES; i++)
		any = any || texts->made[i];
	return any;
}

enum quern_status qn_formula_find(const struct qn_subject *subject, const struct qn_team *team,
				  const struct qn_formula_texts *texts, bool nan_missing,
				  struct qn_formula *out, struct quern_message *err)
{
	struct search s = { .subject = subject,
			    .named = texts->named,
			    .keys = texts->keys,
			    .used = texts->used,
			    .f = out };
	bool *own = NULL;
	const bool has_names = texts->named && texts->named->n, is_one = texts->option;
	enum quern_status st = QUERN_OK;

	*out = (struct qn_formula){ .nan_missing = nan_missing,
				    .against.dim = -1,
				    .picks = subject->picks.any ? &subject->picks : NULL,
				    .selection = &subject->selection };
	if (!says_any(texts) && (!has_names || is_one))
		return QUERN_OK;
	if (has_names && !s.used)
		s.used = own = qn_calloc((size_t)texts->named->n, sizeof(*s.used));
	if (has_names && !s.used)
		st = qn_error_nomem(err, (size_t)texts->named->n, "names of datasets");
	st = qn_comm_agree(team->comm, st, err);
	if (!st && says_any(texts))
		st = find_all(&s, team, texts, err);
	if (!st && !is_one)
		st = check_used(&s, err);
	qn_names_fini(&s.nearby);
	free(own);
	return qn_comm_agree(team->comm, st, err);
}

void qn_formula_fini(struct qn_formula *f)
{
	qn_program_free(f->where);
	for (int i = 0; i < QUERN_NROLES; i++)
		qn_program_free(f->made[i]);
	for (int i = 0; i < f->n; i++)
		qn_operand_fini(&f->operand[i]);
	free(f->operand);
	free(f->row_weight);
	free(f->name);
	qn_against_fini(&f->against);
	memset(f, 0, sizeof(*f));
}

bool qn_formula_is_any(const struct qn_formula *f)
{
	return qn_formula_has_program(f) || f->picks;
}

bool qn_formula_has_program(const struct qn_formula *f)
{
	return f->made[QUERN_VALUE] || f->made[QUERN_WITH] || f->where ||
	       (f->made[QUERN_WEIGHT] && !f->row_weight);
}

uint64_t qn_formula_nbytes(const struct qn_formula *f)
{
	uint64_t nbytes = f->nrow_weights * sizeof(*f->row_weight);

	for (int i = 0; i < f->n; i++)
		nbytes += f->operand[i].nvalues * qn_view_size(f->operand[i].dtype) +
			  f->operand[i].nvalues / 8 +
			  (f->operand[i].stored ? qn_stored_nbytes(f->operand[i].stored) : 0);
	return nbytes;
}

void qn_formula_limit(struct qn_formula *f, uint64_t nbytes)
{
	uint64_t n = 0;

	for (int i = 0; i < f->n; i++)
		n += f->operand[i].stored != NULL;
	for (int i = 0; i < f->n; i++)
		if (f->operand[i].stored)
			f->operand[i].stored->keeps_nbytes =
				qn_min_u64(f->operand[i].stored->keeps_nbytes, nbytes / n);
}

enum quern_dtype qn_formula_dtype(const struct qn_formula *f, enum quern_dtype data)
{
	return f->made[QUERN_VALUE] ? qn_program_dtype(f->made[QUERN_VALUE]) : data;
}

unsigned qn_formula_roles(const struct qn_formula *f)
{
	unsigned roles = 0;

	for (int i = QUERN_VALUE + 1; i < QUERN_NROLES; i++)
		roles |= f->made[i] ? QUERN_ROLE(i) : 0;
	return roles;
}

/* As it is, or between backquotes. */
static bool is_name(const char *text, const char *name)
{
	const size_t n = strlen(name), quote = *text == '`';

	return !strncmp(text + quote, name, n) && strlen(text) == n + 2 * quote;
}

const char *qn_formula_units(const struct qn_formula *f, enum quern_role role)
{
	const struct qn_program *p = f->made[role];
	const char *text = p ? qn_program_text(p) : "";

	for (int i = 0; p && i < f->n; i++) {
		const struct qn_operand *o = &f->operand[i];

		if (qn_program_uses(p, i) && o->kind != QN_OPERAND_INDEX && o->units &&
		    (is_name(text, o->name) || (i == 0 && is_name(text, qn_text_last(o->name)))))
			return o->units;
	}
	return "";
}
