/*
 * quern.h - run kernels over HDF5 data from a research code, on a communicator of its own.
 *
 *	quern_session *session = quern_session_new(comm);
 *	quern_run *run = quern_run_new(session, "moments");
 *	quern_run_set(run, "dataset", "/t2m");
 *	quern_run_add_file(run, "data_*.nc");
 *	if (quern_run_execute(run))
 *		fprintf(stderr, "%s\n", quern_run_message(run));
 *	else if (rank == 0)
 *		quern_result_get_real(quern_run_result(run), "mean", &mean);
 *	quern_run_free(run);
 *	quern_session_free(session);
 *
 * Options are those of the command `quern run`, by the same names and with the same values. The
 * library never prints, exits or aborts, and has no mutable globals, but for one thing that is the
 * process's: while a kernel of a user is open, SIGSEGV, SIGBUS, SIGFPE and SIGILL have handlers of the
 * library, which pass on to those that were there before what no such kernel has done; afterwards these
 * are back.
 *
 * Messages and warnings are one line of UTF-8 each, and may be printed as they are: names and units
 * in them are from files, which may hold any bytes, but control characters (line breaks too), marks
 * and overrides of the direction of writing, and bytes that are not UTF-8 are written as \x1b,
 * \u202e and \xff. They fit into 1024 bytes; names that are too long for that lose their middle.
 * Documents escape the same characters as JSON has it, so what a reader of JSON makes of them are
 * the names as they are.
 *
 * Damaged files make the HDF5 library crash or hang, so quern calls it in child processes, which it
 * forks: no other thread of the program may be inside the HDF5 library while quern_run_execute or
 * quern_run_plan runs, or quern_reduction_absorb the first time. Programs that cannot see to that
 * have them forked by another one: quern_session_set.
 *
 * The library computes in the default floating-point environment, on its own threads and, while a
 * function runs, on the caller's; rounding, traps and flags of the caller are afterwards as they
 * were. A function that is collective returns on all ranks when it fails on one, also when calls of
 * MPI fail. But for one: when the call fails by which ranks agree on what has failed, this rank can
 * tell nobody, and the error handler of the communicator is called. That of MPI, unless another was
 * set, ends all ranks; when it comes back (MPI_ERRORS_RETURN), the function returns QUERN_ERR_RUN,
 * and others may wait for this rank.
 */
#ifndef QUERN_H
#define QUERN_H

/* MPI in C is what is used, also by C++: what Open MPI 4 has for C++ needs a library of its own, which
   a program that wants it links, and includes mpi.h before. */
#if defined(__cplusplus) && !defined(OMPI_SKIP_MPICXX)
#define OMPI_SKIP_MPICXX 1
#endif
#if defined(__cplusplus) && !defined(MPICH_SKIP_MPICXX)
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include "quern_kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QUERN_VERSION	    "0.14.0"
#define QUERN_VERSION_MAJOR 0
#define QUERN_VERSION_MINOR 14
#define QUERN_VERSION_PATCH 0
/* To compare: 1300 is 0.13.0, and 10203 is 1.2.3. */
#define QUERN_VERSION_NUMBER \
	(10000 * QUERN_VERSION_MAJOR + 100 * QUERN_VERSION_MINOR + QUERN_VERSION_PATCH)

/* The version of the library that is linked, as QUERN_VERSION. */
const char *quern_version(void);

/*
 * What runs have in common: a duplicate of a communicator, which ranks share a host, and, from the
 * first run on, the cores, threads and places of all ranks and what the site file says, which is
 * read once. They are found anew when a run has other options threads, bind or site than the one
 * before. A hundred runs of a session cost one set-up. What was read of the metadata of files is
 * kept for the runs after, and is read anew of a file that has changed.
 *
 * A session is for one thread at a time; threads that work at once have a session each.
 */
typedef struct quern_session quern_session;

