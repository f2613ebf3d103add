#include "kernel/several.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/cells.h"
#include "fields/fields.h"
#include "kernel/result.h"
#include "kernel/several_parts.h"

/* One of the kernels, opened. */
struct one {
	const struct quern_kernel *kernel;
	void *self;
	int leader;   /* whose state it has: its own number, or that of one before it */
	bool is_done; /* it needs no other pass */
	bool takes_part;
	/* Where it takes part: its state, and where in that of all this begins. */
	struct qn_layout_of_state layout;
	size_t word;
	struct qn_cells_place place;
};

/* Always: of those that share a state only the leader takes part. */
struct all {
	int n;
	struct one one[QN_MOST_KERNELS];
	const char **fields; /* owned */
	uint8_t *sent; /* owned: is_done of each, and then what each shares, as rank 0 has it */
	size_t sent_nbytes;
};

/* --- who takes part in a pass --- */

static bool leads(const struct all *a, int i)
{
	return a->one[i].leader == i;
}

static bool is_pooled(const struct one *o)
{
	return !o->is_done && o->kernel->is_pooled && o->kernel->is_pooled(o->self);
}

static bool is_sampled(const struct one *o)
{
	return !o->is_done && o->kernel->sample && o->kernel->sample(o->self) > 0;
}

static bool is_any(const struct one *o)
{
	(void)o;
	return true;
}

/* Those for which it holds. False: there are none. */
static bool choose(struct all *a, bool (*holds)(const struct one *))
{
	bool any = false;

	for (int i = 0; i < a->n; i++) {
		a->one[i].takes_part = leads(a, i) && holds(&a->one[i]);
		any = any || a->one[i].takes_part;
	}
	return any;
}

/* The states of those that take part, one after the other. */
static enum quern_status lay_out(struct all *a, struct quern_message *err)
{
	struct qn_cells_place place = { .segment = 0 };
	enum quern_status st = QUERN_OK;
	size_t word = 0;

	for (int i = 0; !st && i < a->n; i++) {
		struct one *o = &a->one[i];

		if (!o->takes_part)
			continue;
		st = qn_state_layout(o->kernel, o->self, &o->layout, err);
		o->word = word;
		o->place = place;
		word += o->layout.nwords;
		qn_cells_pass(&o->layout, &place);
	}
	return st || place.segment <= QUERN_MAX_SEGMENTS
		       ? st
		       : qn_error_set(err, QUERN_ERR_USAGE,
				      "these kernels are too many for one run: make two");
}

static enum quern_status begin_pass(struct all *a, struct quern_message *err)
{
	if (!choose(a, is_pooled) && !choose(a, is_sampled))
		choose(a, is_any);
	return lay_out(a, err);
}

/* --- opening --- */

static void several_close(void *self)
{
	struct all *a = self;

	for (int i = 0; i < a->n; i++)
		a->one[i].kernel->close(a->one[i].self);
	free(a->fields);
	free(a->sent);
	free(a);
}

/* Has the state of the first that it can share one with, and those that have the same are told what that is then. */
static void find_leader(struct all *a, int i)
{
	const struct quern_kernel *k = a->one[i].kernel;

	a->one[i].leader = i;
	for (int j = 0; k->share && j < i; j++)
		if (leads(a, j) && a->one[j].kernel->share == k->share) {
			a->one[i].leader = j;
			break;
		}
	for (int f = i; f >= 0; f--)
		if (f != a->one[i].leader && a->one[f].leader == a->one[i].leader)
			k->share(a->one[a->one[i].leader].self, a->one[f].self);
}

/* What one of them warns of is put behind what others do. */
static enum quern_status open_one(struct all *a, const struct quern_kernel *k,
				  const struct quern_input *in)
{
	struct quern_message said = { .status = QUERN_OK };
	struct quern_input mine = *in;
	const size_t n = strlen(in->message->text);
	enum quern_status st;

	mine.kernel = k;
	mine.message = &said;
	st = k->open(&mine, &a->one[a->n].self);
	if (st)
		return qn_error_pass(in->message, st, &said);
	a->one[a->n++].kernel = k;
	if (said.text[0])
		snprintf(in->message->text + n, sizeof(in->message->text) - n, "%s%s",
			 n ? "; " : "", said.text);
	return QUERN_OK;
}

