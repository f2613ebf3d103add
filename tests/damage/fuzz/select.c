/*
 * select.c - fuzz target: the expression of a selection, by index, value and date, and the units of
 * the times. What is accepted lies within the dataset.
 */
#include "select/select.h"

#include "fuzz.h"
#include "seed.h"

#define MOST_VALUES 100

static const char *const calendars[] = { "", "noleap", "360_day", "julian" };

/* What coordinates are made of. */
struct world {
	struct qn_dataset time;
	struct qn_axis axis;
};

static char names[][8] = { "time", "lat", "lon" };
static char file[] = "f", path[] = "/x", time_path[] = "/time";

static void take(struct qn_dataset *d, int ndim, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t shape[] = { a, b, c };

	*d = (struct qn_dataset){ .file = file, .path = path, .ndim = ndim };
	for (int i = 0; i < ndim; i++) {
		d->shape[i] = shape[i];
		d->chunk[i] = 7;
		d->dim_name[i] = names[i];
	}
	d->type = (struct qn_type){ .class = QN_FLOAT, .size = 4 };
}

/* Integers that rise for the first dimension, reals that fall for the others. */
static enum quern_status make_axis(void *ctx, const struct qn_dataset *d, int dim,
				   const struct qn_axis **axis, struct quern_message *err)
{
	struct world *w = ctx;
	struct qn_axis *a = &w->axis;
	uint64_t n = d->shape[dim];
	char why[300];

	qn_axis_fini(a);
	if (n == 0 || n > MOST_VALUES)
		return qn_error_set(err, QUERN_ERR_USAGE, "no coordinate");
	w->time.shape[0] = n;
	w->time.type.class = dim == 0 ? QN_INT : QN_FLOAT;
	qn_axis_init(a, &w->time);
	if (dim == 0)
		a->integers = calloc(n, sizeof(*a->integers));
	else
		a->reals = calloc(n, sizeof(*a->reals));
	FUZZ_CHECK(a->integers || a->reals);
	for (uint64_t i = 0; i < n; i++)
		if (dim == 0)
			a->integers[i] = (int64_t)i * 12 - 100;
		else
			a->reals[i] = 90 - 2.5 * (double)i;
	FUZZ_CHECK(qn_axis_check(a, &w->time, sizeof(why), why));
	*axis = a;
	return QUERN_OK;
}

static void about(void *ctx, const struct qn_dataset *d, const char *name, size_t nbytes, char *out)
{
	(void)ctx;
	(void)d;
	(void)name;
	if (nbytes)
		*out = '\0';
}

static void check(const struct qn_dataset *d, const struct quern_box *box)
{
	FUZZ_CHECK(box->ndim == d->ndim);
	for (int i = 0; i < box->ndim; i++) {
		FUZZ_CHECK(box->step[i] >= 1);
		if (box->count[i])
			FUZZ_CHECK(box->start[i] < d->shape[i] &&
				   box->count[i] - 1 <=
					   (d->shape[i] - 1 - box->start[i]) / box->step[i]);
	}
}

/* Stretches rise, do not touch, and are in the box. */
static void check_picks(const struct qn_picks *p, const struct quern_box *box)
{
	for (int d = 0; d < box->ndim; d++) {
		const struct qn_pick *pick = &p->dim[d];
		uint64_t next = 0, n = 0;

		for (uint64_t k = 0; k < pick->nstretches; k++) {
			const struct qn_picked_run *s = &pick->stretch[k];

			FUZZ_CHECK(s->n && s->before == n && (k ? s->first > next : !s->first));
			next = s->first + s->n;
			n += s->n;
		}
		FUZZ_CHECK(!pick->nstretches || (next == box->count[d] && n == pick->npicked));
	}
}

/* Up to a newline the text may be units. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_input in = { data, n };
	unsigned which = (unsigned)fuzz_take(&in, 1);
	struct quern_message err = { .status = QUERN_OK };
	struct world w = { .time = { .file = file, .path = time_path, .ndim = 1 } };
	struct qn_coordinates coordinates = { .axis = make_axis, .about = about, .ctx = &w };
	char text[4096], *selection = text, *newline;
	struct qn_picks picks = { .any = false };
	struct quern_box box;
	struct qn_dataset d;

	if (in.n >= sizeof(text))
		return 0;
	memcpy(text, in.at, in.n);
	text[in.n] = '\0';
	newline = strchr(text, '\n');
	if (newline) {
		*newline = '\0';
		selection = newline + 1;
	}
	w.time.type.size = 8;
	snprintf(w.time.units, sizeof(w.time.units), "%.*s", (int)sizeof(w.time.units) - 1,
		 newline ? text : "hours since 2001-01-01 00:00:0.0");
	snprintf(w.time.calendar, sizeof(w.time.calendar), "%s", calendars[which / 3 % 4]);
	if (which % 3 == 0)
		take(&d, 3, 100, 20, 30);
	else if (which % 3 == 1)
		take(&d, 1, INT64_MAX / 4, 0, 0);
	else
		take(&d, 2, 0, 5, 0);
	if (qn_select(&d, selection, &coordinates, &box, &picks, &err) == QUERN_OK) {
		check(&d, &box);
		check_picks(&picks, &box);
	}
	qn_picks_fini(&picks);
	qn_axis_fini(&w.axis);
	return 0;
}

FUZZ_MAIN
