/*
 * flips.c - small valid files, each with one bit flipped or cut short, read by quern. Prints TAP.
 *
 *	flips N [SEED [JOBS [FIRST]]]
 *
 * N damages, the same for the same seed, are divided among the kinds of small.h. After each, on the
 * damaged file:
 *
 *   - a run (moments of the dataset) and a verification come back, in time, with success or
 *     with bad data, and a message that names the file;
 *   - a verification with the sums of the whole file reports damage: always, wherever the bit was;
 *   - where the dataset has fletcher32 and the bit was in its stored chunks, or the file was cut, the
 *     run fails. So no answer that comes of damaged chunks with checksums is wrong.
 *
 * What a flipped bit of metadata means is another matter: without sums a changed shape, type or
 * attribute can be a valid one, and is answered as such.
 *
 * The work is done by processes that are watched: one that crashes or hangs is a failure, with the
 * number of the damage, and the next goes on after it. `flips 1 SEED 1 FIRST` repeats one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "data/storage.h"
#include "data/sum.h"
#include "quern.h"
#include "small.h"

#define MOST_SECONDS 30 /* for one call, on a machine that has other things to do */
#define MOST_SHOWN   20
#define MAX_RANGES   128

/* A good file: its bytes, where its chunks are, what it answers. */
struct original {
	const struct small_kind *kind;
	uint8_t *bytes;
	size_t nbytes;
	size_t nranges;
	struct {
		uint64_t begin, end;
	} range[MAX_RANGES];
	bool checksummed;
	char sums[64]; /* setting: sums=FILE */
	double sum;
	int64_t count;
};

struct damage {
	const struct original *of;
	bool cut;
	uint64_t at; /* byte, or length */
	int bit;
	bool in_chunk;
};

/* What the processes tell, in shared memory. */
struct worker {
	pid_t pid;
	volatile uint64_t number, stop; /* at work on number; ends before stop */
	volatile int64_t since;		/* seconds when the call began */
	volatile uint64_t nflips, ncuts, nin_chunk, nrefused, nsame, nother;
	volatile uint64_t nfailed;
	char why[MOST_SHOWN][400];
};

static struct original originals[SMALL_NKINDS];
static size_t noriginals;
static uint64_t seed = 1;
static bool with_sums;

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* --- quern --- */

static enum quern_status run(const char *file, double *sum, int64_t *count, char *why, size_t n)
{
	quern_session *session = quern_session_new(MPI_COMM_NULL);
	quern_run *r = session ? quern_run_new(session, "moments") : NULL;
	enum quern_status st = QUERN_ERR_RUN;

	if (!r || quern_run_set(r, "threads", "1") || quern_run_set(r, "bind", "none") ||
	    quern_run_set(r, "dataset", "/x"))
		exit(1);
	st = quern_run_add_file(r, file);
	if (!st)
		st = quern_run_execute(r);
	snprintf(why, n, "%s", quern_run_message(r));
	if (!st && (!quern_result_get_real(quern_run_result(r), "sum", sum) ||
		    !quern_result_get_int(quern_run_result(r), "count", count)))
		*count = -1;
	quern_run_free(r);
	quern_session_free(session);
	return st;
}

static enum quern_status verify(const char *file, const char *setting, char *why, size_t n)
{
	quern_session *session = quern_session_new(MPI_COMM_NULL);
	quern_run *r = session ? quern_verify_new(session) : NULL;
	const char *equals = setting ? strchr(setting, '=') : NULL;
	char name[32] = "";
	enum quern_status st;

	if (!r || quern_run_set(r, "threads", "1") || quern_run_set(r, "bind", "none"))
		exit(1);
	if (equals) {
		snprintf(name, sizeof(name), "%.*s", (int)(equals - setting), setting);
		quern_run_set(r, name, equals + 1);
	}
	quern_run_add_file(r, file);
	st = quern_run_execute(r);
	snprintf(why, n, "%s", quern_run_message(r));
	quern_run_free(r);
	quern_session_free(session);
	return st;
}

/* --- originals --- */

static bool load(const char *file, struct original *o)
{
	FILE *f = fopen(file, "r");
	struct stat s;

	if (!f || fstat(fileno(f), &s) != 0 || !(o->bytes = malloc((size_t)s.st_size)))
		return false;
	o->nbytes = fread(o->bytes, 1, (size_t)s.st_size, f);
	fclose(f);
	return o->nbytes == (size_t)s.st_size;
}

