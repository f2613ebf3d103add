/*
 * stage.c - a file from its description to its catalog:
 *
 *	cut		rank 0 describes the file, cuts its datasets and gives shards to hosts
 *	look		every host: what is there already
 *	make		every rank: copies of its host, from the file, if the host can read it
 *	collect		rank 0: what the copies are, and that those of a shard are the same
 *	move		copies for hosts that cannot read the file
 *	catalog		on every host, last
 */
#include "stage/stage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "describe/describe.h"
#include "stage/stage_impl.h"

const char *qn_fate_name(enum qn_fate fate)
{
	static const char *const names[QN_NFATES] = {
		"planned", "made",    "kept", "sent",	"whole", "damaged",    "missing",
		"changed", "removed", "left", "unseen", "lost",	 "unreadable",
	};

	return names[fate];
}

void qn_staged_fini(struct qn_staged *s)
{
	qn_catalog_fini(&s->catalog);
	free(s->copy);
	memset(s, 0, sizeof(*s));
}

struct staging {
	struct qn_stager *stage;
	struct qn_comm *comm;
	struct qn_hosts hosts;
	struct qn_stage_source subject;
	struct qn_catalog *catalog;
	char *plan;    /* owned: its text */
	int *host_of;  /* owned: by the hosts of the catalog */
	uint8_t *sees; /* owned: of each host, whether it can read the file */
	uint8_t done, dry;
	int lock;
	uint64_t n;		     /* copies of this rank */
	struct card *card;	     /* owned */
	struct qn_found_copy *found; /* owned */
};

/* A copy of this rank, as it goes to rank 0. */
struct card {
	struct qn_copy copy;
	struct qn_shard what;
	struct qn_sum entries; /* the sum of its table of chunks */
	int32_t rank;
	uint32_t is_extra; /* made here for others */
};

static bool leads(const struct staging *g)
{
	return qn_comm_rank(g->comm) == 0;
}

static bool leads_host(const struct staging *g)
{
	return qn_comm_host_rank(g->comm) == 0;
}

/* --- look --- */

static bool is_one_file(const char *a, const char *b)
{
	struct stat x, y;

	return !qn_sys_stat(a, &x) && !qn_sys_stat(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static enum quern_status judge_host(const struct staging *g, const struct qn_host_view *s, int host,
				    struct quern_message *err)
{
	const struct qn_catalog *c = g->catalog;
	const char *name = g->hosts.name[host];

	if (s->why_not)
		return qn_error_set(err, qn_error_status_of(s->why_not),
				    "%s: cannot be looked at on host %s: %s", c->file, name,
				    strerror(s->why_not));
	if (s->catalog == QN_FOREIGN && is_one_file(c->file, c->source))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s: is the file itself: --to takes another "
				    "directory than its own",
				    c->file);
	if (s->catalog == QN_FOREIGN)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s: on host %s there is something else in this "
				    "place, or a catalog of another staging, which `quern unstage` "
				    "removes",
				    c->file, name);
	if (s->plan == QN_FOREIGN && s->is_alien)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s.shards: on host %s there is something else in this place; "
				    "remove or rename it by hand",
				    c->file, name);
	if (s->plan == QN_FOREIGN)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"%s.shards: on host %s there is another staging that was interrupted: go on with "
			"the same options and hosts, or `quern unstage %s`",
			c->file, name, c->file);
	return QUERN_OK;
}

/* Of what was staged before: is it there? */
static enum quern_status check_kept(const struct staging *g, const struct qn_host_view *sight,
				    struct quern_message *err)
{
	for (int h = 0; h < g->hosts.n; h++) {
		const struct qn_host_view *s = &sight[g->hosts.rank[g->hosts.first[h]]];

		if (s->nbad)
			return qn_error_set(err, QUERN_ERR_DATA,
					    "%s: it was staged before, and %" PRIu64
					    " of its copies on host %s are missing or changed; "
					    "`quern stage --repair %s` makes them anew",
					    g->catalog->file, s->nbad, g->hosts.name[h],
					    g->catalog->file);
	}
	return QUERN_OK;
}

