/*
 * child.c - the datasets of a file and their descriptions, by a child process.
 *
 * The answer is a verdict and, when that is good, the listing or the description:
 *
 *	listing:	uint64 bytes, the flat form (listing.h)
 *	yes or no:	uint64, 0 or 1
 *	end of a path:	uint64 kind, bytes of two texts with their '\0', the name of another file (or
 *			""), the path
 *	description:	an end of kind DATASET without texts, uint64 bytes, the flat form (dataset.h),
 *			uint64 number of chunks, the chunks; or an end of kind OTHER_FILE
 *	sources:	uint64 bytes, the flat form (sources.h)
 *	texts:		uint64 bytes, the flat form (names.h)
 */
#include "io/hdf5_child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/system.h"
#include "data/answers.h"
#include "data/reading.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/ask.h"
#include "io/hdf5_child/errand.h"
#include "io/hdf5_child/grants.h"
#include "io/hdf5_format/names.h"
#include "io/hdf5_format/raw.h"
#include "io/hdf5_library/sources.h"
#include "io/hdf5_write/write.h"

#define MEMORY_NBYTES	   (UINT64_C(3) << 29) /* 1.5 GiB: with what the parent has, 2 */
#define CPU_SECONDS	   7
#define WALL_SECONDS	   60
#define MOST_SECONDS	   600
#define MOST_KILLED	   1
#define LISTING_NBYTES	   (UINT64_C(1) << 30)
#define DESCRIPTION_NBYTES (UINT64_C(1) << 24)
#define SOURCES_NBYTES	   (UINT64_C(1) << 29)
#define TEXTS_NBYTES	   (UINT64_C(1) << 20)

struct question {
	const char *file, *path, *column;
	bool with_index, closely;
	const struct quern_box *part;	  /* of the index; NULL: all */
	const struct qn_dataset *dataset; /* whose sources are asked for */
	struct stat st;			  /* of the file, as it was before */
	void *out;
	struct qn_h5_end *end; /* of the path: may be in another file */
	struct qn_said *said;  /* NULL: the answer is not kept */
};

/* A million chunks take one second to list, and at least a megabyte to store. Where the file is
   large, its index may be too, and on a disk that has to look for every piece of it. */
static struct qn_child_limits limits_for(uint64_t file_nbytes)
{
	const unsigned given = qn_reading()->metadata_seconds;
	const unsigned cpu = CPU_SECONDS + (unsigned)qn_min_u64(file_nbytes >> 30, MOST_SECONDS);
	const unsigned wall = WALL_SECONDS + (unsigned)qn_min_u64(file_nbytes >> 26, MOST_SECONDS);

	return (struct qn_child_limits){
		.memory_nbytes = MEMORY_NBYTES,
		.cpu_seconds = given > cpu ? given : cpu,
		.wall_seconds = given ? given : wall,
		.option = "--metadata-timeout",
	};
}

static enum quern_status start(struct qn_child *c, const struct qn_grants *grants,
			       uint64_t file_nbytes, const struct qn_hdf5_asking *a,
			       struct quern_message *err)
{
	const struct qn_errand_start s = { .errand = a->errand, .question = a->question };
	struct qn_child_limits limits = limits_for(file_nbytes);
	enum quern_status status;
	char *subject;

	if (qn_asprintf(&subject, "%s: its metadata", grants->file) < 0)
		return qn_error_nomem(err, strlen(grants->file), "a process");
	limits.files = &grants->names;
	status = qn_errand_start(c, subject, &limits, &s, err);
	free(subject);
	return status;
}

/* One child and its answer. *again: that counts for nothing, and another child would be of use. */
static enum quern_status ask_once(const struct qn_hdf5_asking *a, struct qn_grants *grants,
				  uint64_t file_nbytes, int *nkilled, bool *again,
				  struct quern_message *err)
{
	struct qn_child c = { .process = QN_PROCESS_NONE };
	struct quern_message why = { .status = QUERN_OK }, lack = { .status = QUERN_OK };
	enum quern_status status = start(&c, grants, file_nbytes, a, &why);
	bool heard = false, more = false;

