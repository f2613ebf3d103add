/*
 * sums.c - fuzz target: a file of sums, with a last line that confirms whatever it says.
 */
#include "data/sums.h"

#include "fuzz.h"
#include "seed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct quern_message err = { .status = QUERN_OK };
	char *text = malloc(n + QN_SUM_DIGITS + 5);
	struct qn_sums s = { 0, NULL };
	struct qn_sum end;
	uint64_t coord[QUERN_MAX_DIMS];

	if (!text || qn_sum_check(NULL)) {
		free(text);
		return 0;
	}
	memcpy(text, data, n);
	qn_sum_of(data, n, &end);
	memcpy(text + n, "end ", 4);
	qn_sum_write(&end, text + n + 4);
	text[n + 4 + QN_SUM_DIGITS] = '\n';
	if (qn_sums_parse("s", text, n + QN_SUM_DIGITS + 5, &s, &err) == QUERN_OK)
		for (size_t i = 0; i < s.n; i++)
			for (size_t k = 0; k < s.file[i].n; k++) {
				const struct qn_dataset_sums *d = &s.file[i].dataset[k];

				FUZZ_CHECK(qn_file_sums_find(&s.file[i], d->path) == d);
				for (uint64_t c = 0; c < d->nchunks; c++)
					qn_dataset_sums_coord(d, d->chunks[c].number, coord);
			}
	qn_sums_fini(&s);
	free(text);
	return 0;
}

FUZZ_MAIN
