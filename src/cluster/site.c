#include "cluster/site.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/system.h"

#define MOST_NBYTES (UINT64_C(1) << 20)
#define MOST_LINE   4096
#define MOST_NAME   63

struct reading {
	struct qn_site *site;
	const char *file;
	size_t line;
	struct quern_message *err;
};

static enum quern_status wrong(const struct reading *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static enum quern_status wrong(const struct reading *r, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (qn_vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	qn_error_set(r->err, QUERN_ERR_DATA, "--site %s: line %zu: %s", r->file, r->line,
		     text ? text : "out of memory");
	free(text);
	return QUERN_ERR_DATA;
}

/* --- words --- */

static const char blanks[] = " \t";

/* The next word of a line, or NULL; ends it, and moves *rest behind it. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, blanks);
	char *end = word + strcspn(word, blanks);

	*rest = end + strspn(end, blanks);
	*end = '\0';
	return *word ? word : NULL;
}

/* What names of hosts and labels consist of. */
static bool is_name(const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)word[i]) && !strchr("._-", word[i]))
			return false;
	return n > 0 && n <= MOST_NAME;
}

/* --- lines --- */

static const char *const limit_names[QN_NLIMITS] = { "disk", "shared_host", "shared" };

static const char *tier_name(int i)
{
	return qn_tier_name((enum qn_tier)i);
}

static const char *limit_name(int i)
{
	return limit_names[i];
}

/* "WHAT RATE", where WHAT is one of n names. */
static enum quern_status take_rate(struct reading *r, char *rest, const char *keyword, int n,
				   const char *(*name)(int), double *rates)
{
	const char *what = next_word(&rest), *rate = next_word(&rest);
	int64_t value;
	int i = 0;

	if (!what || !rate || *rest)
		return wrong(r, "not '%s WHAT BYTES_PER_SECOND'", keyword);
	while (i < n && strcmp(name(i), what))
		i++;
	if (i == n) {
		char names[128] = "";

		for (int k = 0; k < n; k++) {
			size_t used = strlen(names);

			snprintf(names + used, sizeof(names) - used, "%s%s", k ? ", " : "",
				 name(k));
		}
		return wrong(r, "%s of '%.64s': it is of one of %s", keyword, what, names);
	}
	if (!qn_parse_size(rate, &value) || value < 1)
		return wrong(r, "'%.64s' is no number of bytes a second, as in 3G", rate);
	if (rates[i] > 0)
		return wrong(r, "%s %s is said twice", keyword, what);
	rates[i] = (double)value;
	return QUERN_OK;
}

static enum quern_status take_bandwidth(struct reading *r, char *rest)
{
	return take_rate(r, rest, "bandwidth", QN_NTIERS, tier_name, r->site->read);
}

static enum quern_status take_limit(struct reading *r, char *rest)
{
	return take_rate(r, rest, "limit", QN_NLIMITS, limit_name, r->site->limit);
}

/* Makes "//" and "/" at the end go away; false: it is not absolute, or has "." or ".." in it. */
static bool tidy(char *path)
{
	char *to = path, *from = path;

	if (*path != '/')
		return false;
	while (*from) {
		size_t n;

		from += strspn(from, "/");
		n = strcspn(from, "/");
		if ((n == 1 && from[0] == '.') || (n == 2 && !memcmp(from, "..", 2)))
			return false;
		if (!n)
			break;
		*to++ = '/';
		memmove(to, from, n);
		to += n;
		from += n;
	}
	*to = '\0';
	return true;
}

/* A path is the rest of its line, blanks inside of it too. */
static enum quern_status take_root(struct reading *r, char *rest, bool shared)
{
	struct qn_site *s = r->site;
	struct qn_root *more;
	size_t n = strlen(rest);

	while (n && strchr(blanks, rest[n - 1]))
		rest[--n] = '\0';
	if (!tidy(rest))
		return wrong(r, "'%.200s' is no absolute path without . and ..", rest);
	for (size_t i = 0; i < s->nroots; i++)
		if (!strcmp(s->root[i].path, rest))
			return wrong(r, "%.200s is said twice", *rest ? rest : "/");
	more = qn_realloc(s->root, (s->nroots + 1) * sizeof(*more));
	if (!more)
		return qn_error_nomem(r->err, (s->nroots + 1) * sizeof(*more), "the site file");
	s->root = more;
	s->root[s->nroots] = (struct qn_root){ qn_strdup(rest), shared };
	if (!s->root[s->nroots].path)
		return qn_error_nomem(r->err, n, "the site file");
	s->nroots++;
	return QUERN_OK;
}

static enum quern_status take_local(struct reading *r, char *rest)
{
	return take_root(r, rest, false);
}

static enum quern_status take_shared(struct reading *r, char *rest)
{
	return take_root(r, rest, true);
}

static enum quern_status add_label(struct reading *r, const char *host, const char *name)
{
	struct qn_site *s = r->site;
	struct qn_label *more, *l;

	if (!is_name(name))
		return wrong(r, "label '%.64s': letters, digits, . _ and -, %d at most", name,
			     MOST_NAME);
	for (size_t i = 0; i < s->nlabels; i++)
		if (!strcmp(s->label[i].host, host) && !strcmp(s->label[i].name, name))
			return wrong(r, "label %s of %s is said twice", name, host);
	more = qn_realloc(s->label, (s->nlabels + 1) * sizeof(*more));
	if (!more)
		return qn_error_nomem(r->err, (s->nlabels + 1) * sizeof(*more), "the site file");
	s->label = more;
	l = &s->label[s->nlabels++];
	*l = (struct qn_label){ qn_strdup(host), qn_strdup(name) };
	return l->host && l->name ? QUERN_OK : qn_error_nomem(r->err, 0, "the site file");
}

