#include "base/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_WORD 64

static int count_rows(const struct quern_option *const *tables, int ntables)
{
	int n = 0;

	for (int t = 0; t < ntables; t++)
		for (const struct quern_option *row = tables[t]; row && row->name; row++)
			n++;
	return n;
}

static enum quern_status store(struct qn_option_value *v, const char *text,
			       struct quern_message *err)
{
	char *copy = NULL;

	if (text && !(copy = qn_strdup(text)))
		return qn_error_nomem(err, strlen(text), "an option");
	free(v->text);
	v->text = copy;
	return QUERN_OK;
}

enum quern_status qn_options_init(struct quern_options *o, const struct quern_option *const *tables,
				  int ntables, struct quern_message *err)
{
	int n = count_rows(tables, ntables);

	o->n = 0;
	o->value = qn_calloc((size_t)n, sizeof(*o->value));
	if (!o->value)
		return qn_error_nomem(err, (size_t)n * sizeof(*o->value), "options");
	for (int t = 0; t < ntables; t++)
		for (const struct quern_option *row = tables[t]; row && row->name; row++) {
			struct qn_option_value *v = &o->value[o->n++];

			v->row = row;
			if (store(v, row->fallback, err)) {
				qn_options_fini(o);
				return QUERN_ERR_RUN;
			}
		}
	return QUERN_OK;
}

void qn_options_fini(struct quern_options *o)
{
	for (int i = 0; i < o->n; i++)
		free(o->value[i].text);
	free(o->value);
	memset(o, 0, sizeof(*o));
}

static struct qn_option_value *find(const struct quern_options *o, const char *name)
{
	for (int i = 0; i < o->n; i++)
		if (!strcmp(o->value[i].row->name, name))
			return &o->value[i];
	return NULL;
}

const struct quern_option *qn_options_row(const struct quern_options *o, const char *name)
{
	const struct qn_option_value *v = find(o, name);

	return v ? v->row : NULL;
}

bool qn_parse_size(const char *text, int64_t *nbytes)
{
	static const char suffix[] = "KMGT";
	char *end;
	double v = strtod(text, &end);

	if (end == text || !(v >= 0))
		return false;
	if (*end) {
		const char *s = strchr(suffix, toupper((unsigned char)*end));

		if (!s)
			return false;
		v = ldexp(v, 10 * (int)(s - suffix + 1));
		end++;
		if (*end == 'i')
			end++;
		if (*end == 'B')
			end++;
	}
	if (*end || v >= 9e18)
		return false;
	*nbytes = (int64_t)v;
	return true;
}

static bool parse_int(const char *text, int64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoll(text, &end, 10);
	return end != text && !*end && !errno;
}

/* Parses comma-separated numbers; -1 when one of them is none. v may be NULL. */
static int64_t parse_reals(const char *text, size_t nmax, double *v)
{
	int64_t n = 0;

	for (;;) {
		char *end;
		double x = strtod(text, &end);

		if (end == text || isnan(x))
			return -1;
		if (v && (size_t)n < nmax)
			v[n] = x;
		n++;
		if (!*end)
			return n;
		if (*end != ',')
			return -1;
		text = end + 1;
	}
}

static bool is_choice(const char *words, const char *text)
{
	size_t len = strlen(text);

	if (strchr(text, '|'))
		return false;
	for (const char *p = words; p; p = strchr(p, '|')) {
		p += *p == '|';
		if (!strncmp(p, text, len) && (p[len] == '|' || !p[len]))
			return len > 0;
	}
	return false;
}

static enum quern_status check_int(const struct quern_option *row, const char *text,
				   struct quern_message *err)
{
	int64_t v;
	bool ok = row->type == QUERN_OPT_SIZE ? qn_parse_size(text, &v) : parse_int(text, &v);

	if (ok && row->min <= v && v <= row->max)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--%s: '%s' is not %s from %" PRId64 " to %" PRId64, row->name, text,
			    row->type == QUERN_OPT_SIZE ? "a size (such as 512M)" : "an integer",
			    row->min, row->max);
}

static enum quern_status check_reals(const struct quern_option *row, const char *text,
				     struct quern_message *err)
{
	int64_t n = parse_reals(text, 0, NULL);

