/*
 * test_resolve.c - virtual datasets and external files: random ones, made and read with the HDF5
 * library, against what resolving them and feeding their parts gives, element by element.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "feed/feed.h"
#include "resolve/resolve.h"
#include "describe/describe.h"
#include "h5make.h"
#include "plan/items.h"
#include "random.h"

#define NCASES	 400
#define NSOURCES 4
#define MAX_NDIM 3
#define MAX_SIZE 15
#define MAX_MAPS 6

#define UNTOUCHED 0x5a5a5a5a

struct fixture {
	char dir[256];
	uint64_t random;
	int ndim; /* of the sources at hand */
	hsize_t shape[MAX_NDIM];
	bool simple_names;
	uint64_t nnative, nlibrary, nmissing, nempty;
};

static uint64_t below(struct fixture *f, uint64_t n)
{
	return random_below(&f->random, n);
}

static hid_t must(hid_t id)
{
	assert_true(id >= 0);
	return id;
}

/* --- what quern makes of a dataset --- */

struct reading {
	const struct qn_dataset *whole;
	int32_t *out;
	struct quern_box box; /* of the item, in the whole */
};

static void take_tile(void *ctx, const struct quern_tile *tile)
{
	struct reading *r = ctx;
	const int32_t *v = tile->var[0].values;

	for (size_t i = 0; i < tile->nelems; i++) {
		uint64_t n = tile->first + i, at = 0, place = 1;

		for (int d = r->box.ndim - 1; d >= 0; d--) {
			at += (r->box.start[d] + n % r->box.count[d] * r->box.step[d]) * place;
			n /= r->box.count[d];
			place *= r->whole->shape[d];
		}
		r->out[at] = v[i];
	}
}

static struct qn_chunk find_chunk(const struct qn_member *m, uint64_t number)
{
	for (uint64_t i = 0; i < m->nchunks; i++)
		if (m->chunks[i].number == number)
			return m->chunks[i];
	return (struct qn_chunk){ .number = number, .addr = QN_ADDR_NONE };
}

static void feed_item(const struct qn_mosaic *m, const struct qn_slot *slot, struct reading *r)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_opened file = QN_OPENED_NONE;
	struct qn_dataset member;
	struct qn_view view;
	struct qn_chunk chunk;
	struct qn_feed *feed = NULL;
	struct qn_item item = { .nchunks = 1, .chunks = &chunk };
	uint64_t number;

	qn_mosaic_member(m, slot->part.member, &member);
	qn_cut_chunks(&slot->cut, slot->item, &number);
	chunk = find_chunk(&m->member[slot->part.member], number);
	qn_slot_box(slot, &item.box, &r->box);
	assert_int_equal(qn_view_init(&member, false, &view, &err), QUERN_OK);
	if (qn_opened_turn(&file, m, slot->part.member, "here", &err) ||
	    qn_feed_new(&member, &view, false, file.fd, &feed, &err) ||
	    qn_feed_item(feed, &item, take_tile, r, &err))
		fail_msg("%s", err.text);
	qn_feed_free(feed);
	assert_int_equal(qn_opened_close(&file, "here", &err), QUERN_OK);
}

static void feed_all(const struct qn_mosaic *m, struct reading *r)
{
	struct quern_message err = { .status = QUERN_OK };
	struct quern_box all = { .ndim = r->whole->ndim };
	struct qn_slot slot = { .is_set = false };
	struct qn_items it;

	for (int d = 0; d < all.ndim; d++) {
		all.count[d] = r->whole->shape[d];
		all.step[d] = 1;
	}
	assert_int_equal(qn_items_init(&it, m, &all, NULL, &err), QUERN_OK);
	for (uint64_t i = 0; i < it.nitems; i++) {
		qn_items_seek(&it, i, &slot);
		feed_item(m, &slot, r);
	}
	qn_items_fini(&it);
}

static uint64_t count_elements(const struct qn_mosaic *m)
{
	uint64_t total = 0;

	for (uint64_t i = 0; i < m->nparts; i++) {
		struct qn_part p;
		uint64_t n = 1;

		qn_mosaic_part(m, i, &p);
		for (int d = 0; d < p.to.ndim; d++)
			n *= p.to.count[d];
		total += n;
	}
	return total;
}

