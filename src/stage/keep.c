#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "resolve/catalog.h"
#include "stage/stage_impl.h"

#define MOST_CATALOG_NBYTES (UINT64_C(1) << 33)

/* --- finding it --- */

/* What a rank has under the name. */
struct have {
	uint32_t has;
	int64_t file_mtime_ns, time_ns;
	uint64_t source_nbytes;
	struct quern_message why; /* something is there that is no catalog, or cannot be told */
};

/* The rank of the newest; -1: nobody has one. */
static int find_newest(const struct have *all, int n)
{
	int best = -1;

	for (int r = 0; r < n; r++)
		if (all[r].has && (best < 0 || all[r].file_mtime_ns > all[best].file_mtime_ns))
			best = r;
	return best;
}

/* Rank 0. */
static enum quern_status choose(const char *file, const struct have *all, int n, int *best,
				struct quern_message *err)
{
	*best = find_newest(all, n);
	for (int r = 0; *best < 0 && r < n; r++)
		if (all[r].why.status)
			return qn_error_set(err, all[r].why.status, "%s", all[r].why.text);
	if (*best < 0)
		return qn_error_because(err, QUERN_ERR_DATA, QN_NO_FILE,
					"%s: no host has a catalog there", file);
	for (int r = 0; r < n; r++)
		if (all[r].has && (all[r].time_ns != all[*best].time_ns ||
				   all[r].source_nbytes != all[*best].source_nbytes))
			return qn_error_set(err, QUERN_ERR_DATA,
					    "%s: hosts have catalogs of different "
					    "stagings there; unstage them one by one",
					    file);
	return QUERN_OK;
}

static void look(const char *file, struct qn_catalog *mine, struct have *out)
{
	char host[QN_HOST_NBYTES] = "";
	bool is = false;

	if (qn_sys_access(file, F_OK)) {
		const int why = errno;

		gethostname(host, sizeof(host) - 1);
		if (!qn_file_is_none(why))
			qn_error_set(&out->why, qn_file_status(why),
				     "%s: cannot be looked at on host %s: %s", file, host,
				     qn_file_why(why));
		return;
	}
	if (qn_catalog_load(file, mine, &is, &out->why) || !is) {
		/* unless there is a message already */
		qn_error_set(&out->why, QUERN_ERR_DATA, "%s: is no catalog of quern stage", file);
		return;
	}
	out->has = 1;
	out->file_mtime_ns = mine->file_mtime_ns;
	out->time_ns = mine->time_ns;
	out->source_nbytes = mine->source_nbytes;
}

/* Rank `from`'s block to rank 0. Collective. */
static enum quern_status hand_over(struct qn_comm *c, int from, void **data, size_t *nbytes,
				   struct quern_message *err)
{
	const int rank = qn_comm_rank(c);
	uint64_t n = *nbytes;
	enum quern_status st = QUERN_OK;

	if (from == 0)
		return QUERN_OK;
	if (rank == from)
		st = qn_comm_send(c, 0, &n, sizeof(n), err);
	if (rank == 0) {
		st = qn_comm_recv(c, from, &n, sizeof(n), err);
		*data = st ? NULL : qn_calloc(n, 1);
		*nbytes = n;
		if (!st && !*data)
			st = qn_error_nomem(err, n, "a catalog");
	}
	/* Nothing is sent that there is no room for. */
	st = qn_comm_agree(c, st, err);
	if (!st && rank == from)
		st = qn_comm_send(c, 0, *data, n, err);
	if (!st && rank == 0)
		st = qn_comm_recv(c, from, *data, n, err);
	return qn_comm_agree(c, st, err);
}