/*
 * A session on the ranks of comm, which is duplicated, and may be freed. MPI_COMM_NULL: this
 * process alone, without MPI; MPI_Init is not needed. MPI must have been begun with MPI_Init_thread
 * and
 *
 *	MPI_THREAD_FUNNELED	where the main thread makes and uses sessions,
 *	MPI_THREAD_SERIALIZED	where another does, and no two threads call MPI at once,
 *	MPI_THREAD_MULTIPLE	where several threads have sessions, or call MPI meanwhile;
 *
 * less is refused. The library calls MPI from the calling thread alone. Returns NULL only when
 * there is no memory; whatever else fails, quern_session_status tells, as do all calls with the
 * session. Collective on comm: all ranks get a session of the same status.
 */
quern_session *quern_session_new(MPI_Comm comm);

/* The same of a communicator as Fortran has it, MPI_Comm_c2f(comm); QUERN_NO_MPI stands for
   MPI_COMM_NULL, and may be used without MPI_Init; of any other the session is refused then. */
#define QUERN_NO_MPI (-1)
quern_session *quern_session_new_f(int comm);

/* Collective on the session; after MPI_Finalize it is legal too, and not collective. Not while a
   function works with the session; runs that were executed with it may be read and freed
   afterwards. */
void quern_session_free(quern_session *session);

/* QUERN_OK, or why the session is of no use: MPI that was not begun or is of too low a thread
   level, an environment variable of the library that is wrong. "" when it is of use. Not
   collective. */
enum quern_status quern_session_status(const quern_session *session);
const char *quern_session_message(const quern_session *session);

/*
 * Sets an option of a session, which holds from the next call on that works with it; the same on
 * all ranks. There is one:
 *
 *	reader	who reads metadata, and data that only the HDF5 library can read:
 *		fork	 processes that the library forks from this one (default)
 *		program	 processes that quern-reader forks, a program that is installed with the
 *			 library: with it no function of the HDF5 library is called in this process
 *			 to read, so that other threads of the program may be inside it at any time
 *		PATH	 the same, by a quern-reader at that path (with a / in it)
 *
 * The program is started when it is first needed (some 20 ms, once a session and rank), and ends
 * with the session or with this process, whatever becomes of it. It must be of the version of the
 * library; where it is missing or of another one, what would read fails and says so: it is never
 * replaced by a fork. Filters and plugin paths that the program has given to its HDF5 library by
 * calls are not known there; environment variables are as they were at its start. Results written
 * as .h5 or .nc, and staging, write by the library in this process.
 *
 * Which one is right the library cannot tell: each MPI has threads of its own, which never enter
 * HDF5, so their number says nothing, and whoever holds what lock is the program's to know. Hence
 * it is not chosen by itself. The environment variable QUERN_READER, which has the same values,
 * stands where the program sets nothing; not in programs that run with more rights than who has
 * started them (setuid).
 *
 * QUERN_ERR_USAGE: no such option or value; quern_session_message says which, and the session is
 * of use all the same. Not collective.
 */
enum quern_status quern_session_set(quern_session *session, const char *name, const char *value);

/* Runs that are made of the session from now on know this kernel of the program, which lives as
   long as they do, by its name; the same on all ranks. QUERN_ERR_USAGE: it lacks something, or its
   name is taken; quern_session_message says which, and the session is of use all the same. Not
   collective. */
enum quern_status quern_session_register(quern_session *session, const struct quern_kernel *kernel);

/* One run of one kernel, or of several. */
typedef struct quern_run quern_run;

/*
 * A run of the named kernel, or of several with commas between them ("mean,minmax"), whose fields
 * its result has side by side; the same on all ranks of the session, which must live until the run
 * has been executed. Returns NULL only when there is no memory; an unknown kernel, or NULL, is
 * reported by the next call, and what is wrong with the session when the run is executed. Not
 * collective. Free with quern_run_free, which is not collective either, and legal after
 * MPI_Finalize.
 */
quern_run *quern_run_new(quern_session *session, const char *kernel);
void quern_run_free(quern_run *run);

/* Sets an option, by its long name without dashes; value NULL for a flag. Rank 0's values are used
   on all ranks. Not collective. QUERN_ERR_USAGE: unknown name or bad value. */
enum quern_status quern_run_set(quern_run *run, const char *name, const char *value);