	c.said = a->said;
	if (status == QUERN_OK) {
		status = a->hear(&c, a->question, &why);
		heard = status == QUERN_OK;
	}
	if (qn_grants_look(grants, &c, &more, &lack) != QUERN_OK)
		status = qn_error_pass(err, lack.status, &lack);
	else if (status != QUERN_OK && grants->why.status != QUERN_OK)
		status = qn_error_pass(err, grants->why.status, &grants->why);
	else if (status != QUERN_OK)
		qn_error_pass(err, status, &why);
	*again = more || (c.end == QN_CHILD_KILLED && (*nkilled)++ < MOST_KILLED);
	/* Other files have a part in it. */
	if (a->said && (*again || grants->why.status != QUERN_OK))
		a->said->is_lost = true;
	if (*again)
		qn_log(more ? QN_LOG_DEBUG : QN_LOG_WARN, "%s: its metadata is asked for again: %s",
		       grants->file, more ? "another file may be opened, too" : why.text);
	if (heard && (*again || status != QUERN_OK))
		a->forget(a->question);
	qn_child_end(&c);
	return status;
}

enum quern_status qn_hdf5_child_ask(const struct qn_hdf5_asking *a, const char *file,
				    uint64_t file_nbytes, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_grants grants;
	enum quern_status status = qn_grants_init(&grants, file, NULL, false, err);
	bool again = true;
	int nkilled = 0;

	if (status != QUERN_OK)
		return status;
	for (int i = 0; again && i < QN_GRANTS_MOST_ROUNDS; i++) {
		why = (struct quern_message){ .status = QUERN_OK };
		status = ask_once(a, &grants, file_nbytes, &nkilled, &again, &why);
	}
	if (again && status == QUERN_OK)
		status = qn_grants_no_end(&grants, &why);
	qn_grants_fini(&grants);
	return status == QUERN_OK ? status : qn_error_pass(err, status, &why);
}

/* --- the question as words --- */

static bool put_question(const void *question, FILE *out)
{
	const struct question *q = question;

	qn_put_text(out, q->file);
	qn_put_text(out, q->path);
	qn_put_text(out, q->column);
	qn_put_number(out, q->with_index);
	qn_put_number(out, q->closely);
	qn_put_block(out, q->part, q->part ? sizeof(*q->part) : 0);
	qn_put_number(out, q->dataset != NULL);
	return !q->dataset || qn_put_dataset(out, q->dataset);
}

static void *take_question(struct qn_words *in, void *shared)
{
	struct question *q = qn_calloc(1, sizeof(*q));
	const void *part;
	size_t nbytes;

	(void)shared;
	if (!q)
		return NULL;
	q->file = qn_take_text(in);
	q->path = qn_take_text(in);
	q->column = qn_take_text(in);
	q->with_index = qn_take_number(in) != 0;
	q->closely = qn_take_number(in) != 0;
	part = qn_take_block(in, &nbytes);
	q->part = nbytes ? part : NULL;
	q->dataset = qn_take_number(in) ? qn_take_dataset(in) : NULL;
	return q;
}

/* What can be said about the file without the library: the usual errors need no child. */
static enum quern_status look_at(const char *file, struct stat *st, struct quern_message *err)
{
	int fd;
	enum quern_status status = qn_h5_open_signed(file, &fd, st, err);

	if (status == QUERN_OK)
		qn_sys_close(fd);
	return status;
}

/* --- listing --- */

static void answer_list(void *ctx, int fd)
{
	const struct question *q = ctx;
	struct quern_message err = { .status = QUERN_OK };
	struct qn_listing l = { .n = 0 };
	size_t nbytes = 0;
	void *flat = NULL;
	enum quern_status status;

	status = q->closely ? qn_hdf5_list_closely(q->file, &l, &err)
			    : qn_hdf5_list(q->file, &l, &err);
	if (status == QUERN_OK) {
		flat = qn_listing_pack(&l, &nbytes);
		if (!flat)
			status = qn_error_nomem(&err, nbytes, "a list of datasets");
	}
	qn_child_tell_block(fd, status, &err, flat, nbytes);
}

const struct qn_errand qn_errand_list = { QN_LIST, answer_list, put_question, take_question };

static enum quern_status hear_listing(struct qn_child *c, void *question, struct quern_message *err)
{
	const struct question *q = question;
	const char *why = NULL;
	size_t nbytes = 0;
	void *flat = NULL;
	enum quern_status status =
		qn_child_get_block(c, LISTING_NBYTES, "a list of datasets", &flat, &nbytes, err);

	if (status == QUERN_OK && !qn_listing_unpack(flat, nbytes, q->out, &why))
		status = why ? qn_child_refuse(c, why, err)
			     : qn_error_nomem(err, nbytes, "a list of datasets");
	free(flat);
	return status;
}

