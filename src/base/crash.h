/*
 * crash.h - code of others, called so that a signal that it raises ends the call and not the process.
 *
 * What such code had taken, locks and memory, is not given back: whoever calls it has nothing more to do than to say
 * what happened, and to end in order.
 */
#ifndef QN_BASE_CRASH_H
#define QN_BASE_CRASH_H

/* Signals of this process that a thread raises by what it does (SIGSEGV, SIGBUS, SIGFPE, SIGILL) are handled from the first
   begin to the last end; those that are raised outside of qn_crash_call have the effect that they had before. After the
   last end the handlers are those of before. From any thread. */
void qn_crash_begin(void);
void qn_crash_end(void);

/* Calls f(ctx). 0, or the signal that ended it. */
typedef void qn_risky(void *ctx);
int qn_crash_call(qn_risky *f, void *ctx);

/* "SIGSEGV: it used memory that is not its own". */
const char *qn_crash_words(int number);

#endif