static bool has_field(const char *const *fields, const char *name)
{
	while (*fields && strcmp(*fields, name))
		fields++;
	return *fields != NULL;
}

/* A single value of one name is the same thing whichever kernel finds it; a list is of its kernel. */
static enum quern_status add_field(struct all *a, size_t *n, const char *name, int i,
				   struct quern_message *err)
{
	const struct qn_field_doc *doc = qn_field_doc(name);

	if (!has_field(a->fields, name)) {
		a->fields[(*n)++] = name;
		return QUERN_OK;
	}
	return doc && (!doc->dim[0] || qn_field_method(name))
		       ? QUERN_OK
		       : qn_error_set(err, QUERN_ERR_USAGE,
				      "kernel %s has a field %s, and so has one before "
				      "it, which is not the same: run them one by one",
				      a->one[i].kernel->name, name);
}

static enum quern_status list_fields(struct all *a, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	size_t n = 0;

	for (int i = 0; i < a->n; i++)
		for (const char *const *f = a->one[i].kernel->fields(a->one[i].self); *f; f++)
			n++;
	a->fields = qn_calloc(n + 1, sizeof(*a->fields));
	if (!a->fields)
		return qn_error_nomem(err, n * sizeof(*a->fields), "fields");
	n = 0;
	for (int i = 0; !st && i < a->n; i++)
		for (const char *const *f = a->one[i].kernel->fields(a->one[i].self); !st && *f;
		     f++)
			st = add_field(a, &n, *f, i, err);
	return st;
}

/* Room for what rank 0 sends, which is as much in every pass. */
static enum quern_status make_sent(struct all *a, struct quern_message *err)
{
	a->sent_nbytes = (size_t)a->n;
	for (int i = 0; i < a->n; i++) {
		size_t nbytes = 0;

		if (a->one[i].kernel->advance)
			a->one[i].kernel->shared(a->one[i].self, &nbytes);
		a->sent_nbytes += nbytes;
	}
	a->sent = qn_calloc(a->sent_nbytes, 1);
	return a->sent ? QUERN_OK : qn_error_nomem(err, a->sent_nbytes, "kernels");
}

static enum quern_status several_open(const struct quern_input *in, void **self)
{
	const struct qn_several *s = (const void *)in->kernel;
	struct all *a = qn_calloc(1, sizeof(*a));
	enum quern_status st = a ? QUERN_OK : qn_error_nomem(in->message, sizeof(*a), "kernels");

	for (int i = 0; !st && i < s->n; i++) {
		st = open_one(a, s->of[i], in);
		if (!st)
			find_leader(a, i);
	}
	if (!st)
		st = list_fields(a, in->message);
	if (!st)
		st = make_sent(a, in->message);
	if (!st)
		st = begin_pass(a, in->message);
	if (st && a)
		several_close(a);
	else
		*self = a;
	return st;
}

/* --- the other slots --- */

/* All that take part are of one kind. */
static bool several_is_pooled(const void *self)
{
	const struct all *a = self;

	for (int i = 0; i < a->n; i++)
		if (a->one[i].takes_part && is_pooled(&a->one[i]))
			return true;
	return false;
}

/* As many as the one that needs most. */
static uint64_t several_sample(const void *self)
{
	const struct all *a = self;
	uint64_t most = 0;

	for (int i = 0; i < a->n; i++)
		if (a->one[i].takes_part && is_sampled(&a->one[i]))
			most = qn_max_u64(most, a->one[i].kernel->sample(a->one[i].self));
	return most;
}

static int several_layout(const void *self, struct quern_segment *segments)
{
	const struct all *a = self;
	int n = 0;

	for (int i = 0; i < a->n; i++) {
		const struct qn_layout_of_state *l = &a->one[i].layout;

		if (!a->one[i].takes_part || n + l->nsegments > QUERN_MAX_SEGMENTS)
			continue;
		memcpy(segments + n, l->segment, (size_t)l->nsegments * sizeof(*segments));
		n += l->nsegments;
	}
	return n;
}