static void forget_listing(void *question)
{
	qn_listing_fini(((struct question *)question)->out);
}

/* --- answers that are known --- */

/* A file that was changed just now may change again and have the same times: of such nothing is kept. */
#define QUIET_SECONDS 3

struct key {
	char *bytes; /* owned */
	size_t n;
};

static bool is_quiet(const struct stat *st)
{
	const time_t now = time(NULL);

	return now - st->st_mtime > QUIET_SECONDS && now - st->st_ctime > QUIET_SECONDS;
}

/* What an answer depends on: the question, and the file as it is. False: it is not to be kept. */
static bool make_key(const struct question *q, const struct qn_errand *errand, struct key *key)
{
	const struct qn_reading *r = qn_reading();
	const struct stat *st = &q->st;
	int n;

	if (!r->answers || q->part || q->dataset || !is_quiet(st))
		return false;
	n = qn_asprintf(&key->bytes, "%jx %jx %jx %jx.%lx %jx.%lx %jx %d%d%d%d %zu %zu %s %s %s",
			(uintmax_t)st->st_dev, (uintmax_t)st->st_ino, (uintmax_t)st->st_size,
			(intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			(intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
			(uintmax_t)(uintptr_t)errand, q->with_index, q->closely, r->as_stored,
			r->allow_external, strlen(q->file), q->path ? strlen(q->path) : 0, q->file,
			q->path ? q->path : "", q->column ? q->column : "");
	key->n = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

/* As from a child. False: it is not known, or cannot be had now. */
static bool hear_again(struct question *q, qn_hdf5_hear *hear, const struct key *key)
{
	struct quern_message none = { .status = QUERN_OK };
	struct qn_child c = { .process = QN_PROCESS_NONE };
	size_t nbytes = 0;
	char *known = qn_answers_find(qn_reading()->answers, key->bytes, key->n, &nbytes);
	const bool is = known && qn_child_again(&c, q->file, known, nbytes) &&
			hear(&c, q, &none) == QUERN_OK;

	qn_child_end(&c);
	free(known);
	if (is)
		qn_log(QN_LOG_DEBUG, "%s: its metadata is known from before", q->file);
	return is;
}

static enum quern_status ask(struct question *q, const struct qn_errand *errand, qn_hdf5_hear *hear,
			     qn_hdf5_forget *forget, struct quern_message *err)
{
	struct qn_said said = { .most = QN_ANSWERS_MOST_NBYTES };
	struct qn_hdf5_asking a = { errand, hear, forget, q, NULL };
	struct key key = { .bytes = NULL };
	enum quern_status status = look_at(q->file, &q->st, err);

	if (status != QUERN_OK)
		return status;
	if (make_key(q, errand, &key)) {
		if (hear_again(q, hear, &key)) {
			free(key.bytes);
			return QUERN_OK;
		}
		a.said = q->said = &said;
	}
	status = qn_hdf5_child_ask(&a, q->file, (uint64_t)q->st.st_size, err);
	if (status == QUERN_OK && a.said && !said.is_lost)
		qn_answers_keep(qn_reading()->answers, key.bytes, key.n, said.bytes, said.n);
	qn_said_fini(&said);
	free(key.bytes);
	q->said = NULL;
	return status;
}

enum quern_status qn_hdf5_child_list(const char *file, struct qn_listing *out,
				     struct quern_message *err)
{
	struct question q = { .file = file, .out = out };

	return ask(&q, &qn_errand_list, hear_listing, forget_listing, err);
}

enum quern_status qn_hdf5_child_list_closely(const char *file, struct qn_listing *out,
					     struct quern_message *err)
{
	struct question q = { .file = file, .closely = true, .out = out };

	return ask(&q, &qn_errand_list, hear_listing, forget_listing, err);
}

/* --- yes or no --- */

static void tell_word(int fd, enum quern_status status, bool yes, const struct quern_message *err)
{
	const uint64_t word = yes;

	if (qn_child_tell_verdict(fd, status, err) && status == QUERN_OK)
		qn_child_tell(fd, &word, sizeof(word));
}

static enum quern_status hear_word(struct qn_child *c, void *question, struct quern_message *err)
{
	const struct question *q = question;
	uint64_t word = 1;
	enum quern_status status = qn_child_get_verdict(c, err);

	if (status == QUERN_OK)
		status = qn_child_get(c, &word, sizeof(word), err);
	*(bool *)q->out = word != 0;
	return status;
}

static void answer_is_result(void *ctx, int fd)
{
	const struct question *q = ctx;
	struct quern_message none = { .status = QUERN_OK };

	tell_word(fd, QUERN_OK, qn_hdf5_is_result(q->file), &none);
}

const struct qn_errand qn_errand_is_result = { QN_IS_RESULT, answer_is_result, put_question,
					       take_question };

static void forget_nothing(void *question)
{
	(void)question;
}

bool qn_hdf5_child_is_result(const char *file)
{
	bool is = false;
	struct question q = { .file = file, .out = &is };
	struct quern_message err = { .status = QUERN_OK };

	return ask(&q, &qn_errand_is_result, hear_word, forget_nothing, &err) == QUERN_OK && is;
}

/* --- texts of attributes --- */

static void answer_texts(void *ctx, int fd)
{
	const struct question *q = ctx;
	struct quern_message err = { .status = QUERN_OK };
	struct qn_names texts = { .n = 0 };
	size_t nbytes = 0;
	void *flat = NULL;
	enum quern_status status;

	status = qn_hdf5_texts(q->file, q->path, &texts, &err);
	if (status == QUERN_OK && !(flat = qn_names_pack(&texts, &nbytes)))
		status = qn_error_nomem(&err, nbytes, "attributes");
	qn_child_tell_block(fd, status, &err, flat, nbytes);
}

const struct qn_errand qn_errand_texts = { QN_TEXTS, answer_texts, put_question, take_question };

static enum quern_status hear_texts(struct qn_child *c, void *question, struct quern_message *err)
{
	const struct question *q = question;
	struct qn_names *out = q->out;
	size_t nbytes = 0;
	void *flat = NULL;
	enum quern_status status =
		qn_child_get_block(c, TEXTS_NBYTES, "attributes", &flat, &nbytes, err);

	if (status == QUERN_OK)
		status = qn_names_unpack(out, flat, nbytes, err);
	if (status == QUERN_OK && out->n % 2)
		status = qn_child_refuse(c, "an attribute without a text", err);
	free(flat);
	return status;
}

static void forget_texts(void *question)
{
	qn_names_fini(((struct question *)question)->out);
}

enum quern_status qn_hdf5_child_texts(const char *file, const char *path, struct qn_names *out,
				      struct quern_message *err)
{
	struct question q = { .file = file, .path = path, .out = out };
	enum quern_status status = ask(&q, &qn_errand_texts, hear_texts, forget_texts, err);

	if (status != QUERN_OK)
		qn_names_fini(out);
	return status;
}

/* --- the end of a path --- */

#define TEXT_NBYTES (UINT64_C(1) << 24)

/* Tells of the end of a path; NULL: of a dataset that is here. */
static bool tell_end(int fd, const struct qn_h5_end *e)
{
	static const struct qn_h5_end here = { .is = QN_DATASET };
	const char *file, *path;
	uint64_t head[3];

	e = e ? e : &here;
	file = e->file ? e->file : "";
	path = e->path ? e->path : "";
	head[0] = (uint64_t)e->is;
	head[1] = strlen(file) + 1;
	head[2] = strlen(path) + 1;
	return qn_child_tell(fd, head, sizeof(head)) && qn_child_tell(fd, file, head[1]) &&
	       qn_child_tell(fd, path, head[2]);
}

static enum quern_status hear_text(struct qn_child *c, uint64_t nbytes, char **out,
				   struct quern_message *err)
{
	enum quern_status status;

	if (nbytes == 0 || nbytes > TEXT_NBYTES)
		return qn_child_refuse(c, "a name without end", err);
	*out = qn_malloc((size_t)nbytes);
	if (!*out)
		return qn_error_nomem(err, (size_t)nbytes, "a name");
	status = qn_child_get(c, *out, (size_t)nbytes, err);
	if (status == QUERN_OK && memchr(*out, '\0', (size_t)nbytes) != *out + nbytes - 1)
		status = qn_child_refuse(c, "a name that does not end", err);
	return status;
}

/* After the verdict. What was heard before, of a child that has died, is forgotten. */
static enum quern_status hear_end(struct qn_child *c, struct qn_h5_end *out,
				  struct quern_message *err)
{
	uint64_t head[3];
	enum quern_status status = qn_child_get(c, head, sizeof(head), err);

	qn_h5_end_fini(out);
	if (status != QUERN_OK)
		return status;
	if (head[0] >= QN_NOBJECTS)
		return qn_child_refuse(c, "a path that leads to no known kind", err);
	out->is = (enum qn_object)head[0];
	status = hear_text(c, head[1], &out->file, err);
	return status != QUERN_OK ? status : hear_text(c, head[2], &out->path, err);
}

static void answer_follow(void *ctx, int fd)
{
	const struct question *q = ctx;
	struct quern_message err = { .status = QUERN_OK };
	struct qn_h5_end end;
	enum quern_status status;

	status = qn_hdf5_follow(q->file, q->path, &end, &err);
	if (qn_child_tell_verdict(fd, status, &err) && status == QUERN_OK)
		tell_end(fd, &end);
}

const struct qn_errand qn_errand_follow = { QN_FOLLOW, answer_follow, put_question, take_question };

static enum quern_status hear_followed(struct qn_child *c, void *question,
				       struct quern_message *err)
{
	const struct question *q = question;
	enum quern_status status = qn_child_get_verdict(c, err);

	return status == QUERN_OK ? hear_end(c, q->end, err) : status;
}

static void forget_end(void *question)
{
	qn_h5_end_fini(((struct question *)question)->end);
}

/* A path on its way from file to file: one that is named in a file is opened by this process, and read
   by a child of its own. */
struct trail {
	char *file, *path; /* owned: where it has got to */
	int nhops;
};

static void trail_fini(struct trail *t)
{
	free(t->file);
	free(t->path);
}

static enum quern_status trail_init(struct trail *t, const char *file, const char *path,
				    struct quern_message *err)
{
	*t = (struct trail){ .file = qn_strdup(file), .path = qn_strdup(path) };
	if (t->file && t->path)
		return QUERN_OK;
	return qn_error_nomem(err, strlen(file) + strlen(path), "the name of a dataset");
}

/* Goes on to where an external link leads. end: its texts are taken. *there: false when there is no such
   file, and the trail stays. */
static enum quern_status go_on(struct trail *t, struct qn_h5_end *end, bool *there,
			       struct quern_message *err)
{
	char *found = NULL;
	enum quern_status status;

	*there = false;
	if (++t->nhops > QN_MOST_HOPS)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: %s leads by external links from file to "
				    "file more than %d times, or in a circle",
				    t->file, t->path, QN_MOST_HOPS);
	status = qn_h5_find_linked(t->file, end->file, &found, err);
	*there = status == QUERN_OK && found[0];
	if (*there) {
		trail_fini(t);
		t->file = found;
		t->path = end->path;
		end->path = NULL;
	} else {
		free(found);
	}
	return status;
}

/* Says that the file of an external link is not there. */
static enum quern_status lead_nowhere(const struct trail *t, const struct qn_h5_end *end,
				      struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: %s: its external link is to %s, which is not "
			    "there: put that beside this file, or its directory into "
			    "HDF5_EXT_PREFIX",
			    t->file, t->path, end->file);
}

/* A message of which `known` and a colon at its beginning can be left out. Owned. */
static char *without(const char *known, const char *text)
{
	size_t n = strlen(known);

	return qn_strdup(!strncmp(text, known, n) && !strncmp(text + n, ": ", 2) ? text + n + 2
										 : text);
}

/* Takes the texts of the trail and of its end. */
static enum quern_status arrive(struct trail *t, struct qn_h5_end *end, struct qn_target *out,
				struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };

	qn_error_set(&why, QUERN_ERR_DATA, "%s: there is no %s", t->file, end->path);
	*out = (struct qn_target){ .is = end->is,
				   .file = t->file,
				   .path = end->path,
				   .why = end->is == QN_NOTHING
						  ? without(t->nhops ? "" : t->file, why.text)
						  : NULL };
	t->file = end->path = NULL;
	if (end->is != QN_NOTHING || out->why)
		return QUERN_OK;
	qn_target_fini(out);
	return qn_error_nomem(err, 0, "a message");
}

