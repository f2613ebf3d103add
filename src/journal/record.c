#include "journal/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/system.h"

#define BLOCK_NWORDS	(UINT64_C(1) << 17) /* of rows that are written at once */
#define PIECE_NBYTES	((size_t)1 << 20)   /* that are summed at once */
#define BYTE_ORDER_MARK UINT64_C(0x0102030405060708)

static const char file_magic[16] = "quern-states 1\n";
static const char record_magic[8] = "record\n";

struct file_head {
	char magic[16];
	uint64_t byte_order;
	struct qn_sum identity;
	uint64_t unused;
	struct qn_sum sum;
};

struct block_head {
	uint64_t row, n, nbytes;
};

void qn_states_fini(struct qn_states *r)
{
	free(r->file);
	free(r->run);
	*r = (struct qn_states){ .file = NULL };
}

void qn_states_file_head(const struct qn_sum *identity, void *out)
{
	struct file_head head = { .byte_order = BYTE_ORDER_MARK, .identity = *identity };

	_Static_assert(sizeof(head) == QN_STATES_HEAD_NBYTES, "as it is stored");
	memcpy(head.magic, file_magic, sizeof(head.magic));
	qn_sum_of(&head, offsetof(struct file_head, sum), &head.sum);
	memcpy(out, &head, sizeof(head));
}

/* --- writing --- */

struct writer {
	int fd, why; /* errno of the first that failed */
	uint64_t at;
	struct qn_summer *sum;
	char *buffer; /* owned: of a block */
	size_t room;
};

static void put_at(struct writer *w, uint64_t at, const void *bytes, size_t nbytes)
{
	const char *from = bytes;

	while (!w->why && nbytes) {
		const ssize_t n = qn_sys_pwrite(w->fd, from, nbytes, (off_t)at);

		if (n < 0 && errno != EINTR)
			w->why = errno;
		if (n <= 0)
			continue;
		from += n;
		at += (uint64_t)n;
		nbytes -= (size_t)n;
	}
}

static void put(struct writer *w, const void *bytes, size_t nbytes)
{
	if (w->why)
		return;
	qn_summer_add(w->sum, bytes, nbytes);
	put_at(w, w->at, bytes, nbytes);
	w->at += nbytes;
}

/* The next run of items from `from` on; n is 0 where there is none. */
static struct qn_item_run next_run(const uint64_t *done, uint64_t nitems, uint64_t from)
{
	struct qn_item_run run = { from, 0 };

	while (run.first < nitems && !(done[run.first / 64] >> run.first % 64))
		run.first += 64 - run.first % 64;
	if (run.first >= nitems)
		return (struct qn_item_run){ nitems, 0 };
	run.first += (uint64_t)__builtin_ctzll(done[run.first / 64] >> run.first % 64);
	while (run.first + run.n < nitems &&
	       done[(run.first + run.n) / 64] >> (run.first + run.n) % 64 & 1)
		run.n++;
	return run;
}

static void put_runs(struct writer *w, struct qn_states_head *head, const uint64_t *done)
{
	struct qn_item_run run = { 0, 0 };

	head->nruns = head->ncovered = 0;
	while ((run = next_run(done, head->nitems, run.first + run.n)).n) {
		put(w, &run, sizeof(run));
		head->nruns++;
		head->ncovered += run.n;
	}
}

static void put_seen(struct writer *w, struct qn_states_head *head, const struct qn_cells *cells)
{
	head->nseen = cells->seen ? qn_seen_nwords(cells->rows) : 0;
	for (uint64_t i = 0; i < head->nseen; i++) {
		const uint64_t word = atomic_load_explicit(&cells->seen[i], memory_order_relaxed);

		put(w, &word, sizeof(word));
	}
}

static void put_block(struct writer *w, const struct qn_cells *cells, uint64_t row, uint64_t n)
{
	static const char zeros[sizeof(int64_t)];
	struct block_head head = { .row = row, .n = n };
	const size_t most = (size_t)qn_cells_pack_nbytes(cells, row, n);

	if (!w->why && most > w->room) {
		free(w->buffer);
		w->buffer = qn_alloc_aligned(most);
		w->room = w->buffer ? most : 0;
	}
	head.nbytes = w->buffer ? qn_cells_pack(cells, row, n, w->buffer) : 0;
	if (!w->why && !head.nbytes)
		w->why = ENOMEM;
	put(w, &head, sizeof(head));
	put(w, w->buffer, (size_t)head.nbytes);
	put(w, zeros, (size_t)(-head.nbytes % sizeof(zeros)));
}

static void put_blocks(struct writer *w, struct qn_states_head *head, const struct qn_cells *cells)
{
	const uint64_t nrows = cells->rows->nrows;
	const uint64_t most = qn_max_u64(BLOCK_NWORDS / cells->layout->nwords, 1);

	head->nrows = nrows;
	head->nblocks = 0;
	for (uint64_t row = 0; !w->why && row < nrows; row += most, head->nblocks++)
		put_block(w, cells, row, qn_min_u64(most, nrows - row));
}