static enum quern_status take_over(struct qn_comm *c, int best, const char *file,
				   struct qn_catalog *mine, struct qn_catalog *catalog,
				   void **image, size_t *nbytes, struct quern_message *err)
{
	const bool has = qn_comm_rank(c) == best;
	void *flat = NULL;
	size_t n = 0;
	enum quern_status st = QUERN_OK;

	if (has) {
		flat = qn_catalog_flatten(mine, &n, err);
		st = flat ? QUERN_OK : err->status;
		if (!st && image && !(*image = qn_file_load(file, MOST_CATALOG_NBYTES, nbytes)))
			st = qn_error_set(err, qn_file_status(errno), "%s: cannot be read: %s",
					  file, qn_file_why(errno));
	}
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = hand_over(c, best, &flat, &n, err);
	if (!st && image)
		st = hand_over(c, best, image, nbytes, err);
	st = qn_stage_share(c, st, &flat, &n, err);
	if (!st)
		st = qn_catalog_unflatten(flat, n, catalog, err);
	free(flat);
	return qn_comm_agree(c, st, err);
}

enum quern_status qn_stage_find(struct qn_comm *c, const char *file, struct qn_catalog *catalog,
				void **image, size_t *nbytes, struct quern_message *err)
{
	const int n = qn_comm_size(c);
	struct have mine = { .has = 0 }, *all = qn_calloc((size_t)n, sizeof(*all));
	struct qn_catalog here = { .file = NULL };
	enum quern_status st = all ? QUERN_OK
				   : qn_error_nomem(err, (size_t)n * sizeof(*all), "hosts");
	int best = -1;

	if (image)
		*image = NULL;
	if (qn_comm_host_rank(c) == 0)
		look(file, &here, &mine);
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_gather(c, &mine, sizeof(mine), all, err);
	if (!st && qn_comm_rank(c) == 0)
		st = choose(file, all, n, &best, err);
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_bcast(c, &best, sizeof(best), err);
	if (!st)
		st = take_over(c, best, file, &here, catalog, image, nbytes, err);
	qn_catalog_fini(&here);
	free(all);
	return st;
}

/* --- copies --- */

enum quern_status qn_stage_gather(struct qn_comm *c, const struct qn_copy *mine, uint64_t n,
				  struct qn_staged *out, struct quern_message *err)
{
	void *all = NULL;
	enum quern_status st = qn_comm_gatherv(c, mine, &n, sizeof(*mine), &all, err);

	if (!st && qn_comm_rank(c) == 0 && n) {
		struct qn_copy *more = qn_realloc(out->copy, (out->ncopies + n) * sizeof(*more));

		if (more) {
			memcpy(more + out->ncopies, all, n * sizeof(*more));
			out->copy = more;
			out->ncopies += n;
		} else {
			st = qn_error_nomem(err, n * sizeof(*more), "copies");
		}
	}
	free(all);
	return qn_comm_agree(c, st, err);
}

static bool is_listed(const struct qn_catalog *c, uint32_t shard, const char *host)
{
	const struct qn_shard *x = &c->shard[shard];

	for (uint32_t k = 0; k < x->nhomes; k++)
		if (!strncmp(c->host[x->home[k]], host, QN_HOST_NBYTES))
			return true;
	return false;
}

/* Copies on hosts that are not here: rank 0 tells of them. */
static uint64_t add_unseen(const struct qn_hosts *hosts, const struct qn_catalog *c,
			   struct qn_copy *copy, uint64_t n)
{
	for (uint32_t i = 0; i < c->nshards; i++)
		for (uint32_t k = 0; k < c->shard[i].nhomes; k++) {
			const char *host = c->host[c->shard[i].home[k]];

			if (qn_hosts_find(hosts, host) >= 0)
				continue;
			copy[n] = (struct qn_copy){ .shard = i,
						    .fate = QN_COPY_UNSEEN,
						    .nbytes = c->shard[i].nbytes };
			memcpy(copy[n++].host, host, QN_HOST_NBYTES);
		}
	return n;
}