/* The trail ends at a link whose file is not there. */
static enum quern_status arrive_nowhere(struct trail *t, const struct qn_h5_end *end,
					struct qn_target *out, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	char *known = NULL;

	lead_nowhere(t, end, &why);
	if (qn_asprintf(&known, "%s: %s", t->file, t->path) < 0)
		known = NULL;
	*out = (struct qn_target){ .is = QN_NOTHING,
				   .file = t->file,
				   .path = t->path,
				   .why = without(t->nhops > 1 || !known ? "" : known, why.text) };
	t->file = t->path = NULL;
	free(known);
	if (out->why)
		return QUERN_OK;
	qn_target_fini(out);
	return qn_error_nomem(err, sizeof(why.text), "a message");
}

enum quern_status qn_hdf5_child_locate(const char *file, const char *path, struct qn_target *out,
				       struct quern_message *err)
{
	struct trail t;
	enum quern_status status = trail_init(&t, file, path, err);
	bool arrived = false;

	while (status == QUERN_OK && !arrived) {
		struct qn_h5_end end = { .is = QN_NOTHING };
		struct question q = { .file = t.file, .path = t.path, .end = &end };
		bool there = true;

		status = ask(&q, &qn_errand_follow, hear_followed, forget_end, err);
		arrived = status == QUERN_OK && end.is != QN_OTHER_FILE;
		if (arrived)
			status = arrive(&t, &end, out, err);
		else if (status == QUERN_OK)
			status = go_on(&t, &end, &there, err);
		if (status == QUERN_OK && !there) {
			arrived = true;
			status = arrive_nowhere(&t, &end, out, err);
		}
		qn_h5_end_fini(&end);
	}
	trail_fini(&t);
	return status;
}