/* Of the one whose lists are longest. */
static size_t several_most_values(const void *self)
{
	const struct all *a = self;
	size_t most = 0;

	for (int i = 0; i < a->n; i++) {
		const struct one *o = &a->one[i];
		const size_t words = o->kernel->most_words ? o->kernel->most_words(o->self) : 0;
		struct qn_layout_of_state l = { .nwords = 0 };

		qn_state_layout(o->kernel, o->self, &l, NULL);
		most = qn_max_u64(most, o->kernel->most_values ? o->kernel->most_values(o->self)
							       : qn_max_u64(words, l.nwords));
	}
	return most;
}

/* Where one has other states than now, as many words as all have at most. */
static size_t several_most_words(const void *self)
{
	const struct all *a = self;
	size_t sum = 0;
	bool changes = false;

	for (int i = 0; i < a->n; i++) {
		const struct one *o = &a->one[i];
		const size_t most = o->kernel->most_words ? o->kernel->most_words(o->self) : 0;
		struct qn_layout_of_state l;

		if (!leads(a, i) || qn_state_layout(o->kernel, o->self, &l, NULL))
			continue;
		changes = changes || most > l.nwords || !o->takes_part;
		sum += most > l.nwords ? most : l.nwords;
	}
	return changes ? sum : 0;
}

static size_t several_scratch(const void *self)
{
	const struct all *a = self;
	size_t most = 0;

	for (int i = 0; i < a->n; i++) {
		const struct one *o = &a->one[i];
		const size_t n = o->takes_part && o->kernel->scratch ? o->kernel->scratch(o->self)
								     : 0;

		most = n > most ? n : most;
	}
	return most;
}

static void several_absorb(const void *self, int64_t *state, void *scratch,
			   const struct quern_tile *tile)
{
	const struct all *a = self;

	for (int i = 0; i < a->n; i++) {
		const struct one *o = &a->one[i];

		if (o->takes_part)
			o->kernel->absorb(o->self, state + o->word, scratch, tile);
	}
}

static bool several_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
				const struct quern_tile *tile, const struct qn_row_run *run)
{
	const struct all *a = self;
	bool ok = true;

	for (int i = 0; ok && i < a->n; i++) {
		const struct one *o = &a->one[i];
		struct qn_cells own = { .kernel = o->kernel,
					.self = o->self,
					.layout = &o->layout };

		if (!o->takes_part)
			continue;
		qn_cells_of_part(cells, &o->place, &own);
		ok = o->kernel->absorb_rows(o->self, &own, scratch, tile, run);
	}
	return ok;
}

static void several_normalize(const void *self, int64_t *state)
{
	const struct all *a = self;

	for (int i = 0; i < a->n; i++) {
		const struct one *o = &a->one[i];

		if (o->takes_part && o->kernel->normalize)
			o->kernel->normalize(o->self, state + o->word);
	}
}

/* Copies what each shares to what is sent, or back. */
static void move_shared(struct all *a, bool back)
{
	uint8_t *at = a->sent + a->n;

	for (int i = 0; i < a->n; i++) {
		struct one *o = &a->one[i];
		size_t nbytes = 0;
		void *own = o->kernel->advance ? o->kernel->shared(o->self, &nbytes) : NULL;

		if (back)
			o->is_done = a->sent[i];
		else
			a->sent[i] = o->is_done;
		if (nbytes)
			memcpy(back ? own : at, back ? at : own, nbytes);
		at += nbytes;
	}
}

static void several_review(void *self, uint64_t row, const int64_t *state)
{
	struct all *a = self;

	for (int i = 0; i < a->n; i++) {
		const struct one *o = &a->one[i];

		if (o->takes_part && !o->is_done && o->kernel->review)
			o->kernel->review(o->self, row, state + o->word);
	}
}

static bool several_is_reviewed(const void *self)
{
	const struct all *a = self;

	for (int i = 0; i < a->n; i++) {
		const struct one *o = &a->one[i];

		if (o->kernel->is_reviewed && o->kernel->is_reviewed(o->self))
			return true;
	}
	return false;
}

