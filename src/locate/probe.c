#include "locate/probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "describe/describe.h"

#define COARSE_NBYTES (1u << 20)
#define FEW_SAMPLES   256 /* where all ranks have the same of it */

struct looker {
	const struct qn_team *team;
	const struct qn_subject *subject;
	const struct qn_where *where;
	uint32_t host;
	bool with_nodes;
	struct qn_disks *disks;	   /* owned; NULL: one node, or nothing can be told */
	uint64_t step;		   /* of this many chunks, one is asked for */
	uint64_t spacing;	   /* bytes of a file between two samples */
	uint64_t stride;	   /* of so many members, one is looked at */
	struct qn_probed *finding; /* owned */
	size_t n, room, first;	   /* first: of the member at hand */
	struct quern_message *err;
};

/* What the file at hand has, where it is not in memory. */
struct ground {
	int fd;
	uint16_t node, tier;
	struct qn_pages pages;
	bool known;
};

static enum quern_status add(struct looker *l, uint32_t member, uint64_t addr, uint16_t node,
			     uint16_t tier)
{
	struct qn_probed *last = l->n > l->first ? &l->finding[l->n - 1] : NULL;

	if (last && last->node == node && last->tier == tier)
		return QUERN_OK;
	if (!qn_grow(&l->finding, &l->room, l->n + 1, sizeof(*l->finding)))
		return qn_error_nomem(l->err, l->n * sizeof(*l->finding), "homes");
	l->finding[l->n++] = (struct qn_probed){ last ? addr : 0, member, l->host, node, tier };
	return QUERN_OK;
}

/* A sample: the bytes from offset on, which speak for those from addr on. */
static enum quern_status sample(struct looker *l, uint32_t member, const struct ground *g,
				uint64_t offset, uint64_t nbytes, uint64_t addr)
{
	int node = -1;

	if (!g->known || !qn_pages_look(&g->pages, offset, nbytes, l->with_nodes, &node))
		return add(l, member, addr, g->node, g->tier);
	return add(l, member, addr, node < 0 ? QN_ANY_NODE : (uint16_t)node, QN_HOME_MEMORY);
}

/* --- the places of samples --- */