int qn_states_write(int fd, uint64_t at, struct qn_states_head *head, const uint64_t *done,
		    struct qn_cells *cells)
{
	struct writer w = { .fd = fd, .at = at + sizeof(*head), .sum = qn_summer_new() };
	struct qn_sum sum;

	if (!w.sum)
		return ENOMEM;
	memcpy(head->magic, record_magic, sizeof(head->magic));
	put_runs(&w, head, done);
	put_seen(&w, head, cells);
	put_blocks(&w, head, cells);
	head->nbytes = w.at + sizeof(sum) - at;
	qn_summer_add(w.sum, head, sizeof(*head));
	qn_summer_get(w.sum, &sum);
	put_at(&w, w.at, &sum, sizeof(sum));
	put_at(&w, at, head, sizeof(*head));
	qn_summer_free(w.sum);
	free(w.buffer);
	return w.why;
}

/* --- finding --- */

static bool get(int fd, void *out, size_t nbytes, uint64_t at)
{
	return qn_sys_read_data(fd, out, nbytes, at) == (ssize_t)nbytes;
}

static bool is_of(int fd, const struct qn_sum *identity)
{
	struct file_head head;
	struct qn_sum sum;

	if (!get(fd, &head, sizeof(head), 0))
		return false;
	qn_sum_of(&head, offsetof(struct file_head, sum), &sum);
	return !memcmp(head.magic, file_magic, sizeof(head.magic)) &&
	       head.byte_order == BYTE_ORDER_MARK && qn_sum_equal(&head.sum, &sum) &&
	       qn_sum_equal(&head.identity, identity);
}

/* Is what the head says possible in a file of so many bytes? */
static bool is_possible(const struct qn_states_head *h, uint64_t at, uint64_t file_nbytes)
{
	const uint64_t around = sizeof(*h) + sizeof(struct qn_sum);
	uint64_t runs, seen, all;

	return !memcmp(h->magic, record_magic, sizeof(h->magic)) && h->nbytes >= around &&
	       h->nbytes <= file_nbytes - at &&
	       qn_mul(h->nruns, sizeof(struct qn_item_run), &runs) &&
	       qn_mul(h->nseen, sizeof(uint64_t), &seen) && qn_add(runs, seen, &all) &&
	       all <= h->nbytes - around;
}

/* Does its sum fit what it has? */
static bool is_whole(int fd, const struct qn_states_head *h, uint64_t at, char *piece,
		     struct qn_summer *summer)
{
	const uint64_t end = at + h->nbytes - sizeof(struct qn_sum);
	struct qn_sum stored, sum;
	size_t n;

	qn_summer_reset(summer);
	for (uint64_t from = at + sizeof(*h); from < end; from += n) {
		n = (size_t)qn_min_u64(PIECE_NBYTES, end - from);
		if (!get(fd, piece, n, from))
			return false;
		qn_summer_add(summer, piece, n);
	}
	qn_summer_add(summer, h, sizeof(*h));
	qn_summer_get(summer, &sum);
	return get(fd, &stored, sizeof(stored), end) && qn_sum_equal(&stored, &sum);
}

static bool are_runs(const struct qn_states *r)
{
	uint64_t end = 0, n = 0;

	for (uint64_t i = 0; i < r->head.nruns; i++) {
		const struct qn_item_run *run = &r->run[i];

		if (run->first < end || !run->n || run->n > r->head.nitems ||
		    run->first > r->head.nitems - run->n)
			return false;
		end = run->first + run->n;
		n += run->n;
	}
	return n == r->head.ncovered;
}

/* Its runs. False: they are none, or there is no memory. */
static bool load_runs(int fd, uint64_t at, struct qn_states *r)
{
	const size_t nbytes = (size_t)r->head.nruns * sizeof(*r->run);

	r->run = qn_malloc(nbytes + 1);
	r->blocks_at = at + sizeof(r->head) + nbytes + r->head.nseen * sizeof(uint64_t);
	return r->run && get(fd, r->run, nbytes, at + sizeof(r->head)) && are_runs(r);
}

/* The last whole one; *at: where. */
static bool find_last(int fd, uint64_t nbytes, char *piece, struct qn_summer *summer,
		      struct qn_states_head *last, uint64_t *last_at)
{
	struct qn_states_head head;
	bool found = false;

	for (uint64_t at = QN_STATES_HEAD_NBYTES; at + sizeof(head) <= nbytes; at += head.nbytes) {
		if (!get(fd, &head, sizeof(head), at) || !is_possible(&head, at, nbytes) ||
		    !is_whole(fd, &head, at, piece, summer))
			break;
		*last = head;
		*last_at = at;
		found = true;
	}
	return found;
}

