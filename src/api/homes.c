/*
 * homes.c - quern_homes_new: where the bytes of datasets are, as a document.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/operation.h"
#include "api/options.h"
#include "api/settings.h"
#include "base/names.h"
#include "json/json.h"
#include "locate/homes_report.h"
#include "quern.h"

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

static enum quern_status make_document(const struct qn_team *team, const struct qn_subject *subject,
				       const struct qn_homes_report *report, char **json,
				       struct quern_message *err)
{
	if (qn_comm_rank(team->comm))
		return QUERN_OK;
	*json = qn_json_dump(document(team, subject, report));
	return *json ? QUERN_OK : qn_error_nomem(err, 0, "the document");
}

static enum quern_status work(quern_run *run, char **json)
{
	const struct qn_team_settings settings = qn_settings_team(&run->options);
	struct qn_homes_report report = { .n = 0 };
	enum quern_status st =
		qn_team_join(&run->session->standing, &settings, &run->team, &run->err);

	run->subject.settings = qn_settings_subject(&run->options, NULL);
	if (!st)
		st = qn_homes_report_take(&run->team, &run->subject, &run->files, &report,
					  &run->err);
	if (!st)
		st = make_document(&run->team, &run->subject, &report, json, &run->err);
	qn_homes_report_fini(&report);
	return st;
}

quern_run *quern_homes_new(quern_session *session)
{
	static const struct qn_operation homes = { "homes", qn_homes_report_options, work };

	return qn_operation_new(session, &homes);
}