/* What this rank sees of the copies of its host. */
static uint64_t look_at_copies(struct qn_stager *s, const struct qn_hosts *hosts,
			       const struct qn_catalog *c, struct qn_copy *copy)
{
	const char *host = hosts->name[hosts->mine];
	uint64_t n = 0;

	for (uint32_t i = 0; i < c->nshards; i++) {
		if (qn_hosts_worker(hosts, hosts->mine, i) != qn_comm_rank(s->comm))
			continue;
		qn_shard_check(s, c, i, &copy[n]);
		memcpy(copy[n].host, host, QN_HOST_NBYTES);
		n += copy[n].fate != QN_MISSING || is_listed(c, i, host);
	}
	return qn_comm_rank(s->comm) ? n : add_unseen(hosts, c, copy, n);
}

static int by_shard(const void *a, const void *b)
{
	const struct qn_copy *x = a, *y = b;

	if (x->shard != y->shard)
		return x->shard < y->shard ? -1 : 1;
	return strncmp(x->host, y->host, QN_HOST_NBYTES);
}

enum quern_status qn_stage_survey(struct qn_stager *s, const struct qn_hosts *hosts,
				  const struct qn_catalog *c, struct qn_copy **copy, uint64_t *n,
				  struct quern_message *err)
{
	struct qn_copy *mine =
		qn_calloc((size_t)c->nshards * (1 + QN_MOST_REPLICAS), sizeof(*mine));
	struct qn_staged all = { .ncopies = 0 };
	size_t nbytes = 0;
	void *data = NULL;
	enum quern_status st = mine ? qn_sum_check(err) : qn_error_nomem(err, 0, "copies");

	st = qn_comm_agree(s->comm, st, err);
	if (!st) {
		for (uint32_t i = 0; i < c->nshards; i++)
			if (is_listed(c, i, hosts->name[hosts->mine]))
				s->total_nbytes += c->shard[i].nbytes;
		*n = look_at_copies(s, hosts, c, mine);
		st = qn_stage_gather(s->comm, mine, *n, &all, err);
	}
	if (!st && all.ncopies)
		qsort(all.copy, all.ncopies, sizeof(*all.copy), by_shard);
	data = all.copy;
	nbytes = all.ncopies * sizeof(*all.copy);
	if (!st)
		st = qn_stage_share(s->comm, st, &data, &nbytes, err);
	*copy = data;
	*n = nbytes / sizeof(**copy);
	free(mine);
	return st;
}

enum quern_status qn_stage_verify(struct qn_stager *s, const char *catalog, struct qn_staged *out,
				  struct quern_message *err)
{
	struct qn_hosts hosts = { .n = 0 };
	struct qn_copy *copy = NULL;
	uint64_t n = 0;
	enum quern_status st = qn_hosts_init(s->comm, &hosts, err);

	if (!st)
		st = qn_stage_find(s->comm, catalog, &out->catalog, NULL, NULL, err);
	if (!st)
		st = qn_stage_survey(s, &hosts, &out->catalog, &copy, &n, err);
	if (!st && qn_comm_rank(s->comm) == 0) {
		out->copy = copy;
		out->ncopies = n;
		copy = NULL;
	}
	free(copy);
	qn_hosts_fini(&hosts);
	return st;
}

/* --- removing --- */

/* A copy on this host: it goes if it is what was staged. False: nothing is to be told of it. */
static bool remove_copy(const struct qn_catalog *c, uint32_t shard, const char *host,
			struct qn_copy *out)
{
	const struct qn_shard *x = &c->shard[shard];
	char *file = qn_catalog_file_of(c, shard);
	enum qn_state is = file ? qn_shard_is(file, x->nbytes, c->time_ns) : QN_ABSENT;
	const int why = file ? errno : ENOMEM;

	*out = (struct qn_copy){ .shard = shard, .fate = QN_LEFT, .nbytes = x->nbytes };
	memcpy(out->host, host, QN_HOST_NBYTES);
	if (is == QN_SAME && !qn_sys_unlink(file))
		out->fate = QN_REMOVED;
	else if (is == QN_SAME)
		out->why = errno;
	else if (is == QN_ABSENT && qn_file_is_none(why))
		out->fate = QN_MISSING;
	else if (is == QN_ABSENT)
		out->why = why;
	if (file)
		qn_publish_sweep(file);
	free(file);
	return out->fate != QN_MISSING || is_listed(c, shard, host);
}

