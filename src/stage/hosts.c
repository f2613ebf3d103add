#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "cluster/share.h"
#include "resolve/catalog.h"
#include "stage/stage_impl.h"

#define TIME_LINE "time "
#define PLAN_LINE "quern-stage 1\n"

/* --- hosts --- */

struct card {
	int32_t host, host_rank;
	char name[QN_HOST_NBYTES];
};

void qn_hosts_fini(struct qn_hosts *h)
{
	free(h->name);
	free(h->first);
	free(h->rank);
	memset(h, 0, sizeof(*h));
}

static void sort_cards(struct qn_hosts *h, const struct card *card, int nranks)
{
	for (int r = 0; r < nranks; r++)
		h->first[card[r].host + 1]++;
	for (int i = 0; i < h->n; i++)
		h->first[i + 1] += h->first[i];
	for (int r = 0; r < nranks; r++) {
		h->rank[h->first[card[r].host] + card[r].host_rank] = r;
		if (!card[r].host_rank)
			memcpy(h->name[card[r].host], card[r].name, QN_HOST_NBYTES);
	}
}

/* Hosts of one name could not be told apart in a catalog. */
static enum quern_status check_names(const struct qn_hosts *h, struct quern_message *err)
{
	for (int i = 0; i < h->n; i++)
		if (qn_hosts_find(h, h->name[i]) != i)
			return qn_error_set(err, QUERN_ERR_RUN, "two hosts are called %s",
					    h->name[i]);
	return QUERN_OK;
}

enum quern_status qn_hosts_init(struct qn_comm *c, struct qn_hosts *h, struct quern_message *err)
{
	const size_t nranks = (size_t)qn_comm_size(c);
	struct card mine = { .host = qn_comm_host(c), .host_rank = qn_comm_host_rank(c) };
	struct card *card = qn_calloc(nranks, sizeof(*card));
	enum quern_status st = QUERN_OK;

	h->n = qn_comm_nhosts(c);
	h->mine = qn_comm_host(c);
	h->name = qn_calloc((size_t)h->n, sizeof(*h->name));
	h->first = qn_calloc((size_t)h->n + 1, sizeof(*h->first));
	h->rank = qn_calloc(nranks, sizeof(*h->rank));
	if (gethostname(mine.name, sizeof(mine.name) - 1))
		snprintf(mine.name, sizeof(mine.name), "host%d", mine.host);
	for (char *p = mine.name; *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
	if (!card || !h->name || !h->first || !h->rank)
		st = qn_error_nomem(err, nranks * sizeof(*card), "the hosts");
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_gather(c, &mine, sizeof(mine), card, err);
	if (!st)
		st = qn_comm_bcast(c, card, nranks * sizeof(*card), err);
	if (!st) {
		sort_cards(h, card, (int)nranks);
		st = check_names(h, err);
	}
	free(card);
	return st;
}

int qn_hosts_worker(const struct qn_hosts *h, int host, uint64_t k)
{
	return h->rank[h->first[host] + (int)(k % (uint64_t)(h->first[host + 1] - h->first[host]))];
}

int qn_hosts_find(const struct qn_hosts *h, const char *name)
{
	for (int i = 0; i < h->n; i++)
		if (!strncmp(h->name[i], name, QN_HOST_NBYTES))
			return i;
	return -1;
}

enum quern_status qn_stage_share(struct qn_comm *c, enum quern_status st, void *data,
				 size_t *nbytes, struct quern_message *err)
{
	st = qn_comm_agree(c, st, err);
	return st ? st : qn_comm_bcast_block(c, data, nbytes, err);
}

static enum quern_status unpack_catalog(const void *packed, size_t nbytes, void *thing,
					struct quern_message *err)
{
	return qn_catalog_unflatten(packed, nbytes, thing, err);
}

enum quern_status qn_stage_share_catalog(struct qn_comm *c, enum quern_status st,
					 struct qn_catalog *catalog, struct quern_message *err)
{
	size_t nbytes = 0;
	void *flat = NULL;