/* Reads the dataset in both ways, and compares. */
static void compare(struct fixture *f, const char *file, const char *path)
{
	static const uint64_t origin[QUERN_MAX_DIMS];
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d;
	struct qn_mosaic m;
	struct reading r = { .whole = &d };
	hid_t id, dset;
	int32_t *want, fill;
	uint64_t n;

	if (qn_source_describe(file, path, NULL, true, &d, &err))
		fail_msg("%s", err.text);
	n = qn_dataset_nelems(&d);
	r.out = qn_calloc((size_t)n, sizeof(*r.out));
	want = qn_calloc((size_t)n, sizeof(*want));
	for (uint64_t i = 0; i < n; i++)
		want[i] = UNTOUCHED;
	memcpy(&fill, d.fill_value, sizeof(fill));
	qn_mosaic_init(&m, d.ndim);
	if (qn_resolve(&d, origin, 2, &m, &err))
		fail_msg("%s", err.text);
	assert_int_equal(count_elements(&m), n);
	if (n)
		feed_all(&m, &r);
	else
		f->nempty++;
	*(qn_mosaic_not_native(&m) ? &f->nlibrary : &f->nnative) += 1;
	f->nmissing += m.missing.n > 0;
	id = must(H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT));
	dset = must(H5Dopen2(id, path, H5P_DEFAULT));
	/* The extent of one without limits is found out when it is asked for. */
	H5Sclose(must(H5Dget_space(dset)));
	must(H5Dread(dset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, want));
	H5Dclose(dset);
	H5Fclose(id);
	for (uint64_t i = 0; i < n; i++)
		/* Where mappings overlap the library may forget to fill gaps. */
		if (want[i] != r.out[i] && (want[i] != UNTOUCHED || r.out[i] != fill))
			fail_msg("%s %s: element %llu is %d, not %d", file, path,
				 (unsigned long long)i, (int)r.out[i], (int)want[i]);
	free(want);
	free(r.out);
	qn_mosaic_fini(&m);
	qn_dataset_fini(&d);
}

/* --- making sources --- */

static void path_of(const struct fixture *f, const char *name, char *out, size_t nbytes)
{
	snprintf(out, nbytes, "%s/%s", f->dir, name);
}

static hid_t create(const struct fixture *f, const char *name)
{
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), file;
	char path[400];

	H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
	path_of(f, name, path, sizeof(path));
	file = must(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, fapl));
	H5Pclose(fapl);
	return file;
}