/* --- description --- */

static void tell_description(int fd, const struct qn_dataset *d)
{
	size_t nbytes;
	uint64_t n, nchunks = d->nchunks;
	void *flat = qn_dataset_pack(d, &nbytes);
	struct quern_message err = { .status = QUERN_OK };

	if (!flat) {
		qn_error_nomem(&err, sizeof(*d), "a description");
		qn_child_tell_verdict(fd, err.status, &err);
		return;
	}
	n = nbytes;
	if (qn_child_tell_verdict(fd, QUERN_OK, &err) && tell_end(fd, NULL) &&
	    qn_child_tell(fd, &n, sizeof(n)) && qn_child_tell(fd, flat, nbytes) &&
	    qn_child_tell(fd, &nchunks, sizeof(nchunks)))
		qn_child_tell(fd, d->chunks, nchunks * sizeof(*d->chunks));
}

/* What could not be described may be in another file. */
static bool tell_elsewhere(const struct question *q, int fd)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_h5_end end;
	bool is;

	if (qn_hdf5_follow(q->file, q->path, &end, &ignored) != QUERN_OK)
		return false;
	is = end.is == QN_OTHER_FILE;
	if (is && qn_child_tell_verdict(fd, QUERN_OK, &ignored))
		tell_end(fd, &end);
	qn_h5_end_fini(&end);
	return is;
}

