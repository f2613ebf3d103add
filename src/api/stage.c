/*
 * stage.c - quern_stage_new and quern_unstage_new: the files one after the other, and the document of what
 * became of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/operation.h"
#include "api/options.h"
#include "api/settings.h"
#include "base/mem.h"
#include "json/json.h"
#include "stage/stage.h"
#include "quern.h"

#define MOST_NAMES 4 /* of copies, in a message */

typedef enum quern_status stage_fn(struct qn_stager *s, const char *file, struct qn_staged *out,
				   struct quern_message *err);

/* --- the document --- */

static json_t *homes_to_json(const struct qn_catalog *c, const struct qn_shard *x)
{
	json_t *homes = json_array();

	for (uint32_t k = 0; k < x->nhomes; k++)
		qn_json_append(&homes, qn_json_text(c->host[x->home[k]]));
	return homes;
}

static json_t *shard_to_json(const struct qn_catalog *c, uint32_t i)
{
	const struct qn_shard *x = &c->shard[i];
	const bool is_named = x->dataset < c->ndatasets;
	char *file = is_named ? qn_catalog_file_of(c, i) : NULL;
	json_t *o = json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "file",
			      is_named && !file ? NULL : qn_json_text(file), "dataset",
			      qn_json_text(c->path[x->dataset]), "dimension", x->dim, "start",
			      qn_json_uint(x->start), "count", qn_json_uint(x->count), "bytes",
			      qn_json_uint(x->nbytes), "chunks", qn_json_uint(x->nchunks), "homes",
			      homes_to_json(c, x));

	free(file);
	return o;
}

static json_t *copy_to_json(const struct qn_copy *x)
{
	const bool in_chunk = x->fate == QN_DAMAGED && x->nbad;

	return json_pack("{s:i, s:o, s:s, s:o, s:o, s:o}", "shard", (int)x->shard, "host",
			 qn_json_text(x->host), "state", qn_fate_name((enum qn_fate)x->fate),
			 "bytes", qn_json_uint(x->nbytes), "chunks_damaged", qn_json_uint(x->nbad),
			 "offset", in_chunk ? qn_json_uint(x->addr) : json_null());
}

/* How many copies came to what. */
static json_t *totals_to_json(const struct qn_staged *s)
{
	uint64_t n[QN_NFATES] = { 0 };
	json_t *o = json_object();

	for (size_t i = 0; i < s->ncopies; i++)
		n[s->copy[i].fate]++;
	for (int f = 0; f < QN_NFATES; f++)
		qn_json_set(&o, qn_fate_name((enum qn_fate)f), qn_json_uint(n[f]));
	return o;
}

static json_t *staged_to_json(const struct qn_staged *s)
{
	const struct qn_catalog *c = &s->catalog;
	json_t *shards = json_array(), *copies = json_array();

	for (uint32_t i = 0; i < c->nshards; i++)
		qn_json_append(&shards, shard_to_json(c, i));
	for (size_t i = 0; i < s->ncopies; i++)
		qn_json_append(&copies, copy_to_json(&s->copy[i]));
	return json_pack("{s:o, s:o, s:i, s:b, s:o, s:o, s:o}", "catalog", qn_json_text(c->file),
			 "source", qn_json_text(c->source), "replicas", (int)c->nreplicas,
			 "was_there", (int)s->was_there, "shards", shards, "copies", copies,
			 "totals", totals_to_json(s));
}

/* --- what is wrong with copies --- */

static bool is_bad(enum qn_fate fate)
{
	return fate == QN_DAMAGED || fate == QN_MISSING || fate == QN_CHANGED || fate == QN_LOST ||
	       fate == QN_UNREADABLE;
}

/* Which file of a copy, on which host. */
static void name_copy(const struct qn_staged *s, const struct qn_copy *x, char *out, size_t nbytes)
{
	const struct qn_catalog *c = &s->catalog;
	char *file = x->shard < c->nshards ? qn_catalog_file_of(c, x->shard) : NULL;

	if (file)
		snprintf(out, nbytes, "%s on host %s", file, x->host);
	else
		snprintf(out, nbytes, "shard %u on host %s", (unsigned)x->shard, x->host);
	free(file);
}

/* After a removal: what stays. Some are named; the document has all. */
static enum quern_status judge_removal(const struct qn_staged *s, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	char names[768] = "", one[256];
	const char *why = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->ncopies; i++) {
		const struct qn_copy *x = &s->copy[i];

		if (x->fate != QN_LEFT)
			continue;
		name_copy(s, x, one, sizeof(one));
		if (n++ < MOST_NAMES)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
				 *names ? ", " : "", one);
		if (x->why && !why)
			why = strerror(x->why);
		if (x->why == EACCES || x->why == EPERM)
			st = QUERN_ERR_DENIED;
	}
	if (!n)
		return QUERN_OK;
	return qn_error_set(err, st ? st : QUERN_ERR_RUN,
			    "%s: %zu copies stay, and the catalog with them: %s%s: %s",
			    s->catalog.file, n, names, n > MOST_NAMES ? ", ..." : "",
			    why ? why : "changed since they were staged; remove them by hand");
}

