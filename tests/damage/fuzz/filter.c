/*
 * filter.c - fuzz target: the decoders of filters, with any parameters and any bytes. The memory that
 * they are given has exactly the size that they are told, on both sides.
 */
#include "data/storage.h"

#include "fuzz.h"
#include "seed.h"

#define MOST_WANTED (1u << 20)

static void decode(const struct qn_filter *f, const struct qn_filter_step *step, size_t elem_nbytes,
		   size_t wanted, const uint8_t *in, size_t nin)
{
	void *state = f->state_new ? f->state_new() : NULL;
	uint8_t *exact = malloc(nin ? nin : 1), *out = malloc(wanted ? wanted : 1);
	size_t n = 0;

	if (exact && out && (state || !f->state_new)) {
		memcpy(exact, in, nin);
		/* Twice: what a state keeps of one chunk must not matter to the next. */
		for (int i = 0; i < 2; i++)
			if (f->decode(state, step, elem_nbytes, exact, nin, out, wanted, &n))
				FUZZ_CHECK(n <= wanted);
	}
	if (state)
		f->state_free(state);
	free(exact);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_input in = { data, n };
	struct qn_filter_step step = { .id = (uint32_t)fuzz_take(&in, 2) };
	const struct qn_filter *f;
	size_t elem_nbytes, wanted;

	step.nparams = (uint32_t)(fuzz_take(&in, 1) % (QN_MAX_FILTER_PARAMS + 1));
	for (uint32_t i = 0; i < step.nparams; i++)
		step.params[i] = (uint32_t)fuzz_take(&in, 4);
	elem_nbytes = (size_t)fuzz_take(&in, 1) + 1;
	wanted = (size_t)fuzz_take(&in, 4) % MOST_WANTED;
	f = qn_filter_find(step.id);
	if (f && (!f->applicable || f->applicable(&step)))
		decode(f, &step, elem_nbytes, wanted, in.at, in.n);
	return 0;
}

FUZZ_MAIN
