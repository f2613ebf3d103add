#include "formula/against.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "select/select.h"

/* A name that needs no backquotes in an expression. */
static bool is_plain(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!(isalpha((unsigned char)*c) || *c == '_' ||
		      (c > name && isdigit((unsigned char)*c))))
			return false;
	return *name;
}

enum quern_status qn_against_find(const struct qn_subject *subject, const char *dimension,
				  struct qn_against *out, struct quern_message *err)
{
	const struct qn_dataset *d = &subject->dataset;
	const char *name, *quote;
	bool ok;

	*out = (struct qn_against){ .dim = qn_dimension_find(d, dimension) };
	if (out->dim < 0)
		return qn_dimension_refuse(d, "--against", dimension, err);
	out->name = d->dim_name[out->dim];
	name = out->name ? out->name : dimension;
	quote = is_plain(name) ? "" : "`";
	ok = qn_asprintf(&out->index, "index(%s%s%s)", quote, name, quote) >= 0;
	if (ok && out->name)
		ok = qn_asprintf(&out->coordinate, "%s%s%s", quote, name, quote) >= 0;
	return ok ? QUERN_OK : qn_error_nomem(err, strlen(name), "the name of a dimension");
}

void qn_against_fini(struct qn_against *a)
{
	free(a->coordinate);
	free(a->index);
	*a = (struct qn_against){ .dim = -1 };
}

bool qn_against_is_along(const struct qn_against *a, const struct qn_subject *subject,
			 const struct qn_operand *o)
{
	const struct qn_dataset *d = &subject->dataset;

	if (o->stored)
		return o->stored->subject.dataset.ndim == 1 && o->stored->dim[0] == a->dim;
	if (o->why) /* which says more */
		return true;
	for (int k = 0; k < d->ndim; k++)
		if (k != a->dim && o->stride[k])
			return false;
	return o->stride[a->dim] != 0;
}