static bool find_ranges(const char *file, struct original *o)
{
	struct qn_dataset d;
	struct quern_message err = { .status = QUERN_OK };

	if (qn_formats[0]->describe(file, "/x", NULL, true, &d, &err) || d.nchunks > MAX_RANGES)
		return false;
	for (uint64_t i = 0; i < d.nchunks; i++) {
		o->range[i].begin = d.chunks[i].addr;
		o->range[i].end = d.chunks[i].addr + d.chunks[i].nbytes;
	}
	o->nranges = d.nchunks;
	qn_dataset_fini(&d);
	return o->nranges > 0;
}

/* In the working directory; the files of sums stay there. */
static bool make_original(const struct small_kind *k)
{
	struct original *o = &originals[noriginals];
	char why[1024], write[80];

	*o = (struct original){ .kind = k, .checksummed = k->filters & SMALL_FLETCHER32 };
	if (!small_make(k, "original.h5")) {
		printf("# %s: the library cannot write it\n", k->name);
		return k->filters & SMALL_SZIP;
	}
	snprintf(o->sums, sizeof(o->sums), "sums=%zu.sums", noriginals);
	snprintf(write, sizeof(write), "write-%s", o->sums);
	if (!load("original.h5", o) || !find_ranges("original.h5", o) ||
	    run("original.h5", &o->sum, &o->count, why, sizeof(why)) ||
	    verify("original.h5", with_sums ? write : NULL, why, sizeof(why))) {
		printf("# %s: %s\n", k->name, why);
		return false;
	}
	noriginals++;
	return true;
}

/* --- damages --- */

static struct damage choose(uint64_t number)
{
	uint64_t r = mix(seed * UINT64_C(1000000007) + number), at = mix(r), bit = mix(at);
	struct damage d = { .of = &originals[number % noriginals], .cut = r % 10 == 0 };

	d.at = at % d.of->nbytes;
	d.bit = (int)(bit % 8);
	for (size_t i = 0; i < d.of->nranges && !d.cut; i++)
		d.in_chunk |= d.at >= d.of->range[i].begin && d.at < d.of->range[i].end;
	return d;
}

static bool put(const char *file, const struct damage *d)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = d->cut ? d->at : d->of->nbytes;
	bool ok = fd >= 0;

	if (!d->cut)
		d->of->bytes[d->at] ^= (uint8_t)(1 << d->bit);
	ok = ok && write(fd, d->of->bytes, n) == (ssize_t)n;
	if (!d->cut)
		d->of->bytes[d->at] ^= (uint8_t)(1 << d->bit);
	return ok && close(fd) == 0;
}

static void fail(struct worker *w, const struct damage *d, uint64_t number, const char *what,
		 const char *why)
{
	if (w->nfailed < MOST_SHOWN)
		snprintf(w->why[w->nfailed], sizeof(w->why[0]),
			 "damage %llu, '%s', %s %llu bit %d: %s: %s", (unsigned long long)number,
			 d->of->kind->name, d->cut ? "cut to" : "byte", (unsigned long long)d->at,
			 d->bit, what, why);
	w->nfailed++;
}

static void check_status(struct worker *w, const struct damage *d, uint64_t number,
			 const char *file, const char *what, enum quern_status st, const char *why)
{
	if (st != QUERN_OK && st != QUERN_ERR_DATA)
		fail(w, d, number, what, why);
	else if (st && !strstr(why, file))
		fail(w, d, number, what, "the message does not name the file");
}

static void try_one(struct worker *w, const char *file, uint64_t number)
{
	struct damage d = choose(number);
	enum quern_status st;
	char why[1024] = "";
	int64_t count = 0;
	double sum = 0;

	if (!put(file, &d)) {
		fail(w, &d, number, "writing", strerror(errno));
		return;
	}
	w->nflips += !d.cut;
	w->ncuts += d.cut;
	w->nin_chunk += d.in_chunk;
	st = run(file, &sum, &count, why, sizeof(why));
	check_status(w, &d, number, file, "run", st, why);
	w->nrefused += st != QUERN_OK;
	w->nsame += !st && sum == d.of->sum && count == d.of->count;
	w->nother += !st && (sum != d.of->sum || count != d.of->count);
	if (!st && (d.cut || (d.of->checksummed && d.in_chunk)))
		fail(w, &d, number, "run", "answers in spite of a checksum, or of the missing end");
	w->since = now();
	st = verify(file, with_sums ? d.of->sums : NULL, why, sizeof(why));
	check_status(w, &d, number, file, "verify", st, why);
	if (!st && (with_sums || d.cut || (d.of->checksummed && d.in_chunk)))
		fail(w, &d, number, "verify", "finds nothing");
}

/* --- processes --- */

static int count_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

