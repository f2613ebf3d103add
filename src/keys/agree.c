#include "keys/agree.h"

#include <string.h>

#include "base/mem.h"
#include "describe/same.h"
#include "select/select.h"

/* A coordinate of each of the two. */
struct pair {
	const struct qn_subject *subject;
	const struct qn_key_spec *spec;
	const struct qn_key_source *source;
	int k; /* dimension of the source */
	struct qn_key_source mine, other;
};

/* --- all of them, on rank 0 --- */

static enum quern_status differ(const struct pair *p, const struct qn_same *same, uint64_t i,
				struct quern_message *err)
{
	char mine[160], other[160];

	qn_same_print(same, 0, i, sizeof(mine), mine);
	qn_same_print(same, 1, i, sizeof(other), other);
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: %s: %s of %s in %s is %s at index %llu, and that of %s in %s is "
			    "%s: elements that are computed with together must have the same "
			    "coordinates",
			    p->spec->option, p->spec->text, p->mine.like.path, p->source->like.path,
			    p->source->like.file, other, (unsigned long long)i,
			    p->subject->dataset.path, p->subject->dataset.file, mine);
}

static enum quern_status compare(struct pair *p, struct quern_message *err)
{
	const struct qn_dataset *a = &p->mine.like, *b = &p->other.like;
	const struct quern_box *box = &p->subject->selection;
	const int d = p->source->dim[p->k];
	struct qn_same same = { .like = { a, b }, .values = { &p->mine.values, &p->other.values } };
	const enum qn_comparable how = qn_same_init(&same);

	if (how == QN_NOT_COMPARABLE)
		return QUERN_OK;
	if (how == QN_CALENDARS_DIFFER)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: %s: %s in %s goes by the calendar '%s', and in %s by '%s'",
				    p->spec->option, p->spec->text, a->path, b->file, b->calendar,
				    a->file, a->calendar);
	for (uint64_t i = 0; i < box->count[d]; i++) {
		const uint64_t at = box->start[d] + i * box->step[d];

		if (qn_pick_has(&p->subject->picks.dim[d], i) && at < p->mine.values.n &&
		    at < p->other.values.n && !qn_same_at(&same, at))
			return differ(p, &same, at, err);
	}
	return QUERN_OK;
}

/* --- finding them --- */

/* The coordinate of a dimension, if there is one: *has. Collective. */
static enum quern_status find_one(const struct qn_subject *subject, const struct qn_team *team,
				  const struct pair *p, int dim, struct qn_key_source *out,
				  bool *has, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	char *name = subject->dataset.dim_name[dim];
	const struct qn_key_spec spec = { .name = name,
					  .text = name,
					  .source = name,
					  .option = p->spec->option,
					  .is_operand = true };
	enum quern_status st = QUERN_ERR_USAGE;

	if (name)
		st = qn_key_source_find(subject, team, &spec, NULL, out, &why);
	*has = !st && out->like.ndim == 1 && out->dim[0] == dim;
	return st && st != QUERN_ERR_USAGE ? qn_error_pass(err, st, &why) : QUERN_OK;
}

/* Collective. */
static enum quern_status agree_on_one(struct pair *p, const struct qn_subject *other,
				      const struct qn_team *team, int *n, struct quern_message *err)
{
	bool mine = false, theirs = false;
	enum quern_status st =
		find_one(p->subject, team, p, p->source->dim[p->k], &p->mine, &mine, err);

	if (!st && mine)
		st = find_one(other, team, p, p->k, &p->other, &theirs, err);
	if (!st && theirs && qn_comm_rank(team->comm) == 0)
		st = compare(p, err);
	*n += theirs;
	qn_key_source_fini(&p->mine);
	qn_key_source_fini(&p->other);
	memset(&p->mine, 0, sizeof(p->mine));
	memset(&p->other, 0, sizeof(p->other));
	return qn_comm_agree(team->comm, st, err);
}

/* The other dataset as a subject, of which one element is selected: its chunks do not matter. Collective. */
static enum quern_status find_other(const struct qn_team *team, const struct pair *p,
				    struct qn_subject *other, struct quern_message *err)
{
	struct quern_box first = { .ndim = p->source->like.ndim };
	struct qn_names words = { .n = 0 };
	char select[QUERN_MAX_DIMS * 8];
	enum quern_status st = qn_names_add(&words, p->spec->file, err);

	for (int k = 0; k < first.ndim; k++)
		first.count[k] = first.step[k] = 1;
	qn_box_format(&first, sizeof(select), select);
	other->settings = (struct qn_subject_settings){
		.dataset = qn_dataset_name(&p->source->like), .select = select, .is_beside = true
	};
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_subject_find(other, team, &words, err);
	other->settings = (struct qn_subject_settings){ .raw = false };
	qn_names_fini(&words);
	return st;
}

enum quern_status qn_coordinates_agree(const struct qn_subject *subject, const struct qn_team *team,
				       const struct qn_key_spec *spec,
				       const struct qn_key_source *source, int *n,
				       struct quern_message *err)
{
	struct pair p = { .subject = subject, .spec = spec, .source = source };
	struct qn_subject other = { .files = { .n = 0 } };
	enum quern_status st;

	*n = 0;
	for (int k = 0; k < source->like.ndim; k++)
		if (source->like.scalar || !source->length[k])
			return QUERN_OK;
	st = find_other(team, &p, &other, err);
	for (p.k = 0; !st && p.k < source->like.ndim; p.k++)
		st = agree_on_one(&p, &other, team, n, err);
	qn_subject_fini(&other);
	return st;
}