	if (!st && qn_comm_rank(c) == 0) {
		flat = qn_catalog_flatten(catalog, &nbytes, err);
		st = flat ? QUERN_OK : err->status;
	}
	return qn_share(c, st, flat, nbytes, unpack_catalog, catalog, "a catalog", err);
}

/* --- what is there --- */

char *qn_stage_plan_file(const char *catalog)
{
	char *out;

	return qn_asprintf(&out, "%s.shards/plan", catalog) < 0 ? NULL : out;
}

char *qn_stage_plan_text(const struct qn_catalog *c)
{
	char *text = NULL;
	size_t nbytes = 0;
	FILE *f = qn_open_memstream(&text, &nbytes);

	if (!f)
		return NULL;
	fprintf(f, PLAN_LINE "source %" PRIu64 " %" PRId64 " %s\n", c->source_nbytes,
		c->source_mtime_ns, c->source);
	for (uint32_t i = 0; i < c->ndatasets; i++)
		fprintf(f, "dataset %s\n", c->path[i]);
	for (uint32_t i = 0; i < c->nshards; i++)
		fprintf(f, "shard %" PRIu32 " %d %" PRIu64 " %" PRIu64 "\n", c->shard[i].dataset,
			c->shard[i].dim, c->shard[i].start, c->shard[i].count);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static uint32_t look_at_source(const struct qn_catalog *c)
{
	struct stat st;

	if (qn_sys_access(c->source, R_OK) || qn_sys_stat(c->source, &st))
		return QN_ABSENT;
	return (uint64_t)st.st_size == c->source_nbytes &&
			       (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec ==
				       c->source_mtime_ns
		       ? QN_SAME
		       : QN_FOREIGN;
}

/* Of the same state of the same file, cut in the same way? */
static bool is_same_staging(const struct qn_catalog *a, const struct qn_catalog *b)
{
	bool same = a->source_nbytes == b->source_nbytes &&
		    a->source_mtime_ns == b->source_mtime_ns && a->ndatasets == b->ndatasets &&
		    a->nshards == b->nshards && a->nreplicas == b->nreplicas;

	for (uint32_t i = 0; same && i < a->ndatasets; i++)
		same = !strcmp(a->path[i], b->path[i]);
	for (uint32_t i = 0; same && i < a->nshards; i++)
		same = a->shard[i].dim == b->shard[i].dim && a->shard[i].count == b->shard[i].count;
	return same;
}

/* Copies that a host is to have and that are not there, or are others. */
static void count_bad(const struct qn_catalog *c, const char *host, struct qn_host_view *out)
{
	for (uint32_t i = 0; i < c->nshards; i++)
		for (uint32_t k = 0; k < c->shard[i].nhomes; k++) {
			char *file;

			if (strncmp(c->host[c->shard[i].home[k]], host, QN_HOST_NBYTES))
				continue;
			file = qn_catalog_file_of(c, i);
			if (!file)
				out->why_not = ENOMEM;
			else if (qn_shard_is(file, c->shard[i].nbytes, c->time_ns) != QN_SAME)
				out->nbad++;
			free(file);
		}
}

static void look_at_catalog(const struct qn_catalog *c, const char *host, struct qn_host_view *out)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_catalog there;
	bool is = false;
	struct stat s;

	out->catalog = QN_ABSENT;
	if (qn_sys_lstat(c->file, &s)) {
		out->why_not = qn_file_is_none(errno) ? 0 : errno;
		return;
	}
	out->catalog = QN_FOREIGN;
	if (S_ISLNK(s.st_mode))
		return;
	/* What there was no memory for is not something else. */
	if (qn_catalog_load(c->file, &there, &is, &why) == QUERN_ERR_RUN)
		out->why_not = ENOMEM;
	if (!is)
		return;
	if (is_same_staging(c, &there)) {
		out->catalog = QN_SAME;
		out->time_ns = there.time_ns;
		count_bad(&there, host, out);
	}
	qn_catalog_fini(&there);
}

/* A folder that is not there is empty too. */
static bool is_empty(const char *folder)
{
	DIR *d = qn_sys_opendir(folder);
	const struct dirent *e = NULL;

	if (!d)
		return errno == ENOENT;
	do
		e = qn_sys_readdir(d);
	while (e && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")));
	qn_sys_closedir(d);
	return !e;
}

static void look_at_plan(const struct qn_catalog *c, const char *plan, struct qn_host_view *out)
{
	char *file = qn_stage_plan_file(c->file), *folder = qn_catalog_folder(c->file);
	const size_t length = strlen(plan);
	size_t nbytes = 0;
	char *text = file ? qn_file_load(file, QN_PLAN_NBYTES, &nbytes) : NULL;
	const int why = text ? 0 : file ? errno : ENOMEM;

	out->plan = QN_ABSENT;
	if (!folder || why == EIO || qn_file_status(why) == QUERN_ERR_RUN) {
		out->why_not = folder ? why : ENOMEM;
	} else if (text && nbytes > length && !memcmp(text, plan, length) &&
		   !strncmp(text + length, TIME_LINE, strlen(TIME_LINE))) {
		out->plan = QN_SAME;
		out->time_ns = strtoll(text + length + strlen(TIME_LINE), NULL, 10);
	} else if (text || (out->catalog == QN_ABSENT && !is_empty(folder))) {
		/* An empty folder is nobody's; another one is not to be touched. */
		out->plan = QN_FOREIGN;
		out->is_alien = !text || strncmp(text, PLAN_LINE, strlen(PLAN_LINE));
	}
	free(text);
	free(folder);
	free(file);
}

void qn_stage_look(const struct qn_catalog *c, const char *plan, const char *host,
		   struct qn_host_view *out)
{
	char *folder = qn_stage_directory(c->file);
	struct statvfs fs;

	memset(out, 0, sizeof(*out));
	/* One that is not there yet would be made in the one above. */
	if (folder && qn_sys_access(folder, F_OK) && errno == ENOENT) {
		char *above = qn_stage_directory(folder);

		free(folder);
		folder = above;
	}
	if (folder && !qn_sys_statvfs(folder, &fs))
		out->free_nbytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	out->source = look_at_source(c);
	look_at_catalog(c, host, out);
	look_at_plan(c, plan, out);
	free(folder);
}

char *qn_stage_directory(const char *catalog)
{
	const char *slash = strrchr(catalog, '/');

	if (!slash)
		return qn_strdup(".");
	return slash == catalog ? qn_strdup("/") : qn_strndup(catalog, (size_t)(slash - catalog));
}

enum quern_status qn_stage_make_folder(const struct qn_catalog *c, struct quern_message *err)
{
	char *folder = qn_catalog_folder(c->file);
	enum quern_status st = QUERN_OK;
	int why;

	if (!folder)
		return qn_error_nomem(err, strlen(c->file), "a name");
	why = qn_rights_mkdir(folder, c->rights);
	if (why)
		st = qn_error_set(err, qn_error_status_of(why), "%s: cannot be made: %s", folder,
				  strerror(why));
	else
		qn_publish_sync_folder(folder);
	free(folder);
	return st;
}

int64_t qn_stage_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