	if (n >= row->min && n <= row->max)
		return QUERN_OK;
	if (row->min == row->max)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--%s: '%s' is not %" PRId64 " numbers separated by commas",
				    row->name, text, row->min);
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--%s: '%s' is not a list of %" PRId64 " to %" PRId64
			    " numbers separated by commas",
			    row->name, text, row->min, row->max);
}

/* What a variable of a script left empty means something else than an option that is not there. */
static enum quern_status check_string(const struct quern_option *row, const char *text,
				      struct quern_message *err)
{
	if (text[strspn(text, " \t\n")])
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--%s '%s': the text of %s is empty; leave the option "
			    "out where nothing is meant",
			    row->name, text, row->arg);
}

static enum quern_status check_value(const struct quern_option *row, const char *text,
				     struct quern_message *err)
{
	switch (row->type) {
	case QUERN_OPT_FLAG:
		return QUERN_OK;
	case QUERN_OPT_STRING:
	case QUERN_OPT_LIST:
		return check_string(row, text, err);
	case QUERN_OPT_INT:
	case QUERN_OPT_SIZE:
		return check_int(row, text, err);
	case QUERN_OPT_CHOICE:
		if (is_choice(row->arg, text))
			return QUERN_OK;
		return qn_error_set(err, QUERN_ERR_USAGE, "--%s: '%s' is not one of %s", row->name,
				    text, row->arg);
	case QUERN_OPT_REALS:
		return check_reals(row, text, err);
	}
	return QUERN_OK;
}

static enum quern_status set_flag(struct qn_option_value *v, const char *text,
				  struct quern_message *err)
{
	if (text && strcmp(text, "0") && strcmp(text, "1"))
		return qn_error_set(err, QUERN_ERR_USAGE, "--%s: '%s' is neither 0 nor 1",
				    v->row->name, text);
	return store(v, text && *text == '0' ? NULL : "1", err);
}

/* Names that options had. */
static const struct {
	const char *before, *now, *of;
} renamed[] = {
	{ "by", "cut", "stage" },
};

const char *qn_option_renamed(const char *name, const char **now)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++)
		if (!strcmp(renamed[i].before, name)) {
			*now = renamed[i].now;
			return renamed[i].of;
		}
	return NULL;
}

static const char *option_name(const void *ctx, int i)
{
	const struct quern_options *o = ctx;

	return i < o->n ? o->value[i].row->name : NULL;
}

static enum quern_status no_option(const struct quern_options *o, const char *name,
				   struct quern_message *err)
{
	const char *now = NULL, *of = qn_option_renamed(name, &now);
	const char *near = qn_nearest(name, option_name, o);