static enum quern_status stays(const char *file, struct quern_message *err)
{
	const int why = errno;
	char host[QN_HOST_NBYTES] = "";

	gethostname(host, sizeof(host) - 1);
	return qn_error_set(err, qn_error_status_of(why), "%s: cannot be removed on host %s: %s",
			    file, host, strerror(why));
}

/* Is there a catalog? One that cannot be read stays, and what it tells of with it. */
static enum quern_status look_at_catalog(const char *file, struct qn_catalog *out, bool *is,
					 struct quern_message *err)
{
	*is = false;
	if (!qn_sys_access(file, F_OK))
		return qn_catalog_load(file, out, is, err);
	return qn_file_is_none(errno) ? QUERN_OK : stays(file, err);
}

/* The catalog of this host, if it is of the staging; and what else is ours. */
static enum quern_status remove_rest(const struct qn_catalog *c, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	char *plan = qn_stage_plan_file(c->file), *folder = qn_catalog_folder(c->file);
	char *sums = qn_stage_sums_file(c->file);
	struct qn_catalog here;
	bool is = false;

	if (!plan || !folder || !sums)
		st = qn_error_nomem(err, strlen(c->file), "a name");
	if (sums && qn_sys_unlink(sums) && !qn_file_is_none(errno))
		st = stays(sums, err);
	if (plan) {
		if (qn_sys_unlink(plan) && !qn_file_is_none(errno))
			st = stays(plan, err);
		qn_publish_sweep(plan);
	}
	qn_publish_sweep(c->file);
	/* Nor do shards come back, when the power fails, without the catalog that names them. */
	if (!st && (errno = qn_publish_sync_folder(plan)) && !qn_file_is_none(errno))
		st = stays(folder, err);
	if (!st && c->source) /* a staging that was not finished has none */
		st = look_at_catalog(c->file, &here, &is, err);
	if (is) {
		if (!st && here.time_ns == c->time_ns && here.source_nbytes == c->source_nbytes &&
		    qn_sys_unlink(c->file))
			st = stays(c->file, err);
		qn_catalog_fini(&here);
	}
	/* Files of others stay in it, and it with them. */
	if (!st && folder && qn_sys_rmdir(folder) && !qn_file_is_none(errno) &&
	    errno != ENOTEMPTY && errno != EEXIST)
		st = stays(folder, err);
	qn_publish_sync_folder(c->file);
	free(folder);
	free(sums);
	free(plan);
	return st;
}

/* Rank 0 has gathered the copies: did any stay? They are told of by whoever asked. */
static enum quern_status any_left(struct qn_comm *comm, const struct qn_staged *out, bool *left,
				  struct quern_message *err)
{
	*left = false;
	for (size_t i = 0; i < out->ncopies; i++)
		*left = *left || out->copy[i].fate == QN_LEFT;
	return qn_comm_bcast(comm, left, sizeof(*left), err);
}

/* A catalog that was renamed has its shards elsewhere. Of a folder that cannot be looked at its shards
   will tell. */
static enum quern_status check_folder(struct qn_comm *comm, const char *catalog,
				      struct quern_message *err)
{
	const int n = qn_comm_size(comm);
	char *folder = qn_catalog_folder(catalog);
	uint8_t mine = folder && (!qn_sys_access(folder, F_OK) || !qn_file_is_none(errno)), any = 0;
	uint8_t *all = qn_calloc((size_t)n, 1);
	enum quern_status st = folder && all ? QUERN_OK : qn_error_nomem(err, (size_t)n, "hosts");

