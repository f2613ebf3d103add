/*
 * The feed against a reference that looks up one element at a time: random shapes, chunks, boxes,
 * types, byte orders, filters and attributes, on every instruction set of the machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libdeflate.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "feed/feed.h"

#define MAX_NELEMS	 60000
#define MAX_CHUNK_NBYTES (MAX_NELEMS * 8)

/* A dataset, its elements as the file has them, and the file. */
struct fixture {
	struct qn_dataset d;
	uint8_t *elems; /* the whole array, C order */
	uint8_t *scratch[2];
	int fd;
	uint64_t end; /* of the file */
};

static char file_name[] = "test.dat", path_name[] = "/v";
static uint64_t seed = 1;

static uint64_t draw(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

/* --- A format whose library is this file's array -------------------------------------------------- */

static const struct fixture *library;

static enum quern_status probe(const char *file, bool *is, struct quern_message *err)
{
	(void)file;
	(void)err;
	*is = true;
	return QUERN_OK;
}

static enum quern_status open_reader(const struct qn_dataset *d, void **reader,
				     struct quern_message *err)
{
	static int token;

	(void)d;
	(void)err;
	*reader = &token;
	return QUERN_OK;
}

static uint64_t place_of(const struct qn_dataset *d, const struct quern_box *box, uint64_t i)
{
	uint64_t at = 0, place = 1;

	for (int k = d->ndim - 1; k >= 0; k--) {
		at += (box->start[k] + i % box->count[k] * box->step[k]) * place;
		i /= box->count[k];
		place *= d->shape[k];
	}
	return at;
}

static uint64_t count_box(const struct quern_box *box)
{
	uint64_t n = 1;

	for (int k = 0; k < box->ndim; k++)
		n *= box->count[k];
	return n;
}

static void reverse(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		uint8_t t = p[i];

		p[i] = p[n - 1 - i];
		p[n - 1 - i] = t;
	}
}

static enum quern_status read_box(void *reader, const struct quern_box *box, void *out,
				  struct quern_message *err)
{
	const struct qn_dataset *d = &library->d;
	const size_t size = d->type.size;

	(void)reader;
	(void)err;
	for (uint64_t i = 0; i < count_box(box); i++) {
		uint8_t *p = (uint8_t *)out + i * size;

		memcpy(p, library->elems + place_of(d, box, i) * size, size);
		if (d->type.big_endian)
			reverse(p, size);
	}
	return QUERN_OK;
}

static void close_reader(void *reader)
{
	(void)reader;
}

static const struct qn_format format = {
	.name = "test",
	.probe = probe,
	.open = open_reader,
	.read = read_box,
	.close = close_reader,
};

const struct qn_format *const qn_formats[] = { &format, NULL };

/* --- Writing ---------------------------------------------------------------------------------------- */

static size_t put_shuffle(const struct qn_filter_step *s, const uint8_t *in, size_t n, uint8_t *out)
{
	const size_t size = s->params[0], count = n / size;

	for (size_t i = 0; i < count; i++)
		for (size_t b = 0; b < size; b++)
			out[b * count + i] = in[i * size + b];
	memcpy(out + count * size, in + count * size, n - count * size);
	return n;
}

static size_t put_deflate(const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	size_t m = libdeflate_zlib_compress(c, in, n, out, room);

	libdeflate_free_compressor(c);
	assert_true(m > 0);
	return m;
}

/* The checksum as its definition has it, reduced at every step. */
static size_t put_fletcher32(const uint8_t *in, size_t n, uint8_t *out)
{
	uint32_t a = 0, b = 0;

	for (size_t i = 0; i < n; i += 2) {
		a += (uint32_t)in[i] << 8 | (i + 1 < n ? in[i + 1] : 0u);
		a = (a & 0xffff) + (a >> 16);
		b += a;
		b = (b & 0xffff) + (b >> 16);
	}
	memcpy(out, in, n);
	out[n] = (uint8_t)a;
	out[n + 1] = (uint8_t)(a >> 8);
	out[n + 2] = (uint8_t)b;
	out[n + 3] = (uint8_t)(b >> 8);
	return n + 4;
}

/* n bytes of scratch[0] through the pipeline; returns where the result is. */
static uint8_t *encode(struct fixture *x, uint32_t mask, size_t *n)
{
	uint8_t *in = x->scratch[0], *out = x->scratch[1], *t;

	for (int i = 0; i < x->d.nfilters; i++) {
		const struct qn_filter_step *s = &x->d.filter[i];

		if (mask >> i & 1)
			continue;
		if (s->id == QN_FILTER_SHUFFLE)
			*n = put_shuffle(s, in, *n, out);
		else if (s->id == QN_FILTER_DEFLATE)
			*n = put_deflate(in, *n, out, 2 * MAX_CHUNK_NBYTES);
		else
			*n = put_fletcher32(in, *n, out);
		t = in;
		in = out;
		out = t;
	}
	return in;
}

/* The byte of a record where element i of its arrays is. */
static size_t place_in_record(const struct qn_dataset *d, uint64_t i)
{
	size_t at = d->record.offset;

	for (int k = d->record.ndim - 1; k >= 0; k--) {
		const uint64_t n = d->shape[qn_dataset_outer_ndim(d) + k];

		at += i % n * d->record.stride[k];
		i /= n;
	}
	return at;
}

