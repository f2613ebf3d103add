#include "registry/shield.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/fp.h"
#include "base/crash.h"
#include "base/mem.h"
#include "kernel/several.h"

/* What went wrong. */
struct fault {
	const char *slot;
	int number;	      /* of a signal; 0: the floating-point environment */
	struct quern_box box; /* of its tile; ndim < 0: it had none */
};

enum { WELL, BEING_NOTED, FAULTY };

/* What an open kernel is. */
struct shielded {
	const struct quern_kernel *real;
	void *self; /* of that */
	atomic_int is;
	struct fault fault; /* the first one, when it is FAULTY */
};

static void note(struct shielded *s, const char *slot, int number, const struct quern_tile *tile)
{
	int well = WELL;

	if (!atomic_compare_exchange_strong(&s->is, &well, BEING_NOTED))
		return;
	s->fault.slot = slot;
	s->fault.number = number;
	s->fault.box = tile ? *tile->box : (struct quern_box){ .ndim = -1 };
	atomic_store(&s->is, FAULTY);
}

/* "0:4, 10:20:2" */
static void describe(const struct quern_box *b, char *out, size_t nbytes)
{
	size_t used = 0;

	*out = '\0';
	for (int d = 0; d < b->ndim && used < nbytes; d++) {
		const unsigned long long start = b->start[d],
					 end = start + (b->count[d] - 1) * b->step[d] + 1;
		char step[24] = "";

		if (b->step[d] != 1)
			snprintf(step, sizeof(step), ":%llu", (unsigned long long)b->step[d]);
		used += (size_t)snprintf(out + used, nbytes - used, "%s%llu:%llu%s", d ? ", " : "",
					 start, end, step);
	}
}

static enum quern_status report(const struct shielded *s, const char *dataset,
				struct quern_message *err)
{
	char where[400] = "", box[300];

	if (s->fault.box.ndim >= 0) {
		describe(&s->fault.box, box, sizeof(box));
		snprintf(where, sizeof(where), " on the tile (%s) of dataset %s", box, dataset);
	}
	if (s->fault.number)
		return qn_error_set(
			err, QUERN_ERR_RUN,
			"kernel %s has crashed in %s()%s: %s; `quern kernels --check` looks for the "
			"reason",
			s->real->name, s->fault.slot, where, qn_crash_words(s->fault.number));
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"kernel %s has changed the floating-point environment in %s()%s, which nothing that "
		"is computed after it would survive; `quern kernels --check` looks for the reason",
		s->real->name, s->fault.slot, where);
}

static enum quern_status open_it(const struct quern_input *in, void **self);

enum quern_status qn_shield_check(const struct quern_kernel *k, const void *self,
				  const char *dataset, struct quern_message *err)
{
	const struct quern_kernel *one;

	for (int i = 0; (one = qn_kernel_of(k, i)); i++) {
		const struct shielded *s = one->open == open_it ? qn_kernel_self_of(k, self, i)
								: NULL;

		while (s && atomic_load(&s->is) == BEING_NOTED)
			;
		if (s && atomic_load(&s->is) == FAULTY)
			return report(s, dataset, err);
	}
	return QUERN_OK;
}

/* --- slots in which it is called with care --- */

struct call {
	struct shielded *s;
	int64_t *state;
	const int64_t *merged;
	void *scratch;
	const struct quern_tile *tile;
	struct quern_result *result;
};

/* After a fault nothing of the kernel is called: the run is ending. */
static void call(qn_risky *f, struct call *c, const char *slot)
{
	const unsigned long before = qn_fp_mode();
	int number;

	if (atomic_load_explicit(&c->s->is, memory_order_relaxed) != WELL)
		return;
	number = qn_crash_call(f, c);
	if (number)
		note(c->s, slot, number, c->tile);
	if (qn_fp_mode() != before) {
		note(c->s, slot, 0, c->tile);
		qn_cpu_reset_fp();
	}
}

/* A fault is noted in what is else read-only. */
static struct shielded *of_self(const void *self)
{
	return (struct shielded *)(uintptr_t)self;
}

static void do_absorb(void *ctx)
{
	const struct call *c = ctx;

	c->s->real->absorb(c->s->self, c->state, c->scratch, c->tile);
}

static void absorb(const void *self, int64_t *state, void *scratch, const struct quern_tile *tile)
{
	struct call c = { .s = of_self(self), .state = state, .scratch = scratch, .tile = tile };

	call(do_absorb, &c, "absorb");
}

static void do_normalize(void *ctx)
{
	const struct call *c = ctx;

	c->s->real->normalize(c->s->self, c->state);
}