static uint64_t needed_nbytes(const struct staging *g, int host)
{
	const struct qn_catalog *c = g->catalog;
	uint64_t need = 0;

	for (uint32_t i = 0; i < c->nshards; i++)
		for (uint32_t k = 0; k < c->shard[i].nhomes; k++)
			if (g->host_of[c->shard[i].home[k]] == host &&
			    !qn_add(need, c->shard[i].nbytes, &need))
				return UINT64_MAX;
	return need;
}

/* A dry run takes no room: what the files before this one would have taken is remembered. */
static enum quern_status check_room(const struct staging *g, const struct qn_host_view *s, int host,
				    struct quern_message *err)
{
	uint64_t need, *planned = &g->stage->planned_nbytes[host];

	if (s->plan == QN_SAME || s->catalog == QN_SAME)
		return QUERN_OK;
	if (!qn_add(needed_nbytes(g, host), *planned, &need))
		need = UINT64_MAX;
	if (need > s->free_nbytes)
		return qn_error_set(err, QUERN_ERR_RUN,
				    "%s: host %s has %" PRIu64
				    " bytes free there and needs %" PRIu64 "%s",
				    g->catalog->file, g->hosts.name[host], s->free_nbytes, need,
				    *planned ? " with the files before it" : "");
	if (g->dry)
		*planned = need;
	return QUERN_OK;
}

/* Rank 0. Shards that are there have the time of the staging that they are of. */
static enum quern_status judge(struct staging *g, const struct qn_host_view *sight,
			       struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	g->done = 1;
	for (int h = 0; !st && h < g->hosts.n; h++) {
		const struct qn_host_view *s = &sight[g->hosts.rank[g->hosts.first[h]]];

		st = judge_host(g, s, h, err);
		g->sees[h] = s->source == QN_SAME;
		g->done &= s->catalog == QN_SAME && s->plan == QN_ABSENT;
		if (s->time_ns > g->catalog->time_ns)
			g->catalog->time_ns = s->time_ns;
		if (!st)
			st = check_room(g, s, h, err);
	}
	if (!g->catalog->time_ns)
		g->catalog->time_ns = qn_stage_now_ns();
	return !st && g->done ? check_kept(g, sight, err) : st;
}

static enum quern_status look(struct staging *g, struct quern_message *err)
{
	const size_t nranks = (size_t)qn_comm_size(g->comm);
	struct qn_host_view mine = { .source = QN_ABSENT };
	struct qn_host_view *all = qn_calloc(nranks, sizeof(*all));
	enum quern_status st = QUERN_OK;

	g->sees = qn_calloc((size_t)g->hosts.n, 1);
	g->plan = qn_stage_plan_text(g->catalog);
	g->host_of = qn_calloc(g->catalog->nhosts, sizeof(*g->host_of));
	for (uint32_t i = 0; g->host_of && i < g->catalog->nhosts; i++)
		g->host_of[i] = qn_hosts_find(&g->hosts, g->catalog->host[i]);
	if (!all || !g->sees || !g->plan || !g->host_of)
		st = qn_error_nomem(err, nranks * sizeof(*all), "the hosts");
	st = qn_comm_agree(g->comm, st, err);
	if (!st)
		st = g->dry ? qn_stage_check_directory(g->comm, g->catalog->file, "--to: ", err)
			    : qn_stage_enter(g->comm, g->catalog, "--to: ", &g->lock, err);
	if (!st && leads_host(g))
		qn_stage_look(g->catalog, g->plan, g->hosts.name[g->hosts.mine], &mine);
	if (!st)
		st = qn_comm_gather(g->comm, &mine, sizeof(mine), all, err);
	if (!st && leads(g))
		st = judge(g, all, err);
	st = qn_comm_agree(g->comm, st, err);
	if (!st)
		st = qn_comm_bcast(g->comm, g->sees, (size_t)g->hosts.n, err);
	if (!st)
		st = qn_comm_bcast(g->comm, &g->done, 1, err);
	if (!st)
		st = qn_comm_bcast(g->comm, &g->catalog->time_ns, sizeof(g->catalog->time_ns), err);
	free(all);
	return st;
}