	if (of && qn_options_row(o, now))
		return qn_error_set(err, QUERN_ERR_USAGE, "--%s of %s is now called --%s", name, of,
				    now);
	return qn_error_set(err, QUERN_ERR_USAGE, "unknown option --%s%s%s%s", name,
			    near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

enum quern_status qn_options_set(struct quern_options *o, const char *name, const char *text,
				 struct quern_message *err)
{
	struct qn_option_value *v = find(o, name);
	enum quern_status st;

	if (!v)
		return no_option(o, name, err);
	if (v->row->type == QUERN_OPT_FLAG)
		return set_flag(v, text, err);
	if (!text)
		return qn_error_set(err, QUERN_ERR_USAGE, "--%s needs a value: --%s %s", name, name,
				    v->row->arg);
	st = check_value(v->row, text, err);
	return st ? st : store(v, text, err);
}

void qn_option_variable(const struct quern_option *row, char *out, size_t nbytes)
{
	size_t n = (size_t)snprintf(out, nbytes, "QUERN_%s", row->name);

	for (size_t i = 0; i < n && i + 1 < nbytes; i++)
		out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

enum quern_status qn_options_from_environment(struct quern_options *o, struct quern_message *err)
{
	for (int i = 0; i < o->n; i++) {
		char name[MAX_WORD];
		const char *text;
		enum quern_status st;
		struct quern_message why = { 0 };

		qn_option_variable(o->value[i].row, name, sizeof(name));
		text = getenv(name);
		if (!text || !*text)
			continue;
		st = qn_options_set(o, o->value[i].row->name, text, &why);
		if (st)
			return qn_error_set(err, st, "environment variable %s: %s", name, why.text);
	}
	return QUERN_OK;
}

/* Each value: a byte that says whether there is one, the text, a zero byte. */
char *qn_options_pack(const struct quern_options *o, size_t *nbytes)
{
	size_t n = 0;
	char *data, *p;

	for (int i = 0; i < o->n; i++)
		n += 2 + (o->value[i].text ? strlen(o->value[i].text) : 0);
	p = data = qn_calloc(n, 1);
	if (!data)
		return NULL;
	for (int i = 0; i < o->n; i++) {
		const char *text = o->value[i].text;

		*p++ = text ? 1 : 0;
		if (text)
			p = stpcpy(p, text);
		p++;
	}
	*nbytes = n;
	return data;
}

enum quern_status qn_options_unpack(struct quern_options *o, const char *data, size_t nbytes,
				    struct quern_message *err)
{
	const char *p = data, *end = data + nbytes;

	for (int i = 0; i < o->n; i++) {
		const char *zero = p < end ? memchr(p + 1, 0, (size_t)(end - p) - 1) : NULL;
		enum quern_status st;

		if (!zero)
			return qn_error_set(err, QUERN_ERR_RUN,
					    "packed options are cut short: do "
					    "all ranks run the same version of quern?");
		st = store(&o->value[i], *p ? p + 1 : NULL, err);
		if (st)
			return st;
		p = zero + 1;
	}
	if (p != end)
		return qn_error_set(err, QUERN_ERR_RUN,
				    "packed options are too long: do all ranks "
				    "run the same kernel and version of quern?");
	return QUERN_OK;
}

/* Levenshtein distance of words shorter than MAX_WORD. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[MAX_WORD], nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = change < other ? change : other;
		}
	}
	return row[nb];
}

const char *qn_nearest(const char *word, const char *(*next)(const void *ctx, int i),
		       const void *ctx)
{
	const char *best = NULL, *candidate;
	size_t best_distance = strlen(word) / 3 + 2;

	if (strlen(word) >= MAX_WORD)
		return NULL;
	for (int i = 0; (candidate = next(ctx, i)); i++) {
		size_t distance;

		if (strlen(candidate) >= MAX_WORD)
			continue;
		distance = edit_distance(word, candidate);
		if (distance < best_distance) {
			best = candidate;
			best_distance = distance;
		}
	}
	return best;
}

static const char *word_at(const void *ctx, int i)
{
	return ((const char *const *)ctx)[i];
}

enum quern_status qn_variable_word(const char *variable, const char *const *words, int *which,
				   struct quern_message *err)
{
	const char *text = getenv(variable), *near;
	char all[MAX_WORD] = "";

	if (!text || !*text)
		return QUERN_OK;
	for (int i = 0; words[i]; i++) {
		const size_t n = strlen(all);

		if (!strcmp(text, words[i])) {
			*which = i;
			return QUERN_OK;
		}
		snprintf(all + n, sizeof(all) - n, "%s%s", i ? "|" : "", words[i]);
	}
	near = qn_nearest(text, word_at, words);
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "environment variable %s: '%s' is not one of %s%s%s%s", variable, text,
			    all, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

const char *quern_option_string(const struct quern_options *o, const char *name)
{
	const struct qn_option_value *v = find(o, name);

	return v ? v->text : NULL;
}

bool quern_option_flag(const struct quern_options *o, const char *name)
{
	return quern_option_string(o, name) != NULL;
}

int64_t quern_option_int(const struct quern_options *o, const char *name)
{
	const struct qn_option_value *v = find(o, name);
	int64_t n = 0;

	if (!v || !v->text)
		return 0;
	if (v->row->type == QUERN_OPT_SIZE)
		return qn_parse_size(v->text, &n) ? n : 0;
	return parse_int(v->text, &n) ? n : 0;
}

size_t quern_option_reals(const struct quern_options *o, const char *name, size_t nmax, double *v)
{
	const char *text = quern_option_string(o, name);
	int64_t n = text ? parse_reals(text, nmax, v) : 0;

	return n < 0 ? 0 : (size_t)qn_min_u64((uint64_t)n, nmax);
}