static void write_numbers(hid_t dset, uint64_t n, int32_t first)
{
	int32_t *v = qn_calloc((size_t)n, sizeof(*v));

	for (uint64_t i = 0; i < n; i++)
		v[i] = first + (int32_t)i;
	must(H5Dwrite(dset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	free(v);
}

/* A dataset of the fixture's shape: chunked, unlimited along dimension 0, or contiguous; some have
   nothing written. */
static void make_source(struct fixture *f, hid_t file, const char *name, int32_t first)
{
	hsize_t most[MAX_NDIM], chunk[MAX_NDIM];
	hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), space, dset;
	bool chunked = below(f, 3) > 0;
	int32_t fill = first - 1;
	uint64_t n = 1;

	for (int d = 0; d < f->ndim; d++) {
		most[d] = d || !chunked ? f->shape[d] : H5S_UNLIMITED;
		chunk[d] = 1 + below(f, f->shape[d] ? f->shape[d] : 1);
		n *= f->shape[d];
	}
	space = must(H5Screate_simple(f->ndim, f->shape, most));
	H5Pset_fill_value(dcpl, H5T_NATIVE_INT32, &fill);
	if (chunked)
		H5Pset_chunk(dcpl, f->ndim, chunk);
	if (chunked && below(f, 2))
		H5Pset_deflate(dcpl, 1);
	dset = must(H5Dcreate2(file, name, below(f, 4) ? H5T_STD_I32LE : H5T_STD_I32BE, space,
			       H5P_DEFAULT, dcpl, H5P_DEFAULT));
	if (below(f, 8) && n)
		write_numbers(dset, n, first);
	H5Dclose(dset);
	H5Sclose(space);
	H5Pclose(dcpl);
}

static void make_sources(struct fixture *f)
{
	f->ndim = 1 + (int)below(f, MAX_NDIM);
	for (int d = 0; d < f->ndim; d++)
		f->shape[d] = 1 + below(f, MAX_SIZE);
	for (int i = 0; i < NSOURCES; i++) {
		char name[16];
		hid_t file;

		snprintf(name, sizeof(name), "s%d.h5", i);
		file = create(f, name);
		make_source(f, file, "a", 1000 + 100000 * i);
		make_source(f, file, "b", 50000 + 100000 * i);
		H5Fclose(file);
	}
}

/* --- making mappings --- */

struct slab {
	hsize_t start[MAX_NDIM], stride[MAX_NDIM], count[MAX_NDIM], block[MAX_NDIM];
};

/* n indexes of `size`, in blocks. */
static void choose_span(struct fixture *f, hsize_t size, hsize_t n, int d, struct slab *s)
{
	hsize_t block, room;

	do {
		block = 1 + below(f, n);
	} while (n % block);
	if (below(f, 3) == 0)
		block = n;
	s->block[d] = block;
	s->count[d] = n / block;
	room = s->count[d] > 1 ? (size - n) / (s->count[d] - 1) : 0;
	s->stride[d] = block + below(f, room + 1);
	s->start[d] = below(f, size - ((s->count[d] - 1) * s->stride[d] + block) + 1);
}

static hid_t selected(int ndim, const hsize_t *shape, const hsize_t *most, const struct slab *s)
{
	hid_t space = must(H5Screate_simple(ndim, shape, most));

	must(H5Sselect_hyperslab(space, H5S_SELECT_SET, s->start, s->stride, s->count, s->block));
	return space;
}

static void choose_name(struct fixture *f, char *file, size_t nbytes)
{
	if (f->simple_names) {
		snprintf(file, nbytes, below(f, 2) ? "s0.h5" : "s3.h5");
		return;
	}
	switch (below(f, 12)) {
	case 0:
		snprintf(file, nbytes, "missing.h5");
		break;
	case 1:
		snprintf(file, nbytes, ".");
		break;
	case 2:
		snprintf(file, nbytes, "%s/s%d.h5", f->dir, (int)below(f, NSOURCES));
		break;
	default:
		snprintf(file, nbytes, "s%d.h5", (int)below(f, NSOURCES));
	}
}

static void add_mapping(struct fixture *f, hid_t dcpl, const hsize_t *shape)
{
	struct slab to, from;
	hid_t a, b;
	char file[400];

	for (int d = 0; d < f->ndim; d++) {
		hsize_t n = 1 + below(f, qn_min_u64(shape[d], f->shape[d]));

		choose_span(f, shape[d], n, d, &to);
		choose_span(f, f->shape[d], n, d, &from);
	}
	a = selected(f->ndim, shape, NULL, &to);
	b = selected(f->ndim, f->shape, NULL, &from);
	choose_name(f, file, sizeof(file));
	must(H5Pset_virtual(dcpl, a, file, below(f, 20) ? below(f, 2) ? "a" : "/b" : "none", b));
	H5Sclose(a);
	H5Sclose(b);
}

static void make_dataset(hid_t file, const char *name, int ndim, const hsize_t *shape,
			 const hsize_t *most, hid_t dcpl)
{
	hid_t space = must(H5Screate_simple(ndim, shape, most));
	hid_t dset =
		must(H5Dcreate2(file, name, H5T_STD_I32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));

	H5Dclose(dset);
	H5Sclose(space);
}

static hid_t virtual_list(struct fixture *f)
{
	hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
	int32_t fill = -7;

	if (below(f, 2))
		H5Pset_fill_value(dcpl, H5T_NATIVE_INT32, &fill);
	return dcpl;
}

/* Blocks on both sides, overlaps, missing sources, sources in the same file. */
static void test_random(void **state)
{
	struct fixture *f = *state;
	char path[400];

	path_of(f, "v.h5", path, sizeof(path));
	for (int i = 0; i < NCASES; i++) {
		hsize_t shape[MAX_NDIM];
		hid_t file, dcpl;

		if (i % 8 == 0)
			make_sources(f);
		file = create(f, "v.h5");
		make_source(f, file, "a", 7000000);
		dcpl = virtual_list(f);
		for (int d = 0; d < f->ndim; d++)
			shape[d] = 1 + below(f, MAX_SIZE);
		for (uint64_t n = 1 + below(f, MAX_MAPS); n > 0; n--)
			add_mapping(f, dcpl, shape);
		make_dataset(file, "v", f->ndim, shape, NULL, dcpl);
		H5Pclose(dcpl);
		H5Fclose(file);
		compare(f, path, "/v");
	}
	assert_int_equal(f->nlibrary, 0);
	assert_true(f->nmissing > NCASES / 20);
}

/* One index of a source with more dimensions; sources that are virtual themselves. */
static void test_nested(void **state)
{
	struct fixture *f = *state;
	char path[400];

	f->simple_names = true;
	path_of(f, "outer.h5", path, sizeof(path));
	for (int i = 0; i < NCASES / 4; i++) {
		hsize_t inner[MAX_NDIM], shape[MAX_NDIM], kept[MAX_NDIM];
		hid_t file, dcpl;

		make_sources(f);
		memcpy(kept, f->shape, sizeof(kept));
		for (int d = 0; d < f->ndim; d++) {
			inner[d] = 1 + below(f, MAX_SIZE);
			shape[d] = 1 + below(f, MAX_SIZE);
		}
		file = create(f, "s1.h5");
		make_source(f, file, "b", 1);
		dcpl = virtual_list(f);
		/* More might overlap, and the library then forgets gaps. */
		add_mapping(f, dcpl, inner);
		make_dataset(file, "a", f->ndim, inner, NULL, dcpl);
		H5Pclose(dcpl);
		H5Fclose(file);
		memcpy(f->shape, inner, sizeof(inner));
		file = create(f, "s2.h5");
		make_source(f, file, "a", 500);
		make_source(f, file, "b", 900);
		H5Fclose(file);
		file = create(f, "outer.h5");
		dcpl = virtual_list(f);
		for (int n = 0; n < 3; n++) {
			struct slab to, from;
			hid_t a, b;

			for (int d = 0; d < f->ndim; d++) {
				hsize_t k = 1 + below(f, qn_min_u64(shape[d], inner[d]));

				choose_span(f, shape[d], k, d, &to);
				choose_span(f, inner[d], k, d, &from);
			}
			a = selected(f->ndim, shape, NULL, &to);
			b = selected(f->ndim, inner, NULL, &from);
			must(H5Pset_virtual(dcpl, a, n == 1 ? "s2.h5" : "s1.h5", "a", b));
			H5Sclose(a);
			H5Sclose(b);
		}
		make_dataset(file, "v", f->ndim, shape, NULL, dcpl);
		H5Pclose(dcpl);
		H5Fclose(file);
		memcpy(f->shape, kept, sizeof(kept));
		compare(f, path, "/v");
	}
	assert_int_equal(f->nlibrary, 0);
}

/* Without limits: interleaved blocks of sources of several lengths, and numbered sources. */
static void test_unlimited(void **state)
{
	struct fixture *f = *state;
	char path[400], name[16];

	path_of(f, "v.h5", path, sizeof(path));
	for (int i = 0; i < NCASES / 4; i++) {
		hsize_t shape[2] = { 1, 4 }, most[2] = { H5S_UNLIMITED, 4 };
		hsize_t source_shape[2] = { 1, 4 };
		bool numbered = i % 2;
		hsize_t block = 1 + below(f, 3), nsources = 1 + below(f, 3);
		hid_t file, dcpl = virtual_list(f);

		f->ndim = 2;
		f->shape[1] = 4;
		for (int k = 0; k < NSOURCES; k++) {
			snprintf(name, sizeof(name), "s%d.h5", k);
			unlink((path_of(f, name, path, sizeof(path)), path));
			f->shape[0] = numbered ? block : 3 + below(f, 20);
			if (numbered && below(f, 5) == 0)
				continue;
			file = create(f, name);
			make_source(f, file, "a", 1000 * (k + 1));
			H5Fclose(file);
		}
		path_of(f, "v.h5", path, sizeof(path));
		for (hsize_t k = 0; k < (numbered ? 1 : nsources); k++) {
			struct slab to = { { k * block, 0 },
					   { nsources * block, 1 },
					   { H5S_UNLIMITED, 1 },
					   { block, 4 } };
			struct slab from = { { below(f, 3), 0 },
					     { 1 + below(f, 2), 1 },
					     { H5S_UNLIMITED, 1 },
					     { 1, 4 } };
			hid_t a = selected(2, shape, most, &to), b;

			snprintf(name, sizeof(name), numbered ? "s%%b.h5" : "s%d.h5", (int)k);
			source_shape[0] = numbered ? block : 1;
			b = numbered ? must(H5Screate_simple(2, source_shape, NULL))
				     : selected(2, source_shape, most, &from);
			must(H5Pset_virtual(dcpl, a, name, "a", b));
			H5Sclose(a);
			H5Sclose(b);
		}
		file = create(f, "v.h5");
		make_dataset(file, "v", 2, shape, most, dcpl);
		H5Pclose(dcpl);
		H5Fclose(file);
		compare(f, path, "/v");
	}
	assert_int_equal(f->nlibrary, 0);
}

/* Raw files of whole rows, the last too short; with one that ends inside of a row the library reads. */
static void test_raw(void **state)
{
	struct fixture *f = *state;
	char path[400], raw[400];

	path_of(f, "x.h5", path, sizeof(path));
	for (int i = 0; i < NCASES / 4; i++) {
		hsize_t shape[2] = { 1 + below(f, 40), 1 + below(f, 9) }, row = 4 * shape[1],
			at = 0;
		hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), file = create(f, "x.h5");

		for (int k = 0; at < shape[0]; k++) {
			hsize_t n = 1 + below(f, shape[0] - at), offset = below(f, 9);
			uint64_t nbytes = offset + n * row;
			int fd;

			snprintf(raw, sizeof(raw), "%s/raw%d", f->dir, k);
			must(H5Pset_external(dcpl, raw, (off_t)offset, n * row));
			fd = open(raw, O_WRONLY | O_CREAT | O_TRUNC, 0600);
			if (below(f, 4) == 0)
				nbytes = offset + below(f, n + 1) * row + below(f, 5) / 4;
			for (uint64_t b = 0; b < nbytes; b++) {
				uint8_t byte = (uint8_t)below(f, 256);

				assert_int_equal(write(fd, &byte, 1), 1);
			}
			close(fd);
			at += n;
		}
		make_dataset(file, "x", 2, shape, NULL, dcpl);
		H5Pclose(dcpl);
		H5Fclose(file);
		compare(f, path, "/x");
	}
	assert_true(f->nlibrary > 0 && f->nnative > 4 * f->nlibrary);
}