/* Sets every option that has an environment variable QUERN_<NAME>. Not collective. */
enum quern_status quern_run_set_from_environment(quern_run *run);

/* The text of an option as it was set here, or its fallback; NULL: it has none, or there is no such
   option. Valid until it is set again. Not collective. */
const char *quern_run_value(const quern_run *run, const char *name);

/* The next option a run knows, after `row` (NULL: the first); NULL after the last. The rows belong
   to the run. Not collective. */
const struct quern_option *quern_run_option(const quern_run *run, const struct quern_option *row);

/*
 * Called on rank 0 a few times a second while elements are worked on: pass number from 0, bytes
 * done and bytes in all on this host. From the thread that executes. True: the run goes on. False
 * cancels it: quern_run_execute returns QUERN_ERR_INTERRUPTED on all ranks as soon as each worker
 * is through with the chunks that it has, some MiB; there is no result, and of a file of it
 * (quern_run_output) nothing is left. Staging gives up the shard that is being made, and leaves
 * what is whole for the next time.
 */
typedef bool quern_progress_fn(void *ctx, int pass, uint64_t done, uint64_t total);
void quern_run_progress(quern_run *run, quern_progress_fn *progress, void *ctx);

/*
 * Asks for the end of a run that executes: as if the progress callback had returned false, and with
 * the option `journal` what was found is kept. On any rank, from any thread, and from a handler of a
 * signal: it only sets a flag, which is looked at a few times a second while elements are worked on.
 */
void quern_run_interrupt(quern_run *run);

/* The most cells of a result that the caller has use for; 0: any number. A run whose result has
   more is refused before it works. Not collective, the same on all ranks. */
void quern_run_most_cells(quern_run *run, uint64_t most);

/*
 * Adds a file to those that the run reads, or all that match a pattern of glob(7), in the order of
 * their bytes, when there is no file of that very name. Several files are one dataset: in the order
 * in which they were added they are joined along its first dimension, or along that of the option
 * `along`; with the option `stack` they are on top of each other along a new one. Type, unit, names
 * of dimensions and the other extents must be the same; how values are packed may differ. Rank 0's
 * names are used on all ranks; a pattern stands for what it finds on any host, and each file must
 * be readable on one host at least, and be the same on all that have it. So must files of operands,
 * of which values that not all hosts can read are sent: 2^26 at the most. That they are there is
 * found out by quern_run_execute. Not collective.
 */
enum quern_status quern_run_add_file(quern_run *run, const char *file);

/* Runs the kernel over one dataset of the files, or over several, one after the other: all ranks
   call it, and all return the same status. Once a run. Collective on the session. */
enum quern_status quern_run_execute(quern_run *run);

/* Like quern_run_execute up to the plan, without reading data. Collective on the session. */
enum quern_status quern_run_plan(quern_run *run);

/* What went wrong, what to do; "" when nothing did. Valid until the run is freed. */
const char *quern_run_message(const quern_run *run);

/* The result: on rank 0 after a successful quern_run_execute, else NULL. Valid until the run is
   freed. NULL also where the option `dataset` names several: quern_run_result_of. */
const struct quern_result *quern_run_result(const quern_run *run);

/*
 * Several datasets in one run: the option `dataset` is a list ("t2m,u10"), or has patterns ("*",
 * "/obs/" "*"). How many there are after a successful quern_run_execute (else 0), what the i-th is
 * called, in the order of the list, and its result, on rank 0; NULL where there is none. Of one
 * dataset the 0-th is that, and its name its path. Counts and warnings of a run are those of all
 * its datasets.
 */
size_t quern_run_ndatasets(const quern_run *run);
const char *quern_run_dataset(const quern_run *run, size_t i);
const struct quern_result *quern_run_result_of(const quern_run *run, size_t i);

/* Chunks that were not read, because a run before had done them and left that in its journal; rank
   0, else 0. */
uint64_t quern_run_nresumed(const quern_run *run);