static void answer_describe(void *ctx, int fd)
{
	const struct question *q = ctx;
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d;
	enum quern_status status;

	status = qn_hdf5_describe_part(q->file, q->path, q->column, q->with_index, q->part, &d,
				       &err);
	if (status == QUERN_OK)
		tell_description(fd, &d);
	else if (!tell_elsewhere(q, fd))
		qn_child_tell_verdict(fd, status, &err);
}

const struct qn_errand qn_errand_describe = { QN_DESCRIBE, answer_describe, put_question,
					      take_question };

/* The path of a description is absolute; that of a question may leave out the first slash. */
static bool is_path_of(const struct qn_dataset *d, const struct question *q)
{
	return d->path[0] == '/' && !strcmp(d->path + (q->path[0] != '/'), q->path);
}

/* Is the file that is there open for SWMR writing, and as long as that? */
static bool has_grown_to(const char *file, uint64_t nbytes)
{
	struct stat st;
	const int fd = qn_file_open(file, &st);
	const bool is = fd >= 0 && (uint64_t)st.st_size >= nbytes && qn_h5_is_growing(fd);

	if (fd >= 0)
		qn_sys_close(fd);
	return is;
}

/* That it is of the dataset that was asked for, in the file that is there. */
static bool is_of(const struct qn_dataset *d, const struct question *q, const struct stat *st)
{
	int64_t mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;

	return !strcmp(d->file, q->file) && is_path_of(d, q) &&
	       !strcmp(d->column, q->column ? q->column : "") &&
	       ((d->file_nbytes == (uint64_t)st->st_size && d->file_mtime_ns == mtime_ns) ||
		(d->file_mtime_ns == QN_GROWING && d->file_nbytes >= (uint64_t)st->st_size &&
		 has_grown_to(q->file, d->file_nbytes)));
}

static enum quern_status hear_flat(struct qn_child *c, struct qn_dataset *d,
				   struct quern_message *err)
{
	uint64_t nbytes;
	enum quern_status status = qn_child_get(c, &nbytes, sizeof(nbytes), err);
	void *flat;

