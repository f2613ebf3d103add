#include "journal/keeping.h"

#include <stdlib.h>

#include "base/cond.h"
#include "base/log.h"
#include "base/mem.h"

#define LEAST_SECONDS 0.02 /* between two records */
/* Workers wait for records no more than that part of the time. */
#define PAUSE_PART 100

/* --- records --- */

static void set_bit(uint64_t *map, uint64_t i)
{
	map[i / 64] |= UINT64_C(1) << i % 64;
}

/* What a worker has done, and found in cells of its own, to what the run has. */
static bool gather(struct qn_keeping *k, struct qn_keeper *w)
{
	for (size_t i = 0; i < w->ndone; i++)
		for (uint64_t n = 0; n < w->done[i].n; n++)
			set_bit(k->done, w->done[i].first + n);
	k->has_new = k->has_new || w->ndone;
	w->ndone = 0;
	if (!w->own)
		return true;
	qn_cells_normalize(w->own);
	qn_cells_normalize(k->cells);
	if (!qn_cells_merge(k->cells, w->own))
		return false;
	qn_cells_clear(w->own);
	qn_cells_check_spilled(k->cells);
	return true;
}

/* With the lock: nobody is at a task until release_all. */
static void stop_all(struct qn_keeping *k)
{
	atomic_store(&k->is_waiting, true);
	for (struct qn_keeper *w = k->first; w; w = w->next)
		pthread_mutex_lock(&w->lock);
}

static void release_all(struct qn_keeping *k)
{
	atomic_store(&k->is_waiting, false);
	for (struct qn_keeper *w = k->first; w; w = w->next)
		pthread_mutex_unlock(&w->lock);
}

static bool is_lost(const struct qn_cells *c)
{
	return atomic_load(&c->is_over) || atomic_load(&c->lacks_memory);
}

/* Do the states have all that is marked as done, and nothing else? */
static bool is_of_use(const struct qn_keeping *k)
{
	for (const struct qn_keeper *w = k->first; w; w = w->next)
		if (w->own && is_lost(w->own))
			return false;
	return !atomic_load(&k->is_torn) && !is_lost(k->cells);
}

static enum quern_status gather_all(struct qn_keeping *k, struct qn_states_head *head,
				    struct quern_message *err)
{
	*head = (struct qn_states_head){ .nheld = k->nheld, .nbeyond = k->nbeyond };
	for (struct qn_keeper *w = k->first; w; w = w->next) {
		head->nheld += *w->nheld;
		head->nbeyond += *w->nbeyond;
		if (!gather(k, w))
			return qn_error_nomem(err, 0, "the cells of the result");
	}
	qn_cells_normalize(k->cells);
	return QUERN_OK;
}

/* *written: there was something new. */
static enum quern_status write_record(struct qn_keeping *k, bool *written,
				      struct quern_message *err)
{
	struct qn_states_head head;
	enum quern_status st;

	*written = false;
	if (!is_of_use(k))
		return QUERN_OK;
	st = gather_all(k, &head, err);
	if (st || !k->has_new)
		return st;
	*written = true;
	k->has_new = false;
	return qn_journal_pass_write(&k->pass, &head, k->done, k->cells, err);
}

/* With the lock, which is given back while the record is synced. */
static enum quern_status keep(struct qn_keeping *k, struct quern_message *err)
{
	const double start = qn_comm_wtime();
	enum quern_status st;
	bool written;

	stop_all(k);
	st = write_record(k, &written, err);
	release_all(k);
	k->pause_seconds = qn_comm_wtime() - start;
	if (st || !written)
		return st;
	pthread_mutex_unlock(&k->lock);
	st = qn_journal_pass_sync(&k->pass, err);
	pthread_mutex_lock(&k->lock);
	k->has_record = true;
	qn_log(QN_LOG_DEBUG, "journal: workers waited %.6f s for a record, which took %.6f s",
	       k->pause_seconds, qn_comm_wtime() - start);
	return st;
}

static double window(const struct qn_keeping *k)
{
	double seconds = (double)k->seconds;

	if (seconds > 0 && seconds < PAUSE_PART * k->pause_seconds)
		seconds = PAUSE_PART * k->pause_seconds;
	return seconds < LEAST_SECONDS ? LEAST_SECONDS : seconds;
}

static void *keep_on(void *arg)
{
	struct qn_keeping *k = arg;
	double next = qn_comm_wtime() + window(k), left;
	enum quern_status st = QUERN_OK;

	pthread_mutex_lock(&k->lock);
	while (!st && !k->ends) {
		left = next - qn_comm_wtime();
		if (left > 0) {
			qn_cond_wait(&k->wake, &k->lock, (long)(1e9 * left));
			continue;
		}
		st = keep(k, &k->err);
		next = qn_comm_wtime() + window(k);
	}
	pthread_mutex_unlock(&k->lock);
	if (st)
		k->stop(k->queues);
	return NULL;
}

