/*
 * repair.c - copies made anew, and spread over the hosts that there are.
 *
 *	survey		what copies there are, and which of them are whole
 *	assign		of each shard, the hosts that are to have it
 *	restore		shards without any whole copy, from the staged file if that is as it was
 *	move		copies for hosts that have none
 *	catalog		with the new homes, on every host
 *	clear		copies that are too many
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rights.h"
#include "base/system.h"
#include "describe/describe.h"
#include "stage/stage_impl.h"

/* The state of a shard on a host. */
enum { HAS = 1, WANTS = 2 };

struct repair {
	struct qn_stager *stage;
	struct qn_comm *comm;
	struct qn_hosts hosts;
	struct qn_catalog *c;
	struct qn_copy *copy; /* owned: what there was */
	uint64_t ncopies;
	void *image; /* owned, rank 0: the catalog as a file */
	size_t nbytes;
	uint8_t *state; /* owned: by shard, and there by host */
	uint8_t *sees;	/* owned: of each host, whether it can read the staged file */
	uint64_t *load; /* owned: copies that a host is to have */
	int32_t *fresh; /* owned: of each shard, 1 + the host that made it from the file, or 0 */
	int lock;
	bool is_source; /* some host has the staged file, be it changed */
};

static uint8_t *at(const struct repair *r, uint32_t shard, int host)
{
	return &r->state[(size_t)shard * (size_t)r->hosts.n + (size_t)host];
}

/* --- assign: rank 0 and all others compute the same --- */

static int count(const struct repair *r, uint32_t shard, uint8_t what)
{
	int n = 0;

	for (int h = 0; h < r->hosts.n; h++)
		n += (*at(r, shard, h) & what) == what;
	return n;
}

/* Of the hosts whose state has the bits of `mask` as in `want`, that with the least load, or the most. */
static int pick(const struct repair *r, uint32_t shard, uint8_t mask, uint8_t want, bool most)
{
	int best = -1;

	for (int h = 0; h < r->hosts.n; h++)
		if ((*at(r, shard, h) & mask) == want &&
		    (best < 0 || (most ? r->load[h] > r->load[best] : r->load[h] < r->load[best])))
			best = h;
	return best;
}

static void want(struct repair *r, uint32_t shard, int host)
{
	*at(r, shard, host) |= WANTS;
	r->load[host]++;
}

static void drop(struct repair *r, uint32_t shard, int host)
{
	*at(r, shard, host) &= (uint8_t)~WANTS;
	r->load[host]--;
}

/* Takes a copy from the fullest host to the emptiest one. False: no copy would make it better. */
static bool level(struct repair *r)
{
	int full = 0, empty = 0;

	for (int h = 1; h < r->hosts.n; h++) {
		full = r->load[h] > r->load[full] ? h : full;
		empty = r->load[h] < r->load[empty] ? h : empty;
	}
	if (r->load[full] < r->load[empty] + 2)
		return false;
	/* One that is there already costs nothing. */
	for (int free_ones = 1; free_ones >= 0; free_ones--)
		for (uint32_t i = 0; i < r->c->nshards; i++)
			if ((*at(r, i, full) & WANTS) && !(*at(r, i, empty) & WANTS) &&
			    (*at(r, i, empty) & HAS) >= free_ones) {
				drop(r, i, full);
				want(r, i, empty);
				return true;
			}
	return false;
}

static void assign(struct repair *r)
{
	const int most = (int)qn_min_u64(r->c->nreplicas, (uint64_t)r->hosts.n);

	for (uint32_t i = 0; i < r->c->nshards; i++)
		for (int h = 0; h < r->hosts.n; h++)
			if (*at(r, i, h) & HAS)
				want(r, i, h);
	for (uint32_t i = 0; i < r->c->nshards; i++) {
		while (count(r, i, WANTS) > most)
			drop(r, i, pick(r, i, WANTS, WANTS, true));
		while (count(r, i, WANTS) < most)
			want(r, i, pick(r, i, WANTS, 0, false));
	}
	while (level(r))
		;
}

/* --- restore --- */

static enum qn_state look_at_source(const struct qn_catalog *c)
{
	struct stat st;