/* Chunks that could not be read and were left out (on-bad-chunk skip); rank 0, else 0. */
uint64_t quern_run_nskipped(const quern_run *run);
/* The i-th of those that are known by name, a few of each rank, as "FILE: dataset PATH, chunk (2,
   1)". False: there are no more. Rank 0 only. */
bool quern_run_skipped(const quern_run *run, size_t i, char *text, size_t nbytes);

/* Of a staged dataset: chunks that another copy was read of, because one was lost or damaged, and
   on which host and why the first time (NULL: there was none); copies of shards that no host here
   has. Rank 0 after a successful quern_run_execute, else 0 and NULL. */
uint64_t quern_run_nfailed_over(const quern_run *run);
const char *quern_run_failure(const quern_run *run);
uint64_t quern_run_nmissing_copies(const quern_run *run);

/* Sources of a virtual dataset that are not there, for which its fill value stands; rank 0 after a
   successful quern_run_execute, else 0. */
uint64_t quern_run_nmissing_sources(const quern_run *run);
/* The i-th of those that are known by name, a few different ones, as "FILE, dataset PATH", or
   "FILE" of raw data. False: there are no more. */
bool quern_run_missing_source(const quern_run *run, size_t i, char *text, size_t nbytes);

/* Warnings: sentences about what is odd and did not keep the run, or its plan, from success. NULL
   after the last of them; rank 0, else NULL. Valid until the run is freed. */
const char *quern_run_warning(const quern_run *run, size_t i);

/* The JSON document of a run (kernel, datasets, input, result, run), or of its plan, or of what it
   is instead of the run of a kernel; on rank 0 after success, else NULL. With `details` its `run`
   also has an array `per_rank`, and a `result` of more than 100,000 cells is null. Owned by the
   caller: free(). */
char *quern_run_document(quern_run *run, bool details);
char *quern_run_plan_document(quern_run *run);

/* Writes the result to a file: .json (the document), .csv, .h5 or .nc by its suffix. The file
   appears whole or not at all. Rank 0. QUERN_ERR_USAGE for another suffix, for a file of the run,
   and without the option `force` for one that is there and is no result: data is not replaced.
   QUERN_ERR_DENIED where permission is missing, of the directory or of the file that is there. */
enum quern_status quern_run_write(quern_run *run, const char *file);
/* The same checks, and that of the directory, before the work. On rank 0; elsewhere it changes
   nothing, and returns QUERN_OK. Not collective. */
enum quern_status quern_run_check_output(quern_run *run, const char *file);
/*
 * The same checks; and if the file is .h5 or .nc and the result has axes, its rows go to it, under
 * a temporary name, while quern_run_execute works: memory does not have the result then,
 * quern_run_result is NULL, documents have null for it, and quern_run_write can put this one file
 * in its place, once. Before the run is executed, on rank 0 (elsewhere it changes nothing, and
 * returns QUERN_OK). Not collective.
 */
enum quern_status quern_run_output(quern_run *run, const char *file);

/* What values of a result are. Of none there is no value at all; decimals are integers of any size;
   times are numbers, which can be read as dates too. */
enum quern_type {
	QUERN_TYPE_NONE,
	QUERN_TYPE_INT64,
	QUERN_TYPE_UINT64,
	QUERN_TYPE_DOUBLE,
	QUERN_TYPE_DECIMAL,
	QUERN_TYPE_TEXT
};

#define QUERN_MAX_RESULT_DIMS (QUERN_MAX_DIMS + 16)

/*
 * A field of a result. Members may be added at the end: the caller sets size to sizeof(struct
 * quern_field) before, and a library of an earlier version leaves what it does not know 0. Names
 * and units are borrowed from the result.
 *
 * The values of a field are in C order over its dimensions: those of the result
 * (quern_result_axis), where each of its cells has a value, then those of the value itself: the
 * bins of a histogram.
 */
struct quern_field {
	size_t size;
	const char *name;
	enum quern_type type;
	int ndims; /* 0: a scalar */
	uint64_t extent[QUERN_MAX_RESULT_DIMS];
	const char *dim[QUERN_MAX_RESULT_DIMS]; /* their names; NULL: it has none */
	uint64_t nvalues;			/* the product of the extents */
	const char *units;			/* "1" of counts; "": not known, or none */
	const char *calendar;			/* of times that can be read as dates; "" */
};

