/*
 * log.h - what a run does, for support: QUERN_LOG=error|warn|info|debug on standard error, and nothing
 * without it.
 *
 *	quern: 2031-05-17T09:30:12.345Z info node7 rank 3 thread 4711: reads with 8 threads
 *
 * A level shows what is below it too:
 *
 *	error	why a call of the library failed, on rank 0
 *	warn	what users are warned of, and what went wrong and was mended: a retry, another copy
 *	info	what was found and decided, once a run, a file, a phase
 *	debug	each reader, lease, batch; each error where it is first known. Never a line for each chunk
 *		that is well
 *
 * A line is plain text (text.h) and one write(2), so that lines of ranks and threads do not mix. Nothing is
 * allocated and nothing is locked: any thread may write, and a child of fork too. errno stays.
 */
#ifndef QN_BASE_LOG_H
#define QN_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>

/* QN_LOG_NONE has no name: it is what there is without the variable. */
enum qn_log_level { QN_LOG_NONE, QN_LOG_ERROR, QN_LOG_WARN, QN_LOG_INFO, QN_LOG_DEBUG };

/* Their names from QN_LOG_ERROR on, and NULL. */
extern const char *const qn_log_names[];

/* The highest level that is written. One for the process, as its standard error is; set by
   qn_environment_begin (environment.h). */
extern atomic_int qn_log_most;

/* Writes a line if the level is wanted; else it costs a load and a branch, and the arguments are not
   evaluated. */
#define qn_log(level, ...)                                  \
	do {                                                \
		if (__builtin_expect(qn_log_has(level), 0)) \
			qn_log_write((level), __VA_ARGS__); \
	} while (0)

static inline bool qn_log_has(enum qn_log_level level)
{
	return atomic_load_explicit(&qn_log_most, memory_order_relaxed) >= (int)level;
}

/* Who writes: the first host that is told stays, the rank is the last one. Before, lines have "-". */
void qn_log_name(const char *host, int rank);

void qn_log_write(enum qn_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