static int by_address(const void *a, const void *b)
{
	const struct qn_chunk *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Of very many chunks a part is asked for, and speaks for those after it: neighbours in a file were
   mostly cached by the same process. */
static enum quern_status sample_chunks(struct looker *l, uint32_t member, const struct ground *g)
{
	const struct qn_member *m = &l->subject->mosaic.member[member];
	size_t n = (size_t)qn_ceil_div(m->nchunks, l->step), k = 0;
	struct qn_chunk *chunk = qn_calloc(n, sizeof(*chunk));
	enum quern_status st = QUERN_OK;

	if (!chunk)
		return qn_error_nomem(l->err, n * sizeof(*chunk), "homes");
	for (uint64_t i = 0; i < m->nchunks; i += l->step)
		chunk[k++] = m->chunks[i];
	qsort(chunk, n, sizeof(*chunk), by_address);
	for (size_t i = 0; !st && i < n; i++)
		st = sample(l, member, g, chunk[i].addr, chunk[i].nbytes, chunk[i].addr);
	free(chunk);
	return st;
}

/* Chunks begin anywhere, so that a sample speaks for as much before it as after it. */
static enum quern_status sample_bytes(struct looker *l, uint32_t member, const struct ground *g)
{
	const uint64_t nbytes = l->subject->mosaic.member[member].file_nbytes;
	enum quern_status st = QUERN_OK;

	for (uint64_t at = qn_min_u64(l->spacing, nbytes) / 2; !st && at < nbytes; at += l->spacing)
		st = sample(l, member, g, at, 1, at - qn_min_u64(at, l->spacing / 2));
	return st;
}

/* --- members --- */

/* False: this host has nothing of it to tell. */
static bool ground_init(const struct looker *l, const char *file, struct ground *g)
{
	struct stat s;

	*g = (struct ground){ .fd = qn_file_open(file, NULL), .node = QN_ANY_NODE };
	if (g->fd < 0)
		return false;
	switch (qn_source_medium(&l->team->site, file, g->fd)) {
	case QN_MEDIUM_MEMORY:
		g->tier = QN_HOME_MEMORY;
		break;
	case QN_MEDIUM_DISK:
		g->tier = QN_HOME_DISK;
		break;
	case QN_MEDIUM_SHARED:
		g->tier = QN_HOME_SHARED;
		break;
	}
	if (g->tier == QN_HOME_DISK && l->disks && !qn_sys_fstat(g->fd, &s)) {
		int node = qn_disks_node(l->disks, s.st_dev);

		g->node = node < 0 ? QN_ANY_NODE : (uint16_t)node;
	}
	g->known = qn_pages_open(l->team->topo, g->fd, &g->pages);
	return true;
}

static void ground_fini(struct ground *g)
{
	if (g->known)
		qn_pages_close(&g->pages);
	qn_sys_close(g->fd);
}

/* Takes back what access knows already: all of the file is where its kind of storage says. */
static void leave_out_known(struct looker *l, uint32_t member, const struct ground *g)
{
	const struct qn_probed *f = &l->finding[l->first];

	if (l->where->access.set && l->n == l->first + 1 && f->node == QN_ANY_NODE &&
	    f->tier == g->tier && qn_access_tier(&l->where->access, member, l->host) != QN_NTIERS)
		l->n = l->first;
}

static enum quern_status look_at(struct looker *l, uint32_t member)
{
	const struct qn_member *m = &l->subject->mosaic.member[member];
	struct ground g;
	enum quern_status st = QUERN_OK;

	/* A file that cannot be opened is reported by whoever must read it. */
	if (qn_access_tier(&l->where->access, member, l->host) == QN_NTIERS ||
	    !ground_init(l, m->file, &g))
		return QUERN_OK;
	l->first = l->n;
	if (m->nchunks)
		st = sample_chunks(l, member, &g);
	else
		st = sample_bytes(l, member, &g);
	if (!st)
		leave_out_known(l, member, &g);
	ground_fini(&g);
	return st;
}

/* Members of one file mostly follow each other: without chunks they are looked at as one. */
static bool is_of_last(const struct looker *l, uint32_t member)
{
	const struct qn_member *m = &l->subject->mosaic.member[member];

	return member && l->n > l->first && !m->nchunks && !m[-1].nchunks &&
	       l->finding[l->n - 1].member == member - 1 && !strcmp(m->file, m[-1].file);
}

static enum quern_status repeat_last(struct looker *l, uint32_t member)
{
	size_t begin = l->first, end = l->n;
	enum quern_status st = QUERN_OK;

	l->first = end;
	for (size_t i = begin; !st && i < end; i++) {
		struct qn_probed f = l->finding[i];

		st = add(l, member, f.addr, f.node, f.tier);
	}
	return st;
}

/* How far apart samples are, so that they are no more than `most`, and where only the tier is to be
   known at least COARSE_NBYTES apart. */
static void choose_steps(struct looker *l, uint64_t most, bool coarse)
{
	const struct qn_mosaic *m = &l->subject->mosaic;
	uint64_t nchunks = 0, nmembers = 0;
	double nbytes = 0;

	for (uint32_t i = 0; i < m->nmembers; i++) {
		if (qn_access_tier(&l->where->access, i, l->host) == QN_NTIERS)
			continue;
		nmembers++;
		nchunks += m->member[i].nchunks;
		nbytes += (double)m->member[i].file_nbytes;
	}
	if (coarse)
		most = qn_max_u64(FEW_SAMPLES, qn_min_u64(most, (uint64_t)nbytes / COARSE_NBYTES));
	l->step = qn_max_u64(1, qn_ceil_div(nchunks, most));
	l->spacing = qn_max_u64(4096,
				(uint64_t)qn_min_u64((uint64_t)(nbytes / (double)most), INT64_MAX));
	l->stride = qn_max_u64(1, qn_ceil_div(nmembers, most));
}

enum quern_status qn_probe(const struct qn_team *team, const struct qn_subject *subject,
			   const struct qn_where *where, struct qn_probed **out, size_t *n,
			   struct quern_message *err)
{
	uint64_t nhosts = (uint64_t)qn_comm_nhosts(team->comm);
	struct looker l = { .team = team,
			    .subject = subject,
			    .where = where,
			    .host = (uint32_t)qn_comm_host(team->comm),
			    .err = err,
			    .with_nodes = qn_topo_nnodes(team->topo) > 1 };
	enum quern_status st = QUERN_OK;
	bool coarse;

	coarse = !l.with_nodes && !where->looks_closely;
	choose_steps(&l,
		     nhosts == 1 && coarse
			     ? FEW_SAMPLES
			     : qn_min_u64(QN_MOST_SAMPLES, QN_MOST_SAMPLES_ALL / nhosts + 1),
		     coarse);
	l.disks = l.with_nodes ? qn_disks_new(NULL) : NULL;
	for (uint32_t i = 0; !st && i < subject->mosaic.nmembers; i++)
		if (is_of_last(&l, i))
			st = repeat_last(&l, i);
		else if (i % l.stride == 0)
			st = look_at(&l, i);
	qn_disks_free(l.disks);
	*out = l.finding;
	*n = l.n;
	return st;
}
