#include "describe/describe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "base/text.h"
#include "data/frame.h"
#include "extract/extract.h"

enum quern_status qn_source_format(const char *file, const struct qn_format **format,
				   struct quern_message *err)
{
	char names[128] = "";
	struct stat s;

	*format = qn_extract_format();
	if (!*format)
		*format = qn_frame_format(file);
	if (*format)
		return QUERN_OK;
	for (const struct qn_format *const *f = qn_formats; *f; f++) {
		bool is = false;
		enum quern_status st = (*f)->probe(file, &is, err);
		size_t used = strlen(names);

		if (st)
			return st;
		if (is) {
			*format = qn_extract_note_format(*f);
			return QUERN_OK;
		}
		snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", (*f)->name);
	}
	if (!qn_sys_stat(file, &s) && !s.st_size)
		return qn_error_set(err, QUERN_ERR_DATA, "%s: is empty: 0 bytes", file);
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: not a file that quern reads (%s); "
			    "netCDF-3 files can be converted with `nccopy -k nc4`",
			    file, names);
}

/* --- the dataset that is meant --- */

bool qn_source_is_variable(const struct qn_listing *l, size_t i)
{
	return !l->about || l->about[i].role == QN_VARIABLE;
}

/* Which of the datasets may be meant: variables; where there are none, all but dimensions. */
struct candidates {
	const struct qn_listing *l;
	const char *below; /* in this group; NULL: in the file */
	bool coordinates;  /* there are no variables */
	size_t n, first;
};

static bool is_candidate(const struct candidates *c, size_t i)
{
	if (c->below && !qn_path_is_below(c->l->path[i], c->below))
		return false;
	return qn_source_is_variable(c->l, i) ||
	       (c->coordinates && c->l->about[i].role != QN_DIMENSION);
}

static void count(struct candidates *c)
{
	c->n = 0;
	for (size_t i = c->l->n; i-- > 0;)
		if (is_candidate(c, i)) {
			c->n++;
			c->first = i;
		}
}

static struct candidates find_candidates(const struct qn_listing *l, const char *below)
{
	struct candidates c = { .l = l, .below = below };

	count(&c);
	c.coordinates = !c.n;
	if (!c.n)
		count(&c);
	return c;
}

/* A text that grows as far as there is room; false when there is none. */
struct words {
	char text[640];
	size_t n;
};

static bool add_word(struct words *w, const char *word)
{
	size_t n = strlen(word);

	if (n >= sizeof(w->text) - w->n)
		return false;
	memcpy(w->text + w->n, word, n + 1);
	w->n += n;
	return true;
}

/* "/t2m (1460 x 181 x 360)" */
static bool add_dataset(struct words *w, const char *path, const struct qn_about *a)
{
	const size_t before = w->n;
	char number[32];
	char *word = qn_text_word(path);
	bool ok = word && add_word(w, before ? ", " : "") && add_word(w, word);

	for (int i = 0; ok && a && i < a->ndim; i++) {
		snprintf(number, sizeof(number), "%s%llu", i ? " x " : " (",
			 (unsigned long long)a->shape[i]);
		ok = add_word(w, number);
	}
	ok = ok && (!a || !a->ndim || add_word(w, ")"));
	free(word);
	if (!ok) {
		w->n = before;
		w->text[before] = '\0';
	}
	return ok;
}

char *qn_source_name_below(const char *path, const char *group, const char *given)
{
	size_t n = strlen(given);
	char *name;

	while (n && given[n - 1] == '/')
		n--;
	if (qn_asprintf(&name, "%s%.*s%s", *given == '/' || !n ? "" : "/", (int)n, given,
			path + (strcmp(group, "/") ? strlen(group) : 0)) < 0)
		return NULL;
	return name;
}

/* A link to another file counts as a candidate, whatever is there. */
static bool is_linked(const struct candidates *c, const struct qn_link *link)
{
	return link->leads_to == QN_OTHER_FILE &&
	       (!c->below || qn_path_is_below(link->path, c->below));
}

static size_t count_links(const struct candidates *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->l->nlinks; i++)
		n += is_linked(c, &c->l->link[i]);
	return n;
}