	if (qn_sys_stat(c->source, &st))
		return QN_ABSENT;
	return (uint64_t)st.st_size == c->source_nbytes &&
			       (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec ==
				       c->source_mtime_ns
		       ? QN_SAME
		       : QN_FOREIGN;
}

/* The host that restores a shard of which there is no whole copy; -1: nobody can. */
static int restorer(const struct repair *r, uint32_t shard)
{
	int best = -1;

	if (count(r, shard, HAS))
		return -1;
	for (int h = 0; h < r->hosts.n; h++)
		if (r->sees[h] &&
		    (best < 0 || (*at(r, shard, h) & WANTS) > (*at(r, shard, best) & WANTS)))
			best = h;
	return best;
}

static enum quern_status restore_one(struct repair *r, uint32_t shard, struct quern_message *err)
{
	const struct qn_shard *x = &r->c->shard[shard];
	struct qn_found_copy found = { .shard = shard };
	struct qn_dataset d;
	enum quern_status st =
		qn_source_describe(r->c->source, r->c->path[x->dataset], NULL, true, &d, err);

	if (st)
		return st;
	st = qn_shard_make(r->stage, &d, r->c, shard, &found, err);
	qn_log(QN_LOG_INFO, "shard %u: made anew, status %d", shard, (int)st);
	if (!st && (found.what.nbytes != x->nbytes || !qn_sum_equal(&found.what.sum, &x->sum)))
		st = qn_error_set(err, QUERN_ERR_DATA,
				  "%s: shard %u, made anew, is not what it was: has "
				  "this host another version of the HDF5 library?",
				  r->c->file, (unsigned)shard);
	free(found.entry);
	qn_dataset_fini(&d);
	return st;
}

static enum quern_status restore(struct repair *r, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (uint32_t i = 0; !st && i < r->c->nshards; i++) {
		const int host = restorer(r, i);

		if (host == r->hosts.mine &&
		    qn_hosts_worker(&r->hosts, host, i) == qn_comm_rank(r->comm))
			st = restore_one(r, i, err);
	}
	st = qn_comm_agree(r->comm, st, err);
	for (uint32_t i = 0; !st && i < r->c->nshards; i++) {
		const int host = restorer(r, i);

		if (host >= 0) {
			*at(r, i, host) |= HAS;
			r->fresh[i] = 1 + host;
		}
	}
	return st;
}

/* --- move --- */

/* The same on all ranks. */
static enum quern_status move(struct repair *r, struct quern_message *err)
{
	struct qn_transfer *t = qn_calloc((size_t)r->c->nshards * (size_t)r->hosts.n, sizeof(*t));
	size_t n = 0;
	enum quern_status st =
		qn_comm_agree(r->comm, t ? QUERN_OK : qn_error_nomem(err, 0, "copies"), err);

	for (uint32_t i = 0; !st && i < r->c->nshards; i++) {
		/* Who has it sends it in turn. */
		const int from = count(r, i, HAS) ? pick(r, i, HAS, HAS, false) : -1;

		for (int h = 0; from >= 0 && h < r->hosts.n; h++)
			if (*at(r, i, h) == WANTS)
				t[n++] = (struct qn_transfer){
					.shard = i,
					.from = qn_hosts_worker(&r->hosts, from, i),
					.to = qn_hosts_worker(&r->hosts, h, i)
				};
	}
	if (!st)
		st = qn_stage_move(r->stage, r->c, t, n, err);
	free(t);
	return st;
}

/* --- catalog --- */

static enum quern_status new_homes(struct repair *r, struct quern_message *err)
{
	struct qn_catalog *c = r->c;

	memset(c->host, 0, c->nhosts * sizeof(*c->host));
	for (int h = 0; h < r->hosts.n; h++)
		if (qn_catalog_host(c, r->hosts.name[h]) == UINT32_MAX)
			return qn_error_set(err, QUERN_ERR_RUN,
					    "%s: the catalog has no room for so many "
					    "hosts; stage anew",
					    c->file);
	for (uint32_t i = 0; i < c->nshards; i++) {
		struct qn_shard *x = &c->shard[i];

		x->nhomes = 0;
		memset(x->home, 0, sizeof(x->home));
		for (int h = 0; count(r, i, HAS) && h < r->hosts.n; h++)
			if (*at(r, i, h) & WANTS)
				x->home[x->nhomes++] = qn_catalog_host(c, r->hosts.name[h]);
	}
	return QUERN_OK;
}

/* Rank 0: the tables are as long as before, and take the same places. */
static enum quern_status patch(struct repair *r, struct quern_message *err)
{
	struct qn_tables t;
	enum quern_status st = qn_catalog_pack(r->c, &t, err);