/* --- workers --- */

void qn_keeping_join(struct qn_keeping *k, struct qn_keeper *worker)
{
	pthread_mutex_init(&worker->lock, NULL);
	pthread_mutex_lock(&k->lock);
	worker->next = k->first;
	k->first = worker;
	pthread_mutex_unlock(&k->lock);
}

bool qn_keeping_leave(struct qn_keeping *k, struct qn_keeper *worker)
{
	bool ok = true;

	pthread_mutex_lock(&k->lock);
	if (worker->own && is_lost(worker->own))
		qn_keeping_tear(k);
	for (struct qn_keeper **at = &k->first; *at; at = &(*at)->next)
		if (*at == worker) {
			*at = worker->next;
			break;
		}
	if (!is_lost(k->cells) && !(worker->own && is_lost(worker->own)))
		ok = gather(k, worker);
	k->nheld += *worker->nheld;
	k->nbeyond += *worker->nbeyond;
	pthread_mutex_unlock(&k->lock);
	pthread_mutex_destroy(&worker->lock);
	free(worker->done);
	return ok;
}

void qn_keeping_lock(struct qn_keeping *k, struct qn_keeper *worker)
{
	if (atomic_load_explicit(&k->is_waiting, memory_order_relaxed)) {
		pthread_mutex_lock(&k->lock);
		pthread_mutex_unlock(&k->lock);
	}
	pthread_mutex_lock(&worker->lock);
}

void qn_keeping_unlock(struct qn_keeper *worker)
{
	pthread_mutex_unlock(&worker->lock);
}

/* Where there is no memory for it, the work is done, but not kept. */
void qn_keeping_mark(struct qn_keeping *k, struct qn_keeper *worker, uint64_t item, uint64_t n)
{
	struct qn_item_run *last = worker->ndone ? &worker->done[worker->ndone - 1] : NULL;

	if (last && last->first + last->n == item)
		last->n += n;
	else if (qn_grow(&worker->done, &worker->room, worker->ndone + 1, sizeof(*worker->done)))
		worker->done[worker->ndone++] = (struct qn_item_run){ item, n };
	else
		qn_keeping_tear(k);
}

/* --- the pass --- */

static enum quern_status start(struct qn_keeping *k, struct quern_message *err)
{
	k->done = qn_calloc((size_t)qn_ceil_div(k->pass.nitems, 64) + 1, sizeof(*k->done));
	if (!k->done)
		return qn_error_nomem(err, (size_t)k->pass.nitems / 8, "a journal");
	k->is_running = !pthread_create(&k->thread, NULL, keep_on, k);
	return k->is_running ? QUERN_OK
			     : qn_error_set(err, QUERN_ERR_RUN,
					    "cannot start the thread that writes the journal");
}

enum quern_status qn_keeping_begin(struct qn_keeping *k, struct qn_journal *journal,
				   const struct qn_sum *key, uint64_t nitems,
				   struct quern_message *err)
{
	enum quern_status st;

	pthread_mutex_init(&k->lock, NULL);
	qn_cond_init(&k->wake);
	st = qn_journal_pass_init(&k->pass, journal, key, nitems, err);
	return st ? st : qn_comm_agree(journal->comm, start(k, err), err);
}

/* The last record: where the run ends here, or it has taken so long that what it found is worth it. */
static enum quern_status keep_last(struct qn_keeping *k, enum quern_status st,
				   struct quern_message *err)
{
	enum quern_status kept = QUERN_OK;

	pthread_mutex_lock(&k->lock);
	k->ends = true;
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
	if (k->is_running)
		pthread_join(k->thread, NULL);
	if (k->err.status)
		return qn_error_pass(err, k->err.status, &k->err);
	pthread_mutex_lock(&k->lock);
	if (k->done && (st || k->has_record))
		kept = keep(k, err);
	pthread_mutex_unlock(&k->lock);
	return kept;
}

enum quern_status qn_keeping_end(struct qn_keeping *k, enum quern_status st, uint64_t *nheld,
				 uint64_t *nbeyond, struct quern_message *err)
{
	struct quern_message later = { .status = QUERN_OK };
	struct qn_comm *comm = k->pass.journal->comm;
	enum quern_status kept = keep_last(k, st, st ? &later : err);

	if (!st)
		st = qn_comm_agree(comm, kept, err);
	if (!st && !atomic_load(&k->cells->is_over))
		kept = qn_journal_pass_add(&k->pass, k->cells, nheld, nbeyond, err);
	if (!st)
		st = qn_comm_agree(comm, kept, err);
	qn_journal_pass_fini(&k->pass);
	free(k->done);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	return st;
}