/* Rank 0, after a verification: every shard has a whole copy here? */
static enum quern_status judge_unseen(const struct qn_staged *s, struct quern_message *err)
{
	const struct qn_catalog *c = &s->catalog;
	uint8_t *whole = qn_calloc((size_t)c->nshards + 1, 1);
	enum quern_status st = whole ? QUERN_OK : qn_error_nomem(err, c->nshards, "shards");

	for (size_t i = 0; !st && i < s->ncopies; i++)
		whole[s->copy[i].shard] |= s->copy[i].fate != QN_COPY_UNSEEN;
	for (uint32_t i = 0; !st && i < c->nshards; i++) {
		char *file = whole[i] ? NULL : qn_catalog_file_of(c, i);

		if (!whole[i])
			st = qn_error_set(
				err, QUERN_ERR_DATA,
				"%s: no copy of shard %s is on these hosts; start ranks on "
				"its hosts too",
				c->file, file ? file : "?");
		free(file);
	}
	free(whole);
	return st;
}

/* What is to be said of the first bad copy. */
static const char *advise(const struct qn_staged *s, const struct qn_copy *x)
{
	if (x->fate == QN_UNREADABLE)
		return ": cannot be read: ";
	if (x->fate != QN_LOST)
		return "; `quern stage --repair` makes them anew";
	return s->is_source ? ", and the staged file was changed since: "
			    : ", and the staged file is not there to make them from: ";
}

/* After a verification or a repair: the first bad copy, and how many there are. */
static enum quern_status judge_copies(const struct qn_staged *s, struct quern_message *err)
{
	const struct qn_copy *first = NULL;
	size_t nbad = 0;
	char where[64] = "";
	char *file;

	for (size_t i = 0; i < s->ncopies; i++)
		if (is_bad((enum qn_fate)s->copy[i].fate) && !nbad++)
			first = &s->copy[i];
	if (!first)
		return judge_unseen(s, err);
	file = qn_catalog_file_of(&s->catalog, first->shard);
	if (first->nbad)
		snprintf(where, sizeof(where), " in a chunk at offset %" PRIu64, first->addr);
	qn_error_set(err,
		     first->fate == QN_UNREADABLE && (first->why == EACCES || first->why == EPERM)
			     ? QUERN_ERR_DENIED
			     : QUERN_ERR_DATA,
		     "%s: shard %s is %s on host %s%s; %zu copies are not as they "
		     "should be%s%s",
		     s->catalog.file, file ? file : "?", qn_fate_name((enum qn_fate)first->fate),
		     first->host, where, nbad, advise(s, first),
		     first->fate == QN_LOST	    ? s->catalog.source
		     : first->fate == QN_UNREADABLE ? strerror(first->why)
						    : "");
	free(file);
	return err->status;
}

/* --- calls --- */

struct call {
	struct qn_stager stage;
	struct qn_comm *comm;		     /* borrows, */
	const struct quern_options *options; /* and these */
	struct quern_message *err;
	struct qn_names files;
	json_t *list, *errors;
	enum quern_status (*judge)(const struct qn_staged *s, struct quern_message *err);
};

static enum quern_status one_file(struct call *k, stage_fn *fn, const char *file,
				  struct quern_message *err)
{
	struct qn_staged s = { .ncopies = 0 };
	enum quern_status st;

	k->stage.done_nbytes = k->stage.total_nbytes = 0;
	k->stage.told = 0;
	st = fn(&k->stage, file, &s, err);
	if (!st && qn_comm_rank(k->comm) == 0) {
		if (!qn_json_append(&k->list, staged_to_json(&s)))
			st = qn_error_nomem(err, 0, "the document");
		else if (k->judge)
			st = k->judge(&s, err);
	}
	qn_staged_fini(&s);
	if (!st)
		st = qn_stage_check_cancelled(&k->stage, err);
	return qn_comm_agree(k->comm, st, err);
}

/* What is wrong with one file keeps no other from its turn. The call ends with the worst that there was. */
static enum quern_status all_files(struct call *k, stage_fn *fn)
{
	struct quern_message worst = { .status = QUERN_OK };
	size_t nbad = 0;

	for (size_t i = 0; i < k->files.n; i++) {
		struct quern_message err = { .status = QUERN_OK };

		k->stage.number = (int)i;
		if (!one_file(k, fn, k->files.name[i], &err))
			continue;
		if (err.status == QUERN_ERR_INTERRUPTED)
			return qn_error_pass(k->err, err.status, &err);
		nbad++;
		qn_json_append(&k->errors,
			       json_pack("{s:o, s:o, s:i}", "file", qn_json_text(k->files.name[i]),
					 "message", qn_json_text(err.text), "exit_code",
					 (int)err.status));
		if (qn_error_worst(worst.status, err.status) != worst.status)
			worst = err;
	}
	if (nbad > 1)
		return qn_error_set(k->err, worst.status, "%s (and %zu more of the %zu files)",
				    worst.text, nbad - 1, k->files.n);
	return nbad ? qn_error_pass(k->err, worst.status, &worst) : QUERN_OK;
}

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

