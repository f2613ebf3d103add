/*
 * rows - runs quern on the datasets that a list names, and compares what it finds.
 *
 *	rows LIST.jsonl DIR
 *
 * A line of the list is a JSON object: `file` (in DIR), `dataset`, `dtype`, `shape`, and what
 * `moments` must find: `count`, `missing`, `sum`, `min`, `max`. Some have also `column` (a member of
 * a compound), those of the public corpus `virtual`. The project's own have `raw` (else true),
 * `select`, `mean`, `variance`, `argmin` and `argmax`; with `raw` all elementwise kernels are run.
 *
 * Integers are compared digit by digit, floats to the bit (but for the sign of zero and the payload
 * of NaN). A row that quern refuses fails.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json/json.h"
#include "quern.h"

#define MAX_ROW 16384

struct tally {
	int n, nagree, nfail;
};

/* --- values --- */

/* A value as text: digits as they are, reals so that they round-trip. */
static const char *text_of(const json_t *v, char *out, size_t n)
{
	if (json_is_integer(v))
		snprintf(out, n, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		snprintf(out, n, "%.17g", json_real_value(v));
	else
		snprintf(out, n, "%s", json_is_string(v) ? json_string_value(v) : "null");
	return out;
}

/*
 * Members of a row as they stand in its text. A JSON reader would round integers beyond int64, which
 * the lists have and quern's documents write as strings.
 */
static const char *member_text(const char *row, const char *name, char *out, size_t n)
{
	char key[32];
	const char *p;
	size_t length;

	snprintf(key, sizeof(key), "\"%s\": ", name);
	p = strstr(row, key);
	if (!p)
		return NULL;
	p += strlen(key);
	p += *p == '"';
	length = strcspn(p, "\",}");
	snprintf(out, n, "%.*s", (int)(length < n ? length : n - 1), p);
	return out;
}

static bool is_integer(const char *s)
{
	s += *s == '-';
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* Corpus sums of integers are rounded to double; strtod rounds quern's digits in the same way. */
static bool is_same(const char *a, const char *b)
{
	double x, y;

	if (is_integer(a) && is_integer(b))
		return !strcmp(a, b);
	if (!strcmp(a, "null") || !strcmp(b, "null"))
		return !strcmp(a, b);
	x = strtod(a, NULL);
	y = strtod(b, NULL);
	return x == y || (isnan(x) && isnan(y));
}

/* --- one row --- */

struct row {
	const char *text;
	json_t *json;
	struct tally *tally;
};

static const char *member(const struct row *r, const char *name)
{
	return json_string_value(json_object_get(r->json, name));
}

static bool is_raw(const struct row *r)
{
	return !json_is_false(json_object_get(r->json, "raw"));
}

static void print_name(const struct row *r, const char *kernel)
{
	const char *column = member(r, "column"), *select = member(r, "select");

	printf("not ok %d - %s of %s %s%s%s%s%s%s\n", ++r->tally->n, kernel, member(r, "file"),
	       member(r, "dataset"), column ? " column " : "", column ? column : "",
	       select ? " select " : "", select ? select : "", is_raw(r) ? "" : " decoded");
	r->tally->nfail++;
}

/* Members of the result against those of the row that it has; false with a word on the first that
   differs. */
static bool compare_scalars(const struct row *r, const char *kernel, const json_t *result)
{
	static const char *const names[] = { "count", "missing", "sum",	    "min",
					     "max",   "mean",	 "variance" };
	char want[64], got[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const json_t *v = json_object_get(result, names[i]);

		if (!v || !member_text(r->text, names[i], want, sizeof(want)))
			continue;
		if (is_same(want, text_of(v, got, sizeof(got))))
			continue;
		print_name(r, kernel);
		printf("# %s: %s, expected %s\n", names[i], got, want);
		return false;
	}
	return true;
}

static bool are_same_lists(const json_t *a, const json_t *b)
{
	size_t n = json_array_size(a);

	if (n != json_array_size(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (json_number_value(json_array_get(a, i)) !=
		    json_number_value(json_array_get(b, i)))
			return false;
	return true;
}

static bool compare_document(const struct row *r, const char *kernel, const char *text)
{
	static const char *const places[] = { "argmin", "argmax" };
	json_t *doc = qn_json_load(text, NULL), *input = json_object_get(doc, "input");
	json_t *result = json_object_get(doc, "result");
	const char *dtype = json_string_value(json_object_get(input, "dtype"));
	bool same = compare_scalars(r, kernel, result);

	if (same &&
	    (!dtype || strcmp(dtype, member(r, "dtype")) ||
	     !are_same_lists(json_object_get(input, "shape"), json_object_get(r->json, "shape")))) {
		print_name(r, kernel);
		printf("# dtype or shape differs: %s\n", dtype ? dtype : "no dtype");
		same = false;
	}
	for (int i = 0; same && i < 2; i++) {
		const json_t *want = json_object_get(r->json, places[i]);
		const json_t *got = json_object_get(result, places[i]);

		if (!want || !got || are_same_lists(want, got))
			continue;
		print_name(r, kernel);
		printf("# %s differs\n", places[i]);
		same = false;
	}
	json_decref(doc);
	return same;
}

static bool run_kernel(quern_session *session, const struct row *r, const char *kernel)
{
	quern_run *run = quern_run_new(session, kernel);
	char *text = NULL;
	bool same = false;

	if (!run)
		exit(1);
	quern_run_set(run, "dataset", member(r, "dataset"));
	quern_run_set(run, "threads", "1");
	if (is_raw(r))
		quern_run_set(run, "raw", NULL);
	if (member(r, "column"))
		quern_run_set(run, "column", member(r, "column"));
	if (member(r, "select"))
		quern_run_set(run, "select", member(r, "select"));
	quern_run_add_file(run, member(r, "file"));
	if (quern_run_execute(run)) {
		print_name(r, kernel);
		printf("# %s\n", quern_run_message(run));
	} else if ((text = quern_run_document(run, false))) {
		same = compare_document(r, kernel, text);
	}
	free(text);
	quern_run_free(run);
	return same;
}

static void run_row(quern_session *session, const char *text, struct tally *t)
{
	static const char *const kernels[] = { "sum", "minmax", "count" };
	struct row r = { .text = text, .tally = t };
	bool same;

	/* As reals, for integers beyond int64 would be an error. */
	r.json = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
	if (!r.json) {
		printf("not ok %d - a line is not JSON\n# %s", ++t->n, text);
		t->nfail++;
		return;
	}
	same = run_kernel(session, &r, "moments");
	if (json_object_get(r.json, "raw"))
		for (int i = 0; same && i < 3; i++)
			same = run_kernel(session, &r, kernels[i]);
	t->nagree += same;
	json_decref(r.json);
}

int main(int argc, char **argv)
{
	quern_session *session = quern_session_new(MPI_COMM_NULL);
	struct tally t = { .n = 0 };
	char row[MAX_ROW];
	FILE *f;

	if (argc != 3) {
		fputs("usage: rows LIST.jsonl DIR\n", stderr);
		return 2;
	}
	f = fopen(argv[1], "r");
	/* External files are named from the directory of the process. */
	if (!f || chdir(argv[2])) {
		perror(f ? argv[2] : argv[1]);
		return 1;
	}
	while (fgets(row, sizeof(row), f))
		run_row(session, row, &t);
	fclose(f);
	quern_session_free(session);
	printf("%sok %d - %d rows agree\n", t.nagree ? "" : "not ", ++t.n, t.nagree);
	printf("1..%d\n", t.n);
	return t.nfail || !t.nagree;
}