/* The path of candidate i, links after datasets, or NULL; about: what is known of it, or NULL. */
static const char *candidate(const struct candidates *c, size_t i, const struct qn_about **about)
{
	*about = NULL;
	if (i < c->l->n) {
		*about = c->l->about ? &c->l->about[i] : NULL;
		return is_candidate(c, i) ? c->l->path[i] : NULL;
	}
	i -= c->l->n;
	return is_linked(c, &c->l->link[i]) ? c->l->link[i].path : NULL;
}

/* How they are listed, and the first of them as it may be pasted. */
struct choice {
	struct words words;
	char *example; /* owned; NULL: there is none, or no memory */
	size_t left;   /* that are not listed */
};

static void list_candidates(const struct candidates *c, const char *given, struct choice *out)
{
	for (size_t i = 0; i < c->l->n + c->l->nlinks; i++) {
		const struct qn_about *about;
		const char *path = candidate(c, i, &about);
		char *name = path && given ? qn_source_name_below(path, c->below, given) : NULL;

		if (!path)
			continue;
		path = name ? name : path;
		if (!out->example)
			out->example = qn_text_word(path);
		if (out->left || out->words.n > sizeof(out->words.text) / 2 ||
		    !add_dataset(&out->words, path, about))
			out->left++;
		free(name);
	}
}

/* "3 variables and 2 external links" */
static void count_in_words(const struct candidates *c, size_t nlinks, char *out, size_t nbytes)
{
	const char *kind = c->coordinates ? "coordinate" : "variable";
	int n = c->n ? snprintf(out, nbytes, "%zu %s%s", c->n, kind, c->n == 1 ? "" : "s") : 0;

	if (nlinks)
		snprintf(out + n, nbytes - (size_t)n, "%s%zu external link%s", n ? " and " : "",
			 nlinks, nlinks == 1 ? "" : "s");
}

/* "FILE has 3 variables: choose one with -d, as in `-d /a FILE`: /a (5 x 6), ..." given: the name of
   the group that is asked for, or NULL. */
static enum quern_status need_name(const char *file, const struct candidates *c, const char *given,
				   struct quern_message *err)
{
	const size_t nlinks = count_links(c);
	struct choice choice = { .left = 0 };
	char more[64] = "", what[96] = "", *word;

	if (!c->n && !nlinks && given)
		return qn_error_set(err, QUERN_ERR_DATA, "%s: %s is a group without datasets", file,
				    given);
	if (!c->n && !nlinks)
		return qn_error_set(err, QUERN_ERR_DATA, "%s: it has no datasets", file);
	list_candidates(c, given, &choice);
	count_in_words(c, nlinks, what, sizeof(what));
	word = qn_text_word(file);
	if (choice.left)
		snprintf(more, sizeof(more), " and %zu more (see quern inspect)", choice.left);
	qn_error_set(err, QUERN_ERR_USAGE,
		     "%s%s%s has %s: choose one with -d, as in `-d %s %s`: "
		     "%s%s",
		     file, given ? ": group " : "", given ? given : "", what,
		     choice.example ? choice.example : "NAME", word ? word : "FILE",
		     choice.words.text, more);
	free(word);
	free(choice.example);
	return QUERN_ERR_USAGE;
}

enum quern_status qn_source_list(const struct qn_format *format, const char *file,
				 struct qn_listing *l, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = format->list_closely(file, l, &why);

	/* A look at the datasets may fail where their names can be listed, as one of them is damaged. That there
	   was no memory or no time for it says nothing of the file, whose list would then be another one. */
	if (st == QUERN_ERR_RUN)
		*err = why;
	else if (st)
		st = format->list(file, l, err);
	if (!st)
		qn_source_hide_tables(l);
	return st;
}

/* The only dataset that may be meant: owned. */
static enum quern_status choose_only(const struct qn_format *format, const char *file, char **path,
				     struct quern_message *err)
{
	struct qn_listing l = { .n = 0 };
	enum quern_status st = qn_source_list(format, file, &l, err);
	struct candidates c = find_candidates(&l, NULL);

