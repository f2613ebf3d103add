/*
 * index.c - fuzz target: superblock, object header, layout message and chunk index of a file, as they
 * are walked for a dataset of which the HDF5 library has told the rest.
 *
 * Input: struct index_head of seed.h, then the file. Checksums in the file are taken to be right
 * (FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION) with libFuzzer, which would never guess one.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "data/dataset.h"
#include "io/hdf5_format/contiguous.h"
#include "io/hdf5_format/index.h"

#include "fuzz.h"
#include "seed.h"

#define UNLIMITED 0xffff

static void take_head(struct fuzz_input *in, struct qn_dataset *d, uint64_t *most, bool *raw_edges,
		      uint64_t *header)
{
	*header = fuzz_take(in, 4);
	d->ndim = (int)(fuzz_take(in, 1) % SEED_DIMS) + 1;
	d->type.size = (uint32_t)fuzz_take(in, 1) + 1;
	d->nfilters = (int)(fuzz_take(in, 1) % 4);
	*raw_edges = fuzz_take(in, 1) & 1;
	for (int i = 0; i < SEED_DIMS; i++) {
		uint64_t shape = fuzz_take(in, 2), limit = fuzz_take(in, 2);
		uint64_t chunk = fuzz_take(in, 2) + 1;

		if (i >= d->ndim)
			continue;
		d->shape[i] = shape;
		d->chunk[i] = chunk;
		most[i] = limit == UNLIMITED ? UINT64_MAX : limit;
	}
}

/* What the parent of the process that walks makes sure of; and what it relies on. */
static void check(struct qn_dataset *d)
{
	struct quern_message err = { .status = QUERN_OK };

	for (uint64_t i = 1; i < d->nchunks; i++)
		FUZZ_CHECK(d->chunks[i].number > d->chunks[i - 1].number);
	if (qn_dataset_check(d, &err) == QUERN_OK)
		for (uint64_t i = 0; i < d->nchunks; i++)
			FUZZ_CHECK(d->chunks[i].addr + d->chunks[i].nbytes <= d->file_nbytes);
}

static void walk(int fd, struct fuzz_input in)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d = { .file = (char[]){ "f" }, .path = (char[]){ "/x" } };
	struct qn_h5_layout layout = { .is_known = false };
	uint64_t most[QUERN_MAX_DIMS] = { 0 }, header;
	struct qn_h5_raw raw;
	bool raw_edges;

	d.type.class = QN_OTHER;
	d.native = true;
	take_head(&in, &d, most, &raw_edges, &header);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, in.at, in.n, 0) != (ssize_t)in.n)
		return;
	d.file_nbytes = in.n;
	d.layout = QN_CHUNKED;
	if (qn_dataset_check(&d, &err) || qn_h5_raw_init(&raw, d.file, d.path, fd, in.n, &err) ||
	    qn_h5_layout_read(&raw, header, &layout) || !layout.is_known)
		return;
	if (layout.class == QN_CHUNKED) {
		if (qn_h5_index_read(&raw, &layout, most, raw_edges, NULL, &d) == QUERN_OK)
			check(&d);
	} else if (layout.data_addr != QN_ADDR_NONE) {
		d.layout = QN_CONTIGUOUS;
		d.nfilters = 0;
		qn_h5_runs_shape(&d, layout.class == QN_COMPACT);
		if (qn_dataset_check(&d, &err) == QUERN_OK &&
		    qn_h5_runs_list(&d, layout.data_addr, &err) == QUERN_OK)
			check(&d);
	}
	free(d.chunks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd >= 0 && n <= 1 << 20)
		walk(fd, (struct fuzz_input){ data, n });
	return 0;
}

FUZZ_MAIN