static int by_base_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(base_name(*x), base_name(*y));
}

/* Two files of one name would go to one place. */
static enum quern_status check_names(struct call *k)
{
	const struct qn_names *files = &k->files;
	const char **sorted = qn_calloc(files->n, sizeof(*sorted));
	enum quern_status st = QUERN_OK;

	if (!sorted)
		return qn_error_nomem(k->err, files->n * sizeof(*sorted), "names");
	for (size_t i = 0; i < files->n; i++)
		sorted[i] = files->name[i];
	qsort(sorted, files->n, sizeof(*sorted), by_base_name);
	for (size_t i = 1; !st && i < files->n; i++)
		if (!by_base_name(&sorted[i - 1], &sorted[i]))
			st = qn_error_set(k->err, QUERN_ERR_USAGE,
					  "%s and %s would both become %s/%s: nothing was staged; "
					  "give each a directory of its own with --to",
					  sorted[i - 1], sorted[i], k->stage.settings.to,
					  base_name(sorted[i]));
	free(sorted);
	return st;
}

static stage_fn *choose(struct call *k, bool removes)
{
	k->judge = removes ? judge_removal : judge_copies;
	if (removes)
		return qn_stage_remove;
	if (quern_option_flag(k->options, "repair"))
		return qn_stage_repair;
	if (quern_option_flag(k->options, "verify"))
		return qn_stage_verify;
	k->judge = NULL;
	return qn_stage_file;
}

static enum quern_status finish(struct call *k, double start, enum quern_status st, char **json)
{
	json_t *doc;

	if (qn_comm_rank(k->comm) || (!json_array_size(k->list) && k->files.n < 2))
		return st;
	doc = json_pack("{s:s, s:O, s:O, s:{s:i, s:i, s:f}}", "quern", QUERN_VERSION, "staged",
			k->list, "errors", k->errors, "run", "hosts", qn_comm_nhosts(k->comm),
			"ranks", qn_comm_size(k->comm), "seconds", qn_comm_wtime() - start);
	*json = qn_json_dump(doc);
	return *json ? st : qn_error_nomem(k->err, 0, "the document");
}

/* Before anything is done: what would be wrong with all files. */
static enum quern_status begin(struct call *k, stage_fn *fn)
{
	enum quern_status st = QUERN_OK;

	if (fn != qn_stage_file)
		return QUERN_OK;
	st = qn_stage_check(&k->stage, k->err);
	if (!st)
		st = check_names(k);
	if (!st && qn_comm_rank(k->comm) == 0) {
		k->stage.planned_nbytes = qn_calloc((size_t)qn_comm_nhosts(k->comm),
						    sizeof(*k->stage.planned_nbytes));
		if (!k->stage.planned_nbytes)
			st = qn_error_nomem(k->err, 0, "the hosts");
	}
	return qn_comm_agree(k->comm, st, k->err);
}

static enum quern_status all(struct call *k, stage_fn *fn, char **json)
{
	const double start = qn_comm_wtime();
	enum quern_status st = begin(k, fn);

	if (st)
		return st;
	st = all_files(k, fn);
	return qn_comm_agree(k->comm, finish(k, start, st, json), k->err);
}

static enum quern_status work(quern_run *run, bool removes, char **json)
{
	struct call k = { .stage = { .comm = run->comm,
				     .progress = run->team.progress,
				     .progress_ctx = run->team.progress_ctx,
				     .settings = qn_settings_stage(&run->options) },
			  .comm = run->comm,
			  .options = &run->options,
			  .err = &run->err,
			  .list = json_array(),
			  .errors = json_array() };
	enum quern_status st = k.list && k.errors ? QUERN_OK
						  : qn_error_nomem(&run->err, 0, "the document");

	st = qn_comm_agree(run->comm, st, &run->err);
	if (!st)
		st = qn_words_share(run->comm, &run->files, &k.files, &run->err);
	if (!st)
		st = all(&k, choose(&k, removes), json);
	json_decref(k.list);
	json_decref(k.errors);
	free(k.stage.planned_nbytes);
	qn_names_fini(&k.files);
	return st;
}

static enum quern_status stage(quern_run *run, char **json)
{
	return work(run, false, json);
}

static enum quern_status unstage(quern_run *run, char **json)
{
	return work(run, true, json);
}

quern_run *quern_stage_new(quern_session *session)
{
	static const struct qn_operation operation = { "stage", qn_stage_options, stage };

	return qn_operation_new(session, &operation);
}

quern_run *quern_unstage_new(quern_session *session)
{
	static const struct qn_operation operation = { "unstage", qn_unstage_options, unstage };

	return qn_operation_new(session, &operation);
}