	if (!st && l.nflaws)
		st = qn_error_set(
			err, QUERN_ERR_DATA,
			"%s: %s cannot be read, so it is not known what "
			"else is in the file: choose a dataset with -d (quern inspect lists "
			"them): %s",
			file, l.flaw[0].path, l.flaw[0].why);
	else if (!st && (c.n != 1 || count_links(&c)))
		st = need_name(file, &c, NULL, err);
	if (!st) {
		*path = qn_strdup(l.path[c.first]);
		if (!*path)
			st = qn_error_nomem(err, strlen(l.path[c.first]), "the name of a dataset");
	}
	qn_listing_fini(&l);
	return st;
}

/* Of a group, what is in it is more help than that it is none. */
static enum quern_status explain_group(const struct qn_format *format, const char *file,
				       const char *path, struct quern_message *err)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_target t = { .is = QN_NOTHING };
	struct qn_listing l = { .n = 0 };
	enum quern_status st = err->status;

	if (!format->locate(file, path, &t, &ignored) && t.is == QN_GROUP &&
	    !qn_source_list(format, t.file, &l, &ignored)) {
		struct candidates c = find_candidates(&l, t.path);

		*err = (struct quern_message){ .status = QUERN_OK };
		st = need_name(file, &c, path, err);
	}
	qn_listing_fini(&l);
	qn_target_fini(&t);
	return st;
}

enum quern_status qn_source_has(const struct qn_format *format, const char *file, const char *path,
				bool *has, struct quern_message *err)
{
	struct qn_target t = { .is = QN_NOTHING };
	enum quern_status st = format->locate(file, path, &t, err);

	*has = !st && t.is != QN_NOTHING;
	qn_target_fini(&t);
	return st;
}

/* The tables of a catalog are no data. */
void qn_source_hide_tables(struct qn_listing *l)
{
	const size_t length = strlen(QN_CATALOG_GROUP "/");
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!strncmp(l->path[i], QN_CATALOG_GROUP "/", length)) {
			free(l->path[i]);
			continue;
		}
		if (l->about)
			l->about[n] = l->about[i];
		l->path[n++] = l->path[i];
	}
	l->n = n;
}

enum quern_status qn_source_describe(const char *file, const char *path, const char *column,
				     bool with_index, struct qn_dataset *d,
				     struct quern_message *err)
{
	const struct qn_format *format = NULL;
	char *only = NULL;
	enum quern_status st = qn_source_format(file, &format, err);

	if (!st && !path)
		st = choose_only(format, file, &only, err);
	if (!st) {
		st = format->describe(file, path ? path : only, column, with_index, d, err);
		if (st == QUERN_ERR_DATA && path)
			st = explain_group(format, file, path, err);
	}
	free(only);
	if (!st) {
		st = qn_dataset_check(d, err);
		if (st)
			qn_dataset_fini(d);
	}
	return st;
}

static bool same_extent(const struct qn_dataset *a, const struct qn_dataset *b)
{
	return a->ndim == b->ndim && !memcmp(a->shape, b->shape, sizeof(a->shape)) &&
	       !memcmp(a->beyond, b->beyond, sizeof(a->beyond)) &&
	       a->file_nbytes == b->file_nbytes && a->file_mtime_ns == b->file_mtime_ns;
}

/* Is it the same, with what a writer has added? */
static bool has_grown(const struct qn_dataset *before, const struct qn_dataset *now)
{
	bool is = before->file_mtime_ns == QN_GROWING && now->ndim == before->ndim &&
		  now->file_nbytes >= before->file_nbytes;

	for (int i = 0; is && i < now->ndim; i++)
		is = now->shape[i] >= before->shape[i] && now->chunk[i] == before->chunk[i];
	return is;
}

/* Leaves of a dataset that has grown what was there before: extents, and chunks by their numbers then. */
static void cut_back(const struct qn_dataset *before, struct qn_dataset *now)
{
	uint64_t from[QUERN_MAX_DIMS], to[QUERN_MAX_DIMS], n = 0;

	qn_dataset_grid(now, from);
	qn_dataset_grid(before, to);
	memcpy(now->shape, before->shape, sizeof(now->shape));
	for (uint64_t i = 0; i < now->nchunks; i++) {
		uint64_t rest = now->chunks[i].number, number = 0, stride = 1;
		bool is_inside = true;

		for (int d = now->ndim - 1; d >= 0; d--) {
			is_inside = is_inside && rest % from[d] < to[d];
			number += rest % from[d] * stride;
			rest /= from[d];
			stride *= to[d];
		}
		if (!is_inside)
			continue;
		now->chunks[n] = now->chunks[i];
		now->chunks[n++].number = number;
	}
	now->nchunks = n;
}

