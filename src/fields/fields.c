/*
 * fields.c - the fields of all kernels. A kernel that emits a new one adds its row.
 */
#include "fields/fields.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct qn_field_doc fields[] = {
	{ "count", "number of elements that have a value", QN_UNITS_ONE, true, { NULL } },
	{ "missing", "number of elements that have no value", QN_UNITS_ONE, true, { NULL } },
	{ "sum", "sum, correctly rounded", QN_UNITS_SUM, false, { NULL } },
	{ "sum_of_weights",
	  "sum of the weights, correctly rounded",
	  QN_UNITS_UNKNOWN,
	  false,
	  { NULL } },
	{ "mean", "arithmetic mean, unweighted", QN_UNITS_VALUE, false, { "feature" } },
	{ "variance", "variance, unweighted, over n - 1", QN_UNITS_SQUARE, false, { NULL } },
	{ "stddev",
	  "standard deviation, unweighted, over n - 1",
	  QN_UNITS_DIFFERENCE,
	  false,
	  { NULL } },
	{ "skewness", "skewness M3/M2^1.5, unweighted", QN_UNITS_ONE, false, { NULL } },
	{ "kurtosis", "excess kurtosis M4/M2^2 - 3, unweighted", QN_UNITS_ONE, false, { NULL } },
	{ "min", "smallest value", QN_UNITS_VALUE, false, { NULL } },
	{ "max", "largest value", QN_UNITS_VALUE, false, { NULL } },
	{ "range", "largest value less the smallest", QN_UNITS_DIFFERENCE, false, { NULL } },
	{ "rms", "root of the mean square, unweighted", QN_UNITS_DIFFERENCE, false, { NULL } },
	{ "argmin", "indexes of the smallest value", QN_UNITS_ONE, true, { "dimension" } },
	{ "argmax", "indexes of the largest value", QN_UNITS_ONE, true, { "dimension" } },
	{ "values", "values, in order", QN_UNITS_VALUE, false, { "place" } },
	{ "coordinates", "indexes of the values", QN_UNITS_ONE, true, { "place", "dimension" } },
	{ "median", "median", QN_UNITS_VALUE, false, { NULL } },
	{ "q", "quantile", QN_UNITS_ONE, false, { "q" } },
	{ "rank_error",
	  "part of the values that ranks may be off by",
	  QN_UNITS_ONE,
	  false,
	  { NULL } },
	{ "confidence",
	  "probability that they are not off by more",
	  QN_UNITS_ONE,
	  false,
	  { NULL } },
	{ "edges", "edges of the bins", QN_UNITS_VALUE, false, { "edge" } },
	{ "counts", "number of values in each bin", QN_UNITS_ONE, true, { "bin" } },
	{ "density",
	  "share of the values in each bin, for each unit of width",
	  QN_UNITS_INVERSE,
	  false,
	  { "bin" } },
	{ "weights",
	  "sum of the weights in each bin, correctly rounded",
	  QN_UNITS_UNKNOWN,
	  false,
	  { "bin" } },
	{ "x_edges", "edges of the bins of the values", QN_UNITS_VALUE, false, { "x_edge" } },
	{ "y_edges", "edges of the bins of the others", QN_UNITS_WITH, false, { "y_edge" } },
	{ "outside", "number of pairs outside of the bins", QN_UNITS_ONE, true, { NULL } },
	{ "distinct", "number of different values", QN_UNITS_ONE, true, { NULL } },
	{ "exact",
	  "1: all different values were counted; 0: they are too many",
	  QN_UNITS_ONE,
	  true,
	  { NULL } },
	{ "standard_error",
	  "standard error of the number of different values",
	  QN_UNITS_ONE,
	  false,
	  { NULL } },
	{ "mode", "most frequent value, the least of several", QN_UNITS_VALUE, false, { NULL } },
	{ "frequency", "how often the most frequent value is there", QN_UNITS_ONE, true, { NULL } },
	{ "below", "number of values below the bins", QN_UNITS_ONE, true, { NULL } },
	{ "above", "number of values above the bins", QN_UNITS_ONE, true, { NULL } },
	{ "nan", "number of values that are NaN and so in no bin", QN_UNITS_ONE, true, { NULL } },
	{ "cov", "covariance of pairs, unweighted, over n - 1", QN_UNITS_PRODUCT, false, { NULL } },
	{ "corr", "correlation of pairs, unweighted", QN_UNITS_ONE, false, { NULL } },
	{ "slope",
	  "slope of the line of least squares, unweighted",
	  QN_UNITS_RATIO,
	  false,
	  { NULL } },
	{ "intercept",
	  "intercept of the line of least squares, unweighted",
	  QN_UNITS_VALUE,
	  false,
	  { NULL } },
	{ "r2", "square of the correlation of pairs, unweighted", QN_UNITS_ONE, false, { NULL } },
	{ "stderr", "standard error of the slope, unweighted", QN_UNITS_RATIO, false, { NULL } },
	{ "longest", "elements of the longest spell", QN_UNITS_ONE, true, { NULL } },
	{ "longest_start",
	  "indexes where the longest spell begins",
	  QN_UNITS_ONE,
	  true,
	  { "dimension" } },
	{ "number", "number of spells", QN_UNITS_ONE, true, { NULL } },
	{ "total", "elements of all spells", QN_UNITS_ONE, true, { NULL } },
	{ "first", "index of the first element that holds", QN_UNITS_ONE, true, { NULL } },
	{ "last", "index of the last element that holds", QN_UNITS_ONE, true, { NULL } },
	{ "samples", "number of complete samples", QN_UNITS_ONE, true, { NULL } },
	{ "features", "number of features", QN_UNITS_ONE, true, { NULL } },
	{ "covariance",
	  "covariance matrix, unweighted, over n - 1",
	  QN_UNITS_SQUARE,
	  false,
	  { "feature", "other_feature" } },
};