/* --- what goes wrong --- */

static enum quern_status resolve(const char *file, const char *path, struct quern_message *err)
{
	static const uint64_t origin[QUERN_MAX_DIMS];
	struct qn_dataset d;
	struct qn_mosaic m;
	enum quern_status st = qn_source_describe(file, path, NULL, true, &d, err);

	if (st)
		return st;
	qn_mosaic_init(&m, d.ndim);
	st = qn_resolve(&d, origin, 2, &m, err);
	qn_mosaic_fini(&m);
	qn_dataset_fini(&d);
	return st;
}

/* v.h5 with a dataset /v of n numbers, all of them of `name` in `source`. */
static void map_all(struct fixture *f, const char *source, const char *name, hsize_t n)
{
	hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &n, NULL);
	hid_t from = H5Screate_simple(1, &n, NULL), file = create(f, "v.h5");
	hsize_t start = 0;

	must(H5Sselect_hyperslab(from, H5S_SELECT_SET, &start, NULL, &n, NULL));
	must(H5Pset_virtual(dcpl, space, source, name, from));
	H5Sclose(from);
	make_dataset(file, "v", 1, &n, NULL, dcpl);
	H5Pclose(dcpl);
	H5Sclose(space);
	H5Fclose(file);
}

static void expect(struct fixture *f, const char *words)
{
	struct quern_message err = { .status = QUERN_OK };
	char path[400];

	path_of(f, "v.h5", path, sizeof(path));
	if (resolve(path, "/v", &err) != QUERN_ERR_DATA)
		fail_msg("no error, for want of '%s'", words);
	if (!strstr(err.text, words))
		fail_msg("%s", err.text);
}