enum quern_status qn_source_index(struct qn_dataset *d, const struct quern_box *part,
				  struct quern_message *err)
{
	const struct qn_format *format = NULL;
	struct qn_dataset full;
	enum quern_status st = qn_source_format(d->file, &format, err);

	if (!st)
		st = format->describe_part(d->file, d->path, qn_dataset_column(d), part, &full,
					   err);
	if (st)
		return st;
	if (has_grown(d, &full))
		cut_back(d, &full);
	else if (!same_extent(d, &full))
		st = qn_error_set(err, QUERN_ERR_DATA,
				  "%s: is being written while it is read; wait "
				  "until its writer has finished",
				  d->file);
	if (!st)
		st = qn_dataset_check(&full, err);
	if (st) {
		qn_dataset_fini(&full);
		return st;
	}
	full.asked = d->asked;
	d->asked = NULL;
	qn_dataset_fini(d);
	*d = full;
	return QUERN_OK;
}

static enum qn_medium medium_by_kind(int fd)
{
	/* Magic numbers of statfs(2), and of Lustre, BeeGFS, GPFS, Ceph and FUSE, which carries
	   network file systems far more often than local ones. */
	static const unsigned long shared[] = { 0x6969,	    0x0bd00bd0, 0x19830326, 0x47504653,
						0x00c36400, 0x65735546, 0xff534d42, 0x517b,
						0xfe534d42, 0x5346414f, 0x013661,   0x01021997,
						0x1161970,  0x7461636f, 0xaad7aaea };
	static const unsigned long memory[] = { 0x01021994, 0x858458f6 }; /* tmpfs, ramfs */
	struct statfs fs;

	if (qn_sys_fstatfs(fd, &fs))
		return QN_MEDIUM_SHARED;
	for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		if ((unsigned long)fs.f_type == shared[i])
			return QN_MEDIUM_SHARED;
	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++)
		if ((unsigned long)fs.f_type == memory[i])
			return QN_MEDIUM_MEMORY;
	return QN_MEDIUM_DISK;
}

enum qn_medium qn_source_medium(const struct qn_site *site, const char *file, int fd)
{
	enum qn_medium found = medium_by_kind(fd);
	bool shared;

	if (!site || !qn_site_knows(site, file, &shared))
		return found;
	if (shared)
		return QN_MEDIUM_SHARED;
	return found == QN_MEDIUM_MEMORY ? found : QN_MEDIUM_DISK;
}

/* --- identity --- */

#define HEAD_NBYTES   (64u << 10)
#define TAIL_NBYTES   (16u << 10)
#define MIDDLE_NBYTES (4u << 10)

void qn_identity_of(int fd, struct qn_sum *out)
{
	struct stat s;
	uint8_t *bytes = qn_malloc(HEAD_NBYTES + TAIL_NBYTES + MIDDLE_NBYTES + sizeof(s.st_size));
	size_t n = 0;

	memset(out, 0, sizeof(*out));
	if (bytes && !qn_sys_fstat(fd, &s)) {
		const struct {
			off_t at;
			size_t nbytes;
		} part[] = {
			{ 0, HEAD_NBYTES },
			{ s.st_size / 2, MIDDLE_NBYTES },
			{ s.st_size > (off_t)TAIL_NBYTES ? s.st_size - (off_t)TAIL_NBYTES : 0,
			  TAIL_NBYTES },
		};

		for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
			ssize_t got = qn_sys_pread(fd, bytes + n, part[i].nbytes, part[i].at);

			n += got > 0 ? (size_t)got : 0;
		}
		memcpy(bytes + n, &s.st_size, sizeof(s.st_size));
		qn_sum_of(bytes, n + sizeof(s.st_size), out);
	}
	free(bytes);
}