static void normalize(const void *self, int64_t *state)
{
	struct call c = { .s = of_self(self), .state = state };

	call(do_normalize, &c, "normalize");
}

static void do_emit(void *ctx)
{
	const struct call *c = ctx;

	c->s->real->emit(c->s->self, c->merged, c->result);
}

static void emit(const void *self, const int64_t *state, struct quern_result *r)
{
	struct call c = { .s = of_self(self), .merged = state, .result = r };

	call(do_emit, &c, "emit");
}

struct opening {
	const struct quern_kernel *real;
	struct quern_input in;
	void *self;
	enum quern_status st;
};

static void do_open(void *ctx)
{
	struct opening *o = ctx;

	o->st = o->real->open(&o->in, &o->self);
}

static enum quern_status open_it(const struct quern_input *in, void **self)
{
	const struct qn_shield *shield = (const void *)in->kernel;
	struct opening o = { .real = shield->real, .in = *in };
	struct shielded *s = qn_malloc(sizeof(*s));
	int number;

	if (!s)
		return qn_error_nomem(in->message, sizeof(*s), "a kernel");
	o.in.kernel = o.real;
	qn_crash_begin();
	number = qn_crash_call(do_open, &o);
	if (number)
		o.st = qn_error_set(in->message, QUERN_ERR_RUN,
				    "kernel %s has crashed in open(): %s", o.real->name,
				    qn_crash_words(number));
	if (o.st) {
		qn_crash_end();
		free(s);
		return o.st;
	}
	*s = (struct shielded){ .real = o.real, .self = o.self, .is = WELL };
	*self = s;
	return QUERN_OK;
}

static void close_it(void *self)
{
	struct shielded *s = self;

	s->real->close(s->self);
	free(s);
	qn_crash_end();
}

/* --- the others --- */

static void demand(const void *self, struct quern_demand *d)
{
	const struct shielded *s = self;

	s->real->demand(s->self, d);
}

static bool is_pooled(const void *self)
{
	const struct shielded *s = self;

	return s->real->is_pooled(s->self);
}

static uint64_t sample(const void *self)
{
	const struct shielded *s = self;

	return s->real->sample(s->self);
}

static int layout(const void *self, struct quern_segment *segments)
{
	const struct shielded *s = self;

	return s->real->layout(s->self, segments);
}

static size_t most_words(const void *self)
{
	const struct shielded *s = self;

	return s->real->most_words(s->self);
}

static size_t most_values(const void *self)
{
	const struct shielded *s = self;

	return s->real->most_values(s->self);
}

static size_t scratch_nbytes(const void *self)
{
	const struct shielded *s = self;

	return s->real->scratch(s->self);
}

static void review(void *self, uint64_t row, const int64_t *state)
{
	struct shielded *s = self;

	s->real->review(s->self, row, state);
}

static bool is_reviewed(const void *self)
{
	const struct shielded *s = self;

	return s->real->is_reviewed(s->self);
}

static bool advance(void *self, const int64_t *state)
{
	struct shielded *s = self;

	return s->real->advance(s->self, state);
}

static void *shared(void *self, size_t *nbytes)
{
	struct shielded *s = self;

	return s->real->shared(s->self, nbytes);
}

static enum quern_status adopt(void *self, struct quern_message *message)
{
	struct shielded *s = self;

	return s->real->adopt(s->self, message);
}

static const char *const *fields(const void *self)
{
	const struct shielded *s = self;

	return s->real->fields(s->self);
}

void qn_shield_make(struct qn_shield *s, const struct quern_kernel *real)
{
	struct quern_kernel *k = &s->kernel;

	s->real = real;
	*k = *real;
	k->open = open_it;
	k->close = close_it;
	k->demand = real->demand ? demand : NULL;
	k->is_pooled = real->is_pooled ? is_pooled : NULL;
	k->sample = real->sample ? sample : NULL;
	k->layout = layout;
	k->most_words = real->most_words ? most_words : NULL;
	k->most_values = real->most_values ? most_values : NULL;
	k->scratch = real->scratch ? scratch_nbytes : NULL;
	k->absorb = absorb;
	k->normalize = real->normalize ? normalize : NULL;
	k->review = real->review ? review : NULL;
	k->is_reviewed = real->is_reviewed ? is_reviewed : NULL;
	k->advance = real->advance ? advance : NULL;
	k->shared = real->shared ? shared : NULL;
	k->adopt = real->adopt ? adopt : NULL;
	k->fields = fields;
	k->emit = emit;
}
