/*
 * calibrate.c - what work costs, from the document of a run.
 *
 * A run tells how long its threads worked on how many chunks and bytes, not what of it was reading.
 * Its data is taken to come from memory, as after a run before it, at the default rate for that and
 * for an item; all that remains is computing. The other tiers keep their defaults.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/run.h"
#include "base/file.h"
#include "find/warnings.h"
#include "json/json.h"

#define MOST_NBYTES (UINT64_C(1) << 30)
#define MANY_CHUNKS 100000 /* a run with so many tells what planning costs a chunk */

static double number_at(const json_t *doc, const char *a, const char *b)
{
	const json_t *v = json_object_get(json_object_get(doc, "run"), a);

	return json_number_value(b ? json_object_get(v, b) : v);
}

/* Of all chunks those that were absorbed: what a plan weighs. */
static double nabsorbed(const json_t *doc, const char *all, const char *repeated)
{
	return number_at(doc, all, NULL) - number_at(doc, repeated, NULL);
}

/* NULL: *why is errno, or 0 of a file that is no JSON. */
static json_t *load(const char *file, int *why)
{
	size_t nbytes = 0;
	char *text = qn_file_load(file, MOST_NBYTES, &nbytes);
	json_t *doc;

	*why = text ? 0 : errno;
	doc = text ? qn_json_load(text, NULL) : NULL;
	free(text);
	return doc;
}

static bool is_document(const json_t *doc)
{
	return number_at(doc, "seconds", "work") > 0 && number_at(doc, "threads", NULL) >= 1 &&
	       nabsorbed(doc, "bytes_decoded", "bytes_repeated") > 0 &&
	       nabsorbed(doc, "chunks", "chunks_repeated") >= 1 &&
	       number_at(doc, "passes", NULL) >= 1;
}

static void calibrate_rates(const json_t *doc, struct qn_rates *r)
{
	double passes = number_at(doc, "passes", NULL);
	double chunks = nabsorbed(doc, "chunks", "chunks_repeated");
	double stored = number_at(doc, "bytes_stored", NULL) / passes;
	double decoded = nabsorbed(doc, "bytes_decoded", "bytes_repeated") / passes;
	double seconds = number_at(doc, "seconds", "work") * number_at(doc, "threads", NULL) /
			 passes;
	double read = stored * r->read[QN_MEMORY], items = chunks * r->item;

	/* A machine that is faster than the defaults: half of the time is reading then. */
	if (read > seconds / 2) {
		for (int t = 0; t < QN_SHARED; t++)
			r->read[t] *= seconds / 2 / read;
		read = seconds / 2;
	}
	if (items > (seconds - read) / 2) {
		r->item *= (seconds - read) / 2 / items;
		items = (seconds - read) / 2;
	}
	r->compute = (seconds - read - items) / decoded;
}

/* Costs of other work may be far from those of this. */
static enum quern_status warn_of_other(quern_run *run, const json_t *doc, const char *file)
{
	const struct qn_dataset *d = &run->subject.dataset;
	const char *name = run->engine.kernel->name;
	const char *kernel = json_string_value(json_object_get(doc, "kernel"));
	const char *dataset =
		json_string_value(json_object_get(json_object_get(doc, "input"), "dataset"));

	if (kernel && dataset && d->path && !strcmp(kernel, name) &&
	    !strcmp(dataset, qn_dataset_name(d)))
		return QUERN_OK;
	return qn_warnings_add(&run->subject.warnings, &run->err,
			       "--calibrate %s: of a run of %s over %s; the costs of "
			       "%s over %s may be others",
			       file, kernel ? kernel : "?", dataset ? dataset : "?", name,
			       d->path ? qn_dataset_name(d) : "?");
}

static enum quern_status read_document(quern_run *run, const char *file)
{
	struct qn_costs *c = &run->engine.costs;
	json_t *doc;
	int why;

	doc = load(file, &why);
	if (why)
		return qn_error_set(&run->err, qn_file_status(why), "--calibrate %s: %s", file,
				    qn_file_why(why));
	if (!doc || !is_document(doc)) {
		json_decref(doc);
		return qn_error_set(&run->err, QUERN_ERR_DATA,
				    "--calibrate %s: not the document of "
				    "a run, as `quern run ... -o run.json` writes it",
				    file);
	}
	calibrate_rates(doc, &c->rates);
	c->startup = number_at(doc, "seconds", "startup");
	c->metadata = number_at(doc, "seconds", "metadata");
	c->output = number_at(doc, "seconds", "output");
	/* With fewer, the plan phase is what ranks cost, and waiting for each other. */
	if (nabsorbed(doc, "chunks", "chunks_repeated") >= MANY_CHUNKS)
		c->plan_item = number_at(doc, "seconds", "plan") /
			       nabsorbed(doc, "chunks", "chunks_repeated");
	c->npasses = (int)number_at(doc, "passes", NULL);
	json_decref(doc);
	return QUERN_OK;
}

enum quern_status qn_calibrate(quern_run *run)
{
	const char *file = quern_option_string(&run->options, "calibrate");

	run->engine.costs = qn_costs_default;
	return file && run->rank == 0 ? read_document(run, file) : QUERN_OK;
}

enum quern_status qn_calibrate_check(quern_run *run)
{
	const char *file = quern_option_string(&run->options, "calibrate");
	int why = 0;
	json_t *doc = file && run->rank == 0 ? load(file, &why) : NULL;
	enum quern_status st = doc ? warn_of_other(run, doc, file) : QUERN_OK;

	json_decref(doc);
	return st;
}
