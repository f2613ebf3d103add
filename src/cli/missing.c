/*
 * missing.c - sources of a dataset that are not there, as a sentence.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"

#define MOST_NAMED 4

char *qn_cli_missing(const json_t *o)
{
	const json_t *names = json_object_get(o, "missing_sources"), *s;
	char *text = NULL;
	const long long n = qn_cli_int(o, "sources_missing");
	size_t nbytes, i;
	FILE *out = n ? qn_open_memstream(&text, &nbytes) : NULL;

	if (!out)
		return NULL;
	fprintf(out, "%lld source%s missing, for which the fill value (of raw files zeros) stands",
		n, n == 1 ? "" : "s");
	json_array_foreach(names, i, s)
	{
		if (i == MOST_NAMED)
			break;
		fprintf(out, "%s %s%s%s", i ? ";" : ":", qn_cli_text(s, "file"),
			*qn_cli_text(s, "dataset") ? ", dataset " : "", qn_cli_text(s, "dataset"));
	}
	if (json_array_size(names) > MOST_NAMED)
		fputs("; and others", out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}