/* The results are those of the last pass: one after which none of them needs another, and in which all took
   part. */
static bool several_advance(void *self, const int64_t *state)
{
	struct all *a = self;
	bool again = false;

	for (int i = 0; i < a->n; i++) {
		struct one *o = &a->one[i];

		again = again || (leads(a, i) && !o->takes_part);
		if (!o->takes_part || o->is_done)
			continue;
		o->is_done = !o->kernel->advance || !o->kernel->advance(o->self, state + o->word);
		again = again || !o->is_done;
	}
	move_shared(a, false);
	return again;
}

static void *several_shared(void *self, size_t *nbytes)
{
	struct all *a = self;

	*nbytes = a->sent_nbytes;
	return a->sent;
}

static enum quern_status several_adopt(void *self, struct quern_message *message)
{
	struct all *a = self;

	move_shared(a, true);
	return begin_pass(a, message);
}

static const char *const *several_fields(const void *self)
{
	const struct all *a = self;

	return a->fields;
}

static void several_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct all *a = self;

	for (int i = 0; i < a->n; i++) {
		const struct one *o = &a->one[i];
		const size_t before = r->nfields;

		o->kernel->emit(o->self, state + a->one[o->leader].word, r);
		qn_result_drop_repeated(r, before);
	}
}

/* --- all as one --- */

/* Elements are pairs where one of them is of these: the others see the one value of each. */
static unsigned takes_of(const struct qn_several *s)
{
	unsigned takes = ~0u, pairs = 0;

	for (int i = 0; i < s->n; i++) {
		takes &= s->of[i]->takes | QUERN_ROLE(QUERN_WITH);
		pairs |= s->of[i]->takes & QUERN_ROLE(QUERN_WITH);
	}
	return takes & (pairs | ~QUERN_ROLE(QUERN_WITH));
}

/* What only some of them can do, all together cannot. */
void qn_several_make(struct qn_several *s)
{
	bool takes_text = true, repeats = true, by_rows = true, reviews = false;
	bool takes_row_weights = true;
	unsigned needs = 0;
	const char *against = NULL;

	for (int i = 0; i < s->n; i++) {
		takes_text = takes_text && s->of[i]->takes_text;
		takes_row_weights = takes_row_weights && s->of[i]->takes_row_weights;
		needs |= s->of[i]->needs;
		against = against ? against : s->of[i]->against;
		repeats = repeats && s->of[i]->repeats;
		by_rows = by_rows && s->of[i]->absorb_rows && !s->of[i]->has_row_states;
		reviews = reviews || s->of[i]->review;
	}
	s->kernel = (struct quern_kernel){
		.abi = QUERN_KERNEL_ABI,
		.name = s->name,
		.doc = "several kernels at once",
		.options = s->options,
		.takes_text = takes_text,
		.takes_row_weights = takes_row_weights,
		.takes = takes_of(s),
		.needs = needs,
		.against = against,
		.repeats = repeats,
		.open = several_open,
		.close = several_close,
		.is_pooled = several_is_pooled,
		.sample = several_sample,
		.layout = several_layout,
		.most_words = several_most_words,
		.most_values = several_most_values,
		.scratch = several_scratch,
		.absorb = several_absorb,
		.absorb_rows = by_rows ? several_absorb_rows : NULL,
		.normalize = several_normalize,
		.review = reviews ? several_review : NULL,
		.is_reviewed = reviews ? several_is_reviewed : NULL,
		.advance = several_advance,
		.shared = several_shared,
		.adopt = several_adopt,
		.fields = several_fields,
		.emit = several_emit,
	};
}

const struct quern_kernel *qn_kernel_of(const struct quern_kernel *k, int i)
{
	const struct qn_several *s = (const void *)k;

	if (k->open != several_open)
		return i == 0 ? k : NULL;
	return i < s->n ? s->of[i] : NULL;
}

const void *qn_kernel_self_of(const struct quern_kernel *k, const void *self, int i)
{
	const struct all *a = self;

	return k->open == several_open ? a->one[i].self : self;
}