const struct qn_field_doc *qn_field_doc(const char *name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

bool qn_field_is_of_indexes(const char *name)
{
	const struct qn_field_doc *doc = qn_field_doc(name);
	const char *last = doc ? doc->dim[doc->dim[1] != NULL] : NULL;

	return last && !strcmp(last, "dimension");
}

const char *qn_field_beside(const char *name)
{
	return strcmp(name, "coordinates") ? name : "values";
}

bool qn_field_is_shared(const char *name)
{
	static const char *const names[] = { "q", "edges", "x_edges", "y_edges" };

	return is_among(name, names, sizeof(names) / sizeof(*names));
}

/* CF conventions, appendix E. */
static const struct qn_field_method methods[] = {
	{ "mean", "mean", true },
	{ "sum", "sum", true },
	{ "variance", "variance", false },
	{ "stddev", "standard_deviation", false },
	{ "min", "minimum", true },
	{ "max", "maximum", true },
	{ "median", "median", false },
	{ "range", "range", false },
	{ "rms", "root_mean_square", false },
};

const struct qn_field_method *qn_field_method(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}

bool qn_field_is_value(const char *name)
{
	static const char *const names[] = { "min", "max", "values", "mode" };

	return is_among(name, names, sizeof(names) / sizeof(*names));
}

/* Letters only, such as "K" or "kg": an exponent can stand behind it. */
static bool is_plain(const char *units, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalpha((unsigned char)units[i]))
			return false;
	return n > 0;
}

/* What fields are that depend on weights, where there are some. */
static const struct {
	const char *name, *words;
} weighted[] = {
	{ "sum", "sum of weight times value, correctly rounded" },
	{ "sum_of_weights", "sum of the weights, correctly rounded" },
	{ "mean", "arithmetic mean, weighted" },
	{ "variance", "variance, weighted, over W - (sum of w^2) / W" },
	{ "stddev", "standard deviation, weighted, over W - (sum of w^2) / W" },
	{ "rms", "root of the mean square, weighted" },
	{ "cov", "covariance of pairs, weighted, over W - (sum of w^2) / W" },
	{ "corr", "correlation of pairs, weighted" },
	{ "slope", "slope of the line of least squares, weighted" },
	{ "intercept", "intercept of the line of least squares, weighted" },
	{ "r2", "square of the correlation of pairs, weighted" },
	{ "stderr", "standard error of the slope, weighted" },
};

