/*
 * settings.h - what callers set, as the layers below take it; words for files as the files of verify, stage and
 * inspect.
 */
#ifndef QN_API_SETTINGS_H
#define QN_API_SETTINGS_H

#include "api/session.h"
#include "base/names.h"
#include "base/options.h"
#include "cluster/team.h"
#include "data/reading.h"
#include "find/subject.h"
#include "keys/named.h"
#include "run/settings.h"
#include "stage/stage.h"
#include "verify/verify.h"

/* Rank 0's files, on all ranks. A pattern for which there is no file stays as it is: it is found to be
   missing, as a name is. Collective. */
enum quern_status qn_words_share(struct qn_comm *c, const struct qn_names *words,
				 struct qn_names *files, struct quern_message *err);

/* The value of option dataset, taken apart. QUERN_ERR_USAGE: it is wrong, or names no dataset of the files of
   the run. Freed with qn_named_fini, whatever is returned. Not collective. */
enum quern_status qn_settings_named(const struct quern_options *o, struct qn_named_list *out,
				    struct quern_message *err);

/* What options say, in types: texts borrow from them. Options that a table does not have are as if not
   given. */
struct qn_reading qn_settings_reading(const struct quern_options *o, const quern_session *session);
struct qn_team_settings qn_settings_team(const struct quern_options *o);
/* named: of option dataset, NULL where that is but a path. Borrows too. */
struct qn_subject_settings qn_settings_subject(const struct quern_options *o,
					       const struct qn_named_list *named);
struct qn_run_settings qn_settings_run(const struct quern_options *o,
				       const struct qn_named_list *named);
struct qn_verify_settings qn_settings_verify(const struct quern_options *o);
struct qn_stage_settings qn_settings_stage(const struct quern_options *o);

#endif
