/*
 * environment.h - what the library reads of the environment that is no option: QUERN_CPU (cpu.h) and
 * QUERN_LOG (log.h).
 */
#ifndef QN_BASE_ENVIRONMENT_H
#define QN_BASE_ENVIRONMENT_H

#include "base/error.h"

/* Checks them, and from here on the log is as wanted. QUERN_ERR_USAGE: one has a value that there is
   not. Not collective; as often as you like. */
enum quern_status qn_environment_begin(struct quern_message *err);

#endif