/* Fields are numbered from 0, in the order of documents. False: r is NULL, or there is no such
   field. */
size_t quern_result_nfields(const struct quern_result *r);
bool quern_result_field(const struct quern_result *r, size_t i, struct quern_field *out);
bool quern_result_find(const struct quern_result *r, const char *name, struct quern_field *out);

/* A dimension of a result: of what is kept by `over`, or of the groups of `by`, which come first.
   As struct quern_field. */
struct quern_axis {
	size_t size;
	const char *name;
	uint64_t extent;
	enum quern_type type; /* of its coordinates; QUERN_TYPE_NONE: it has none */
	const char *units;    /* of these; "" */
	const char *calendar; /* of times; "" */
	bool is_groups;
	bool has_dates; /* quern_result_coordinate_text gives dates */
};

/* 0 axes: all was reduced to one cell. */
size_t quern_result_naxes(const struct quern_result *r);
bool quern_result_axis(const struct quern_result *r, size_t i, struct quern_axis *out);

/* The coordinates of an axis, as many as its extent, and one of them as text (nbytes). False: there
   are none, or not of this type without loss. */
bool quern_result_coordinates(const struct quern_result *r, size_t axis, double *v);
bool quern_result_coordinates_int64(const struct quern_result *r, size_t axis, int64_t *v);
bool quern_result_coordinate_text(const struct quern_result *r, size_t axis, uint64_t i, char *text,
				  size_t nbytes);

/*
 * Copies n values of a field from number `first` on. is_none (or NULL): n flags, set where there is
 * no value; the value is then 0, of doubles NaN. False: r is NULL, there is no such field or not so
 * many values, one of them cannot be had as this type without loss, or, of integers, one is none
 * and is_none is NULL.
 */
bool quern_result_read_int64(const struct quern_result *r, const char *name, uint64_t first,
			     uint64_t n, int64_t *v, bool *is_none);
bool quern_result_read_uint64(const struct quern_result *r, const char *name, uint64_t first,
			      uint64_t n, uint64_t *v, bool *is_none);
bool quern_result_read_double(const struct quern_result *r, const char *name, uint64_t first,
			      uint64_t n, double *v, bool *is_none);
/* One value as text (nbytes), whatever its type is: doubles in the fewest digits that bring them
   back, times as dates. False: there is no such value. */
bool quern_result_read_text(const struct quern_result *r, const char *name, uint64_t i, char *text,
			    size_t nbytes);

/*
 * Reading the scalars of a result by the names of its fields. Each returns false when r is NULL,
 * there is no such field, it has no value (null), or it cannot be had as this type without loss.
 */
bool quern_result_get_int(const struct quern_result *r, const char *name, int64_t *v);
bool quern_result_get_uint(const struct quern_result *r, const char *name, uint64_t *v);
bool quern_result_get_real(const struct quern_result *r, const char *name, double *v);
/* The values of an array field that has this type, in C order, borrowed; *n is their number. */
bool quern_result_get_ints(const struct quern_result *r, const char *name, const int64_t **v,
			   size_t *n);
bool quern_result_get_reals(const struct quern_result *r, const char *name, const double **v,
			    size_t *n);

/*
 * Reductions of arrays that a simulation holds in memory, as it goes: the kernels and options of
 * runs, and of what they find the same bits as of a run over the file that the simulation would
 * write.
 *
 *	quern_reduction *r = quern_reduction_new(session, "moments");
 *	quern_reduction_grid(r, 2, shape, (const char *[]){ "y", "x" });
 *	quern_reduction_steps(r, "time", 0, "s", NULL);
 *	quern_reduction_box(r, start, count);
 *	quern_reduction_variable(r, "u", QUERN_F64, strides, "K");
 *	for (...)
 *		quern_reduction_absorb(r, t, (const void *[]){ &u[1][1] });
 *	run = quern_reduction_run(r);
 *	if (quern_run_execute(run))
 *		...
 *	quern_run_free(run);
 *	quern_reduction_free(r);
 *
 * What is wrong is told by the function that finds it, by all that follow, and by runs that are
 * made of the reduction. Only quern_run_execute is collective.
 */