_Noreturn static void work(struct worker *w, int job)
{
	char file[64];
	int nfiles = count_files();

	snprintf(file, sizeof(file), "damaged-%d.h5", job);
	for (; w->number < w->stop; w->number++) {
		w->since = now();
		try_one(w, file, w->number);
	}
	if (count_files() != nfiles && w->nfailed++ < MOST_SHOWN)
		snprintf(w->why[w->nfailed - 1], sizeof(w->why[0]), "%d files stay open",
			 count_files() - nfiles);
	/* Children are collected by whoever started them. */
	if (waitpid(-1, NULL, WNOHANG) >= 0 && w->nfailed++ < MOST_SHOWN)
		snprintf(w->why[w->nfailed - 1], sizeof(w->why[0]), "a child process stays");
	unlink(file);
	exit(0);
}

static void start(struct worker *w, int job)
{
	pid_t pid;

	w->since = now();
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		work(w, job);
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	w->pid = pid;
}

/* What ended a process before its time; it goes on after the damage that did it. */
static void mourn(struct worker *w, int job, int status, bool hung)
{
	struct damage d = choose(w->number);
	char how[64];

	snprintf(how, sizeof(how),
		 hung		       ? "took more than %d s"
		 : WIFSIGNALED(status) ? "signal %d"
				       : "exit status %d",
		 hung		       ? MOST_SECONDS
		 : WIFSIGNALED(status) ? WTERMSIG(status)
				       : WEXITSTATUS(status));
	fail(w, &d, w->number, "the process ended", how);
	w->number++;
	w->pid = 0;
	if (w->number < w->stop)
		start(w, job);
}

static bool watch(struct worker *w, int job)
{
	int status;
	bool hung = now() - w->since > MOST_SECONDS;

	if (!w->pid)
		return false;
	if (hung)
		kill(w->pid, SIGKILL);
	if (waitpid(w->pid, &status, hung ? 0 : WNOHANG) != w->pid)
		return true;
	if (!hung && WIFEXITED(status) && WEXITSTATUS(status) == 0 && w->number >= w->stop)
		w->pid = 0;
	else
		mourn(w, job, status, hung);
	return w->pid != 0;
}

/* --- the whole --- */

static void report(struct worker *w, int njobs)
{
	struct worker sum = { .pid = 0 };

	for (int j = 0; j < njobs; j++) {
		sum.nflips += w[j].nflips;
		sum.ncuts += w[j].ncuts;
		sum.nin_chunk += w[j].nin_chunk;
		sum.nrefused += w[j].nrefused;
		sum.nsame += w[j].nsame;
		sum.nother += w[j].nother;
		sum.nfailed += w[j].nfailed;
	}
	printf("%sok 1 - %llu bits flipped, %llu of them in chunks, and %llu files cut, of %zu kinds\n",
	       sum.nfailed ? "not " : "", (unsigned long long)sum.nflips,
	       (unsigned long long)sum.nin_chunk, (unsigned long long)sum.ncuts, noriginals);
	printf("# runs: %llu refused, %llu with the same answer, %llu with another; verify %s\n",
	       (unsigned long long)sum.nrefused, (unsigned long long)sum.nsame,
	       (unsigned long long)sum.nother, with_sums ? "with sums" : "without sums");
	for (int j = 0; j < njobs; j++)
		for (uint64_t i = 0; i < w[j].nfailed && i < MOST_SHOWN; i++)
			printf("# %s\n", w[j].why[i]);
	printf("1..1\n");
	exit(sum.nfailed != 0);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	int njobs = argc > 3 ? atoi(argv[3]) : 2;
	uint64_t first = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	struct worker *w;
	bool busy = true;

	if (n == 0 || njobs < 1 || njobs > 64) {
		fputs("usage: flips N [SEED [JOBS [FIRST]]]\n", stderr);
		return 2;
	}
	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	with_sums = qn_sum_check(NULL) == QUERN_OK;
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	for (size_t i = 0; i < SMALL_NKINDS; i++)
		if (!make_original(&small_kinds[i]))
			return 1;
	w = mmap(NULL, (size_t)njobs * sizeof(*w), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w == MAP_FAILED)
		return 1;
	for (int j = 0; j < njobs; j++) {
		w[j].number = first + n * (uint64_t)j / (uint64_t)njobs;
		w[j].stop = first + n * ((uint64_t)j + 1) / (uint64_t)njobs;
		start(&w[j], j);
	}
	while (busy) {
		busy = false;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		for (int j = 0; j < njobs; j++)
			busy |= watch(&w[j], j);
	}
	report(w, njobs);
}