/* The elements of a chunk to scratch[0]; places outside of the dataset, and what else is in
   records, get junk, or with clip (virtual chunks) records outside are left out. */
static size_t copy_chunk(struct fixture *x, const uint64_t *coord, bool clip)
{
	const struct qn_dataset *d = &x->d;
	const size_t size = d->type.size, record = qn_dataset_record_nbytes(d);
	const uint64_t n = qn_dataset_chunk_nelems(d);
	const uint64_t inner = n * record / qn_dataset_chunk_nbytes(d);
	size_t at = 0;

	memset(x->scratch[0], 0x55, qn_dataset_chunk_nbytes(d));
	for (uint64_t i = 0; i < n; i++) {
		uint64_t rest = i, from = 0, place = 1;
		bool inside = true;

		for (int k = d->ndim - 1; k >= 0; k--) {
			uint64_t c = coord[k] * d->chunk[k] + rest % d->chunk[k];

			rest /= d->chunk[k];
			inside = inside && c < d->shape[k];
			from += c * place;
			place *= d->shape[k];
		}
		if (inside)
			memcpy(x->scratch[0] + at + place_in_record(d, i % inner),
			       x->elems + from * size, size);
		if ((inside || !clip) && i % inner == inner - 1)
			at += record;
	}
	return at;
}

static void fill_chunk(struct fixture *x, const uint64_t *coord)
{
	struct qn_dataset *d = &x->d;
	struct quern_box box = { .ndim = d->ndim };

	for (int k = 0; k < d->ndim; k++) {
		box.start[k] = coord[k] * d->chunk[k];
		box.count[k] = qn_min_u64(d->chunk[k], d->shape[k] - box.start[k]);
		box.step[k] = 1;
	}
	for (uint64_t i = 0; i < count_box(&box); i++)
		if (d->type.class == QN_TEXT)
			memset(x->elems + place_of(d, &box, i) * d->type.size, 0, d->type.size);
		else
			memcpy(x->elems + place_of(d, &box, i) * d->type.size, d->fill_value,
			       d->type.size);
}

static void write_chunk(struct fixture *x, struct qn_chunk *c, const uint64_t *coord)
{
	bool clip = x->d.layout == QN_CONTIGUOUS;
	uint8_t *p;
	size_t n;

	if (!clip && draw(8) == 0) {
		c->addr = QN_ADDR_NONE;
		fill_chunk(x, coord);
		return;
	}
	n = copy_chunk(x, coord, clip);
	for (int i = 0; i < x->d.nfilters; i++)
		if (draw(6) == 0)
			c->filter_mask |= 1u << i;
	p = encode(x, c->filter_mask, &n);
	x->end += clip ? 0 : draw(100);
	c->addr = x->end;
	c->nbytes = (uint32_t)n;
	assert_int_equal(pwrite(x->fd, p, n, (off_t)x->end), n);
	x->end += n;
}

static void write_chunks(struct fixture *x)
{
	struct qn_dataset *d = &x->d;
	uint64_t grid[QUERN_MAX_DIMS], coord[QUERN_MAX_DIMS];

	d->nchunks = qn_dataset_grid(d, grid);
	d->chunks = qn_calloc(d->nchunks, sizeof(*d->chunks));
	x->end = draw(600);
	for (uint64_t n = 0; n < d->nchunks; n++) {
		uint64_t rest = n;

		for (int k = d->ndim - 1; k >= 0; k--) {
			coord[k] = rest % grid[k];
			rest /= grid[k];
		}
		d->chunks[n].number = n;
		write_chunk(x, &d->chunks[n], coord);
	}
	d->file_nbytes = x->end;
}

/* --- Random datasets -------------------------------------------------------------------------------- */

static void draw_type(struct qn_type *t)
{
	t->class = (enum qn_class)draw(3);
	t->size = 1u << draw(4);
	if (draw(5) == 0) {
		t->class = QN_TEXT;
		t->size = 1 + (uint32_t)draw(draw(4) ? 12 : 300);
		t->padding = (enum qn_padding)draw(3);
	}
	if (t->class == QN_FLOAT && t->size == 1)
		t->size = 2;
	t->brain = t->class == QN_FLOAT && t->size == 2 && draw(2);
	t->big_endian = t->class != QN_TEXT && draw(2);
	snprintf(t->name, sizeof(t->name), "test");
}

/* Up to MAX_NELEMS elements. Sometimes long rows, sometimes short ones. */
static void draw_shape(struct qn_dataset *d)
{
	uint64_t room = draw(10) == 0 ? MAX_NELEMS : 2000;

	d->ndim = 1 + (int)draw(4);
	for (int k = 0; k < d->ndim; k++) {
		uint64_t most = k == d->ndim - 1 ? room : room / 3 + 1;

		d->shape[k] = 1 + draw(most);
		d->chunk[k] = 1 + draw(draw(2) ? d->shape[k] + 2 : qn_min_u64(9, d->shape[k]));
		if (d->shape[k] / d->chunk[k] > 40)
			d->chunk[k] = d->shape[k] / 40 + 1;
		room = room / qn_max_u64(d->shape[k], d->chunk[k]) + 1;
	}
}

