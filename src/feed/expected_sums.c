#include "feed/expected_sums.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "data/catalog.h"

static bool is_same(int fd, const struct qn_ledger *l)
{
	struct stat s;

	return !qn_sys_fstat(fd, &s) && (uint64_t)s.st_size == l->file_nbytes &&
	       (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec == l->file_mtime_ns;
}

static enum quern_status open_ledger(struct qn_expected_sums *r, const struct qn_ledger *l,
				     struct quern_message *err)
{
	int fd = qn_file_open(l->file, NULL);

	if (fd < 0)
		return qn_error_set(err, qn_file_status(errno),
				    "%s: cannot open this catalog on host %s: %s; "
				    "every host that has shards must have it",
				    l->file, r->host, qn_file_why(errno));
	if (!is_same(fd, l)) {
		qn_sys_close(fd);
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: host %s has another catalog than rank 0; "
				    "`quern stage --repair` brings hosts up to date",
				    l->file, r->host);
	}
	r->fd = fd;
	return QUERN_OK;
}

static enum quern_status read_row(const struct qn_expected_sums *r, uint64_t row,
				  struct qn_entry *out, struct quern_message *err)
{
	char bytes[QN_ENTRY_NBYTES];
	const uint64_t at = r->of->addr + (r->first + row) * QN_ENTRY_NBYTES;

	if (qn_sys_read_data(r->fd, bytes, sizeof(bytes), at) == sizeof(bytes) &&
	    qn_entry_read(bytes, out))
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_DATA, "%s: this catalog cannot be read on host %s",
			    r->of->file, r->host);
}

/* Rows are sorted by number, and mostly there is one for each number. */
static enum quern_status expect(void *ctx, const struct qn_chunk *chunk, struct qn_sum *sum,
				const char **host, struct quern_message *err)
{
	const struct qn_expected_sums *r = ctx;
	uint64_t low = 0, high = r->n, row = qn_min_u64(chunk->number, r->n ? r->n - 1 : 0);
	struct qn_entry e = { .chunk = { .number = 0 } };

	*host = r->host;
	while (low < high) {
		enum quern_status st = read_row(r, row, &e, err);

		if (st)
			return st;
		if (e.chunk.number == chunk->number)
			break;
		if (e.chunk.number < chunk->number)
			low = row + 1;
		else
			high = row;
		row = low + (high - low) / 2;
	}
	if (low < high && e.chunk.addr == chunk->addr && e.chunk.nbytes == chunk->nbytes) {
		*sum = e.sum;
		return QUERN_OK;
	}
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: this catalog has no chunk %" PRIu64 " as it was "
			    "planned on host %s",
			    r->of->file, chunk->number, r->host);
}

enum quern_status qn_expected_sums_turn(struct qn_expected_sums *r, const struct qn_mosaic *m,
					uint32_t member, const char *host, struct qn_feed *feed,
					struct quern_message *err)
{
	const struct qn_member *x = &m->member[member];
	enum quern_status st = QUERN_OK;

	if (x->ledger == QN_NO_LEDGER)
		return QUERN_OK;
	r->host = host;
	if (r->fd < 0 || r->ledger != x->ledger) {
		qn_expected_sums_close(r);
		st = qn_sum_check(err);
		if (!st)
			st = open_ledger(r, &m->ledger[x->ledger], err);
	}
	if (st)
		return st;
	r->ledger = x->ledger;
	r->of = &m->ledger[x->ledger];
	r->first = x->first_row;
	r->n = x->nrows;
	qn_feed_expect(feed, expect, r);
	return QUERN_OK;
}

void qn_expected_sums_close(struct qn_expected_sums *r)
{
	if (r->fd >= 0)
		qn_sys_close(r->fd);
	r->fd = -1;
}
