/*
 * pick - a member of a JSON document, for shell tests.
 *
 *	pick PATH <DOC		its value: compact, keys sorted; PATH is a.b.c, "." the document
 *	pick -k PATH <DOC	the names of its members, sorted, on one line
 *
 * Fails when standard input is not one JSON document or has no such member.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

static json_t *find(json_t *doc, const char *path)
{
	char name[64];

	while (doc && *path) {
		size_t n = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		if (*name)
			doc = json_is_array(doc) ? json_array_get(doc, (size_t)atoi(name))
						 : json_object_get(doc, name);
		path += n + (path[n] == '.');
	}
	return doc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int print_names(json_t *o)
{
	size_t n = json_object_size(o), i = 0;
	const char **names = calloc(n + 1, sizeof(*names)), *name;
	json_t *v;

	if (!names)
		return 1;
	json_object_foreach(o, name, v) names[i++] = name;
	qsort(names, n, sizeof(*names), by_text);
	for (i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", names[i]);
	putchar('\n');
	free(names);
	return 0;
}

int main(int argc, char **argv)
{
	bool keys = argc == 3 && !strcmp(argv[1], "-k");
	json_error_t why;
	json_t *doc, *v;
	char *text = NULL;
	size_t room = 0;
	int failed = 0;

	if (argc != 2 + keys) {
		fputs("usage: pick [-k] PATH <DOC\n", stderr);
		return 2;
	}
	if (getdelim(&text, &room, '\0', stdin) < 0)
		return 1;
	doc = qn_json_load(text, &why);
	free(text);
	v = doc ? find(doc, argv[1 + keys]) : NULL;
	if (!v) {
		fprintf(stderr, "pick: %s\n", doc ? "no such member" : why.text);
		failed = 1;
	} else if (keys) {
		failed = print_names(v);
	} else if (json_is_string(v) && strlen(json_string_value(v)) < json_string_length(v)) {
		puts(json_string_value(v)); /* an integer beyond int64 */
	} else {
		json_dumpf(v, stdout,
			   JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY |
				   JSON_REAL_PRECISION(17));
		putchar('\n');
	}
	json_decref(doc);
	return failed;
}