enum quern_status qn_states_find(const char *file, const struct qn_sum *identity,
				 struct qn_states *out, bool *found, struct quern_message *err)
{
	struct stat st;
	const int fd = qn_file_open_own(file, &st);
	struct qn_summer *summer = qn_summer_new();
	char *piece = qn_malloc(PIECE_NBYTES);
	uint64_t at = 0;

	*out = (struct qn_states){ .file = qn_strdup(file) };
	*found = fd >= 0 && summer && piece && out->file && is_of(fd, identity) &&
		 find_last(fd, (uint64_t)st.st_size, piece, summer, &out->head, &at) &&
		 load_runs(fd, at, out);
	if (fd >= 0)
		qn_sys_close(fd);
	if (!*found)
		qn_log(QN_LOG_INFO, "%s has no record that is of use", file);
	if (!summer || !piece || !out->file)
		qn_error_nomem(err, PIECE_NBYTES, "a record");
	qn_summer_free(summer);
	free(piece);
	if (!*found)
		qn_states_fini(out);
	return err->status;
}

enum quern_status qn_states_at(int fd, const char *file, uint64_t at, uint64_t file_nbytes,
			       struct qn_states *out, bool *found, struct quern_message *err)
{
	struct qn_summer *summer = qn_summer_new();
	char *piece = qn_malloc(PIECE_NBYTES);
	const bool fits = at <= file_nbytes && file_nbytes - at >= sizeof(out->head);

	*out = (struct qn_states){ .file = qn_strdup(file) };
	*found = summer && piece && out->file && fits &&
		 get(fd, &out->head, sizeof(out->head), at) &&
		 is_possible(&out->head, at, file_nbytes) &&
		 is_whole(fd, &out->head, at, piece, summer) && load_runs(fd, at, out);
	if (!summer || !piece || !out->file)
		qn_error_nomem(err, PIECE_NBYTES, "a record");
	qn_summer_free(summer);
	free(piece);
	if (!*found)
		qn_states_fini(out);
	return err->status;
}

/* --- adding --- */

static enum quern_status add_seen(const struct qn_states *r, int fd, struct qn_cells *cells)
{
	const uint64_t nwords = cells->seen ? qn_seen_nwords(cells->rows) : 0;
	uint64_t at = r->blocks_at - r->head.nseen * sizeof(uint64_t), word;

	if (nwords != r->head.nseen)
		return QUERN_ERR_DATA;
	for (uint64_t i = 0; i < nwords; i++, at += sizeof(word)) {
		if (!get(fd, &word, sizeof(word), at))
			return QUERN_ERR_DATA;
		atomic_fetch_or_explicit(&cells->seen[i], word, memory_order_relaxed);
	}
	return QUERN_OK;
}

/* The block at *at, which is moved behind it. */
static enum quern_status add_block(int fd, uint64_t *at, uint64_t end, struct qn_cells *cells)
{
	const uint64_t nrows = cells->rows->nrows;
	struct block_head head;
	enum quern_status st = QUERN_OK;
	char *bytes;

	if (!get(fd, &head, sizeof(head), *at) || head.nbytes > end - *at || head.n > nrows ||
	    head.row > nrows - head.n)
		return QUERN_ERR_DATA;
	bytes = qn_alloc_aligned((size_t)head.nbytes + 1);
	if (!bytes)
		return QUERN_ERR_RUN;
	if (!get(fd, bytes, (size_t)head.nbytes, *at + sizeof(head)))
		st = QUERN_ERR_DATA;
	else if (!qn_cells_unpack(cells, head.row, head.n, bytes, head.nbytes))
		st = QUERN_ERR_RUN;
	free(bytes);
	*at += sizeof(head) + head.nbytes + -head.nbytes % sizeof(int64_t);
	return st;
}

enum quern_status qn_states_add(const struct qn_states *r, struct qn_cells *cells,
				struct quern_message *err)
{
	const int fd = qn_file_open_own(r->file, NULL);
	uint64_t at = r->blocks_at;
	const uint64_t end = at + r->head.nbytes;
	enum quern_status st = fd < 0 ? QUERN_ERR_DATA : add_seen(r, fd, cells);

	for (uint64_t i = 0; !st && i < r->head.nblocks; i++)
		st = add_block(fd, &at, end, cells);
	if (fd >= 0)
		qn_sys_close(fd);
	if (st == QUERN_ERR_DATA)
		return qn_error_set(
			err, st,
			"%s: what was read of it before cannot be read again: start once "
			"more; a run with a journal resumes from what is left",
			r->file);
	return st && !atomic_load(&cells->is_over) ? qn_error_nomem(err, 0, "states that were kept")
						   : QUERN_OK;
}
