#include "manual/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

const struct qn_command *qn_rows_command(const struct qn_rows *rows, const char *name)
{
	for (const struct qn_command *c = rows->commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

bool qn_command_takes_kernel(const struct qn_command *c)
{
	return strstr(c->usage, " KERNEL ") != NULL;
}

char *qn_option_doc(const struct quern_option *row)
{
	char *doc;

	if (qn_asprintf(&doc, "%s%s%s%s", row->doc, row->fallback ? " (default: " : "",
			row->fallback ? row->fallback : "", row->fallback ? ")" : "") < 0)
		return NULL;
	return doc;
}