/* Puts the elements into records, sometimes with gaps between them, the last dimensions into arrays. */
static void draw_record(struct qn_dataset *d)
{
	const struct qn_dataset before = *d;
	struct qn_record *r = &d->record;
	const uint32_t gap = (uint32_t)draw(3);
	uint64_t place = d->type.size + draw(2) * gap;

	r->ndim = (int)draw((uint64_t)d->ndim + 1);
	for (int k = r->ndim - 1; k >= 0; k--) {
		const int dim = d->ndim - r->ndim + k;

		d->shape[dim] = d->chunk[dim] = 1 + draw(draw(20) ? 5 : 100);
		r->stride[k] = place;
		place = place * d->shape[dim] + draw(2) * gap;
	}
	r->offset = gap ? (uint32_t)draw(9) : 0;
	r->nbytes = r->offset + (uint32_t)(place + draw(2) * gap * draw(9));
	if (qn_dataset_chunk_nbytes(d) > MAX_CHUNK_NBYTES || qn_dataset_nelems(d) > 10 * MAX_NELEMS)
		*d = before;
}

/* Runs of whole trailing dimensions. */
static void make_contiguous(struct qn_dataset *d)
{
	int cut = (int)draw((uint64_t)qn_dataset_outer_ndim(d) + 1);

	d->layout = QN_CONTIGUOUS;
	for (int k = 0; k < d->ndim; k++) {
		if (k < cut && k < qn_dataset_outer_ndim(d))
			d->chunk[k] = 1;
		else if (k > cut)
			d->chunk[k] = d->shape[k];
	}
}

static void add_filter(struct qn_dataset *d, uint32_t id, uint32_t param)
{
	struct qn_filter_step *s = &d->filter[d->nfilters++];

	s->id = id;
	s->nparams = id != QN_FILTER_FLETCHER32;
	s->params[0] = param;
}

static void draw_filters(struct qn_dataset *d)
{
	int n = (int)draw(4);

	for (int i = 0; i < n; i++) {
		uint32_t id = 1 + (uint32_t)draw(3);
		uint32_t param = draw(3) ? qn_dataset_record_nbytes(d) : 1 + (uint32_t)draw(9);

		add_filter(d, id, param);
	}
	if (draw(3) == 0 && n == 0) {
		add_filter(d, QN_FILTER_SHUFFLE, qn_dataset_record_nbytes(d));
		add_filter(d, QN_FILTER_DEFLATE, 1);
		add_filter(d, QN_FILTER_FLETCHER32, 0);
	}
}

