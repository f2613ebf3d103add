/*
 * cond.h - condition variables that are waited for by the monotonic clock: a step of the time of day
 * neither ends a wait nor prolongs it.
 */
#ifndef QN_BASE_COND_H
#define QN_BASE_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* To be ended by pthread_cond_destroy. */
void qn_cond_init(pthread_cond_t *c);

/* Waits as pthread_cond_wait does, for at most so long. False: the time is over. */
bool qn_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t ns);

#endif