typedef struct quern_reduction quern_reduction;

/* session, kernel: as of quern_run_new. Returns NULL only when there is no memory. Not collective,
   like all of these. Free with quern_reduction_free, after its runs were executed. */
quern_reduction *quern_reduction_new(quern_session *session, const char *kernel);
void quern_reduction_free(quern_reduction *r);

/* The first failure, and what went wrong and what to do; QUERN_OK and "" when nothing did. Valid
   until the reduction is freed. */
enum quern_status quern_reduction_status(const quern_reduction *r);
const char *quern_reduction_message(const quern_reduction *r);
/* Has it fail with QUERN_ERR_USAGE, for what the caller has found wrong on this rank: its runs then
   fail on all ranks, and tell why. A failure that there was stays. */
enum quern_status quern_reduction_fail(quern_reduction *r, const char *why);

/* Sets an option of runs, but for --select: `over`, `by`, `where`, `expr`, `weights`, ... Names in
   expressions are those of variables, coordinates and dimensions. Of several variables the first is
   reduced, or that of `dataset`. What is wrong with it is found by the first step. The same on all
   ranks. */
enum quern_status quern_reduction_set(quern_reduction *r, const char *name, const char *value);

/* The grid: extents and names of its dimensions, the slowest first. The same on all ranks. */
enum quern_status quern_reduction_grid(quern_reduction *r, int ndim, const uint64_t *shape,
				       const char *const *names);

/* Gives the grid a dimension of steps, before the others. Its coordinate are the steps' values as
   they come; units: "s", or of a time ("days since 2000-01-01") with its calendar; NULL: none.
   most: how many there will be at most, which some kernels must know (an exact median, spells); 0:
   any number up to 2^20. The same on all ranks. */
enum quern_status quern_reduction_steps(quern_reduction *r, const char *name, uint64_t most,
					const char *units, const char *calendar);

/* A coordinate of a dimension, or labels, on the whole grid: `dimensions` are names with commas
   between them in the order of the grid, without that of steps; NULL: the one of the same name.
   values: in C order; copied. units: NULL for none. The same on all ranks. */
enum quern_status quern_reduction_coordinate(quern_reduction *r, const char *name,
					     const char *dimensions, enum quern_dtype type,
					     const void *values, const char *units);

/* A box of the grid that this rank has: of all dimensions but that of steps. A rank has any number
   of them. What is in none of them is not there, as where a condition does not hold: it is not
   counted, nor missing. No two overlap, of one rank or of several: the first run refuses that on
   all ranks, with QUERN_ERR_USAGE and the two. */
enum quern_status quern_reduction_box(quern_reduction *r, const uint64_t *start,
				      const uint64_t *count);

/* A variable, after the boxes. strides: bytes from index to index, of each box all dimensions but
   that of steps, multiples of an element: halos are left out by them; negative ones go through an
   array backwards, from the address of the first index on. NULL: an array has just the elements of
   its box, in C order. Name, type and units are the same on all ranks. */
enum quern_status quern_reduction_variable(quern_reduction *r, const char *name,
					   enum quern_dtype type, const ptrdiff_t *strides,
					   const char *units);

/* Elements of what is reduced are missing where this variable, of one byte each, is 0. */
enum quern_status quern_reduction_mask(quern_reduction *r, const char *name);

/*
 * Adds a step, or the grid as it is where it has none. values: of each variable, in the order in
 * which they were made known, the address of the first element of its array for each box; borrowed
 * for the call. What lies side by side is not copied. Works on the calling thread. All ranks absorb
 * the same steps. QUERN_ERR_USAGE: an option is wrong; the kernel must see the data several times
 * or whole; memory that the processor cannot read, as of devices. QUERN_ERR_DATA: a weight is none.
 */
enum quern_status quern_reduction_absorb(quern_reduction *r, double step,
					 const void *const *values);