/* A small number as the attributes hold it. */
static uint64_t draw_attribute(const struct qn_type *t)
{
	int64_t v = (int64_t)draw(9) - (t->class == QN_UINT ? 0 : 4);
	double x = (double)v;
	uint64_t bits;

	if (t->class != QN_FLOAT)
		return (uint64_t)v;
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static void draw_cf(struct qn_dataset *d)
{
	struct qn_cf *cf = &d->cf;

	cf->scale = 1;
	if (draw(3) == 0)
		return;
	cf->has_fill = draw(2);
	cf->fill = draw_attribute(&d->type);
	cf->nmissing = (uint32_t)draw(3);
	for (uint32_t i = 0; i < cf->nmissing; i++)
		cf->missing[i] = draw_attribute(&d->type);
	cf->has_min = draw(4) == 0;
	cf->valid_min = draw_attribute(&d->type);
	cf->has_max = draw(4) == 0;
	cf->valid_max = draw_attribute(&d->type);
	cf->has_scale = draw(2);
	if (cf->has_scale) {
		cf->scale = 0.01 * (double)(1 + draw(1000));
		cf->offset = 273.15;
		cf->single = cf->nmissing % 2;
	}
}

/* A small integer as the bits of a float. */
static uint64_t float_bits(int v, const struct qn_type *t)
{
	static const uint16_t half[9] = {
		0xc400, 0xc200, 0xc000, 0xbc00, 0x0000, 0x3c00, 0x4000, 0x4200, 0x4400,
	};
	float f = (float)v;
	double x = v;
	uint32_t f_bits;
	uint64_t x_bits;

	memcpy(&f_bits, &f, sizeof(f_bits));
	memcpy(&x_bits, &x, sizeof(x_bits));
	if (t->brain)
		return f_bits >> 16;
	return t->size == 2 ? half[v + 4] : t->size == 4 ? f_bits : x_bits;
}

/* Small numbers, which meet the attributes, and any bits at all. */
static void draw_number(const struct qn_type *t, uint8_t *out)
{
	uint64_t bits = draw(4) ? UINT64_MAX : seed * 0x9e3779b97f4a7c15u;
	int v = (int)draw(9) - (t->class == QN_UINT ? 0 : 4);

	if (bits == UINT64_MAX)
		bits = t->class == QN_FLOAT ? float_bits(v, t) : (uint64_t)(int64_t)v;
	memcpy(out, &bits, t->size);
	if (t->big_endian)
		reverse(out, t->size);
}

static void draw_element(const struct qn_type *t, uint8_t *out)
{
	for (uint32_t i = 0; t->class == QN_TEXT && i < t->size; i++)
		out[i] = (uint8_t) "ab  \0\0"[draw(6)];
	if (t->class != QN_TEXT)
		draw_number(t, out);
}

static void fixture_init(struct fixture *x)
{
	FILE *f = tmpfile();
	uint64_t n;

	memset(x, 0, sizeof(*x));
	assert_non_null(f);
	x->fd = dup(fileno(f));
	fclose(f);
	x->d.file = file_name;
	x->d.path = path_name;
	x->d.native = true;
	x->d.layout = QN_CHUNKED;
	draw_type(&x->d.type);
	do
		draw_shape(&x->d);
	while (qn_dataset_chunk_nbytes(&x->d) > MAX_CHUNK_NBYTES);
	if (draw(2))
		draw_record(&x->d);
	draw_cf(&x->d);
	if (x->d.type.class != QN_TEXT)
		draw_element(&x->d.type, x->d.fill_value);
	if (draw(4) == 0)
		make_contiguous(&x->d);
	else
		draw_filters(&x->d);
	n = qn_dataset_nelems(&x->d);
	x->elems = malloc(n * x->d.type.size);
	for (uint64_t i = 0; i < n; i++)
		draw_element(&x->d.type, x->elems + i * x->d.type.size);
	for (int i = 0; i < 2; i++)
		x->scratch[i] = malloc(4 * MAX_CHUNK_NBYTES);
	write_chunks(x);
}

static void fixture_fini(struct fixture *x)
{
	close(x->fd);
	free(x->elems);
	free(x->scratch[0]);
	free(x->scratch[1]);
	free(x->d.chunks);
}

/* --- The reference ---------------------------------------------------------------------------------- */

/* A value as an integer or a double, by its class. */
struct value {
	int64_t i;
	uint64_t u;
	double f;
};

static double half_to_double(uint16_t h)
{
	int exponent = h >> 10 & 31, fraction = h & 1023;
	double sign = h >> 15 ? -1 : 1;

	if (exponent == 31)
		return fraction ? (double)__builtin_nanf("") : sign * __builtin_inf();
	if (exponent == 0)
		return sign * __builtin_ldexp(fraction, -24);
	return sign * __builtin_ldexp(1024 + fraction, exponent - 25);
}

static struct value value_of(const struct qn_type *t, const uint8_t *elem)
{
	struct value v = { 0 };
	uint8_t b[8] = { 0 };
	uint64_t bits;
	uint32_t f_bits;
	float f;

	if (t->class == QN_TEXT)
		return v;
	memcpy(b, elem, t->size);
	if (t->big_endian)
		reverse(b, t->size);
	memcpy(&bits, b, sizeof(bits));
	v.u = bits;
	v.i = (int64_t)(bits << (64 - 8 * t->size)) >> (64 - 8 * t->size);
	f_bits = (uint32_t)bits << (t->brain ? 16 : 0);
	memcpy(&f, &f_bits, sizeof(f));
	memcpy(&v.f, &bits, sizeof(bits));
	if (t->size == 4 || t->brain)
		v.f = (double)f;
	else if (t->size == 2)
		v.f = half_to_double((uint16_t)bits);
	return v;
}

/* -1, 0, 1: below, equal, above; 2: not comparable. */
static int compare(const struct qn_type *t, struct value v, uint64_t attribute)
{
	double x;

	memcpy(&x, &attribute, sizeof(x));
	if (t->class == QN_INT)
		return v.i < (int64_t)attribute ? -1 : v.i > (int64_t)attribute;
	if (t->class == QN_UINT)
		return v.u < attribute ? -1 : v.u > attribute;
	return v.f != v.f ? 2 : v.f < x ? -1 : v.f > x;
}

static bool is_missing(const struct qn_dataset *d, struct value v)
{
	const struct qn_cf *cf = &d->cf;
	bool missing = false;

	if (cf->has_fill)
		missing = compare(&d->type, v, cf->fill) == 0;
	for (uint32_t i = 0; i < cf->nmissing; i++)
		missing = missing || compare(&d->type, v, cf->missing[i]) == 0;
	if (cf->has_min)
		missing = missing || compare(&d->type, v, cf->valid_min) == -1;
	if (cf->has_max)
		missing = missing || compare(&d->type, v, cf->valid_max) == 1;
	return missing;
}

/* The number as the view's type has it; checks the type too. */
static void check_value(const struct qn_dataset *d, const struct qn_view *view, struct value want,
			const struct quern_var *var, size_t i)
{
	const char *at = (const char *)var->values + i * qn_view_size(var->dtype);
	double x = d->type.class == QN_INT    ? (double)want.i
		   : d->type.class == QN_UINT ? (double)want.u
					      : want.f;
	uint64_t bits = 0;
	float f;
	double got;

	assert_int_equal(var->dtype, view->dtype);
	if (view->decode && d->cf.has_scale)
		x = d->cf.single && d->type.size <= (d->type.class == QN_FLOAT ? 4 : 2)
			    ? (double)((float)x * (float)d->cf.scale + (float)d->cf.offset)
			    : x * d->cf.scale + d->cf.offset;
	else if (d->type.class != QN_FLOAT) {
		memcpy(&bits, at, d->type.size);
		assert_true(bits == (want.u & UINT64_MAX >> (64 - 8 * d->type.size)));
		return;
	}
	if (var->dtype == QUERN_F32) {
		memcpy(&f, at, sizeof(f));
		got = (double)f;
	} else {
		memcpy(&got, at, sizeof(got));
	}
	if (x != x)
		assert_true(got != got);
	else
		assert_memory_equal(&got, &x, sizeof(x));
}

/* The text as far as it counts, and zeros. */
static void check_text(const struct qn_type *t, const uint8_t *elem, const struct quern_var *var,
		       size_t i)
{
	const uint8_t *got = (const uint8_t *)var->values + i * t->size;
	size_t n = t->size;

	assert_int_equal(var->dtype, QUERN_TEXT);
	assert_int_equal(var->text_nbytes, t->size);
	if (t->padding == QN_PAD_ANYTHING)
		n = strnlen((const char *)elem, n);
	while (t->padding == QN_PAD_SPACES && n > 0 && (elem[n - 1] == ' ' || elem[n - 1] == 0))
		n--;
	assert_memory_equal(got, elem, n);
	for (; n < t->size; n++)
		assert_int_equal(got[n], 0);
}

struct check {
	const struct fixture *x;
	const struct qn_view *view;
	const struct quern_box *box;
	bool whole;
	uint64_t next;
};

static void check_tile(void *ctx, const struct quern_tile *tile)
{
	struct check *c = ctx;
	const struct qn_dataset *d = &c->x->d;
	const struct quern_var *var = tile->var;
	size_t nmissing = 0;

	assert_int_equal(tile->nvars, 1);
	assert_true(tile->first == c->next && tile->nelems > 0);
	assert_true(c->whole || tile->nelems <= QUERN_TILE_NELEMS);
	assert_memory_equal(tile->box, c->box, sizeof(*tile->box));
	for (size_t i = 0; i < tile->nelems; i++) {
		const uint64_t at = place_of(d, c->box, tile->first + i);
		struct value v = value_of(&d->type, c->x->elems + at * d->type.size);
		bool missing = c->view->decode && is_missing(d, v);

		if (var->valid)
			assert_int_equal(var->valid[i / 64] >> i % 64 & 1, !missing);
		nmissing += missing;
		if (d->type.class == QN_TEXT)
			check_text(&d->type, c->x->elems + at * d->type.size, var, i);
		else
			check_value(d, c->view, v, var, i);
	}
	assert_int_equal(nmissing, var->nmissing);
	assert_true(!var->valid == !nmissing);
	if (var->valid && tile->nelems % 64)
		assert_true(var->valid[tile->nelems / 64] >> tile->nelems % 64 == 0);
	c->next += tile->nelems;
}

/* --- Tests ------------------------------------------------------------------------------------------ */

/* A box in start ... end of every dimension; often all of it. */
static void draw_box(int ndim, const uint64_t *start, const uint64_t *end, struct quern_box *box)
{
	memset(box, 0, sizeof(*box));
	box->ndim = ndim;
	for (int k = 0; k < ndim; k++) {
		uint64_t n = end[k] - start[k];
		uint64_t skip = draw(2) ? draw(n) : 0, left = n - skip;
		uint64_t step = draw(3) ? 1 : 1 + draw(draw(2) ? 3 : left + 1);
		uint64_t most = (left - 1) / step + 1;

		box->start[k] = start[k] + skip;
		box->step[k] = step;
		box->count[k] = draw(2) ? most : 1 + draw(most);
	}
}

static void draw_chunk_box(const struct qn_dataset *d, const struct qn_chunk *c,
			   struct quern_box *box)
{
	uint64_t grid[QUERN_MAX_DIMS], start[QUERN_MAX_DIMS], end[QUERN_MAX_DIMS];
	uint64_t rest = c->number;

	qn_dataset_grid(d, grid);
	for (int k = d->ndim - 1; k >= 0; k--) {
		start[k] = rest % grid[k] * d->chunk[k];
		rest /= grid[k];
		end[k] = qn_min_u64(start[k] + d->chunk[k], d->shape[k]);
	}
	draw_box(d->ndim, start, end, box);
}

/* --- What quern has allocated, by the linker's --wrap; what libraries have is not counted --------- */

void *__real_malloc(size_t nbytes);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t nbytes);
void *__real_aligned_alloc(size_t alignment, size_t nbytes);
void __real_free(void *p);
void *__wrap_malloc(size_t nbytes);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t nbytes);
void *__wrap_aligned_alloc(size_t alignment, size_t nbytes);
void __wrap_free(void *p);