/* --- make --- */

static enum quern_status write_plan(const struct staging *g, struct quern_message *err)
{
	const struct qn_catalog *c = g->catalog;
	char *file = qn_stage_plan_file(c->file), *text = NULL;
	enum quern_status st = qn_stage_make_folder(c, err);

	if (!file || qn_asprintf(&text, "%stime %" PRId64 "\n", g->plan, c->time_ns) < 0)
		st = qn_error_nomem(err, strlen(g->plan), "a plan");
	else if (!st)
		st = qn_publish_write(file, QN_REPLACE_LINK, c->rights, text, strlen(text),
				      c->time_ns, err);
	free(text);
	free(file);
	return st;
}

static bool is_home(const struct staging *g, uint32_t shard, int host)
{
	const struct qn_shard *x = &g->catalog->shard[shard];

	for (uint32_t k = 0; k < x->nhomes; k++)
		if (g->host_of[x->home[k]] == host)
			return true;
	return false;
}

/* The host that makes a shard although it is no home, because no home can read the file; or -1. */
static int extra_host(const struct staging *g, uint32_t shard)
{
	int sees = -1;

	for (int h = g->hosts.n - 1; h >= 0; h--) {
		if (!g->sees[h])
			continue;
		if (is_home(g, shard, h))
			return -1;
		sees = h;
	}
	return sees;
}

/* Which copies this rank makes. */
static enum quern_status list_mine(struct staging *g, struct quern_message *err)
{
	const int mine = g->hosts.mine;
	uint64_t on_host = 0;

	g->card = qn_calloc(g->catalog->nshards, sizeof(*g->card));
	g->found = qn_calloc(g->catalog->nshards, sizeof(*g->found));
	if (!g->card || !g->found)
		return qn_error_nomem(err, g->catalog->nshards * sizeof(*g->card), "shards");
	for (uint32_t i = 0; i < g->catalog->nshards; i++) {
		const bool is_extra = extra_host(g, i) == mine;

		if ((!is_home(g, i, mine) && !is_extra) ||
		    qn_hosts_worker(&g->hosts, mine, on_host++) != qn_comm_rank(g->comm))
			continue;
		g->card[g->n] = (struct card){ .copy = { .shard = i },
					       .rank = qn_comm_rank(g->comm),
					       .is_extra = is_extra };
		memcpy(g->card[g->n].copy.host, g->hosts.name[mine], QN_HOST_NBYTES);
		g->found[g->n++].shard = i;
		g->stage->total_nbytes += g->catalog->shard[i].nbytes;
	}
	return QUERN_OK;
}

static void sum_entries(const struct qn_found_copy *f, struct qn_sum *out)
{
	struct qn_summer *s = qn_summer_new();

	memset(out, 0, sizeof(*out));
	if (!s)
		return;
	qn_summer_reset(s);
	qn_summer_add(s, f->entry, f->what.nchunks * sizeof(*f->entry));
	qn_summer_get(s, out);
	qn_summer_free(s);
}

/* Takes a copy that is there already, if it is still what was made: what it is now is no measure. */
static bool keep(struct staging *g, const char *file, const char *path, const struct qn_made *made,
		 struct qn_found_copy *found)
{
	struct quern_message ignored = { .status = QUERN_OK };

	if (!made->nbytes || qn_shard_is(file, made->nbytes, g->catalog->time_ns) != QN_SAME ||
	    qn_shard_read(file, path, found, &ignored))
		return false;
	if (found->what.nbytes == made->nbytes && qn_sum_equal(&found->what.sum, &made->sum))
		return true;
	free(found->entry);
	*found = (struct qn_found_copy){ .shard = found->shard };
	return false;
}

