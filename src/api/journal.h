/*
 * journal.h - the journal of a run (journal/journal.h): what it is of, and its beginning and end.
 */
#ifndef QN_API_JOURNAL_H
#define QN_API_JOURNAL_H

#include "api/run.h"

/* Opens what the option journal names, if it does, of all datasets, which are found. Collective. */
enum quern_status qn_api_journal_open(quern_run *run);

/* What a run that is over says of it: how it is taken up again. Not collective. */
void qn_api_journal_explain(quern_run *run, enum quern_status st);

/* Removes it where the result was taken; else it stays. Not collective, and legal after MPI_Finalize. */
void qn_api_journal_close(quern_run *run);

#endif
