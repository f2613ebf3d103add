/*
 * homes.c - quern_homes: where the bytes of datasets are, as a document.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/options.h"
#include "api/session.h"
#include "api/settings.h"
#include "base/fp.h"
#include "base/names.h"
#include "base/text.h"
#include "cluster/comm_mpi.h"
#include "cluster/share.h"
#include "data/reading.h"
#include "json/json.h"
#include "locate/homes_report.h"
#include "quern.h"

const struct quern_option *quern_homes_options(void)
{
	return qn_homes_report_options;
}

static const char *tier_name(uint16_t tier)
{
	static const enum qn_tier tiers[] = {
		[QN_HOME_MEMORY] = QN_MEMORY, [QN_HOME_DISK] = QN_DISK, [QN_HOME_SHARED] = QN_SHARED
	};

	return qn_tier_name(tiers[tier]);
}

static json_t *part_to_json(uint64_t nbytes, uint64_t of)
{
	return of ? qn_json_real((double)nbytes / (double)of) : json_null();
}

static json_t *home_to_json(const struct qn_names *hosts, const struct qn_home_bytes *a,
			    uint64_t of)
{
	const struct qn_home *h = &a->home;

	return json_pack("{s:o, s:o, s:s, s:o, s:o}", "host",
			 qn_json_text(h->host < hosts->n ? hosts->name[h->host] : NULL),
			 "numa_node", h->node == QN_ANY_NODE ? json_null() : json_integer(h->node),
			 "tier", tier_name(h->tier), "bytes", qn_json_uint(a->nbytes), "part",
			 part_to_json(a->nbytes, of));
}

static json_t *counted_to_json(const struct qn_names *hosts, const struct qn_counted *c)
{
	json_t *homes = json_array();

	for (size_t i = 0; i < c->n; i++)
		qn_json_append(&homes, home_to_json(hosts, &c->home[i], c->stored_nbytes));
	if (c->why) {
		json_decref(homes);
		return json_pack("{s:o, s:n, s:n, s:n, s:o, s:i}", "dataset", qn_json_text(c->path),
				 "bytes_stored", "bytes_without_home", "homes", "error",
				 qn_json_text(c->why), "exit_code", (int)c->st);
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:n, s:n}", "dataset", qn_json_text(c->path),
			 "bytes_stored", qn_json_uint(c->stored_nbytes), "bytes_without_home",
			 qn_json_uint(c->shared_nbytes), "homes", homes, "error", "exit_code");
}

static json_t *names_to_json(const struct qn_names *names)
{
	json_t *a = json_array();

	for (size_t i = 0; i < names->n; i++)
		qn_json_append(&a, qn_json_text(names->name[i]));
	return a;
}

static json_t *document(const struct qn_team *team, const struct qn_subject *subject,
			const struct qn_homes_report *c)
{
	json_t *datasets = json_array();

	for (size_t i = 0; i < c->n; i++)
		qn_json_append(&datasets, counted_to_json(&team->hosts, &c->dataset[i]));
	return json_pack("{s:s, s:o, s:o, s:o}", "quern", QUERN_VERSION, "files",
			 names_to_json(&subject->files), "hosts", names_to_json(&team->hosts),
			 "datasets", datasets);
}

static enum quern_status take(struct qn_team *team, struct qn_subject *subject,
			      const struct quern_options *o, const struct qn_names *words,
			      char **json, struct quern_message *err)
{
	const struct qn_team_settings settings = qn_settings_team(o);
	struct qn_homes_report report = { .n = 0 };
	enum quern_status st = qn_team_form(team, &settings, err);

	subject->settings = qn_settings_subject(o, NULL);
	if (!st)
		st = qn_homes_report_take(team, subject, words, &report, err);
	if (!st && qn_comm_rank(team->comm) == 0) {
		*json = qn_json_dump(document(team, subject, &report));
		if (!*json)
			st = qn_error_nomem(err, 0, "the document");
	}
	qn_homes_report_fini(&report);
	return qn_comm_agree(team->comm, st, err);
}

enum quern_status quern_homes(MPI_Comm comm, const char *const *files, size_t nfiles,
			      const char *const *settings, char **json, char *why, size_t nbytes)
{
	QN_OWN_FP;
	const struct quern_option *table = qn_homes_report_options;
	struct quern_message err = { .status = QUERN_OK };
	struct quern_options options = { .n = 0 };
	struct qn_names words = { .n = 0 };
	const struct qn_reading before = *qn_reading();
	struct qn_team team = { .comm = NULL };
	struct qn_subject subject = { .first = 0 };
	quern_session *session = quern_session_new(comm);
	enum quern_status st = qn_session_begin(session, "homes", &team.comm, &err);

	*json = NULL;
	if (!st) {
		st = qn_options_init(&options, &table, 1, &err);
		if (!st)
			st = qn_settings_take(&options, settings, &err);
		for (size_t i = 0; !st && i < nfiles; i++)
			st = qn_names_add(&words, files[i], &err);
		st = qn_share_options(team.comm, st, &options, &err);
		qn_reading_set(qn_settings_reading(&options));
		if (!st)
			st = take(&team, &subject, &options, &words, json, &err);
	}
	qn_session_end(team.comm, st, &err);
	if (why && nbytes)
		qn_text_put(why, nbytes, st ? err.text : "");
	if (st) {
		free(*json);
		*json = NULL;
	}
	qn_reading_set(before);
	qn_subject_fini(&subject);
	qn_team_fini(&team);
	qn_names_fini(&words);
	qn_options_fini(&options);
	quern_session_free(session);
	return st;
}