static struct block {
	void *p;
	size_t nbytes;
} blocks[1024];
static size_t allocated_nbytes;

static void *add_block(void *p, size_t nbytes)
{
	size_t i = 0;

	if (!p)
		return NULL;
	while (i < sizeof(blocks) / sizeof(*blocks) && blocks[i].p)
		i++;
	assert_true(i < sizeof(blocks) / sizeof(*blocks));
	blocks[i] = (struct block){ .p = p, .nbytes = nbytes };
	allocated_nbytes += nbytes;
	return p;
}

/* Blocks that a library has allocated are not there. */
static void remove_block(void *p)
{
	for (size_t i = 0; p && i < sizeof(blocks) / sizeof(*blocks); i++) {
		if (blocks[i].p != p)
			continue;
		allocated_nbytes -= blocks[i].nbytes;
		blocks[i].p = NULL;
		return;
	}
}

void *__wrap_malloc(size_t nbytes)
{
	return add_block(__real_malloc(nbytes), nbytes);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return add_block(__real_calloc(n, size), n * size);
}

void *__wrap_realloc(void *p, size_t nbytes)
{
	remove_block(p);
	return add_block(__real_realloc(p, nbytes), nbytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t nbytes)
{
	return add_block(__real_aligned_alloc(alignment, nbytes), nbytes);
}

void __wrap_free(void *p)
{
	remove_block(p);
	__real_free(p);
}

static void feed_items(const struct fixture *x, bool raw, bool whole)
{
	struct quern_message err = { 0 };
	const uint64_t zero[QUERN_MAX_DIMS] = { 0 };
	const uint64_t n = whole ? 2 : x->d.nchunks;
	uint64_t most = 0;
	struct qn_view view;
	struct qn_feed *f;
	size_t before = allocated_nbytes;

	assert_int_equal(qn_view_init(&x->d, raw, &view, &err), QUERN_OK);
	assert_int_equal(qn_feed_new(&x->d, &view, whole, x->fd, &f, &err), QUERN_OK);
	for (uint64_t i = 0; i < n; i++) {
		struct qn_item item = {
			.nchunks = whole ? x->d.nchunks : 1,
			.chunks = &x->d.chunks[whole ? 0 : i],
		};
		struct check c = { .x = x, .view = &view, .box = &item.box, .whole = whole };

		if (whole)
			draw_box(x->d.ndim, zero, x->d.shape, &item.box);
		else
			draw_chunk_box(&x->d, item.chunks, &item.box);
		if (qn_feed_item(f, &item, check_tile, &c, &err))
			fail_msg("%s", err.text);
		assert_true(c.next == count_box(&item.box));
		most = qn_max_u64(most, c.next);
	}
	assert_true(allocated_nbytes > before);
	/* What is aligned to pages is rounded up to pages. */
	before += qn_feed_nbytes(&x->d, &view, whole, false, 0, most) + 3 * 4096;
	assert_true(allocated_nbytes <= before);
	assert_true(qn_feed_stats(f)->decoded_nbytes > 0);
	qn_feed_free(f);
}

static void feed_everything(int rounds)
{
	struct fixture x;

	for (int i = 0; i < rounds; i++) {
		fixture_init(&x);
		feed_items(&x, draw(4) == 0, false);
		/* Kernels that want an item as a whole take no text. */
		if (x.d.type.class != QN_TEXT)
			feed_items(&x, draw(4) == 0, true);
		x.d.native = false;
		library = &x;
		feed_items(&x, draw(4) == 0, x.d.type.class != QN_TEXT && draw(2));
		fixture_fini(&x);
	}
}

static void test_random(void **state)
{
	static const char *const level[] = { "baseline", "avx2", "avx512" };
	const char *rounds = getenv("FEED_ROUNDS");

	(void)state;
	for (int i = 0; i < 3; i++) {
		qn_cpu_choose(level[i]);
		feed_everything(rounds ? atoi(rounds) : 150);
	}
	qn_cpu_choose(NULL);
}

/* A dataset of one chunk of n float32 elements; no file yet. */
static void one_chunk(struct fixture *x, uint64_t n)
{
	memset(x, 0, sizeof(*x));
	x->d.file = file_name;
	x->d.path = path_name;
	x->d.native = true;
	x->d.ndim = 1;
	x->d.shape[0] = x->d.chunk[0] = n;
	x->d.layout = QN_CHUNKED;
	x->d.type = (struct qn_type){ .class = QN_FLOAT, .size = 4, .name = "<f4" };
}

static void ignore(void *ctx, const struct quern_tile *tile)
{
	(void)ctx;
	(void)tile;
}

/* Feeds a single chunk; returns the status. */
static enum quern_status feed_one(struct fixture *x, struct qn_chunk *c, struct quern_message *err)
{
	struct qn_item item = { .nchunks = 1, .chunks = c };
	enum quern_status st;
	struct qn_view view;
	struct qn_feed *f;

	memset(err, 0, sizeof(*err));
	item.box = (struct quern_box){ .ndim = 1, .count = { x->d.shape[0] }, .step = { 1 } };
	assert_int_equal(qn_view_init(&x->d, false, &view, err), QUERN_OK);
	assert_int_equal(qn_feed_new(&x->d, &view, false, x->fd, &f, err), QUERN_OK);
	st = qn_feed_item(f, &item, ignore, NULL, err);
	qn_feed_free(f);
	return st;
}

static int file_of(const void *bytes, size_t n)
{
	FILE *f = tmpfile();
	int fd = dup(fileno(f));

	fclose(f);
	assert_int_equal(pwrite(fd, bytes, n, 0), n);
	return fd;
}

static void test_truncated(void **state)
{
	static uint8_t bytes[4000];
	struct quern_message err;
	struct fixture x;
	struct qn_chunk c = { .addr = 100, .nbytes = 4000 };

	(void)state;
	one_chunk(&x, 1000);
	x.fd = file_of(bytes, sizeof(bytes));
	assert_int_equal(feed_one(&x, &c, &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, "truncated"));
	assert_non_null(strstr(err.text, "test.dat: dataset /v, chunk (0) at file offset 100"));
	c.addr = 0;
	assert_int_equal(feed_one(&x, &c, &err), QUERN_OK);
	c.nbytes = 3999;
	assert_int_equal(feed_one(&x, &c, &err), QUERN_ERR_DATA);
	close(x.fd);
	x.fd = -1;
	assert_int_equal(feed_one(&x, &c, &err), QUERN_ERR_DATA);
	c.nbytes = 4000;
	assert_int_equal(feed_one(&x, &c, &err), QUERN_ERR_RUN);
}

/* Any byte of a chunk with a checksum changed: it is noticed. With other draws there are exceptions:
   deflate does not need all of its header, and its sum and fletcher32 are both linear, so that a
   byte of a compressed chunk that becomes three small values, +2 -3 0 +1, can keep both. */
static void test_corrupt(void **state)
{
	static const uint32_t pipeline[3][3] = { { 2, 1, 3 }, { 3, 2, 1 }, { 3, 0, 0 } };
	static uint8_t scratch[2][200000];
	struct quern_message err;
	struct fixture x;

	(void)state;
	seed = 1; /* whatever other tests have drawn */
	for (int p = 0; p < 3; p++) {
		one_chunk(&x, 1000);
		for (int i = 0; i < 3 && pipeline[p][i]; i++)
			add_filter(&x.d, pipeline[p][i], 4);
		for (int i = 0; i < 100; i++) {
			size_t n = 4000, at;
			uint8_t *bytes;
			struct qn_chunk c = { 0 };

			x.scratch[0] = scratch[0];
			x.scratch[1] = scratch[1];
			for (size_t k = 0; k < n; k++)
				scratch[0][k] = (uint8_t)draw(7);
			bytes = encode(&x, 0, &n);
			c.nbytes = (uint32_t)n;
			x.fd = file_of(bytes, n);
			assert_int_equal(feed_one(&x, &c, &err), QUERN_OK);
			close(x.fd);
			at = draw(n);
			bytes[at] ^= (uint8_t)(1 + draw(254));
			x.fd = file_of(bytes, n);
			assert_int_equal(feed_one(&x, &c, &err), QUERN_ERR_DATA);
			assert_non_null(strstr(err.text, "chunk (0)"));
			close(x.fd);
		}
	}
}

/* A chunk whose size in the index is absurd, and one that decodes to another size. */
static void test_sizes(void **state)
{
	static uint8_t scratch[2][200000];
	struct quern_message err;
	struct fixture x;
	struct qn_chunk c = { .nbytes = 4000000000u };
	size_t n = 4004;

	(void)state;
	one_chunk(&x, 1000);
	add_filter(&x.d, QN_FILTER_DEFLATE, 1);
	x.scratch[0] = scratch[0];
	x.scratch[1] = scratch[1];
	x.fd = file_of(encode(&x, 0, &n), n);
	assert_int_equal(feed_one(&x, &c, &err), QUERN_ERR_DATA);
	c.nbytes = (uint32_t)n;
	assert_int_equal(feed_one(&x, &c, &err), QUERN_ERR_DATA);
	c.filter_mask = 1;
	assert_int_equal(feed_one(&x, &c, &err), QUERN_ERR_DATA);
	close(x.fd);
}

static void test_unknown_filter(void **state)
{
	struct quern_message err = { 0 };
	struct fixture x;
	struct qn_view view;
	struct qn_feed *f;

	(void)state;
	one_chunk(&x, 10);
	add_filter(&x.d, 32013, 0);
	assert_int_equal(qn_view_init(&x.d, false, &view, &err), QUERN_OK);
	assert_int_equal(qn_feed_new(&x.d, &view, false, 0, &f, &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, "32013"));
}

static void test_view(void **state)
{
	struct quern_message err = { 0 };
	struct fixture x;
	struct qn_view view;

	(void)state;
	one_chunk(&x, 10);
	x.d.type = (struct qn_type){ .class = QN_UINT, .size = 2, .name = "<u2" };
	x.d.cf.as_unsigned = true;
	assert_int_equal(qn_view_init(&x.d, false, &view, &err), QUERN_OK);
	assert_true(view.dtype == QUERN_U16 && !view.decode);
	assert_int_equal(qn_view_init(&x.d, true, &view, &err), QUERN_OK);
	assert_true(view.dtype == QUERN_I16);
	x.d.type = (struct qn_type){ .class = QN_OTHER, .size = 12, .name = "string" };
	assert_int_equal(qn_view_init(&x.d, false, &view, &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, "string"));
}

/* Chunks of 5 MiB: the first elements of chunk k are noise, the others zero, so that what is
   stored has any size. */
#define LARGE_NELEMS 1300000u
#define NLARGE	     8

static const uint32_t large_noise[NLARGE] = { 70000,   380000, 524000, 530000,
					      1300000, 70000,  9,      1300000 };

static uint32_t large_value(uint64_t k, uint64_t i)
{
	return i < large_noise[k] ? (uint32_t)(i + 1) * 2654435761u : 0;
}

struct large {
	uint64_t k, start, step, next;
};

static void check_large(void *ctx, const struct quern_tile *tile)
{
	struct large *l = ctx;
	const uint32_t *v = tile->var->values;

	assert_int_equal(tile->first, l->next);
	for (size_t i = 0; i < tile->nelems; i++)
		if (v[i] != large_value(l->k, l->start + (l->next + i) * l->step))
			fail_msg("chunk %u, element %u", (unsigned)l->k, (unsigned)(l->next + i));
	l->next += tile->nelems;
}

/* The last two chunks are stored as they are. */
static void write_large(struct fixture *x, struct qn_chunk *chunks, struct qn_sum *sums)
{
	struct libdeflate_compressor *z = libdeflate_alloc_compressor(1);
	const size_t n = LARGE_NELEMS * sizeof(uint32_t);
	uint32_t *values = malloc(n);
	uint8_t *stored = malloc(2 * n), *bytes;
	FILE *f = tmpfile();

	x->fd = dup(fileno(f));
	fclose(f);
	for (uint32_t k = 0; k < NLARGE; k++) {
		const bool raw = k >= NLARGE - 2;
		size_t nbytes = n;

		for (uint32_t i = 0; i < LARGE_NELEMS; i++)
			values[i] = large_value(k, i);
		if (!raw)
			nbytes = libdeflate_zlib_compress(z, values, n, stored, 2 * n);
		assert_true(nbytes > 0);
		chunks[k] = (struct qn_chunk){ .number = k, .addr = x->end, .filter_mask = raw };
		chunks[k].nbytes = (uint32_t)nbytes;
		bytes = raw ? (uint8_t *)values : stored;
		qn_sum_of(bytes, nbytes, &sums[k]);
		assert_int_equal(pwrite(x->fd, bytes, nbytes, (off_t)x->end), nbytes);
		x->end += nbytes + 7;
	}
	free(values);
	free(stored);
	libdeflate_free_compressor(z);
}

static void feed_large(struct fixture *x, const struct qn_chunk *chunks, bool whole)
{
	struct quern_message err = { 0 };
	struct qn_view view;
	struct qn_feed *f;

	assert_int_equal(qn_view_init(&x->d, false, &view, &err), QUERN_OK);
	assert_int_equal(qn_feed_new(&x->d, &view, whole, x->fd, &f, &err), QUERN_OK);
	for (uint64_t turn = 0; turn < 3 * NLARGE; turn++) {
		struct large l = { .k = turn % NLARGE,
				   .start = turn / NLARGE,
				   .step = 1 + 2 * (turn / NLARGE) };
		const uint64_t n = (LARGE_NELEMS - l.start) / l.step;
		struct qn_item item = { .nchunks = 1, .chunks = &chunks[l.k] };

		item.box = (struct quern_box){ .ndim = 1,
					       .start = { l.k * LARGE_NELEMS + l.start },
					       .count = { n },
					       .step = { l.step } };
		if (qn_feed_item(f, &item, check_large, &l, &err))
			fail_msg("%s", err.text);
		assert_int_equal(l.next, n);
	}
	qn_feed_free(f);
}

/* Pieces of the ring of all sizes, larger than it too, and chunks of several windows. */
static void test_large(void **state)
{
	struct quern_message err = { 0 };
	struct qn_summer *summer = qn_summer_new();
	struct qn_sum sums[NLARGE], is;
	struct qn_chunk chunks[NLARGE];
	struct qn_view view;
	struct fixture x;
	struct qn_feed *f;
	bool summed;

	(void)state;
	one_chunk(&x, LARGE_NELEMS);
	x.d.shape[0] = (uint64_t)NLARGE * LARGE_NELEMS;
	x.d.type = (struct qn_type){ .class = QN_UINT, .size = 4, .name = "<u4" };
	add_filter(&x.d, QN_FILTER_DEFLATE, 1);
	write_large(&x, chunks, sums);
	feed_large(&x, chunks, false);
	feed_large(&x, chunks, true);
	assert_int_equal(qn_view_init(&x.d, false, &view, &err), QUERN_OK);
	assert_int_equal(qn_feed_new(&x.d, &view, false, x.fd, &f, &err), QUERN_OK);
	for (int k = 0; k < NLARGE; k++) {
		assert_int_equal(qn_feed_check(f, &chunks[k], summer, &summed, &err), QUERN_OK);
		assert_true(!summer || summed);
		if (summer)
			qn_summer_get(summer, &is);
		assert_true(!summer || qn_sum_equal(&is, &sums[k]));
	}
	qn_feed_free(f);
	qn_summer_free(summer);
	close(x.fd);
}

static void test_memory(void **state)
{
	struct quern_message err = { 0 };
	struct fixture x;
	struct qn_view view;

	(void)state;
	one_chunk(&x, 1 << 20);
	assert_int_equal(qn_view_init(&x.d, false, &view, &err), QUERN_OK);
	assert_true(qn_feed_nbytes(&x.d, &view, false, false, 0, 1 << 20) < 3 << 20);
	assert_true(qn_feed_nbytes(&x.d, &view, true, false, 0, 1 << 20) > 4 << 20);
	add_filter(&x.d, QN_FILTER_DEFLATE, 1);
	assert_true(qn_feed_nbytes(&x.d, &view, false, false, 0, 1 << 20) > 8 << 20);
	x.d.ndim = 3;
	x.d.chunk[0] = x.d.chunk[1] = x.d.chunk[2] = UINT64_MAX / 2;
	assert_true(qn_feed_nbytes(&x.d, &view, false, false, 0, 1) == SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_large),  cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_sizes),  cmocka_unit_test(test_unknown_filter),
		cmocka_unit_test(test_view),   cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