	if (status != QUERN_OK)
		return status;
	if (nbytes > DESCRIPTION_NBYTES)
		return qn_child_refuse(c, "a description without end", err);
	flat = qn_malloc((size_t)nbytes + 1);
	if (!flat)
		return qn_error_nomem(err, (size_t)nbytes, "a description");
	status = qn_child_get(c, flat, (size_t)nbytes, err);
	if (status == QUERN_OK)
		status = qn_dataset_unpack(flat, (size_t)nbytes, d, err);
	free(flat);
	return status;
}

/* A chunk has at least one byte of the file. */
static enum quern_status hear_chunks(struct qn_child *c, struct qn_dataset *d,
				     struct quern_message *err)
{
	uint64_t n, nbytes;
	enum quern_status status = qn_child_get(c, &n, sizeof(n), err);

	if (status != QUERN_OK || n == 0)
		return status;
	if (n > d->file_nbytes || !qn_mul(n, sizeof(*d->chunks), &nbytes))
		return qn_child_refuse(c, "more chunks than the file has bytes", err);
	d->chunks = qn_malloc((size_t)nbytes);
	if (!d->chunks)
		return qn_error_nomem(err, (size_t)nbytes, "a chunk index");
	d->nchunks = n;
	return qn_child_get(c, d->chunks, (size_t)nbytes, err);
}

/* The description of a dataset in this file. */
static enum quern_status hear_here(struct qn_child *c, const struct question *q,
				   struct quern_message *err)
{
	struct qn_dataset d;
	enum quern_status status = hear_flat(c, &d, err);

	if (status != QUERN_OK)
		return status;
	if (!is_of(&d, q, &q->st))
		status =
			qn_error_set(err, QUERN_ERR_DATA,
				     "%s: is being written while it is read; wait until its writer "
				     "has finished",
				     q->file);
	if (status == QUERN_OK)
		status = hear_chunks(c, &d, err);
	/* Where other files, filters or a writer matter, it may be another one the next time. */
	if (q->said && (!d.native || d.file_mtime_ns == QN_GROWING))
		q->said->is_lost = true;
	if (status == QUERN_OK)
		*(struct qn_dataset *)q->out = d;
	else
		qn_dataset_fini(&d);
	return status;
}

/* q->end->is: DATASET, and it is in *q->out, or OTHER_FILE. */
static enum quern_status hear_description(struct qn_child *c, void *question,
					  struct quern_message *err)
{
	const struct question *q = question;
	enum quern_status status = hear_followed(c, question, err);

	if (status != QUERN_OK || q->end->is == QN_OTHER_FILE)
		return status;
	return q->end->is == QN_DATASET ? hear_here(c, q, err)
					: qn_child_refuse(c, "a description of nothing", err);
}

static void forget_description(void *question)
{
	const struct question *q = question;

	if (q->end->is == QN_DATASET)
		qn_dataset_fini(q->out);
	qn_h5_end_fini(q->end);
}

/* That it was asked for by another name. */
static enum quern_status note_asked(struct qn_dataset *d, const char *path,
				    struct quern_message *err)
{
	if (qn_asprintf(&d->asked, "%s%s", *path == '/' ? "" : "/", path) >= 0)
		return QUERN_OK;
	d->asked = NULL;
	qn_dataset_fini(d);
	return qn_error_nomem(err, strlen(path), "the name of a dataset");
}

static void log_dataset(const struct question *q)
{
	const struct qn_dataset *d = q->out;

	qn_log(QN_LOG_INFO,
	       "%s: dataset %s: %s, %s index, %d filters, %llu chunks listed%s, described by a child; "
	       "%s%s",
	       d->file, d->path, d->type.name, d->index[0] ? d->index : "no", d->nfilters,
	       (unsigned long long)d->nchunks, q->with_index ? "" : " (the index is not asked for)",
	       d->native ? "its chunks are read by address" : "it is read through the library: ",
	       d->native ? "" : d->why_not_native);
}

static enum quern_status describe(const struct question *asked, struct quern_message *err)
{
	struct question q = *asked;
	struct trail t;
	enum quern_status status = trail_init(&t, asked->file, asked->path, err);
	bool described = false;