const char *qn_field_weighted(const char *name)
{
	for (size_t i = 0; i < sizeof(weighted) / sizeof(*weighted); i++)
		if (!strcmp(weighted[i].name, name))
			return weighted[i].words;
	return NULL;
}

const char *qn_field_words(const struct qn_field_doc *f, const char *weights)
{
	const char *words = weights ? qn_field_weighted(f->name) : NULL;

	return words ? words : f->doc;
}

/* A time is at a distance from its reference, and the difference of two is not. */
static int length_of(const char *units)
{
	const char *since = units ? strstr(units, " since ") : NULL;

	return since ? (int)(since - units) : units ? (int)strlen(units) : 0;
}

/* Units to a power, after a factor; not known where one is not. */
static char *with_power(const char *factor, int nfactor, const char *units, int n,
			const char *power)
{
	const bool is_one = n == 1 && *units == '1', has_power = *power;
	const bool is_bare = !has_power || is_plain(units, (size_t)n);
	char *out = NULL;
	int rc;

	if (!n)
		return qn_strdup("");
	if (is_one)
		return nfactor ? qn_strndup(factor, (size_t)nfactor) : qn_strdup("1");
	rc = qn_asprintf(&out, "%.*s%s%s%.*s%s%s", nfactor, factor, nfactor ? " " : "",
			 is_bare ? "" : "(", n, units, is_bare ? "" : ")", power);
	return rc < 0 ? NULL : out;
}

/* Of two values of each element. */
static char *pair_units(const char *units, const char *with, const char *power)
{
	const int n = length_of(units), m = length_of(with);

	if (!n || !m)
		return qn_strdup("");
	return with_power(units, n == 1 && *units == '1' ? 0 : n, with, m, power);
}

/* One for each unit of both. */
static char *inverse_units(const char *units, const char *with)
{
	const int n = length_of(units), m = length_of(with);
	char *a = with_power("", 0, units, n, "-1"), *b = with_power("", 0, with, m, "-1");
	char *out = NULL;

	if (a && b && (!*a || !*b))
		out = qn_strdup("");
	else if (a && b && (!strcmp(a, "1") || !strcmp(b, "1")))
		out = qn_strdup(strcmp(a, "1") ? a : b);
	else if (a && b && qn_asprintf(&out, "%s %s", a, b) < 0)
		out = NULL;
	free(a);
	free(b);
	return out;
}

char *qn_field_units(const struct qn_field_doc *f, const char *units, const char *with,
		     const char *weights)
{
	const int n = length_of(units);

	if (f->units == QN_UNITS_WITH)
		return qn_strdup(with ? with : "");
	if (f->units == QN_UNITS_INVERSE)
		return with_power("", 0, units, n, "-1");
	if (f->units == QN_UNITS_INVERSES)
		return inverse_units(units, with);
	if (f->units == QN_UNITS_ONE)
		return qn_strdup("1");
	if (f->units == QN_UNITS_UNKNOWN || (f->units == QN_UNITS_SUM && weights))
		return qn_strdup("");
	if (f->units == QN_UNITS_PRODUCT || f->units == QN_UNITS_RATIO)
		return pair_units(units, with, f->units == QN_UNITS_RATIO ? "-1" : "");
	if (f->units == QN_UNITS_SQUARE)
		return with_power("", 0, units, n, "2");
	return f->units == QN_UNITS_VALUE ? qn_strdup(units ? units : "")
					  : qn_strndup(units ? units : "", (size_t)n);
}

bool qn_field_is_of_pairs(const char *name)
{
	static const char *const names[] = {
		"cov",	  "corr",   "slope",   "intercept", "r2",
		"stderr", "counts", "density", "y_edges",   "outside"
	};

	return is_among(name, names, sizeof(names) / sizeof(*names));
}
