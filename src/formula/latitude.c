#include "formula/latitude.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/ground.h"
#include "describe/describe.h"
#include "find/coordinate.h"
#include "weighted/cosine.h"
#include "weighted/sums.h"

/* What is found, as it is sent to all ranks. */
struct latitude {
	char path[1024];
	char units[64];
	char other[256]; /* of several: another one */
};

/* On the rank that has the first file. */
struct search {
	const struct qn_dataset *d;
	const struct qn_format *format;
	struct latitude *found;
};

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

static bool is_degrees(const char *units)
{
	static const char *const names[] = { "degrees", "degree", "deg", "", NULL };

	return qn_units_are_north(units) || is_one_of(units, names);
}

static bool is_radians(const char *units)
{
	static const char *const names[] = { "radians", "radian", "rad", NULL };

	return is_one_of(units, names);
}

/* The text of a name; "": there is none. */
static const char *text_of(const struct qn_names *texts, const char *name)
{
	const char *text = qn_names_text(texts, name);

	return text ? text : "";
}

static void take(struct latitude *found, const char *path, const char *units)
{
	if (found->path[0] && strcmp(found->path, path)) {
		qn_text_put(found->other, sizeof(found->other), path);
		return;
	}
	qn_text_put(found->path, sizeof(found->path), path);
	qn_text_put(found->units, sizeof(found->units), units);
}

/* Is it a latitude? path is given up. */
static enum quern_status consider(const struct search *s, char *path, struct quern_message *err)
{
	struct qn_names texts = { .n = 0 };
	const size_t nbytes = path ? strlen(path) : 0;
	enum quern_status st = QUERN_OK;

	if (path && nbytes < sizeof(s->found->path))
		st = s->format->texts(s->d->file, path, &texts, err);
	if (!st && (!strcmp(text_of(&texts, "standard_name"), "latitude") ||
		    qn_units_are_north(text_of(&texts, "units"))))
		take(s->found, path, text_of(&texts, "units"));
	qn_names_fini(&texts);
	free(path);
	return st;
}

static enum quern_status consider_dimensions(const struct search *s, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (int k = 0; !st && k < s->d->ndim; k++) {
		char *path = NULL;

		if (s->d->dim_scale[k])
			path = qn_strdup(s->d->dim_scale[k]);
		else if (s->d->dim_name[k])
			st = qn_coordinate_path(s->d, s->d->dim_name[k], &path, err);
		if (!st)
			st = consider(s, path, err);
	}
	return st;
}

/* Those that the dataset names. */
static enum quern_status consider_named(const struct search *s, struct quern_message *err)
{
	struct qn_names texts = { .n = 0 };
	enum quern_status st = s->format->texts(s->d->file, s->d->path, &texts, err);
	char *names = st ? NULL : qn_strdup(text_of(&texts, "coordinates")), *rest = NULL;

	if (!st && !names)
		st = qn_error_nomem(err, 0, "the names of coordinates");
	for (char *name = st ? NULL : strtok_r(names, " \t\n", &rest); !st && name;
	     name = strtok_r(NULL, " \t\n", &rest)) {
		char *path = *name == '/' ? qn_strdup(name) : NULL;

		if (!path)
			st = qn_coordinate_path(s->d, name, &path, err);
		if (!st)
			st = consider(s, path, err);
	}
	free(names);
	qn_names_fini(&texts);
	return st;
}

static enum quern_status check(const struct qn_dataset *d, const struct latitude *found,
			       struct quern_message *err)
{
	if (!found->path[0])
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"coslat: no coordinate of %s in %s is a latitude (standard_name "
			"latitude, or units degrees_north): say what the weights are: --weights "
			"'cos(radians(NAME))'",
			d->path, d->file);
	if (found->other[0])
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "coslat: %s in %s has several latitudes, %s and %s: "
				    "say which: --weights 'cos(radians(NAME))'",
				    d->path, d->file, found->path, found->other);
	if (!is_degrees(found->units) && !is_radians(found->units))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "coslat: the latitude %s in %s has units '%s', which "
				    "are neither degrees nor radians",
				    found->path, d->file, found->units);
	return QUERN_OK;
}

static enum quern_status find(const struct qn_dataset *d, struct latitude *found,
			      struct quern_message *err)
{
	struct search s = { .d = d, .found = found };
	enum quern_status st = qn_source_format(d->file, &s.format, err);

	if (!st)
		st = consider_dimensions(&s, err);
	if (!st && !found->path[0])
		st = consider_named(&s, err);
	return st ? st : check(d, found, err);
}

/* What the rank finds that has the first file, on all ranks. Collective. */
static enum quern_status find_on_all(const struct qn_subject *subject, const struct qn_team *team,
				     struct latitude *found, struct quern_message *err)
{
	const uint32_t reader = subject->describer[subject->first];
	const size_t nranks = (size_t)qn_comm_size(team->comm);
	struct latitude *all = qn_calloc(nranks, sizeof(*all));
	enum quern_status st = all ? QUERN_OK
				   : qn_error_nomem(err, nranks * sizeof(*all), "a latitude");

	memset(found, 0, sizeof(*found));
	if (!st && (uint32_t)qn_comm_rank(team->comm) == reader)
		st = find(&subject->dataset, found, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather(team->comm, found, sizeof(*found),
				    qn_comm_rank(team->comm) ? NULL : all, err);
	if (!st && !qn_comm_rank(team->comm))
		*found = all[reader];
	free(all);
	return st ? st : qn_comm_bcast(team->comm, found, sizeof(*found), err);
}

static bool is_there(const struct qn_operand *o, uint64_t i)
{
	return !o->valid || (o->valid[i / 64] >> i % 64 & 1);
}

static enum quern_status take_cosines(struct qn_operand *o, const struct latitude *found,
				      struct quern_message *err)
{
	double *cosine = qn_calloc(o->nvalues, sizeof(*cosine));
	uint64_t i;

	if (!cosine)
		return qn_error_nomem(err, (size_t)o->nvalues * sizeof(*cosine), "the weights");
	for (i = 0; i < o->nvalues; i++)
		cosine[i] = is_there(o, i) ? qn_weighted_double(o->dtype, o->values, i) : 0;
	i = qn_cosines(cosine, o->nvalues, !is_radians(found->units));
	if (i < o->nvalues)
		qn_error_set(err, QUERN_ERR_DATA,
			     "--weights: coslat: value %llu of the latitude %s is %.17g %s, which "
			     "is beyond the poles",
			     (unsigned long long)i, found->path, cosine[i],
			     is_radians(found->units) ? "radians" : "degrees");
	free(o->values);
	o->values = cosine;
	o->dtype = QUERN_F64;
	return i < o->nvalues ? QUERN_ERR_DATA : QUERN_OK;
}

enum quern_status qn_coslat_find(const struct qn_subject *subject, const struct qn_team *team,
				 struct qn_operand *out, struct quern_message *err)
{
	struct latitude found;
	const struct qn_named named = { .name = out->name, .path = found.path };
	enum quern_status st = find_on_all(subject, team, &found, err);

	if (!st)
		st = qn_operand_find(subject, team, &named, out, err);
	out->kind = QN_OPERAND_COSINE;
	return st ? st : qn_comm_agree(team->comm, take_cosines(out, &found, err), err);
}
