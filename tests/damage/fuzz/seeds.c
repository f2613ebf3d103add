/*
 * seeds.c - writes inputs for the fuzz targets to begin with.
 *
 *	seeds DIR [FILE...]
 *
 * DIR gets a directory for each target, with inputs that are made of small files of every kind
 * (small.h) and of the small datasets of the HDF5 files that are named, and of texts.
 */
#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/sources.h"
#include "data/storage.h"
#include "seed.h"
#include "../small.h"

#define MOST_FILE_NBYTES  (64u << 10)
#define MOST_CHUNK_NBYTES (16u << 10)
#define MOST_DATASETS	  40 /* of a file */
#define MOST_CHUNKS	  2  /* of a dataset: they are alike */

static const char *directory;
static unsigned nwritten;

/* --- an input --- */

struct out {
	FILE *f;
};

static struct out begin(const char *target)
{
	char name[4096];
	struct out o;

	snprintf(name, sizeof(name), "%s/%s/%u", directory, target, nwritten++);
	o.f = fopen(name, "w");
	if (!o.f) {
		perror(name);
		exit(1);
	}
	return o;
}

static void put(struct out *o, uint64_t v, size_t nbytes)
{
	for (size_t i = 0; i < nbytes; i++)
		putc((int)(v >> 8 * i & 0xff), o->f);
}

static void put_bytes(struct out *o, const void *p, size_t n)
{
	fwrite(p, 1, n, o->f);
}

static void end(struct out *o)
{
	if (fclose(o->f)) {
		perror(directory);
		exit(1);
	}
}

static uint8_t *slurp(const char *file, size_t *n)
{
	FILE *f = fopen(file, "r");
	struct stat s;
	uint8_t *p = NULL;

	*n = 0;
	if (f && fstat(fileno(f), &s) == 0 && s.st_size <= 1 << 26 &&
	    (p = malloc((size_t)s.st_size + 1)))
		*n = fread(p, 1, (size_t)s.st_size, f);
	if (f)
		fclose(f);
	return p;
}

/* --- of a dataset --- */

static haddr_t header_of(hid_t dset)
{
#if H5_VERSION_GE(1, 12, 0)
	H5O_info2_t info;
	haddr_t addr = HADDR_UNDEF;

	if (H5Oget_info3(dset, &info, H5O_INFO_BASIC) >= 0)
		H5VLnative_token_to_addr(dset, info.token, &addr);
	return addr;
#else
	H5O_info_t info;

	return H5Oget_info2(dset, &info, H5O_INFO_BASIC) < 0 ? HADDR_UNDEF : info.addr;
#endif
}

static void write_index(const struct qn_dataset *d, const hsize_t *most, haddr_t header,
			const uint8_t *file, size_t n)
{
	struct out o;

	for (int i = 0; i < d->ndim; i++)
		if (d->shape[i] > 0xfffe || d->chunk[i] > 0xffff)
			return;
	if (d->ndim > SEED_DIMS || d->type.size > 256 || d->nfilters > 3)
		return;
	o = begin("index");
	put(&o, header + d->user_block, 4);
	put(&o, (uint64_t)d->ndim - 1, 1);
	put(&o, d->type.size - 1, 1);
	put(&o, (uint64_t)d->nfilters, 1);
	put(&o, 0, 1);
	for (int i = 0; i < SEED_DIMS; i++) {
		put(&o, i < d->ndim ? d->shape[i] : 0, 2);
		put(&o, i >= d->ndim ? 0 : most[i] > 0xffff ? 0xffff : most[i], 2);
		put(&o, i < d->ndim ? d->chunk[i] - 1 : 0, 2);
	}
	put_bytes(&o, file, n);
	end(&o);
}

static void index_seed(const char *file, const struct qn_dataset *d, const uint8_t *bytes, size_t n)
{
	hid_t id = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT);
	hid_t dset = id < 0 ? -1 : H5Dopen2(id, d->path, H5P_DEFAULT);
	hid_t space = dset < 0 ? -1 : H5Dget_space(dset);
	hsize_t most[H5S_MAX_RANK];

	if (space >= 0 && n <= MOST_FILE_NBYTES && header_of(dset) != HADDR_UNDEF &&
	    H5Sget_simple_extent_ndims(space) == d->ndim &&
	    H5Sget_simple_extent_dims(space, NULL, most) == d->ndim)
		write_index(d, most, header_of(dset), bytes, n);
	if (space >= 0)
		H5Sclose(space);
	if (dset >= 0)
		H5Dclose(dset);
	if (id >= 0)
		H5Fclose(id);
}

static void write_filter(const struct qn_filter_step *s, uint32_t elem_nbytes, size_t wanted,
			 const uint8_t *p, size_t n)
{
	struct out o = begin("filter");

	put(&o, s->id, 2);
	put(&o, s->nparams, 1);
	for (uint32_t i = 0; i < s->nparams; i++)
		put(&o, s->params[i], 4);
	put(&o, elem_nbytes - 1, 1);
	put(&o, wanted, 4);
	put_bytes(&o, p, n);
	end(&o);
}