	st = qn_comm_agree(comm, st, err);
	if (!st)
		st = qn_comm_gather(comm, &mine, 1, all, err);
	for (int r = 0; !st && qn_comm_rank(comm) == 0 && r < n; r++)
		any |= all[r];
	if (!st && qn_comm_rank(comm) == 0 && !any)
		st = qn_error_set(err, QUERN_ERR_DATA,
				  "%s: there is no %s on these hosts, where its shards should be; "
				  "if it was renamed, rename it back, and else remove it by hand",
				  catalog, folder);
	free(folder);
	free(all);
	return qn_comm_agree(comm, st, err);
}

static enum quern_status remove_staged(struct qn_stager *s, const struct qn_hosts *hosts,
				       struct qn_staged *out, struct quern_message *err)
{
	const struct qn_catalog *c = &out->catalog;
	struct qn_copy *mine =
		qn_calloc((size_t)c->nshards * (1 + QN_MOST_REPLICAS), sizeof(*mine));
	enum quern_status st = mine ? QUERN_OK : qn_error_nomem(err, 0, "copies");
	uint64_t n = 0;
	bool left = false;

	st = qn_comm_agree(s->comm, st, err);
	if (!st)
		st = check_folder(s->comm, c->file, err);
	for (uint32_t i = 0; !st && i < c->nshards; i++)
		if (qn_hosts_worker(hosts, hosts->mine, i) == qn_comm_rank(s->comm))
			n += remove_copy(c, i, hosts->name[hosts->mine], &mine[n]);
	if (!st && qn_comm_rank(s->comm) == 0)
		n = add_unseen(hosts, c, mine, n);
	if (!st)
		st = qn_stage_gather(s->comm, mine, n, out, err);
	/* All shards are gone before a catalog is: it says what to remove. */
	if (!st)
		st = any_left(s->comm, out, &left, err);
	if (!st && !left && qn_comm_host_rank(s->comm) == 0)
		st = remove_rest(c, err);
	free(mine);
	return qn_comm_agree(s->comm, st, err);
}

/* --- removing what was not finished --- */

/* The shards that a plan names; of them it is known when they were changed, and not how large they
   are. *is: it is a plan. */
static enum quern_status parse_plan(const char *text, struct qn_catalog *c, bool *is,
				    struct quern_message *err)
{
	const char *time = strstr(text, "\ntime ");
	struct qn_shard *more;

	*is = false;
	if (strncmp(text, "quern-stage 1\n", 14) || !time)
		return QUERN_OK;
	c->time_ns = strtoll(time + 6, NULL, 10);
	for (const char *at = strstr(text, "\nshard "); at; at = strstr(at + 1, "\nshard ")) {
		const unsigned long dataset = strtoul(at + 7, NULL, 10);

		if (dataset > QN_MOST_SHARDS || c->nshards == QN_MOST_SHARDS)
			return QUERN_OK;
		more = qn_realloc(c->shard, (c->nshards + 1) * sizeof(*more));
		if (!more)
			return qn_error_nomem(err, c->nshards * sizeof(*more), "shards");
		c->shard = more;
		c->shard[c->nshards++] = (struct qn_shard){ .dataset = (uint32_t)dataset };
	}
	*is = true;
	return QUERN_OK;
}

/* What this rank is to remove: without a plan nothing, and *copy is NULL. */
static enum quern_status load_plan(struct qn_comm *comm, const char *catalog, struct qn_catalog *c,
				   struct qn_copy **copy, struct quern_message *err)
{
	char *plan = qn_stage_plan_file(catalog), *text = NULL;
	enum quern_status st = plan ? QUERN_OK : qn_error_nomem(err, strlen(catalog), "a name");
	size_t nbytes = 0;
	bool is = false;