/* A run over what was absorbed so far, of all ranks: quern_run_execute makes its result of that,
   collectively; then result, document and files are had as of any run. What was absorbed so far is
   what there is when the run is executed. It has the options of the reduction: none but `force` can
   be set, and no file added (QUERN_ERR_USAGE). A reduction that ranks have told differently, or
   with other steps, is refused by all of them with QUERN_ERR_USAGE, before anything is computed.
   Steps can be absorbed after that. NULL: no memory. Freed by the caller. */
quern_run *quern_reduction_run(quern_reduction *r);

/*
 * Parts, as runs with the option `partial` write them: files with the state of a run, and all that
 * it depends on. A merge is a run over all that its parts are of: quern_run_execute makes its
 * result, to the bits of one run over all, with none of the files that the parts were made of; with the
 * option `partial` it makes a part again. Result, document and files are had as of any run.
 *
 * parts: names of nparts files, borrowed for the call; all ranks have the same, on storage that
 * all hosts share. Files are joined in the order of the parts. Options are those of the parts: none
 * but `partial`, `along` and `force` can be set, and no file added (QUERN_ERR_USAGE). Parts that do not
 * belong together are refused with the difference named, and elements that two parts have
 * (QUERN_ERR_USAGE); what is damaged, cut off, or of another version (QUERN_ERR_DATA): what is wrong is told
 * by quern_run_execute at the latest. NULL: no memory. Not collective; freed with quern_run_free.
 */
quern_run *quern_merge_new(quern_session *session, const char *const *parts, size_t nparts);

/*
 * What a session can do besides kernels. To its caller each is a run: options by quern_run_set,
 * files by quern_run_add_file, and quern_run_progress, _execute, _message, _document, _write (of
 * .json) and _free are those of runs; there is no quern_result and no plan. quern_run_option lists
 * the options, which are those of the command of that name. The constructors return NULL only when
 * there is no memory; not collective. quern_run_execute is collective on the session, and rank 0's
 * options and files are used on all ranks.
 *
 * quern_verify_new: reads and decodes every chunk of every dataset, on all ranks, and holds them
 *	against the checksums they have (fletcher32) and, with the option sums=FILE, against what
 *	write-sums=FILE has kept. Goes on after damage, to find all of it: quern_run_execute returns
 *	QUERN_ERR_DATA then, or when the sums cannot be read, and the document is there all the
 *	same. Patterns are those of quern_run_add_file. The progress is told the number of the file,
 *	from 0, in the place of a pass.
 * quern_homes_new: where the bytes of datasets are: hosts, NUMA nodes and tiers (memory, disk,
 *	shared storage); without the option dataset of all datasets of the first file. Several files
 *	are joined as for a run.
 * quern_stage_new: spreads the datasets of files as shards over the disks of the hosts, with
 *	replicas, and writes a catalog on every host, over which kernels run as over the file; with
 *	the options verify or repair the files are such catalogs. QUERN_ERR_DATA when copies are not
 *	as they should be; there is a document then, as there is when one of several files could not
 *	be staged: the others are. Progress as of quern_verify_new.
 * quern_unstage_new: removes catalogs and the shards that they list from all hosts of the session.
 * quern_inspect_new: the datasets of one file, or one of them, with their layout, what of them
 *	is in the page cache, and warnings; with the option select what such a selection of the one
 *	dataset touches. Rank 0 looks.
 */
quern_run *quern_verify_new(quern_session *session);
quern_run *quern_homes_new(quern_session *session);
quern_run *quern_stage_new(quern_session *session);
quern_run *quern_unstage_new(quern_session *session);
quern_run *quern_inspect_new(quern_session *session);

/*
 * Documents without a session, as JSON; owned by the caller: free(). On failure *json is NULL and
 * the reason is written to why (nbytes). Not collective.
 *
 * quern_kernels: all kernels, or one with its options.
 * quern_info: version, libraries, codecs, the machine.
 */
enum quern_status quern_kernels(const char *name, char **json, char *why, size_t nbytes);
enum quern_status quern_info(char **json, char *why, size_t nbytes);

#ifdef __cplusplus
}
#endif
#endif
