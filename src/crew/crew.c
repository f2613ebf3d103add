#include "crew/crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cond.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/reading.h"

#define MONITOR_NS     200000000 /* between two progress reports */
#define NAP_NS	       200000	 /* of a worker that waits for work of another host: the first, */
#define LONGEST_NAP_NS 1600000	 /* and it naps longer from time to time */

struct threads;

struct worker {
	struct threads *threads;
	const struct qn_crew *crew;
	pthread_t thread;
	int index;
	void *own;	  /* owned: the job's */
	uint32_t stretch; /* of the queue, near the task at hand */
	bool bound;
	uint64_t nstolen, nleased;
	double task_seconds; /* of the last tasks, each; 0: there was none */
	double busy_seconds;
	struct quern_message err;
};

struct threads {
	const struct qn_crew *crew;
	struct qn_reading reading; /* of the thread that starts the workers */
	int n;
	struct worker *worker;
	pthread_mutex_t lock;
	pthread_cond_t finished;
	int nrunning; /* under lock */
};

static double thread_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void nap(long ns)
{
	struct timespec t = { .tv_nsec = ns };

	nanosleep(&t, NULL);
}

/* --- a worker --- */

static enum quern_status run_tasks(struct worker *w, const struct qn_queue *q, uint32_t begin,
				   uint32_t end)
{
	double start = qn_comm_wtime();
	enum quern_status st = w->crew->job->run(w->own, q, begin, end);

	w->task_seconds = (qn_comm_wtime() - start) / (end - begin);
	if (st)
		qn_queues_stop(w->crew->queues);
	return st;
}

/* How many tasks to take at once from a queue. */
static uint32_t batch_size(const struct worker *w, const struct qn_queue *q, uint32_t nthreads)
{
	uint32_t head, tail;

	qn_queue_peek(q, &head, &tail);
	return qn_policy_batch(tail - head, nthreads, w->task_seconds);
}

/* Takes the next tasks of this rank: a hole at once. */
static bool take(const struct worker *w, uint32_t *begin, uint32_t *end)
{
	const struct qn_crew *crew = w->crew;
	struct qn_queue *q = &crew->queues->queue[crew->queues->mine];
	uint32_t hint = w->stretch, tail;

	if (crew->takes_holes) {
		qn_queue_peek(q, begin, &tail);
		*end = *begin < tail ? *begin + qn_queue_hole(q, *begin, tail, &hint) : 0;
		if (*end > *begin + 1 && qn_queue_take_these(q, *begin, *end))
			return true;
	}
	return qn_queue_take(q, batch_size(w, q, crew->nthreads), begin, end);
}

static enum quern_status steal_from(struct worker *w, struct qn_queue *q)
{
	uint32_t begin, end;
	uint32_t parts = qn_policy_parts(q->header->nthreads, w->crew->nthreads);
	enum quern_status st = QUERN_OK;

	while (!st && !qn_queues_stopped(w->crew->queues) &&
	       qn_queue_steal(q, parts, &begin, &end)) {
		w->nstolen += qn_queue_nchunks(q, begin, end, &w->stretch);
		st = run_tasks(w, q, begin, end);
	}
	return st;
}

/* Takes what other hosts have leased to this one. *some: there was something. */
static enum quern_status take_leases(struct worker *w, bool *some)
{
	const struct qn_crew *crew = w->crew;
	uint32_t nthreads = crew->nthreads * (uint32_t)crew->queues->nranks, begin, end;
	enum quern_status st = QUERN_OK;

	*some = false;
	for (int i = 0; i < QN_NLEASES; i++) {
		struct qn_queue *q = &crew->leases->lease[i];

		while (!st && !qn_queues_stopped(crew->queues) &&
		       qn_queue_take(q, batch_size(w, q, nthreads), &begin, &end)) {
			*some = true;
			w->nleased += qn_queue_nchunks(q, begin, end, &w->stretch);
			st = run_tasks(w, q, begin, end);
			qn_leases_done(crew->leases, i, end - begin);
		}
	}
	return st;
}