	if (!st && qn_comm_host_rank(comm) == 0) {
		text = qn_file_load(plan, QN_PLAN_NBYTES, &nbytes);
		if (!text && !qn_file_is_none(errno))
			st = qn_error_set(err, qn_file_status(errno), "%s: cannot be read: %s",
					  plan, qn_file_why(errno));
	}
	if (text)
		st = parse_plan(text, c, &is, err);
	if (is) {
		*copy = qn_calloc((size_t)c->nshards + 1, sizeof(**copy));
		if (!*copy)
			st = qn_error_nomem(err, c->nshards * sizeof(**copy), "copies");
	}
	free(text);
	free(plan);
	return qn_comm_agree(comm, st, err);
}

static enum quern_status remove_unfinished(struct qn_stager *s, const char *catalog,
					   const struct qn_hosts *hosts, struct qn_staged *out,
					   bool *any, struct quern_message *err)
{
	struct qn_catalog c = { .file = (char *)catalog };
	struct qn_copy *copy = NULL;
	uint64_t n = 0;
	bool left = false;
	enum quern_status st = load_plan(s->comm, catalog, &c, &copy, err);

	for (uint32_t i = 0; !st && copy && i < c.nshards; i++)
		n += remove_copy(&c, i, hosts->name[hosts->mine], &copy[n]);
	*any = copy != NULL;
	if (!st)
		st = qn_stage_gather(s->comm, copy, n, out, err);
	if (!st)
		st = any_left(s->comm, out, &left, err);
	if (!st && !left && copy)
		st = remove_rest(&c, err);
	st = qn_comm_agree(s->comm, st, err);
	free(copy);
	free(c.shard);
	return st;
}

/* What is left when all but the empty folder could be removed. *any: on rank 0, of all ranks. */
static enum quern_status remove_empty_folder(struct qn_comm *comm, const char *catalog, bool *any,
					     struct quern_message *err)
{
	const int n = qn_comm_size(comm);
	char *folder = qn_catalog_folder(catalog);
	uint8_t mine = folder && !qn_sys_rmdir(folder), *all = qn_calloc((size_t)n, 1);
	enum quern_status st = folder && all ? QUERN_OK : qn_error_nomem(err, (size_t)n, "hosts");

	st = qn_comm_agree(comm, st, err);
	if (!st)
		st = qn_comm_gather(comm, &mine, 1, all, err);
	for (int r = 0; !st && qn_comm_rank(comm) == 0 && r < n; r++)
		*any = *any || all[r];
	free(all);
	free(folder);
	return st;
}

enum quern_status qn_stage_remove(struct qn_stager *s, const char *catalog, struct qn_staged *out,
				  struct quern_message *err)
{
	struct quern_message none = { .status = QUERN_OK };
	struct qn_hosts hosts = { .n = 0 };
	enum quern_status st = qn_hosts_init(s->comm, &hosts, err), found;
	bool any = false;
	int lock = -1;

	if (!st)
		st = qn_stage_lock(s->comm, catalog, NULL, &lock, err);
	if (st)
		goto out;
	found = qn_stage_find(s->comm, catalog, &out->catalog, NULL, NULL, &none);
	if (!found) {
		st = remove_staged(s, &hosts, out, err);
		goto out;
	}
	if (none.reason != QN_NO_FILE) {
		st = qn_error_pass(err, found, &none);
		goto out;
	}
	/* Where no host has anything of that name there may be a plan. */
	st = remove_unfinished(s, catalog, &hosts, out, &any, err);
	if (!st)
		st = remove_empty_folder(s->comm, catalog, &any, err);
	if (!st && qn_comm_rank(s->comm) == 0 && !any && !out->ncopies)
		st = qn_error_pass(err, found, &none);
	st = qn_comm_agree(s->comm, st, err);
	if (!st && qn_comm_rank(s->comm) == 0) {
		out->catalog.file = qn_strdup(catalog);
		out->catalog.source = qn_strdup("");
	}
out:
	if (!st)
		qn_stage_unlock(catalog, &lock);
	else if (lock >= 0)
		/* A catalog that stays keeps its folder: without one it is taken for renamed. */
		qn_sys_close(lock);
	qn_hosts_fini(&hosts);
	return st;
}