static enum quern_status take_label(struct reading *r, char *rest)
{
	const char *host = next_word(&rest);
	enum quern_status st = QUERN_OK;

	if (!host || !*rest)
		return wrong(r, "not 'label HOST NAME...'");
	if (!is_name(host))
		return wrong(r, "'%.64s' is no name of a host", host);
	while (!st && *rest)
		st = add_label(r, host, next_word(&rest));
	return st;
}

static const struct keyword {
	const char *name;
	enum quern_status (*take)(struct reading *r, char *rest);
} keywords[] = {
	{ "bandwidth", take_bandwidth }, { "limit", take_limit }, { "local", take_local },
	{ "shared", take_shared },	 { "label", take_label },
};

#define NKEYWORDS (sizeof(keywords) / sizeof(*keywords))

/* Cuts off a comment: a # at the beginning or behind a blank. */
static void cut_comment(char *line)
{
	for (char *p = line; *p; p++)
		if (*p == '#' && (p == line || strchr(blanks, p[-1]))) {
			*p = '\0';
			return;
		}
}

static enum quern_status take_line(struct reading *r, char *line)
{
	char *rest = line;
	const char *word;

	cut_comment(line);
	word = next_word(&rest);
	if (!word)
		return QUERN_OK;
	for (size_t i = 0; i < NKEYWORDS; i++)
		if (!strcmp(keywords[i].name, word))
			return keywords[i].take(r, rest);
	return wrong(r, "'%.64s': a line begins with bandwidth, limit, local, shared, label or #",
		     word);
}

/* --- the file --- */

static bool is_text(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			return false;
	return true;
}

enum quern_status qn_site_parse(const char *file, const char *text, size_t nbytes,
				struct qn_site *site, struct quern_message *err)
{
	struct reading r = { .site = site, .file = file, .err = err };
	const char *end = text + nbytes;
	char line[MOST_LINE + 1];
	enum quern_status st = QUERN_OK;

	memset(site, 0, sizeof(*site));
	for (const char *at = text; !st && at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at);

		r.line++;
		if (n > MOST_LINE || !is_text(at, n))
			return wrong(&r, "not a line of text");
		memcpy(line, at, n);
		line[n] = '\0';
		st = take_line(&r, line);
		at += n + 1;
	}
	return st;
}

static enum quern_status read_file(const char *file, void **text, size_t *nbytes,
				   struct quern_message *err)
{
	*text = qn_file_load(file, MOST_NBYTES, nbytes);
	if (*text)
		return QUERN_OK;
	if (errno == EFBIG)
		return qn_error_set(err, QUERN_ERR_DATA, "--site %s: larger than a site file is",
				    file);
	return qn_error_set(err, qn_file_status(errno), "--site %s: %s", file, qn_file_why(errno));
}

enum quern_status qn_site_load(struct qn_comm *c, const char *file, struct qn_site *site,
			       struct quern_message *err)
{
	bool leads = qn_comm_rank(c) == 0;
	void *text = NULL;
	size_t nbytes = 0;
	enum quern_status st = QUERN_OK;

	memset(site, 0, sizeof(*site));
	if (!file)
		return QUERN_OK;
	if (leads)
		st = read_file(file, &text, &nbytes, err);
	if (leads && !st)
		st = qn_site_parse(file, text, nbytes, site, err);
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_bcast_block(c, &text, &nbytes, err);
	if (!st && !leads)
		st = qn_site_parse(file, text, nbytes, site, err);
	free(text);
	return qn_comm_agree(c, st, err);
}

void qn_site_fini(struct qn_site *site)
{
	for (size_t i = 0; i < site->nroots; i++)
		free(site->root[i].path);
	for (size_t i = 0; i < site->nlabels; i++) {
		free(site->label[i].host);
		free(site->label[i].name);
	}
	free(site->root);
	free(site->label);
	memset(site, 0, sizeof(*site));
}

/* --- what it says --- */

static bool is_below(const char *file, const char *root)
{
	size_t n = strlen(root);

	return !strncmp(file, root, n) && file[n] == '/';
}

bool qn_site_knows(const struct qn_site *site, const char *file, bool *shared)
{
	char *real = site->nroots ? qn_sys_realpath(file, NULL) : NULL;
	const struct qn_root *best = NULL;

	for (size_t i = 0; i < site->nroots; i++) {
		const struct qn_root *r = &site->root[i];

		if ((is_below(file, r->path) || (real && is_below(real, r->path))) &&
		    (!best || strlen(r->path) > strlen(best->path)))
			best = r;
	}
	free(real);
	if (best)
		*shared = best->shared;
	return best != NULL;
}

void qn_site_rates(const struct qn_site *site, struct qn_rates *rates)
{
	const struct {
		double *limit;
		enum qn_tier tier;
	} limits[QN_NLIMITS] = {
		[QN_LIMIT_DISK] = { &rates->disk, QN_DISK },
		[QN_LIMIT_SHARED_HOST] = { &rates->shared_host, QN_SHARED },
		[QN_LIMIT_SHARED] = { &rates->shared, QN_SHARED },
	};

	for (int t = 0; t < QN_NTIERS; t++)
		if (site->read[t] > 0)
			rates->read[t] = 1 / site->read[t];
	for (int i = 0; i < QN_NLIMITS; i++) {
		double thread = site->read[limits[i].tier];

		if (site->limit[i] > 0)
			*limits[i].limit = site->limit[i];
		else if (*limits[i].limit > 0 && thread > *limits[i].limit)
			*limits[i].limit = thread;
	}
}