	for (int i = 0; !st && i < QN_NTABLES; i++) {
		const uint64_t addr = r->c->at[i];

		if (addr > r->nbytes || t.nbytes[i] > r->nbytes - addr)
			st = qn_error_set(err, QUERN_ERR_DATA, "%s: the catalog was cut short",
					  r->c->file);
		else if (t.nbytes[i])
			memcpy((char *)r->image + addr, t.data[i], t.nbytes[i]);
	}
	qn_tables_fini(&t);
	return st;
}

static enum quern_status put(struct repair *r, struct quern_message *err)
{
	int64_t now = qn_stage_now_ns();
	enum quern_status st = new_homes(r, err);

	if (now <= r->c->file_mtime_ns)
		now = r->c->file_mtime_ns + 1;
	if (!st && qn_comm_rank(r->comm) == 0)
		st = patch(r, err);
	st = qn_comm_agree(r->comm, st, err);
	if (!st)
		st = qn_comm_bcast(r->comm, &now, sizeof(now), err); /* the same on all hosts */
	return st ? st : qn_stage_put_catalog(r->comm, r->c, &r->image, &r->nbytes, now, err);
}

/* On a host that had no catalog something else may be in its place. A damaged one has the table of a
   catalog still. */
static enum quern_status is_replaceable(const char *file, const struct stat *s, bool *is,
					struct quern_message *err)
{
	const struct qn_format *format = NULL;
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;

	*is = S_ISREG(s->st_mode);
	if (*is)
		st = qn_source_format(file, &format, &why);
	if (*is && !st)
		st = qn_source_has(format, file, QN_CATALOG_GROUP "/head", is, &why);
	*is = *is && !st;
	/* What there was no memory for is not something else. */
	return st == QUERN_ERR_RUN ? qn_error_pass(err, st, &why) : QUERN_OK;
}

static enum quern_status not_ours(const char *file, const char *host, uid_t whose,
				  struct quern_message *err)
{
	char owner[QN_OWNER_NBYTES];

	qn_rights_owner(whose, owner);
	return qn_error_set(err, QUERN_ERR_DENIED,
			    "%s: on host %s it belongs to %s, who alone may repair it: have %s run "
			    "this command, or stage the file to a directory of your own",
			    file, host, owner, owner);
}

static enum quern_status check_place(const struct repair *r, struct quern_message *err)
{
	struct stat s;
	const char *file = r->c->file, *host = r->hosts.name[r->hosts.mine];
	const bool looks = qn_comm_host_rank(r->comm) == 0;
	const int why = looks && qn_sys_lstat(file, &s) ? errno : 0;
	enum quern_status st = QUERN_OK;
	bool is = true;

	if (why && !qn_file_is_none(why))
		st = qn_error_set(err, qn_error_status_of(why),
				  "%s: cannot be looked at on host %s: %s", file, host,
				  strerror(why));
	else if (looks && !why && s.st_uid != geteuid())
		st = not_ours(file, host, s.st_uid, err);
	else if (looks && !why)
		st = is_replaceable(file, &s, &is, err);
	if (!st && !is)
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "%s: on host %s there is something else in this place; remove "
				  "or rename it by hand",
				  file, host);
	return qn_comm_agree(r->comm, st, err);
}

/* --- all of it --- */

static enum quern_status survey(struct repair *r, const char *catalog, struct quern_message *err)
{
	const size_t nhosts = (size_t)r->hosts.n;
	enum quern_status st = qn_stage_find(r->comm, catalog, r->c, &r->image, &r->nbytes, err);
	uint8_t mine, *all = qn_calloc((size_t)qn_comm_size(r->comm), 1);