/* A dataset whose index is damaged, and another link to it; and a link that leads nowhere. */
static void make_damaged(struct fixture *f, const char *name)
{
	hid_t file = create(f, name), dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), dset;
	hsize_t n = 9, chunk = 2;
	char path[400], bytes[8192], *index;
	ssize_t nbytes;
	int fd;

	must(H5Pset_chunk(dcpl, 1, &chunk));
	make_dataset(file, "a", 1, &n, NULL, dcpl);
	dset = must(H5Dopen2(file, "a", H5P_DEFAULT));
	write_numbers(dset, n, 1);
	H5Dclose(dset);
	must(H5Lcreate_soft("/a", file, "soft", H5P_DEFAULT, H5P_DEFAULT));
	must(H5Lcreate_soft("/b", file, "nowhere", H5P_DEFAULT, H5P_DEFAULT));
	H5Pclose(dcpl);
	H5Fclose(file);
	path_of(f, name, path, sizeof(path));
	fd = open(path, O_RDWR);
	nbytes = read(fd, bytes, sizeof(bytes));
	index = memmem(bytes, (size_t)nbytes, "FAHD", 4);
	assert_non_null(index);
	assert_int_equal(pwrite(fd, "\xff", 1, index - bytes + 6), 1);
	close(fd);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	struct quern_message err = { .status = QUERN_OK };
	char path[400];
	int fd;

	make_sources(f);
	path_of(f, "fifo", path, sizeof(path));
	assert_int_equal(mkfifo(path, 0600), 0);
	map_all(f, "fifo", "a", 5);
	expect(f, "a device, a pipe or a socket");
	map_all(f, "/dev/null", "a", 5);
	expect(f, "a device, a pipe or a socket");
	/* The source may not be taken for one that is missing. */
	path_of(f, "broken.h5", path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "\x89HDF\r\n\x1a\n and then nothing that makes sense", 40), 40);
	close(fd);
	map_all(f, "broken.h5", "a", 5);
	expect(f, "broken.h5");
	make_damaged(f, "damaged.h5");
	map_all(f, "damaged.h5", "a", 9);
	expect(f, "index is damaged");
	map_all(f, "damaged.h5", "soft", 9);
	expect(f, "index is damaged");
	map_all(f, "damaged.h5", "nowhere", 9);
	path_of(f, "v.h5", path, sizeof(path));
	assert_int_equal(resolve(path, "/v", &err), QUERN_OK);
	map_all(f, ".", "v", 5);
	expect(f, "in a circle");
	f->ndim = 1;
	f->shape[0] = 4;
	H5Fclose(create(f, "s0.h5"));
	{
		hid_t file = create(f, "s0.h5");

		make_source(f, file, "a", 1);
		H5Fclose(file);
	}
	map_all(f, "s0.h5", "a", 5);
	expect(f, "made smaller");
}

/* --- */

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	snprintf(f->dir, sizeof(f->dir), "%s/quern-test-XXXXXX", tmp ? tmp : "/tmp");
	f->random = 20240517;
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[400];

	snprintf(command, sizeof(command), "rm -r '%s'", f->dir);
	print_message("# %llu native, %llu by the library, %llu with missing sources, %llu empty\n",
		      (unsigned long long)f->nnative, (unsigned long long)f->nlibrary,
		      (unsigned long long)f->nmissing, (unsigned long long)f->nempty);
	free(f);
	return getenv("KEEP") ? 0 : system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nested, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unlimited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_raw, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