/* What each filter of the pipeline gets, from the last applied on. */
static void filter_seeds(const struct qn_dataset *d, const uint8_t *p, size_t n)
{
	uint8_t *in = malloc(4 * MOST_CHUNK_NBYTES), *out = malloc(4 * MOST_CHUNK_NBYTES), *swap;
	size_t full = (size_t)qn_dataset_chunk_nelems(d) * d->type.size;

	if (!in || !out)
		exit(1);
	memcpy(in, p, n);
	for (int i = d->nfilters - 1; i >= 0; i--) {
		const struct qn_filter *f = qn_filter_find(d->filter[i].id);
		void *state = f && f->state_new ? f->state_new() : NULL;
		size_t nout = 0;
		bool ok = f && (!f->applicable || f->applicable(&d->filter[i]));

		if (ok)
			write_filter(&d->filter[i], d->type.size, full + 4 * (size_t)i, in, n);
		ok = ok && f->decode(state, &d->filter[i], d->type.size, in, n, out,
				     4 * MOST_CHUNK_NBYTES, &nout);
		if (state)
			f->state_free(state);
		if (!ok)
			break;
		swap = in;
		in = out;
		out = swap;
		n = nout;
	}
	free(in);
	free(out);
}

static void unpack_seeds(const struct qn_dataset *d)
{
	const uint64_t here[] = { QN_DATASET, 1,
				  1 }; /* the end of a path, and two texts of nothing */
	struct qn_dataset seed = *d;
	struct quern_message good;
	size_t nbytes;
	uint64_t n;
	void *flat;
	struct out o;

	memset(&good, 0, sizeof(good));
	seed.file = (char *)(uintptr_t)SEED_FILE;
	seed.path = (char *)(uintptr_t)SEED_PATH;
	seed.file_nbytes = SEED_FILE_NBYTES;
	seed.file_mtime_ns = 0;
	flat = qn_dataset_pack(&seed, &nbytes);
	if (!flat)
		exit(1);
	o = begin("unpack");
	put(&o, 0, 1);
	put_bytes(&o, flat, nbytes);
	end(&o);
	o = begin("unpack");
	n = nbytes;
	put(&o, 1, 1);
	put_bytes(&o, &good, sizeof(good));
	put_bytes(&o, here, sizeof(here));
	put_bytes(&o, "\0", 2);
	put_bytes(&o, &n, sizeof(n));
	put_bytes(&o, flat, nbytes);
	n = d->nchunks < 50 ? d->nchunks : 50;
	put_bytes(&o, &n, sizeof(n));
	if (n)
		put_bytes(&o, d->chunks, n * sizeof(*d->chunks));
	end(&o);
	free(flat);
}

static void dataset_seeds(const char *file, const char *path, const uint8_t *bytes, size_t n)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d;

	if (qn_formats[0]->describe(file, path, NULL, true, &d, &err))
		return;
	if (qn_dataset_check(&d, &err) == QUERN_OK) {
		index_seed(file, &d, bytes, n);
		unpack_seeds(&d);
		for (uint64_t i = 0; i < d.nchunks && i < MOST_CHUNKS; i++)
			if (d.chunks[i].nbytes <= MOST_CHUNK_NBYTES &&
			    qn_dataset_chunk_nelems(&d) * d.type.size <= MOST_CHUNK_NBYTES &&
			    d.chunks[i].addr + d.chunks[i].nbytes <= n)
				filter_seeds(&d, bytes + d.chunks[i].addr, d.chunks[i].nbytes);
	}
	qn_dataset_fini(&d);
}

/* --- of a file --- */

static void listing_seed(const struct qn_listing *l)
{
	struct out o = begin("unpack");
	struct quern_message good;
	size_t nbytes = 0;
	void *flat = qn_listing_pack(l, &nbytes);
	uint64_t n = nbytes;

	if (!flat)
		exit(1);
	memset(&good, 0, sizeof(good));
	put(&o, 2, 1);
	put_bytes(&o, &good, sizeof(good));
	put_bytes(&o, &n, sizeof(n));
	put_bytes(&o, flat, nbytes);
	free(flat);
	end(&o);
}

