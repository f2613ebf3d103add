/*
 * settings.c - what callers set, as the layers below take it: made once, when all ranks have the
 * options of rank 0. Below, nobody sees the text of an option but kernels, which have options of their
 * own.
 */
#include "api/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/share.h"

enum quern_status qn_words_share(struct qn_comm *c, const struct qn_names *words,
				 struct qn_names *files, struct quern_message *err)
{
	const bool leads = qn_comm_rank(c) == 0;
	struct quern_message none = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && leads && i < words->n; i++) {
		st = qn_names_expand(files, words->name[i], &none);
		none.status = QUERN_OK;
		if (st)
			st = qn_names_add(files, words->name[i], err);
	}
	return qn_share_names(c, st, files, err);
}

struct qn_reading qn_settings_reading(const struct quern_options *o, const quern_session *session)
{
	return (struct qn_reading){
		.answers = session->answers,
		.forkserver = session->reader,
		.metadata_seconds = (unsigned)quern_option_int(o, "metadata-timeout"),
		.chunk_seconds = (unsigned)quern_option_int(o, "chunk-timeout"),
		.allow_external = quern_option_flag(o, "allow-external"),
		.as_stored = quern_option_flag(o, "raw"),
	};
}

static enum qn_bind bind_of(const struct quern_options *o)
{
	const char *text = quern_option_string(o, "bind");

	if (!text || !strcmp(text, "none"))
		return QN_BIND_NONE;
	return !strcmp(text, "core") ? QN_BIND_CORE : QN_BIND_NUMA;
}

struct qn_team_settings qn_settings_team(const struct quern_options *o)
{
	return (struct qn_team_settings){
		.nthreads = quern_option_int(o, "threads"),
		.bind = bind_of(o),
		.site = quern_option_string(o, "site"),
	};
}

enum quern_status qn_settings_named(const struct quern_options *o, struct qn_named_list *out,
				    struct quern_message *err)
{
	const char *text = quern_option_string(o, "dataset");
	enum quern_status st;

	*out = (struct qn_named_list){ .n = 0 };
	st = text ? qn_named_parse(text, out, err) : QUERN_OK;
	if (!st && text && !out->results && !qn_named_first(out))
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--dataset '%s': all of these are in files of their own: name a "
			"dataset of the files of the run too, whose elements are "
			"computed on",
			text);
	return st;
}

struct qn_subject_settings qn_settings_subject(const struct quern_options *o,
					       const struct qn_named_list *named)
{
	const struct qn_named *first = named ? qn_named_first(named) : NULL;
	const char *plain = named ? named->results : quern_option_string(o, "dataset");

	return (struct qn_subject_settings){
		.dataset = plain   ? plain
			   : first ? first->path
				   : NULL,
		.column = quern_option_string(o, "column"),
		.along = quern_option_string(o, "along"),
		.stack = quern_option_string(o, "stack"),
		.select = quern_option_string(o, "select"),
		.over = quern_option_string(o, "over"),
		.grouped = quern_option_string(o, "by") != NULL,
		.raw = quern_option_flag(o, "raw"),
		.memory = { .nbytes = (uint64_t)quern_option_int(o, "memory"),
			    .text = quern_option_string(o, "memory") },
	};
}

static bool is(const struct quern_options *o, const char *name, const char *value)
{
	const char *text = quern_option_string(o, name);

	return text && !strcmp(text, value);
}

static struct qn_forecast_settings forecast_of(const struct quern_options *o)
{
	return (struct qn_forecast_settings){
		.cluster = quern_option_string(o, "cluster"),
		.homes = quern_option_string(o, "homes"),
		.nreplicas = quern_option_int(o, "replicas"),
		.times = (uint64_t)quern_option_int(o, "times"),
		.simulates = quern_option_flag(o, "simulate"),
		.slow = quern_option_string(o, "slow"),
		.fail = quern_option_string(o, "fail"),
	};
}

struct qn_run_settings qn_settings_run(const struct quern_options *o,
				       const struct qn_named_list *named)
{
	const struct qn_named *first = qn_named_first(named);

	return (struct qn_run_settings){
		.skips = is(o, "on-bad-chunk", "skip"),
		.nan_missing = !is(o, "nan", "keep"),
		.expr = quern_option_string(o, "expr"),
		.where = quern_option_string(o, "where"),
		.with = quern_option_string(o, "with"),
		.weights = quern_option_string(o, "weights"),
		.named = named,
		.name = first && !named->results ? first->name : NULL,
		.by = quern_option_string(o, "by"),
		.rolling = quern_option_string(o, "rolling"),
		.pairs = quern_option_flag(o, "pairs"),
		.over = quern_option_string(o, "over"),
		.keepdims = quern_option_flag(o, "keepdims"),
		.fields = quern_option_string(o, "fields"),
		.is_calibrated = quern_option_string(o, "calibrate") != NULL,
		.journal_seconds = quern_option_int(o, "journal-every"),
		.forecast = forecast_of(o),
		.of_kernel = o,
	};
}

struct qn_verify_settings qn_settings_verify(const struct quern_options *o)
{
	return (struct qn_verify_settings){
		.dataset = quern_option_string(o, "dataset"),
		.sums = quern_option_string(o, "sums"),
		.write_sums = quern_option_string(o, "write-sums"),
	};
}

struct qn_stage_settings qn_settings_stage(const struct quern_options *o)
{
	return (struct qn_stage_settings){
		.dataset = quern_option_string(o, "dataset"),
		.to = quern_option_string(o, "to"),
		.cut = quern_option_string(o, "cut"),
		.nreplicas = quern_option_int(o, "replicas"),
		.nshards = (uint64_t)quern_option_int(o, "shards"),
		.is_dry = quern_option_flag(o, "dry-run"),
	};
}