/* Does what comes from other hosts until there will be nothing more. That no more will come is
   asked before the last look. */
static enum quern_status help_others(struct worker *w)
{
	const struct qn_crew *crew = w->crew;
	enum quern_status st = QUERN_OK;
	bool closed = false, some = true;
	long ns = NAP_NS;

	while (!st && !qn_queues_stopped(crew->queues) && (some || !closed)) {
		closed = atomic_load(&crew->leases->board->closed);
		st = take_leases(w, &some);
		if (some)
			ns = NAP_NS;
		else if (!closed)
			nap(ns);
		if (!some && 2 * ns <= LONGEST_NAP_NS)
			ns *= 2;
	}
	return st;
}

static enum quern_status work(struct worker *w)
{
	struct qn_queues *qs = w->crew->queues;
	enum quern_status st = QUERN_OK;
	uint32_t begin, end;

	while (!st && !qn_queues_stopped(qs) && take(w, &begin, &end))
		st = run_tasks(w, &qs->queue[qs->mine], begin, end);
	for (int v = 0; !st && v < qs->nranks - 1; v++)
		st = steal_from(w, &qs->queue[qs->victim[v]]);
	if (!st && w->crew->leases->shared)
		st = help_others(w);
	return st;
}

static enum quern_status work_equipped(struct worker *w)
{
	const struct qn_job *job = w->crew->job;
	enum quern_status st, left;

	w->own = qn_calloc(1, job->worker_nbytes);
	if (!w->own)
		return qn_error_nomem(&w->err, job->worker_nbytes, "a worker");
	st = job->equip(w->own, w->crew->ctx, w->bound, &w->err);
	if (!st)
		st = work(w);
	left = job->leave(w->own, st);
	return st ? st : left;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct threads *threads = w->threads;
	const struct qn_team *team = w->crew->team;
	double start = thread_seconds();

	qn_reading_set(threads->reading);
	w->bound = qn_topo_bind_thread(team->topo, &team->slice, w->index, team->bind);
	qn_log(QN_LOG_DEBUG, "worker %d begins, %s", w->index, w->bound ? "bound" : "not bound");
	qn_cpu_reset_fp();
	if (work_equipped(w))
		qn_queues_stop(w->crew->queues);
	w->busy_seconds = thread_seconds() - start;
	pthread_mutex_lock(&threads->lock);
	threads->nrunning--;
	pthread_cond_signal(&threads->finished);
	pthread_mutex_unlock(&threads->lock);
	return NULL;
}

/* --- the thread that has started them --- */

static bool is_interrupted(const struct qn_crew *crew)
{
	return crew->team->interrupted && atomic_load(crew->team->interrupted);
}

/* False: the caller wants no more of it. */
static bool report_progress(const struct qn_crew *crew)
{
	uint64_t done, total;

	if (!crew->team->progress)
		return true;
	qn_queues_progress(crew->queues, &done, &total);
	if (crew->leases->shared)
		total += (uint64_t)atomic_load(&crew->leases->board->moved_nbytes);
	return crew->team->progress(crew->team->progress_ctx, crew->pass,
				    done < total ? done : total, total);
}

/* Workers stop as they do when one has failed: those of this host, and by its first rank those of others. */
static enum quern_status cancel(const struct qn_crew *crew, struct quern_message *err)
{
	qn_queues_stop(crew->queues);
	return qn_error_set(err, QUERN_ERR_INTERRUPTED, "cancelled by the caller of the run");
}

/* Waits until the workers have finished or it is time for something else. */
static bool wait_for_workers(struct threads *threads, long ns)
{
	bool finished;

	pthread_mutex_lock(&threads->lock);
	if (!ns)
		while (threads->nrunning)
			pthread_cond_wait(&threads->finished, &threads->lock);
	else if (threads->nrunning)
		qn_cond_wait(&threads->finished, &threads->lock, ns);
	finished = !threads->nrunning;
	pthread_mutex_unlock(&threads->lock);
	return finished;
}

/* Waits for the workers, reporting progress meanwhile and, on the first rank of a host, speaking
   for it with other hosts. */