/* A block of another file, all of a dataset without a limit, and raw bytes. */
static void sources_seed(void)
{
	struct qn_span block[] = {
		{ 2, 4, 3, 2 }, { 0, 1, 1, 24 }, { 0, 1, 1, 6 }, { 5, 1, 1, 24 }
	};
	struct qn_span rows[] = { { 0, 1, QN_UNLIMITED, 1 },
				  { 0, 1, 1, 24 },
				  { 0, 1, QN_UNLIMITED, 1 },
				  { 0, 24, 1, 24 } };
	const struct qn_origin origins[] = {
		{ .file = (char[]){ "a.h5" },
		  .path = (char[]){ "/x" },
		  .ndim = 2,
		  .to = block,
		  .from = block + 2 },
		{ .file = (char[]){ "b%b.h5" },
		  .path = (char[]){ "/y" },
		  .ndim = 2,
		  .to = rows,
		  .from = rows + 2 },
		{ .file = (char[]){ "raw" }, .path = (char[]){ "" }, .offset = 7, .nbytes = 100 },
	};
	struct qn_sources s = { .ndim = SEED_SOURCES_DIMS };
	struct quern_message good;
	size_t nbytes;
	uint64_t n;
	struct out o;
	void *flat;

	memset(&good, 0, sizeof(good));
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++)
		if (!qn_sources_add(&s, &origins[i]))
			exit(1);
	flat = qn_sources_pack(&s, &nbytes);
	if (!flat)
		exit(1);
	n = nbytes;
	o = begin("unpack");
	put(&o, 3, 1);
	put_bytes(&o, &good, sizeof(good));
	put_bytes(&o, &n, sizeof(n));
	put_bytes(&o, flat, nbytes);
	end(&o);
	free(flat);
	qn_sources_fini(&s);
}

static void file_seeds(const char *file)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_listing l = { .n = 0 };
	size_t n;
	uint8_t *bytes = slurp(file, &n);

	if (bytes && n > 0 && qn_formats[0]->list(file, &l, &err) == QUERN_OK) {
		listing_seed(&l);
		for (size_t i = 0; i < l.n && i < MOST_DATASETS; i++)
			dataset_seeds(file, l.path[i], bytes, n);
		qn_listing_fini(&l);
	}
	free(bytes);
}

/* --- texts --- */

static void text_seed(const char *target, int what, const char *text)
{
	struct out o = begin(target);

	if (what >= 0)
		put(&o, (uint64_t)what, 1);
	put_bytes(&o, text, strlen(text));
	end(&o);
}

#define Z32 "00000000000000000000000000000000"

static void texts(void)
{
	static const char *const selections[] = {
		"",
		":",
		"0:100,:,5",
		"time=0:100,lat=10:20:2",
		"-1",
		"-10:-1",
		"::3",
		"lat=5,lon=6",
		"time=2:1",
		"99999999999999999999",
		"0=3",
		"lat=-30.0:30.0",
		"time=2001-01-01:2001-12-31",
		"time=2001-01-01T12:30:00:2001-02-01,lat=1.5e1",
		"days since 1900-1-1\ntime=1900-03",
		"seconds since 1970-01-01T00:00:00Z\n1e1:",
		"months since 0001-01-01 12:00:00 +5:30\ntime=2001:2002:2"
	};

	static const char *const expressions[] = {
		"x > 273.15 && y < 5",
		"(x - y) / (x + y)",
		"sqrt(x*x+y*y) ** -2.5e-1",
		"where(missing(x), -1, min(i, u, 3) // 7 % 2)",
		"month(time) == 1 and time >= '1950-06' or season(`t-2m`) != \"DJF\"",
		"not (i > 3) && !isnan(y) && index(x) < 4",
		"/a/b / 2 - -n",
		"clip(x, -inf, nan) + pi",
		"u - 18446744073709551615",
		"-9223372036854775808 // n",
		"x & y",
		"0 < x < 3",
		"((((((1))))))",
		"name",
		"1e300 * x",
	};

	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
		for (int k = 0; k < 6; k++)
			text_seed("program", k, expressions[i]);
	for (size_t i = 0; i < sizeof(selections) / sizeof(selections[0]); i++)
		for (int k = 0; k < 12; k += 5)
			text_seed("select", k, selections[i]);
	text_seed("sums", -1, "quern-sums 1\n");
	text_seed("sums", -1,
		  "quern-sums 1\nfile 100 whole a%20b\ndataset /x " Z32
		  " <f4 4,4 2,2 stored 2\n0,0 5 0 " Z32 "\n1,1 5 ff " Z32 "\ndataset /y " Z32
		  " <i2 7 7 elements 0\nrest " Z32 "\nfile 7 part b\n");
}

static void make_directory(const char *target)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s/%s", directory, target);
	if (mkdir(name, 0777) != 0 && errno != EEXIST) {
		perror(name);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static const char *const targets[] = { "index",	 "filter", "unpack",
					       "select", "sums",   "program" };
	char file[4096];

	if (argc < 2) {
		fputs("usage: seeds DIR [FILE...]\n", stderr);
		return 2;
	}
	directory = argv[1];
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		make_directory(targets[i]);
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	snprintf(file, sizeof(file), "%s/small.h5", directory);
	for (size_t i = 0; i < SMALL_NKINDS; i++)
		if (small_make(&small_kinds[i], file))
			file_seeds(file);
	unlink(file);
	for (int i = 2; i < argc; i++)
		file_seeds(argv[i]);
	sources_seed();
	texts();
	return 0;
}
