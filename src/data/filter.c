/*
 * filter.c - looks up the tables of filters.
 */
#include <stdio.h>

#include "data/storage.h"

const struct qn_filter *qn_filter_find(uint32_t id)
{
	for (const struct qn_filter *f = qn_filters; f->id != 0; f++)
		if (f->id == id)
			return f;
	return NULL;
}

bool qn_filter_is_native(const struct qn_filter_step *step)
{
	const struct qn_filter *f = qn_filter_find(step->id);

	return f && (!f->applicable || f->applicable(step));
}

const struct qn_filter_name *qn_filter_name_find(uint32_t id)
{
	for (const struct qn_filter_name *n = qn_filter_names; n->id != 0; n++)
		if (n->id == id)
			return n;
	return NULL;
}

void qn_filter_advice(uint32_t id, const char *name, size_t nbytes, char *out)
{
	const struct qn_filter_name *n = qn_filter_name_find(id);
	const bool is_missing = n && n->package && !qn_filter_find(id);
	int at = snprintf(out, nbytes, "filter %u (%s): ", id,
			  n	  ? n->name
			  : *name ? name
				  : "not registered");

	if (at < 0 || (size_t)at >= nbytes)
		return;
	out += at;
	nbytes -= (size_t)at;
	if (is_missing)
		at = snprintf(out, nbytes, "install %s and configure quern again, or ", n->package);
	if (is_missing && (at < 0 || (size_t)at >= nbytes))
		return;
	if (is_missing) {
		out += at;
		nbytes -= (size_t)at;
	}
	if (n && !n->plugin)
		snprintf(out, nbytes, "use an HDF5 library that was built with it");
	else
		snprintf(out, nbytes,
			 "install its HDF5 plugin (%s) and name its directory in "
			 "HDF5_PLUGIN_PATH",
			 n ? n->plugin : "from who wrote the file");
}