	while (status == QUERN_OK && !described) {
		struct qn_h5_end end = { .is = QN_NOTHING };
		bool there = true;

		q.file = t.file;
		q.path = t.path;
		q.end = &end;
		status = ask(&q, &qn_errand_describe, hear_description, forget_description, err);
		described = status == QUERN_OK && end.is == QN_DATASET;
		if (status == QUERN_OK && !described)
			status = go_on(&t, &end, &there, err);
		if (status == QUERN_OK && !there)
			status = lead_nowhere(&t, &end, err);
		qn_h5_end_fini(&end);
	}
	if (status == QUERN_OK && t.nhops)
		status = note_asked(asked->out, asked->path, err);
	if (status == QUERN_OK)
		log_dataset(asked);
	trail_fini(&t);
	return status;
}

enum quern_status qn_hdf5_child_describe(const char *file, const char *path, const char *column,
					 bool with_index, struct qn_dataset *out,
					 struct quern_message *err)
{
	struct question q = {
		.file = file, .path = path, .column = column, .with_index = with_index, .out = out
	};

	return describe(&q, err);
}

enum quern_status qn_hdf5_child_describe_part(const char *file, const char *path,
					      const char *column, const struct quern_box *part,
					      struct qn_dataset *out, struct quern_message *err)
{
	struct question q = { .file = file,
			      .path = path,
			      .column = column,
			      .with_index = true,
			      .part = part,
			      .out = out };

	return describe(&q, err);
}

/* --- sources --- */

static void answer_sources(void *ctx, int fd)
{
	const struct question *q = ctx;
	struct quern_message err = { .status = QUERN_OK };
	struct qn_sources list = { .n = 0 };
	size_t nbytes = 0;
	void *flat = NULL;
	enum quern_status status;

	status = qn_hdf5_sources(q->dataset, &list, &err);
	if (status == QUERN_OK) {
		flat = qn_sources_pack(&list, &nbytes);
		if (!flat)
			status = qn_error_nomem(&err, sizeof(list), "a list of sources");
	}
	qn_child_tell_block(fd, status, &err, flat, nbytes);
}

const struct qn_errand qn_errand_sources = { QN_FIND_SOURCES, answer_sources, put_question,
					     take_question };

static enum quern_status hear_sources(struct qn_child *c, void *question, struct quern_message *err)
{
	const struct question *q = question;
	size_t nbytes = 0;
	const char *why = NULL;
	void *flat = NULL;
	enum quern_status status =
		qn_child_get_block(c, SOURCES_NBYTES, "a list of sources", &flat, &nbytes, err);

	if (status == QUERN_OK && !qn_sources_unpack(flat, nbytes, q->dataset, q->out, &why))
		status = why ? qn_child_refuse(c, why, err)
			     : qn_error_nomem(err, nbytes, "a list of sources");
	free(flat);
	return status;
}

static void forget_sources(void *question)
{
	qn_sources_fini(((struct question *)question)->out);
}

enum quern_status qn_hdf5_child_sources(const struct qn_dataset *d, struct qn_sources *out,
					struct quern_message *err)
{
	struct question q = { .file = d->file, .path = d->path, .dataset = d, .out = out };

	return ask(&q, &qn_errand_sources, hear_sources, forget_sources, err);
}

/* --- confinement --- */

static void answer_sandbox(void *ctx, int fd)
{
	struct qn_sandbox s = { .landlock = 0 };

	(void)ctx;
	s.calls = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0 && errno == ENOSYS;
	s.files = qn_sys_open("/", O_RDONLY, 0) < 0 && errno == EACCES;
	qn_child_tell(fd, &s, sizeof(s));
}

const struct qn_errand qn_errand_sandbox = { QN_TRY_SANDBOX, answer_sandbox, put_question,
					     take_question };

/* The version of Landlock is asked for here: a child that is confined cannot. */
enum quern_status qn_hdf5_child_sandbox(struct qn_sandbox *out, struct quern_message *err)
{
	struct qn_child_limits limits = limits_for(0);
	struct qn_child c = { .process = QN_PROCESS_NONE };
	struct question none = { .file = NULL };
	const struct qn_errand_start s = { .errand = &qn_errand_sandbox, .question = &none };
	struct qn_grants grants;
	enum quern_status status = qn_grants_init(&grants, "/dev/null", NULL, false, err);

	if (status != QUERN_OK)
		return status;
	limits.files = &grants.names;
	status = qn_errand_start(&c, "the sandbox", &limits, &s, err);
	if (status == QUERN_OK)
		status = qn_child_get(&c, out, sizeof(*out), err);
	out->landlock = qn_child_landlock();
	qn_child_end(&c);
	qn_grants_fini(&grants);
	return status;
}