static enum quern_status check_identity(int fd, const char *file, uint64_t nbytes, int64_t mtime_ns,
					const char *host, struct quern_message *err)
{
	struct stat s;

	if (qn_sys_fstat(fd, &s))
		return qn_error_set(err, QUERN_ERR_DATA, "%s: cannot stat it on host %s: %s", file,
				    host, strerror(errno));
	if (mtime_ns == QN_GROWING && (uint64_t)s.st_size >= nbytes)
		return QUERN_OK;
	if ((uint64_t)s.st_size == nbytes &&
	    (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec == mtime_ns)
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"%s: it was changed during the run, or host %s sees "
		"another file under this path (%llu bytes) than the one that was "
		"described (%llu bytes); give all hosts the same file and wait until its "
		"writer has finished",
		file, host, (unsigned long long)s.st_size, (unsigned long long)nbytes);
}

enum quern_status qn_source_check(int fd, const struct qn_dataset *d, const char *host,
				  struct quern_message *err)
{
	return check_identity(fd, d->file, d->file_nbytes, d->file_mtime_ns, host, err);
}

/* What is wrong with a copy of a shard, and what to do. */
static enum quern_status bad_copy(const struct qn_member *m, enum quern_status st, const char *what,
				  const char *host, const char *why, struct quern_message *err)
{
	const char *folder = NULL;

	for (const char *p = strstr(m->file, ".shards/"); p; p = strstr(p + 1, ".shards/"))
		folder = p;
	return qn_error_set(err, st,
			    "%s: %s%s%s; start ranks on all hosts that have copies "
			    "of this shard, or `quern stage --repair %.*s`",
			    m->file, what, host, why, folder ? (int)(folder - m->file) : 7,
			    folder ? m->file : "CATALOG");
}

enum quern_status qn_source_no_copy(const struct qn_member *m, struct quern_message *err)
{
	return bad_copy(m, QUERN_ERR_DATA, "no whole copy of it is on these hosts", "", "", err);
}

/* A copy of a shard: who reads it may find another one. */
static enum quern_status check_copy(const struct qn_opened *o, const char *host,
				    struct quern_message *err)
{
	const struct qn_member *m = &o->mosaic->member[o->member];
	struct quern_message ignored = { .status = QUERN_OK };

	if (!check_identity(o->fd, m->file, m->file_nbytes, m->file_mtime_ns, host, &ignored))
		return QUERN_OK;
	return bad_copy(m, QUERN_ERR_DATA, "it was changed since it was staged on host ", host, "",
			err);
}

static enum quern_status check_opened(const struct qn_opened *o, const char *host,
				      struct quern_message *err)
{
	const struct qn_member *m = &o->mosaic->member[o->member];

	if (m->ledger != QN_NO_LEDGER)
		return check_copy(o, host, err);
	return check_identity(o->fd, m->file, m->file_nbytes, m->file_mtime_ns, host, err);
}

enum quern_status qn_opened_close(struct qn_opened *o, const char *host, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	if (o->fd >= 0) {
		st = check_opened(o, host, err);
		qn_sys_close(o->fd);
	}
	o->fd = -1;
	return st;
}

enum quern_status qn_opened_turn(struct qn_opened *o, const struct qn_mosaic *mosaic,
				 uint32_t member, const char *host, struct quern_message *err)
{
	const char *file = mosaic->member[member].file;
	enum quern_status st;

	if (o->fd >= 0 && o->member == member)
		return QUERN_OK;
	st = qn_opened_close(o, host, err);
	if (st)
		return st;
	o->fd = mosaic->member[member].ledger == QN_NO_LEDGER ? qn_file_open(file, NULL)
							      : qn_file_open_own(file, NULL);
	if (o->fd < 0 && mosaic->member[member].ledger != QN_NO_LEDGER) {
		const enum quern_status failed = qn_file_status(errno);
		char why[160];

		snprintf(why, sizeof(why), ": %s", qn_file_why(errno));
		return bad_copy(&mosaic->member[member], failed, "cannot open it on host ", host,
				why, err);
	}
	if (o->fd < 0)
		return qn_error_set(err, qn_file_status(errno),
				    "%s: cannot open it on host %s: %s; every "
				    "host must see the file under this path",
				    file, host, qn_file_why(errno));
	o->mosaic = mosaic;
	o->member = member;
	return check_opened(o, host, err);
}