static enum quern_status monitor(struct threads *threads, struct quern_message *err)
{
	const struct qn_crew *crew = threads->crew;
	struct quern_message later = { .status = QUERN_OK };
	bool busy = qn_balance_is_one(crew->balance), finished;
	const bool looks = crew->team->progress || crew->team->interrupted;
	long every = busy ? QN_BALANCE_NS : looks ? MONITOR_NS : 0;
	double reported = qn_comm_wtime();
	enum quern_status st = QUERN_OK, now;

	while (!(finished = wait_for_workers(threads, every)) || busy) {
		if (finished)
			nap(QN_BALANCE_NS);
		if (!st && looks && qn_comm_wtime() - reported > 1e-9 * MONITOR_NS) {
			if (is_interrupted(crew) || !report_progress(crew))
				st = cancel(crew, err);
			reported = qn_comm_wtime();
		}
		if (!busy)
			continue;
		now = qn_balance_step(crew->balance, st ? &later : err);
		st = st ? st : now;
		every = qn_balance_pause(crew->balance);
		busy = crew->balance->stage != QN_OVER;
	}
	return st;
}

/* Starts the workers; when the system gives no more threads, fewer must do. */
static enum quern_status start(struct threads *threads, struct quern_message *err)
{
	const int n = (int)threads->crew->nthreads;
	int rc = 0;

	if (!threads->worker)
		return qn_error_nomem(err, (size_t)n * sizeof(*threads->worker), "threads");
	threads->nrunning = n;
	for (; threads->n < n; threads->n++) {
		struct worker *w = &threads->worker[threads->n];

		w->threads = threads;
		w->crew = threads->crew;
		w->index = threads->n;
		rc = pthread_create(&w->thread, NULL, worker_main, w);
		if (rc)
			break;
	}
	pthread_mutex_lock(&threads->lock);
	threads->nrunning -= n - threads->n;
	pthread_mutex_unlock(&threads->lock);
	if (threads->n < n)
		qn_log(QN_LOG_WARN, "%d of %d threads: the system gives no more: %s", threads->n, n,
		       strerror(rc));
	if (threads->n)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN, "cannot start a thread: %s", strerror(rc));
}

/* Of all that has failed the first is told. */
static enum quern_status dismiss(struct worker *w, struct qn_crew_report *r,
				 enum quern_status so_far, struct quern_message *err)
{
	struct quern_message later = { .status = QUERN_OK };
	enum quern_status st = so_far, now;

	if (!st && w->err.status)
		st = qn_error_pass(err, w->err.status, &w->err);
	if (w->own) {
		now = w->crew->job->dismiss(w->own, st, st ? &later : err);
		st = st ? st : now;
	}
	free(w->own);
	r->nbound += w->bound;
	r->nstolen += w->nstolen;
	r->nleased += w->nleased;
	r->busy_seconds += w->busy_seconds;
	return st;
}

enum quern_status qn_crew_work(const struct qn_crew *crew, struct qn_crew_report *r,
			       struct quern_message *err)
{
	struct threads threads = { .crew = crew, .reading = *qn_reading() };
	struct quern_message ignored = { .status = QUERN_OK };
	enum quern_status st, watched;

	threads.worker = qn_calloc(crew->nthreads, sizeof(*threads.worker));
	pthread_mutex_init(&threads.lock, NULL);
	qn_cond_init(&threads.finished);
	st = start(&threads, err);
	/* Others wait for this rank: it has to see it through with them. */
	if (st)
		qn_queues_stop(crew->queues);
	watched = monitor(&threads, st ? &ignored : err);
	st = st ? st : watched;
	*r = (struct qn_crew_report){ .nthreads = (uint32_t)threads.n };
	for (int i = 0; i < threads.n; i++)
		pthread_join(threads.worker[i].thread, NULL);
	for (int i = 0; i < threads.n; i++)
		st = dismiss(&threads.worker[i], r, st, err);
	pthread_cond_destroy(&threads.finished);
	pthread_mutex_destroy(&threads.lock);
	free(threads.worker);
	return st;
}
