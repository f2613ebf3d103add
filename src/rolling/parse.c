#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "program/program.h"
#include "rolling/rolling.h"
#include "weighted/sums.h"

/* Of squares of weights: words of exact sums stay below 2^62 with it. */
#define MOST_SQUARES  (INT64_C(1) << 30)
#define MOST_CELLS    (UINT64_C(1) << 20)
#define MOST_WEIGHTED (QUERN_TILE_NELEMS - 1)
#define WEIGHTS	      ",weights="

static enum quern_status refuse_text(const char *text, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--rolling '%s': write DIM=N or DIM=N" WEIGHTS
			    "triangle, such as time=5 or dayofyear=61" WEIGHTS
			    "triangle, where DIM is a dimension of the result and N, which is "
			    "odd, how many of it a window has",
			    text);
}

/* The name and the number; *rest: what follows. */
static enum quern_status parse_window(const char *text, struct qn_rolling *out, const char **rest,
				      struct quern_message *err)
{
	const char *equals = strchr(text, '=');
	char *end;

	if (!equals || equals == text || equals[1] < '0' || equals[1] > '9')
		return refuse_text(text, err);
	out->n = strtoull(equals + 1, &end, 10);
	*rest = end;
	if (*end && strncmp(end, WEIGHTS, strlen(WEIGHTS)))
		return refuse_text(text, err);
	if (out->n % 2 == 0 || out->n > MOST_CELLS)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--rolling '%s': a window has an odd number of cells, with that "
			"of the result in its middle, up to %" PRIu64,
			text, MOST_CELLS - 1);
	out->half = out->n / 2;
	out->name = qn_strdup(text);
	if (!out->name)
		return qn_error_nomem(err, strlen(text), "a name");
	out->name[equals - text] = '\0';
	return QUERN_OK;
}

/* --- weights --- */

static enum quern_status resolve(void *ctx, enum qn_program_kind kind, const char *name,
				 struct qn_program_operand *out, struct quern_message *err)
{
	(void)ctx;
	(void)err;
	if (kind == QN_NAME_COLUMN && !strcmp(name, "offset"))
		*out = (struct qn_program_operand){ .number = 0, .dtype = QUERN_I64 };
	return QUERN_OK;
}

static const char *nth(const void *ctx, int i)
{
	(void)ctx;
	return i ? NULL : "offset";
}

static enum quern_status refuse_weight(const struct qn_rolling *r, uint64_t i, const char *why,
				       struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--rolling: the weight at offset %" PRId64
			    " is %s: weights are whole numbers, 0 or more; their unit makes no "
			    "difference to means, so that round(1000 * ...) does",
			    (int64_t)i - (int64_t)r->half, why);
}

static enum quern_status take_weights(struct qn_rolling *r, const struct qn_program_result *made,
				      struct quern_message *err)
{
	const uint64_t *valid = made->var.valid;
	char number[32];

	for (uint64_t i = 0; i < r->n; i++) {
		const double w = qn_weighted_double(made->var.dtype, made->var.values, i);

		if (valid && !(valid[i / 64] >> i % 64 & 1))
			return refuse_weight(r, i, "missing", err);
		snprintf(number, sizeof(number), "%g", w);
		if (!(w >= 0) || w != floor(w) || w > (double)MOST_SQUARES)
			return refuse_weight(r, i, number, err);
		r->weight[i] = (int64_t)w;
	}
	return QUERN_OK;
}

static enum quern_status run_program(struct qn_rolling *r, const struct qn_program *p,
				     struct quern_message *err)
{
	void *scratch = qn_alloc_aligned(qn_program_scratch_nbytes(p));
	int64_t *offset = qn_calloc(r->n, sizeof(*offset));
	const struct quern_var column = { .dtype = QUERN_I64, .values = offset };
	struct qn_program_result made = { .nbeyond = 0 };
	enum quern_status st = scratch && offset ? QUERN_OK : qn_error_nomem(err, 0, "weights");

	for (uint64_t i = 0; !st && i < r->n; i++)
		offset[i] = (int64_t)i - (int64_t)r->half;
	if (!st)
		qn_program_run(p, &column, r->n, scratch, &made);
	if (!st)
		st = take_weights(r, &made, err);
	free(offset);
	free(scratch);
	return st;
}

static enum quern_status compute_weights(struct qn_rolling *r, const char *text,
					 struct quern_message *err)
{
	const struct qn_program_names names = { .resolve = resolve, .nth = nth };
	struct qn_program *p = NULL;
	enum quern_status st =
		qn_program_compile("--rolling", text, &names, QN_WANT_NUMBER, true, &p, err);

	if (!st)
		st = run_program(r, p, err);
	qn_program_free(p);
	return st;
}

static enum quern_status check_weights(const struct qn_rolling *r, struct quern_message *err)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < r->n; i++) {
		const uint64_t w = (uint64_t)r->weight[i];

		if (w * w > MOST_SQUARES - sum)
			return qn_error_set(
				err, QUERN_ERR_USAGE,
				"--rolling: the squares of weights add up to more than %" PRId64
				": make them, or the window, smaller",
				MOST_SQUARES);
		sum += w * w;
	}
	return sum ? QUERN_OK : qn_error_set(err, QUERN_ERR_USAGE, "--rolling: all weights are 0");
}

static bool is_word(const char *text)
{
	return *text &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

static enum quern_status find_weights(struct qn_rolling *r, const char *text,
				      struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	if (r->n > MOST_WEIGHTED)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--rolling: windows with weights have at most %d cells",
				    MOST_WEIGHTED);
	if (is_word(text) && strcmp(text, "triangle") && strcmp(text, "offset"))
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--rolling: nothing is named '%s' for weights: write weights=triangle, "
			"or an expression of the place from the middle, offset, such as "
			"weights=round(1000*exp(-(offset/10)**2))",
			text);
	r->is_triangle = !strcmp(text, "triangle");
	r->weight = qn_calloc(r->n, sizeof(*r->weight));
	if (!r->weight)
		return qn_error_nomem(err, r->n * sizeof(*r->weight), "weights");
	if (!r->is_triangle)
		st = compute_weights(r, text, err);
	for (uint64_t i = 0; r->is_triangle && i < r->n; i++)
		r->weight[i] = (int64_t)qn_min_u64(i + 1, r->n - i);
	return st ? st : check_weights(r, err);
}

enum quern_status qn_rolling_parse(const char *text, struct qn_rolling *out,
				   struct quern_message *err)
{
	const char *rest = "";
	enum quern_status st;

	*out = (struct qn_rolling){ .key = -1, .dim = -1 };
	st = parse_window(text, out, &rest, err);
	return !st && *rest ? find_weights(out, rest + strlen(WEIGHTS), err) : st;
}

void qn_rolling_fini(struct qn_rolling *r)
{
	free(r->name);
	free(r->weight);
	*r = (struct qn_rolling){ .n = 0 };
}
