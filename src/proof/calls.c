#include "proof/calls.h"

#include <fenv.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/fp.h"
#include "base/mem.h"
#include "base/options.h"
#include "kernel/tile.h"

#define MOST_SELF_NBYTES 65536 /* of self, that are compared */

const char *qn_trial_describe(const struct qn_trial *t, char out[QN_TRIAL_NBYTES])
{
	static const char *const moods[] = { "smooth", "round", "wild" };
	char missing[32] = "none missing", size[32] = "";

	if (t->nmissing_in)
		snprintf(missing, sizeof(missing), "1 in %u missing", t->nmissing_in);
	if (t->dtype == QUERN_TEXT)
		snprintf(size, sizeof(size), " of %zu bytes", t->text_nbytes);
	snprintf(out, QN_TRIAL_NBYTES, "type %s%s, %s values, %s, NaN %s, seed %llu",
		 t->dtype == QUERN_TEXT ? "text" : qn_dtype_name(t->dtype), size, moods[t->mood],
		 missing, t->nan_missing ? "missing" : "kept", (unsigned long long)t->seed);
	return out;
}

enum quern_status qn_calls_break(struct qn_calls *c, const char *what)
{
	char on[QN_TRIAL_NBYTES];

	c->is_broken = true;
	return qn_error_set(c->err, QUERN_ERR_DATA, "kernel %s: %s (%s)", c->trial->kernel->name,
			    what, qn_trial_describe(c->trial, on));
}

/* --- the floating-point environment --- */

static void reset_fp(void)
{
	fesetenv(FE_DFL_ENV);
	qn_cpu_reset_fp();
}

void qn_calls_enter(struct qn_calls *c, const char *slot)
{
	reset_fp();
	c->fp = qn_fp_mode();
	c->doing->slot = slot;
}

void qn_calls_leave(struct qn_calls *c)
{
	const char *slot = c->doing->slot;
	const unsigned long now = qn_fp_mode();
	char what[192];

	c->doing->slot = NULL;
	reset_fp();
	if (now == c->fp)
		return;
	snprintf(
		what, sizeof(what),
		"%s() leaves the floating-point environment changed (rounding, traps, or denormals taken for "
		"zero), which what is computed after it would feel",
		slot);
	qn_calls_break(c, what);
}

/* --- opening --- */

static enum quern_status set_options(struct quern_options *o, const char *const *settings,
				     struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (; !st && settings && *settings; settings++) {
		const char *eq = strchr(*settings, '=');
		char name[64];

		snprintf(name, sizeof(name), "%.*s", eq ? (int)(eq - *settings) : 0, *settings);
		st = qn_options_set(o, name, eq ? eq + 1 : NULL, err);
	}
	return st;
}

enum quern_status qn_calls_open(struct qn_calls *c, const struct qn_sample *s,
				const struct quern_box *box)
{
	const struct quern_kernel *k = c->trial->kernel;
	const char *dims[QUERN_MAX_DIMS] = { "time", NULL };
	const struct quern_option *tables[] = { k->options };
	struct quern_options options = { .n = 0 };
	struct quern_message message = { .status = QUERN_OK };
	struct quern_input in = {
		.ndim = s->ndim,
		.shape = s->shape,
		.selection = box,
		.dtype = s->dtype,
		.nan_missing = s->nan_missing,
		.dims = dims,
		.options = &options,
		.message = &message,
		.text_nbytes = s->size,
		.kernel = k,
		.roles = k->needs | (c->trial->roles & k->takes),
		.role_dtype = { [QUERN_WITH] = s->with_dtype, [QUERN_WEIGHT] = QUERN_F32 },
		.nrows = 1,
		.most_in_row = s->nelems,
	};
	enum quern_status st = qn_options_init(&options, tables, 1, c->err);

	c->roles = in.roles;
	if (!st)
		st = set_options(&options, c->trial->settings, c->err);
	if (!st) {
		qn_calls_enter(c, "open");
		st = k->open(&in, &c->self);
		qn_calls_leave(c);
		if (st && !c->is_broken)
			qn_error_pass(c->err, st, &message);
		if (st)
			c->self = NULL;
	}
	qn_options_fini(&options);
	return c->is_broken ? QUERN_ERR_DATA : st;
}

void qn_calls_close(struct qn_calls *c)
{
	if (!c->self)
		return;
	qn_calls_enter(c, "close");
	c->trial->kernel->close(c->self);
	qn_calls_leave(c);
	c->self = NULL;
}

/* --- a pass --- */

/* As it was, where it is large enough. */
static bool make_room(struct qn_guarded *g, size_t nbytes)
{
	if (g->map && g->nbytes >= nbytes + QN_GUARDED_MARKS)
		return true;
	qn_guarded_fini(g);
	return qn_guarded_init(g, nbytes);
}

enum quern_status qn_calls_begin_pass(struct qn_calls *c, size_t most_nelems)
{
	const struct quern_kernel *k = c->trial->kernel;
	struct qn_doing *d = c->doing;
	const size_t text = c->trial->dtype == QUERN_TEXT ? c->trial->text_nbytes : 8;
	struct quern_message broken = { .status = QUERN_OK };

