/*
 * program.c - fuzz target: the text of an expression. What is accepted runs, its text for documents
 * means the same, and so do its conjuncts.
 */
#include "program/program.h"

#include "base/mem.h"

#include "fuzz.h"
#include "seed.h"

#define NELEMS 70

static const struct {
	const char *name, *units, *calendar;
	enum quern_dtype dtype;
} operands[] = {
	{ "x", "K", "", QUERN_F32 },
	{ "y", "", "", QUERN_F64 },
	{ "i", "", "", QUERN_I16 },
	{ "n", "", "", QUERN_I64 },
	{ "u", "", "", QUERN_U64 },
	{ "time", "hours since 1900-01-01", "", QUERN_I32 },
	{ "t-2m", "days since 2001-01-01", "noleap", QUERN_F64 },
	{ "/a/b", "", "", QUERN_U8 },
	{ "name", "", "", QUERN_TEXT },
};

#define NOPERANDS (int)(sizeof(operands) / sizeof(*operands))

static enum quern_status resolve(void *ctx, enum qn_program_kind kind, const char *name,
				 struct qn_program_operand *out, struct quern_message *err)
{
	(void)ctx;
	if (kind == QN_NAME_INDEX && *name == 'z')
		return qn_error_set(err, QUERN_ERR_DATA, "no index");
	for (int i = 0; i < NOPERANDS; i++)
		if (!strcmp(operands[i].name, name))
			*out = (struct qn_program_operand){ i, operands[i].dtype, operands[i].units,
							    operands[i].calendar };
	return QUERN_OK;
}

static const char *nth(const void *ctx, int i)
{
	(void)ctx;
	return i < NOPERANDS ? operands[i].name : NULL;
}

static const struct qn_program_names names = { .resolve = resolve, .nth = nth };

static size_t set_bits(const uint64_t *words)
{
	return (size_t)__builtin_popcountll(words[0]) + (size_t)__builtin_popcountll(words[1]);
}

static struct qn_program_result run(const struct qn_program *p, void **scratch)
{
	static uint64_t values[NELEMS];
	const uint64_t valid[] = { UINT64_MAX / 3, 42 };
	struct quern_var columns[NOPERANDS];
	struct qn_program_result r;

	for (size_t i = 0; i < NELEMS; i++)
		values[i] = i * i * UINT64_C(0x9e3779b97f4a7c15);
	for (int i = 0; i < NOPERANDS; i++)
		columns[i] = (struct quern_var){ .dtype = operands[i].dtype,
						 .values = values,
						 .valid = i % 2 ? valid : NULL,
						 .nmissing = i % 2 ? NELEMS - set_bits(valid) : 0,
						 .text_nbytes = 8 };
	*scratch = qn_alloc_aligned(qn_program_scratch_nbytes(p));
	FUZZ_CHECK(*scratch);
	qn_program_run(p, columns, NELEMS, *scratch, &r);
	FUZZ_CHECK(r.var.dtype == qn_program_dtype(p));
	FUZZ_CHECK(r.var.nmissing == (r.var.valid ? NELEMS - set_bits(r.var.valid) : 0));
	FUZZ_CHECK(!r.holds || r.nholds == set_bits(r.holds));
	return r;
}

/* Elements that hold a condition hold all of its conjuncts. */
static void check_conjuncts(const struct qn_program *p, const struct qn_program_result *whole)
{
	struct quern_message err = { .status = QUERN_OK };
	uint64_t both[2] = { UINT64_MAX, UINT64_MAX };
	const int n = qn_program_nconjuncts(p);

	for (int i = 0; i < n && n < 20; i++) {
		struct qn_program *one;
		struct qn_program_result r;
		void *scratch;

		FUZZ_CHECK(qn_program_conjunct(p, i, &one, &err) == QUERN_OK);
		r = run(one, &scratch);
		for (int w = 0; w < 2 && r.holds; w++)
			both[w] &= r.holds[w];
		free(scratch);
		qn_program_free(one);
	}
	if (whole->holds && n < 20)
		FUZZ_CHECK(both[0] == whole->holds[0] && both[1] == whole->holds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_input in = { data, n };
	const unsigned how = (unsigned)fuzz_take(&in, 1);
	const enum qn_program_want want = (enum qn_program_want)(how / 2 % 3);
	struct quern_message err = { .status = QUERN_OK };
	struct qn_program *p = NULL, *again = NULL;
	char *text = malloc(in.n + 1);
	struct qn_program_result r;
	void *scratch;

	FUZZ_CHECK(text);
	memcpy(text, in.at, in.n);
	text[in.n] = '\0';
	if (qn_program_compile("--expr", text, &names, want, how & 1, &p, &err) == QUERN_OK) {
		r = run(p, &scratch);
		check_conjuncts(p, &r);
		free(scratch);
		/* With its blanks it may be too long. */
		if (strlen(qn_program_text(p)) <= QN_PROGRAM_MOST_NBYTES) {
			FUZZ_CHECK(qn_program_compile("--expr", qn_program_text(p), &names, want,
						      how & 1, &again, &err) == QUERN_OK);
			FUZZ_CHECK(!strcmp(qn_program_text(p), qn_program_text(again)));
			FUZZ_CHECK(qn_program_dtype(p) == qn_program_dtype(again));
		}
	} else {
		FUZZ_CHECK(err.status != QUERN_OK && err.text[0]);
	}
	qn_program_free(again);
	qn_program_free(p);
	free(text);
	return 0;
}

FUZZ_MAIN