static enum quern_status make_one(struct staging *g, uint64_t i, const struct qn_made *made,
				  struct quern_message *err)
{
	const struct qn_catalog *c = g->catalog;
	const uint32_t shard = g->found[i].shard;
	const struct qn_dataset *d = &g->subject.dataset[c->shard[shard].dataset];
	char *file = qn_catalog_file_of(c, shard);
	struct card *card = &g->card[i];
	enum quern_status st = QUERN_OK;

	if (!file)
		return qn_error_nomem(err, strlen(c->file), "a name");
	card->copy.fate = QN_PLANNED;
	if (keep(g, file, d->path, &made[shard], &g->found[i])) {
		card->copy.fate = QN_KEPT;
		qn_stage_progress(g->stage, c->shard[shard].nbytes);
	} else if (g->sees[g->hosts.mine]) {
		st = qn_shard_make(g->stage, d, c, shard, &g->found[i], err);
		card->copy.fate = QN_MADE;
	}
	if (!st && card->copy.fate != QN_PLANNED) {
		card->what = g->found[i].what;
		sum_entries(&g->found[i], &card->entries);
	}
	qn_log(QN_LOG_INFO, "%s: shard %u: %s, status %d", file, shard,
	       qn_fate_name(card->copy.fate), (int)st);
	free(file);
	return st;
}

static enum quern_status make(struct staging *g, struct quern_message *err)
{
	enum quern_status st = leads_host(g) ? write_plan(g, err) : QUERN_OK;

	struct qn_made *made = NULL;

	st = qn_comm_agree(g->comm, st, err);
	if (!st)
		st = list_mine(g, err);
	if (!st && !(made = qn_stage_sums_load(g->catalog)))
		st = qn_error_nomem(err, g->catalog->nshards * sizeof(*made), "shards");
	g->stage->notes_sums = true;
	for (uint64_t i = 0; !st && i < g->n; i++)
		st = make_one(g, i, made, err);
	free(made);
	return qn_comm_agree(g->comm, st, err);
}

/* --- collect --- */

static bool same_copy(const struct card *a, const struct card *b)
{
	return a->what.nbytes == b->what.nbytes && a->what.nchunks == b->what.nchunks &&
	       qn_sum_equal(&a->what.sum, &b->what.sum) && qn_sum_equal(&a->entries, &b->entries) &&
	       !memcmp(a->what.chunk, b->what.chunk, sizeof(a->what.chunk));
}

/* Rank 0: of each shard the first copy that there is; copies of a shard must be the same. */
static enum quern_status choose_owners(struct staging *g, const struct card *card, uint64_t n,
				       uint64_t *owner, struct quern_message *err)
{
	for (uint32_t i = 0; i < g->catalog->nshards; i++)
		owner[i] = UINT64_MAX;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t *o = &owner[card[i].copy.shard];

		if (card[i].copy.fate == QN_PLANNED)
			continue;
		if (*o == UINT64_MAX)
			*o = i;
		else if (!same_copy(&card[*o], &card[i]))
			return qn_error_set(
				err, QUERN_ERR_DATA,
				"%s: the copies of shard %" PRIu32 " on hosts "
				"%s and %s differ: have the hosts other versions of the HDF5 "
				"library, or another file?",
				g->catalog->file, card[i].copy.shard, card[*o].copy.host,
				card[i].copy.host);
	}
	for (uint32_t i = 0; i < g->catalog->nshards; i++)
		if (owner[i] == UINT64_MAX)
			return qn_error_set(err, QUERN_ERR_DATA,
					    "%s: no host that could make shards can "
					    "read it",
					    g->catalog->source);
	return QUERN_OK;
}

