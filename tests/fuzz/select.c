/*
 * select.c - fuzz target: the expression of a selection. What is accepted lies within the dataset.
 */
#include "data/select.h"

#include "fuzz.h"
#include "seed.h"

static void take(struct qn_dataset *d, int ndim, uint64_t a, uint64_t b, uint64_t c)
{
	static char names[][8] = { "time", "lat", "lon" };
	const uint64_t shape[] = { a, b, c };

	*d = (struct qn_dataset){ .file = (char *)(uintptr_t) "f", .path = (char *)(uintptr_t) "/x",
				  .ndim = ndim };
	for (int i = 0; i < ndim; i++) {
		d->shape[i] = shape[i];
		d->chunk[i] = 7;
		d->dim_name[i] = names[i];
	}
	d->type = (struct qn_type){ .class = QN_FLOAT, .size = 4 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_input in = { data, n };
	unsigned which = (unsigned)fuzz_take(&in, 1);
	struct quern_message err = { .status = QUERN_OK };
	struct quern_box box;
	struct qn_dataset d;
	char text[4096];

	if (in.n >= sizeof text)
		return 0;
	memcpy(text, in.at, in.n);
	text[in.n] = '\0';
	if (which % 3 == 0)
		take(&d, 3, 100, 20, 30);
	else if (which % 3 == 1)
		take(&d, 1, INT64_MAX / 4, 0, 0);
	else
		take(&d, 2, 0, 5, 0);
	if (qn_select(&d, text, &box, &err))
		return 0;
	FUZZ_CHECK(box.ndim == d.ndim);
	for (int i = 0; i < box.ndim; i++) {
		FUZZ_CHECK(box.step[i] >= 1);
		if (box.count[i])
			FUZZ_CHECK(box.start[i] < d.shape[i] &&
				   box.count[i] - 1 <= (d.shape[i] - 1 - box.start[i]) / box.step[i]);
	}
	return 0;
}

FUZZ_MAIN