	if (!st)
		st = check_place(r, err);
	if (!st)
		st = qn_stage_enter(r->comm, r->c, "", &r->lock, err);
	if (!st)
		st = qn_stage_survey(r->stage, &r->hosts, r->c, &r->copy, &r->ncopies, err);
	if (!st) {
		r->state = qn_calloc((size_t)r->c->nshards * nhosts, 1);
		r->load = qn_calloc(nhosts, sizeof(*r->load));
		r->sees = qn_calloc((size_t)qn_comm_size(r->comm), 1);
		r->fresh = qn_calloc(r->c->nshards, sizeof(*r->fresh));
		if (!r->state || !r->load || !r->sees || !r->fresh || !all)
			st = qn_error_nomem(err, r->c->nshards * nhosts, "shards");
	}
	st = qn_comm_agree(r->comm, st, err);
	mine = st ? QN_ABSENT : (uint8_t)look_at_source(r->c);
	if (!st)
		st = qn_comm_gather(r->comm, &mine, 1, all, err);
	if (!st)
		st = qn_comm_bcast(r->comm, all, (size_t)qn_comm_size(r->comm), err);
	for (int h = 0; !st && h < r->hosts.n; h++)
		r->sees[h] = all[r->hosts.rank[r->hosts.first[h]]] == QN_SAME;
	for (int k = 0; !st && k < qn_comm_size(r->comm); k++)
		r->is_source = r->is_source || all[k] != QN_ABSENT;
	for (uint64_t i = 0; !st && i < r->ncopies; i++)
		if (r->copy[i].fate == QN_WHOLE)
			*at(r, r->copy[i].shard, qn_hosts_find(&r->hosts, r->copy[i].host)) |= HAS;
	free(all);
	return st;
}

static enum quern_status clear(struct repair *r, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (uint32_t i = 0; !st && i < r->c->nshards; i++) {
		char *file;

		if (*at(r, i, r->hosts.mine) != HAS ||
		    qn_hosts_worker(&r->hosts, r->hosts.mine, i) != qn_comm_rank(r->comm))
			continue;
		file = qn_catalog_file_of(r->c, i);
		if (!file)
			st = qn_error_nomem(err, strlen(r->c->file), "a name");
		else if (qn_shard_is(file, r->c->shard[i].nbytes, r->c->time_ns) == QN_SAME)
			qn_sys_unlink(file);
		free(file);
	}
	return qn_comm_agree(r->comm, st, err);
}

/* The fate of the copy of a shard on a host, which is to have it or has it. */
static enum qn_fate fate_of(const struct repair *r, uint32_t shard, int host)
{
	if (!(*at(r, shard, host) & WANTS))
		return QN_REMOVED;
	if (!(*at(r, shard, host) & HAS))
		return count(r, shard, HAS) ? QN_SENT : QN_LOST;
	return r->fresh[shard] == 1 + host ? QN_MADE : QN_WHOLE;
}

static enum quern_status tell(const struct repair *r, struct qn_staged *out,
			      struct quern_message *err)
{
	const size_t room = (size_t)r->c->nshards * (size_t)r->hosts.n;

	out->copy = qn_calloc(room, sizeof(*out->copy));
	if (!out->copy)
		return qn_error_nomem(err, room * sizeof(*out->copy), "copies");
	out->was_there = true;
	out->is_source = r->is_source;
	for (uint32_t i = 0; i < r->c->nshards; i++)
		for (int h = 0; h < r->hosts.n; h++) {
			struct qn_copy *copy = &out->copy[out->ncopies];

			if (!*at(r, i, h))
				continue;
			*copy = (struct qn_copy){ .shard = i,
						  .fate = fate_of(r, i, h),
						  .nbytes = r->c->shard[i].nbytes };
			memcpy(copy->host, r->hosts.name[h], QN_HOST_NBYTES);
			out->was_there = out->was_there && copy->fate == QN_WHOLE;
			out->ncopies++;
		}
	return QUERN_OK;
}

enum quern_status qn_stage_repair(struct qn_stager *s, const char *catalog, struct qn_staged *out,
				  struct quern_message *err)
{
	struct repair r = { .stage = s, .comm = s->comm, .c = &out->catalog, .lock = -1 };
	enum quern_status st = qn_hosts_init(s->comm, &r.hosts, err);

	if (!st)
		st = survey(&r, catalog, err);
	if (!st) {
		assign(&r);
		st = restore(&r, err);
	}
	if (!st)
		st = move(&r, err);
	if (!st)
		st = put(&r, err);
	if (!st)
		st = clear(&r, err);
	if (!st && qn_comm_rank(s->comm) == 0)
		st = tell(&r, out, err);
	st = qn_comm_agree(s->comm, st, err);
	qn_stage_unlock(out->catalog.file, &r.lock);
	free(r.copy);
	free(r.image);
	free(r.state);
	free(r.sees);
	free(r.load);
	free(r.fresh);
	qn_hosts_fini(&r.hosts);
	return st;
}