/* Rank 0: what is known of the shards now. */
static void fill_shards(struct staging *g, const struct card *card, const uint64_t *owner)
{
	struct qn_catalog *c = g->catalog;
	uint64_t first = 0;

	for (uint32_t i = 0; i < c->nshards; i++) {
		const struct qn_shard *from = &card[owner[i]].what;
		struct qn_shard *x = &c->shard[i];

		x->nbytes = from->nbytes;
		x->sum = from->sum;
		x->nchunks = from->nchunks;
		memcpy(x->chunk, from->chunk, sizeof(x->chunk));
		x->first = first;
		first += x->nchunks;
	}
}

/* Rank 0: who sends to whom. */
static struct qn_transfer *plan_moves(const struct card *card, uint64_t n, const uint64_t *owner,
				      uint64_t *nmoves)
{
	struct qn_transfer *t = qn_calloc(n, sizeof(*t));

	*nmoves = 0;
	for (uint64_t i = 0; t && i < n; i++)
		if (card[i].copy.fate == QN_PLANNED)
			t[(*nmoves)++] = (struct qn_transfer){
				.shard = card[i].copy.shard,
				.to = card[i].rank,
				.from = card[owner[card[i].copy.shard]].rank
			};
	return t;
}

/* The entries of the shards that this rank has the first copy of, to rank 0. */
static enum quern_status gather_entries(struct staging *g, const int32_t *rank_of,
					struct quern_message *err)
{
	struct qn_catalog *c = g->catalog;
	uint64_t n = 0, *sizes = qn_calloc((size_t)qn_comm_size(g->comm), sizeof(*sizes)), at = 0;
	struct qn_entry *mine, *to;
	void *all = NULL;
	enum quern_status st = QUERN_OK;

	for (uint64_t i = 0; i < g->n; i++)
		if (rank_of[g->found[i].shard] == qn_comm_rank(g->comm))
			n += g->found[i].what.nchunks;
	to = mine = qn_calloc(n, sizeof(*mine));
	for (uint64_t i = 0; mine && i < g->n; i++)
		if (rank_of[g->found[i].shard] == qn_comm_rank(g->comm) && g->found[i].what.nchunks)
			to = mempcpy(to, g->found[i].entry, g->found[i].what.nchunks * sizeof(*to));
	if (!mine || !sizes)
		st = qn_error_nomem(err, n * sizeof(*mine), "the chunks of shards");
	st = qn_comm_agree(g->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(g->comm, mine, n * sizeof(*mine), &all, sizes, err);
	if (!st && leads(g)) {
		for (uint32_t i = 0; i < c->nshards; i++)
			c->nentries += c->shard[i].nchunks;
		free(c->entry);
		c->entry = qn_calloc(c->nentries, sizeof(*c->entry));
		if (!c->entry)
			st = qn_error_nomem(err, c->nentries * sizeof(*c->entry), "a catalog");
		/* By rank, and there by shard. */
		for (int r = 0; !st && r < qn_comm_size(g->comm); r++)
			for (uint32_t i = 0; i < c->nshards; i++)
				if (rank_of[i] == r && c->shard[i].nchunks) {
					memcpy(&c->entry[c->shard[i].first], (char *)all + at,
					       c->shard[i].nchunks * sizeof(*c->entry));
					at += c->shard[i].nchunks * sizeof(*c->entry);
				}
	}
	free(all);
	free(sizes);
	free(mine);
	return qn_comm_agree(g->comm, st, err);
}

/* The catalog on rank 0 without entries, for ranks that only want to know about shards. */
static enum quern_status share_shards(struct staging *g, enum quern_status st,
				      struct quern_message *err)
{
	struct qn_catalog *c = g->catalog;