	qn_calls_enter(c, "layout");
	if (qn_state_layout(k, c->self, &c->layout, &broken))
		qn_calls_break(c, broken.text);
	qn_calls_leave(c);
	qn_calls_enter(c, "scratch");
	c->scratch_nbytes = k->scratch ? k->scratch(c->self) : 0;
	qn_calls_leave(c);
	if (c->is_broken)
		return QUERN_ERR_DATA;
	if (!make_room(&d->values, most_nelems * text) || !make_room(&d->with, most_nelems * 8) ||
	    !make_room(&d->weight, most_nelems * sizeof(float)) ||
	    !make_room(&d->valid, most_nelems / 8 + 16) ||
	    !make_room(&d->scratch, c->scratch_nbytes) ||
	    !make_room(&d->state, c->layout.nwords * sizeof(int64_t)))
		return qn_error_nomem(c->err, c->layout.nwords * sizeof(int64_t),
				      "a state between guards");
	return QUERN_OK;
}

static const void *place(struct qn_guarded *g, const void *from, size_t nbytes, size_t align)
{
	void *p = qn_guarded_place(g, nbytes, align);

	memcpy(p, from, nbytes);
	return p;
}

static size_t value_nbytes(const struct quern_var *v)
{
	return v->dtype == QUERN_TEXT ? v->text_nbytes : qn_dtype_size(v->dtype);
}

/* A copy of a tile that ends where its memory does. */
static void place_tile(struct qn_doing *d, const struct qn_cut_tile *p,
		       struct quern_var var[QUERN_NROLES], struct quern_tile *tile)
{
	struct qn_guarded *const of[] = { &d->values, &d->with, &d->weight };
	const size_t n = p->tile.nelems;

	*tile = p->tile;
	tile->var = var;
	for (int i = 0; i < tile->nvars; i++) {
		var[i] = p->var[i];
		if (var[i].values)
			var[i].values = place(of[i], var[i].values, n * value_nbytes(&var[i]), 1);
	}
	if (var->valid)
		var->valid = place(&d->valid, var->valid, (n + 63) / 64 * 8, 8);
}

/* What malloc has for self, of the program's own heap; 0: it is not known. Threads, which have others, have none of it. */
static size_t self_nbytes(const void *self)
{
	extern const char end[] __attribute__((weak));
	size_t nbytes;

	if (!end || (const char *)self <= end || (const char *)self >= (const char *)sbrk(0))
		return 0;
	nbytes = malloc_usable_size((void *)(uintptr_t)self);
	return nbytes < MOST_SELF_NBYTES ? nbytes : MOST_SELF_NBYTES;
}

static void call_absorb(struct qn_calls *c, int64_t *state, void *scratch,
			const struct quern_tile *tile)
{
	const bool locks = c->doing->globals.n > 0 && qn_globals_set(&c->doing->globals, false);

	qn_calls_enter(c, "absorb");
	c->trial->kernel->absorb(c->self, state, scratch, tile);
	qn_calls_leave(c);
	if (locks)
		qn_globals_set(&c->doing->globals, true);
}

static void check_memory(struct qn_calls *c, const int64_t *state, const void *scratch)
{
	const size_t nbytes = c->layout.nwords * sizeof(*state);

	if (!qn_guarded_is_whole(&c->doing->state, state, nbytes))
		qn_calls_break(c, "absorb() writes outside of its state");
	if (!qn_guarded_is_whole(&c->doing->scratch, scratch, c->scratch_nbytes))
		qn_calls_break(c, "absorb() writes outside of its scratch");
}

/* With self before and after. */
static void absorb_watched(struct qn_calls *c, int64_t *state, void *scratch,
			   const struct quern_tile *tile)
{
	const size_t nbytes = c->trial->is_guarded ? self_nbytes(c->self) : 0;
	void *before = nbytes ? qn_malloc(nbytes) : NULL;

	if (before)
		memcpy(before, c->self, nbytes);
	call_absorb(c, state, scratch, tile);
	if (before && memcmp(before, c->self, nbytes))
		qn_calls_break(c, "absorb() writes to self, which threads share: a data race");
	free(before);
}

enum quern_status qn_calls_absorb(struct qn_calls *c, int64_t *state, const struct qn_cut_tile *p)
{
	const size_t nbytes = c->layout.nwords * sizeof(*state);
	struct quern_var var[QUERN_NROLES];
	struct quern_tile tile;
	int64_t *guarded = qn_guarded_place(&c->doing->state, nbytes, sizeof(*state));
	void *scratch = qn_guarded_place(&c->doing->scratch, c->scratch_nbytes, 64);

	memcpy(guarded, state, nbytes);
	memset(scratch, c->garbage, c->scratch_nbytes);
	place_tile(c->doing, p, var, &tile);
	absorb_watched(c, guarded, scratch, &tile);
	check_memory(c, guarded, scratch);
	memcpy(state, guarded, nbytes);
	return c->is_broken ? QUERN_ERR_DATA : QUERN_OK;
}

void qn_calls_normalize(struct qn_calls *c, int64_t *state)
{
	const size_t nbytes = c->layout.nwords * sizeof(*state);
	int64_t *guarded;

	if (!c->trial->kernel->normalize)
		return;
	guarded = qn_guarded_place(&c->doing->state, nbytes, sizeof(*state));
	memcpy(guarded, state, nbytes);
	qn_calls_enter(c, "normalize");
	c->trial->kernel->normalize(c->self, guarded);
	qn_calls_leave(c);
	if (!qn_guarded_is_whole(&c->doing->state, guarded, nbytes))
		qn_calls_break(c, "normalize() writes outside of its state");
	memcpy(state, guarded, nbytes);
}
