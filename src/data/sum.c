/*
 * sum.c - XXH3-128 sums, by libxxhash.
 */
#include "data/sum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef QN_HAVE_XXHASH

#include <xxhash.h>

#include "base/mem.h"

struct qn_summer {
	XXH3_state_t *state; /* owned; wants an alignment that only its own allocator gives */
};

static void put(XXH128_hash_t h, struct qn_sum *out)
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, h);
	memcpy(out->byte, c.digest, sizeof(out->byte));
}

enum quern_status qn_sum_check(struct quern_message *err)
{
	(void)err;
	return QUERN_OK;
}

const char *qn_sum_library(char *out, size_t nbytes)
{
	unsigned v = XXH_versionNumber();

	snprintf(out, nbytes, "libxxhash %u.%u.%u", v / 10000, v / 100 % 100, v % 100);
	return out;
}

void qn_sum_of(const void *data, size_t nbytes, struct qn_sum *out)
{
	put(XXH3_128bits(data, nbytes), out);
}

struct qn_summer *qn_summer_new(void)
{
	struct qn_summer *s = qn_malloc(sizeof(*s));

	if (!s)
		return NULL;
	s->state = XXH3_createState();
	if (!s->state) {
		free(s);
		return NULL;
	}
	qn_summer_reset(s);
	return s;
}

void qn_summer_free(struct qn_summer *s)
{
	if (s)
		XXH3_freeState(s->state);
	free(s);
}

void qn_summer_reset(struct qn_summer *s)
{
	XXH3_128bits_reset(s->state);
}

void qn_summer_add(struct qn_summer *s, const void *data, size_t nbytes)
{
	XXH3_128bits_update(s->state, data, nbytes);
}

void qn_summer_get(const struct qn_summer *s, struct qn_sum *out)
{
	put(XXH3_128bits_digest(s->state), out);
}

#else

enum quern_status qn_sum_check(struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "this quern was built without libxxhash and knows no sums: install "
			    "libxxhash-dev (Debian) and configure it again");
}

const char *qn_sum_library(char *out, size_t nbytes)
{
	(void)out;
	(void)nbytes;
	return NULL;
}

void qn_sum_of(const void *data, size_t nbytes, struct qn_sum *out)
{
	(void)data;
	(void)nbytes;
	memset(out, 0, sizeof(*out));
}

struct qn_summer *qn_summer_new(void)
{
	return NULL;
}

void qn_summer_free(struct qn_summer *s)
{
	(void)s;
}

void qn_summer_reset(struct qn_summer *s)
{
	(void)s;
}

void qn_summer_add(struct qn_summer *s, const void *data, size_t nbytes)
{
	(void)s;
	(void)data;
	(void)nbytes;
}

void qn_summer_get(const struct qn_summer *s, struct qn_sum *out)
{
	(void)s;
	memset(out, 0, sizeof(*out));
}

#endif

bool qn_sum_equal(const struct qn_sum *a, const struct qn_sum *b)
{
	return memcmp(a->byte, b->byte, sizeof(a->byte)) == 0;
}

void qn_sum_write(const struct qn_sum *s, char *out)
{
	for (size_t i = 0; i < sizeof(s->byte); i++)
		sprintf(out + 2 * i, "%02x", s->byte[i]);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool qn_sum_read(const char *text, struct qn_sum *out)
{
	for (size_t i = 0; i < sizeof(out->byte); i++) {
		int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		out->byte[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* --- what a dataset is, as a text --- */

static void print_shape(FILE *f, const char *name, const struct qn_dataset *d,
			const uint64_t *extent)
{
	fprintf(f, "%s", name);
	for (int i = 0; i < d->ndim; i++)
		fprintf(f, " %" PRIu64, extent[i]);
	fputc('\n', f);
}

static void print_filters(FILE *f, const struct qn_dataset *d)
{
	for (int i = 0; i < d->nfilters; i++) {
		fprintf(f, "filter %" PRIu32, d->filter[i].id);
		for (uint32_t k = 0; k < d->filter[i].nparams; k++)
			fprintf(f, " %" PRIu32, d->filter[i].params[k]);
		fputc('\n', f);
	}
}

/* Doubles as the bits they have: every NaN is another one. */
static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static void print_cf(FILE *f, const struct qn_cf *cf)
{
	if (cf->has_fill && !cf->is_default) /* the fill value of the dataset tells it */
		fprintf(f, "fill %" PRIx64 "\n", cf->fill);
	for (uint32_t i = 0; i < cf->nmissing; i++)
		fprintf(f, "missing %" PRIx64 "\n", cf->missing[i]);
	if (cf->has_min)
		fprintf(f, "min %" PRIx64 "\n", cf->valid_min);
	if (cf->has_max)
		fprintf(f, "max %" PRIx64 "\n", cf->valid_max);
	if (cf->has_scale)
		fprintf(f, "scale %" PRIx64 " %" PRIx64 "\n", bits_of(cf->scale),
			bits_of(cf->offset));
	fprintf(f, "unsigned %d\n", cf->as_unsigned);
}

/* Texts come with their length, so that none can look like two. */
static void print_text(FILE *f, const char *name, const char *text)
{
	fprintf(f, "%s %zu %s\n", name, text ? strlen(text) : 0, text ? text : "");
}

static void print_dataset(FILE *f, const struct qn_dataset *d)
{
	fprintf(f, "type %d %" PRIu32 " %d %s\n", (int)d->type.class, d->type.size,
		d->type.big_endian, d->type.name);
	fprintf(f, "layout %d scalar %d\n", (int)d->layout, d->scalar);
	print_shape(f, "shape", d, d->shape);
	print_shape(f, "chunk", d, d->chunk);
	print_filters(f, d);
	fputs("unwritten", f);
	for (size_t i = 0; i < sizeof(d->fill_value); i++)
		fprintf(f, " %02x", d->fill_value[i]);
	fputc('\n', f);
	print_cf(f, &d->cf);
	print_text(f, "units", d->units);
	print_text(f, "calendar", d->calendar);
	for (int i = 0; i < d->ndim; i++) {
		print_text(f, "dimension", d->dim_name[i]);
		print_text(f, "scale", d->dim_scale[i]);
	}
}

enum quern_status qn_sum_dataset(const struct qn_dataset *d, struct qn_sum *out,
				 struct quern_message *err)
{
	char *text = NULL;
	size_t nbytes = 0;
	FILE *f = qn_open_memstream(&text, &nbytes);
	bool ok = f != NULL;

	if (ok)
		print_dataset(f, d);
	if (f && fclose(f) != 0)
		ok = false;
	if (ok)
		qn_sum_of(text, nbytes, out);
	free(text);
	return ok ? QUERN_OK : qn_error_nomem(err, 4096, "the sum of a description");
}