	st = qn_comm_agree(g->comm, st, err);
	return st ? st : qn_comm_bcast(g->comm, c->shard, c->nshards * sizeof(*c->shard), err);
}

static enum quern_status keep_copies(const struct card *card, uint64_t n, struct qn_staged *out,
				     struct quern_message *err)
{
	out->copy = qn_calloc(n, sizeof(*out->copy));
	if (!out->copy)
		return qn_error_nomem(err, n * sizeof(*out->copy), "copies");
	for (uint64_t i = 0; i < n; i++) {
		struct qn_copy *copy = &out->copy[out->ncopies];

		if (card[i].is_extra)
			continue;
		*copy = card[i].copy;
		copy->nbytes = out->catalog.shard[copy->shard].nbytes;
		copy->fate = copy->fate == QN_PLANNED ? QN_SENT : copy->fate;
		out->ncopies++;
	}
	return QUERN_OK;
}

/* Rank 0: from the cards of all to the shards of the catalog, and to what is yet to be done. */
static enum quern_status work_out(struct staging *g, const struct card *card, uint64_t n,
				  int32_t *rank_of, struct qn_transfer **moves, size_t *nmoves,
				  struct qn_staged *out, struct quern_message *err)
{
	uint64_t *owner = qn_calloc(g->catalog->nshards, sizeof(*owner)), nmoved = 0;
	enum quern_status st = owner ? choose_owners(g, card, n, owner, err)
				     : qn_error_nomem(err, 0, "shards");

	if (!st) {
		fill_shards(g, card, owner);
		*moves = plan_moves(card, n, owner, &nmoved);
		*nmoves = nmoved * sizeof(**moves);
		for (uint32_t i = 0; i < g->catalog->nshards; i++)
			rank_of[i] = card[owner[i]].rank;
		st = *moves ? keep_copies(card, n, out, err) : qn_error_nomem(err, 0, "copies");
	}
	free(owner);
	return st;
}

static enum quern_status collect(struct staging *g, struct qn_staged *out,
				 struct quern_message *err)
{
	const size_t nshards = g->catalog->nshards;
	int32_t *rank_of = qn_calloc(nshards, sizeof(*rank_of));
	struct qn_transfer *moves = NULL;
	size_t nbytes = 0;
	uint64_t n = g->n;
	void *all = NULL;
	enum quern_status st = rank_of ? QUERN_OK : qn_error_nomem(err, nshards * 4, "shards");

	st = qn_comm_agree(g->comm, st, err);
	if (!st)
		st = qn_comm_gatherv(g->comm, g->card, &n, sizeof(*g->card), &all, err);
	if (!st && leads(g))
		st = work_out(g, all, n, rank_of, &moves, &nbytes, out, err);
	st = share_shards(g, st, err);
	if (!st)
		st = qn_comm_bcast(g->comm, rank_of, nshards * sizeof(*rank_of), err);
	if (!st)
		st = qn_stage_share(g->comm, st, &moves, &nbytes, err);
	if (!st)
		st = gather_entries(g, rank_of, err);
	if (!st)
		st = qn_stage_move(g->stage, g->catalog, moves, nbytes / sizeof(*moves), err);
	free(moves);
	free(all);
	free(rank_of);
	return st;
}

/* --- catalog --- */

enum quern_status qn_stage_put_catalog(struct qn_comm *c, const struct qn_catalog *catalog,
				       void **image, size_t *nbytes, int64_t time_ns,
				       struct quern_message *err)
{
	enum quern_status st = qn_stage_share(c, QUERN_OK, image, nbytes, err);

	if (!st && qn_comm_host_rank(c) == 0) {
		st = qn_stage_make_folder(catalog, err);
		if (!st)
			st = qn_publish_write(catalog->file, QN_REPLACE_LINK, catalog->rights,
					      *image, *nbytes, time_ns, err);
	}
	return qn_comm_agree(c, st, err);
}

/* What was for the making only. */
static void tidy(const struct staging *g)
{
	char *plan = qn_stage_plan_file(g->catalog->file);
	char *sums = qn_stage_sums_file(g->catalog->file);

	if (leads_host(g) && plan && sums) {
		qn_sys_unlink(plan);
		qn_sys_unlink(sums);
	}
	for (uint64_t i = 0; i < g->n; i++) {
		char *file = g->card[i].is_extra ? qn_catalog_file_of(g->catalog, g->found[i].shard)
						 : NULL;

		if (file)
			qn_sys_unlink(file);
		free(file);
	}
	free(sums);
	free(plan);
}

static enum quern_status put_catalog(struct staging *g, struct quern_message *err)
{
	const struct qn_format *format = NULL;
	void *image = NULL;
	size_t nbytes = 0;
	enum quern_status st = QUERN_OK;

	if (leads(g)) {
		st = qn_source_format(g->catalog->source, &format, err);
		if (!st)
			st = format->catalog(g->catalog, &image, &nbytes, err);
	}
	st = qn_comm_agree(g->comm, st, err);
	if (!st)
		st = qn_stage_put_catalog(g->comm, g->catalog, &image, &nbytes, g->catalog->time_ns,
					  err);
	if (!st)
		tidy(g);
	free(image);
	return st;
}

/* --- all of it --- */

/* Nothing is made: rank 0 says where all copies are, or are to be. */
static enum quern_status tell_homes(struct staging *g, enum qn_fate fate, struct qn_staged *out,
				    struct quern_message *err)
{
	const struct qn_catalog *c = g->catalog;

	out->copy = qn_calloc((size_t)c->nshards * c->nreplicas, sizeof(*out->copy));
	if (!out->copy)
		return qn_error_nomem(err, c->nshards * sizeof(*out->copy), "copies");
	for (uint32_t i = 0; i < c->nshards; i++)
		for (uint32_t k = 0; k < c->shard[i].nhomes; k++) {
			struct qn_copy *copy = &out->copy[out->ncopies++];

			*copy = (struct qn_copy){ .shard = i,
						  .fate = fate,
						  .nbytes = c->shard[i].nbytes };
			memcpy(copy->host, c->host[c->shard[i].home[k]], QN_HOST_NBYTES);
		}
	return QUERN_OK;
}

static enum quern_status begin(struct staging *g, const char *file, struct quern_message *err)
{
	enum quern_status st = qn_hosts_init(g->comm, &g->hosts, err);

	if (!st && leads(g)) {
		st = qn_stage_cut(g->stage, file, g->hosts.n, &g->subject, g->catalog, err);
		if (!st)
			qn_stage_give_homes(g->catalog, &g->hosts);
	}
	st = qn_stage_share_catalog(g->comm, st, g->catalog, err);
	if (!st && leads(g))
		qn_log(QN_LOG_INFO, "%s: %u datasets in %u shards, %u copies each, for %d hosts",
		       g->catalog->file, g->catalog->ndatasets, g->catalog->nshards,
		       g->catalog->nreplicas, g->hosts.n);
	return st ? st : look(g, err);
}

enum quern_status qn_stage_file(struct qn_stager *s, const char *file, struct qn_staged *out,
				struct quern_message *err)
{
	struct staging g = { .stage = s,
			     .comm = s->comm,
			     .catalog = &out->catalog,
			     .lock = -1,
			     .dry = s->settings.is_dry };
	enum quern_status st = begin(&g, file, err);

	if (!st && (g.dry || g.done)) {
		if (leads(&g))
			st = tell_homes(&g, g.done ? QN_KEPT : QN_PLANNED, out, err);
		out->was_there = g.done;
		st = qn_comm_agree(g.comm, st, err);
		goto out;
	}
	if (!st)
		st = qn_stage_share_subject(g.comm, &g.subject, err);
	if (!st)
		st = make(&g, err);
	if (!st)
		st = collect(&g, out, err);
	if (!st)
		st = put_catalog(&g, err);
out:
	for (uint64_t i = 0; i < g.n; i++)
		free(g.found[i].entry);
	qn_stage_unlock(out->catalog.file, &g.lock);
	free(g.found);
	free(g.card);
	free(g.sees);
	free(g.host_of);
	free(g.plan);
	qn_stage_source_fini(&g.subject);
	qn_hosts_fini(&g.hosts);
	return st;
}
