/*
 * cf.c - the attributes of the CF conventions that say what stored values mean.
 *
 * They hold for packed values and should be of the type of the variable (NetCDF Users' Guide,
 * "Attribute Conventions"). Files break that, so values are converted to the type of the data: to
 * integers only when they are integers; to floats with rounding, as a missing_value of 1e20 in
 * double is meant for data of float32. An attribute that cannot be taken as it stands is blamed in
 * the description (data/attributes.h).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/fill.h"
#include "io/hdf5_library/attr.h"

/* --- numbers --- */

static double as_double(struct qn_h5_number v)
{
	double x;

	if (v.class == QN_INT)
		return (double)(int64_t)v.bits;
	if (v.class == QN_UINT)
		return (double)v.bits;
	memcpy(&x, &v.bits, sizeof(x));
	return x;
}

static struct qn_h5_number from_double(double x)
{
	struct qn_h5_number v = { .class = QN_FLOAT, .size = sizeof(x) };

	memcpy(&v.bits, &x, sizeof(x));
	return v;
}

/* A float with an integer's value as an integer; false when it has none or it does not fit. */
static bool make_integer(struct qn_h5_number *v)
{
	double x = as_double(*v);

	if (v->class != QN_FLOAT)
		return true;
	if (trunc(x) != x || x < -0x1p63 || x >= 0x1p64)
		return false;
	v->class = x < 0 ? QN_INT : QN_UINT;
	v->bits = x < 0 ? (uint64_t)(int64_t)x : (uint64_t)x;
	return true;
}

static bool is_negative(struct qn_h5_number v)
{
	return v.class == QN_INT && (int64_t)v.bits < 0;
}

static bool to_int(const struct qn_type *t, struct qn_h5_number v, uint64_t *bits)
{
	int64_t most = (int64_t)(UINT64_MAX >> (65 - 8 * t->size));

	if (is_negative(v) ? (int64_t)v.bits < -most - 1 : v.bits > (uint64_t)most)
		return false;
	*bits = v.bits;
	return true;
}

/* as_unsigned: the attribute is in the signed type that the file calls the data. */
static bool to_uint(const struct qn_type *t, bool as_unsigned, struct qn_h5_number v,
		    uint64_t *bits)
{
	uint64_t most = UINT64_MAX >> (64 - 8 * t->size);

	if (is_negative(v)) {
		if (!as_unsigned || (int64_t)v.bits < -(int64_t)(most / 2) - 1)
			return false;
		v.bits &= most;
	}
	if (v.bits > most)
		return false;
	*bits = v.bits;
	return true;
}

/* The nearest float of 2 bytes: of 11 bits up to 65504, or the upper half of a float32. */
static double to_half(double x, bool brain)
{
	int nbits = brain ? 8 : 11, exponent;
	double m = frexp(x, &exponent), y = ldexp(rint(ldexp(m, nbits)), exponent - nbits);

	if (!isfinite(x))
		return x;
	return fabs(y) > (brain ? 0x1.fep127 : 65504.0) ? copysign(INFINITY, x) : y;
}

/* The nearest number of a type of floats: an infinity beyond them. */
static double to_float(const struct qn_type *t, double x)
{
	return t->size == 8 ? x : t->size == 4 ? (double)(float)x : to_half(x, t->brain);
}

/* The value in the type of the data, in the form of struct qn_cf; false: it has none that is equal,
   or to floats, near. */
static bool to_packed(const struct qn_dataset *d, struct qn_h5_number v, uint64_t *bits)
{
	double x = as_double(v), y;

	if (d->type.class == QN_FLOAT) {
		y = to_float(&d->type, x);
		*bits = from_double(y).bits;
		return !isfinite(x) || (isfinite(y) && (y != 0) == (x != 0));
	}
	if (!make_integer(&v))
		return false;
	if (d->type.class == QN_INT)
		return to_int(&d->type, v, bits);
	return to_uint(&d->type, d->cf.as_unsigned, v, bits);
}

/* --- attributes --- */

/* The values of an attribute; 0: it is not there, or blamed. */
static size_t numbers_of(hid_t dset, struct qn_dataset *d, enum qn_attribute attribute,
			 struct qn_h5_number **v)
{
	size_t n;

	qn_attribute_blame(d->fault, attribute, qn_h5_attr_numbers(dset, attribute, v, &n));
	return n;
}

static bool all_equal(const struct qn_h5_number *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i].bits != v[0].bits)
			return false;
	return true;
}

/* The value of an attribute that is to have one. */
static bool number_of(hid_t dset, struct qn_dataset *d, enum qn_attribute attribute,
		      struct qn_h5_number *out)
{
	struct qn_h5_number *v;
	size_t n = numbers_of(dset, d, attribute, &v);
	bool one = n > 0 && all_equal(v, n);

	if (one)
		*out = v[0];
	else if (n > 0)
		qn_attribute_blame(d->fault, attribute, QN_FAULT_SEVERAL);
	free(v);
	return one;
}

static void read_unsigned(hid_t dset, struct qn_dataset *d)
{
	char word[8];
	enum qn_fault fault = qn_h5_attr_text(dset, QN_UNSIGNED, word, sizeof(word));
	bool yes = !strcasecmp(word, "true"), no = !strcasecmp(word, "false");

	if (fault == QN_SOUND && !yes && !no &&
	    H5Aexists(dset, qn_attribute_names[QN_UNSIGNED]) > 0)
		fault = QN_FAULT_NOT_BOOLEAN;
	else if ((yes && d->type.class == QN_FLOAT) || (no && d->type.class == QN_UINT))
		fault = QN_FAULT_NOT_SIGNED;
	qn_attribute_blame(d->fault, QN_UNSIGNED,
			   fault == QN_FAULT_CUT ? QN_FAULT_NOT_BOOLEAN : fault);
	if (yes && d->type.class == QN_INT) {
		d->type.class = QN_UINT;
		d->cf.as_unsigned = true;
	}
}

/* Of two types the wider one is the float, or that of more bytes. */
static uint32_t width(enum qn_class class, uint32_t size)
{
	return (class == QN_FLOAT ? 64 : 0) + size;
}

/* A scale of zero or one that is not finite would lose the data: it is no scale. Returns the width
   of the wider of scale_factor and add_offset. */
static uint32_t read_scale(hid_t dset, struct qn_dataset *d)
{
	struct qn_cf *cf = &d->cf;
	struct qn_h5_number v;
	bool single = d->type.class == QN_FLOAT ? d->type.size == 4 : d->type.size <= 2;
	const struct {
		enum qn_attribute attribute;
		enum qn_fault fault;
		double *to;
	} parts[] = { { QN_SCALE_FACTOR, QN_FAULT_NO_SCALE, &cf->scale },
		      { QN_ADD_OFFSET, QN_FAULT_NO_OFFSET, &cf->offset } };
	uint32_t most = 0;

	cf->scale = 1;
	cf->offset = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (!number_of(dset, d, parts[i].attribute, &v))
			continue;
		if (!isfinite(as_double(v)) || (as_double(v) == 0 && i == 0)) {
			qn_attribute_blame(d->fault, parts[i].attribute, parts[i].fault);
			continue;
		}
		*parts[i].to = as_double(v);
		cf->has_scale = true;
		single = single && v.class == QN_FLOAT && v.size == 4;
		if (width(v.class, v.size) > most)
			most = width(v.class, v.size);
	}
	cf->single = cf->has_scale && single;
	return most;
}

/* --- bounds --- */

struct bound {
	bool is_there, is_unpacked;
	enum qn_attribute attribute;
	struct qn_h5_number v;
};

static void take_bound(struct qn_dataset *d, enum qn_attribute attribute, struct qn_h5_number v,
		       struct bound *b)
{
	if (isnan(as_double(v)))
		qn_attribute_blame(d->fault, attribute, QN_FAULT_NAN);
	else if (!b->is_there)
		*b = (struct bound){ .is_there = true, .attribute = attribute, .v = v };
	else if (as_double(v) != as_double(b->v))
		qn_attribute_blame(d->fault, attribute, QN_FAULT_BESIDE_RANGE);
}

/*
 * The Users' Guide: bounds of the type of scale_factor and add_offset, if that is wider than the
 * type of the data, are of the unpacked values. So are bounds that are floats of packed integers,
 * whatever the scale is.
 */
static bool is_unpacked(const struct qn_dataset *d, uint32_t scale_width, struct qn_h5_number v)
{
	uint32_t mine = width(v.class, v.size);

	if (!d->cf.has_scale)
		return false;
	return (v.class == QN_FLOAT && d->type.class != QN_FLOAT) ||
	       (mine == scale_width && mine > width(d->type.class, d->type.size));
}

/* The lower and the upper one. */
static void read_bounds(hid_t dset, struct qn_dataset *d, uint32_t scale_width, struct bound b[2])
{
	static const enum qn_attribute single[2] = { QN_VALID_MIN, QN_VALID_MAX };
	struct qn_h5_number *v, one;
	size_t n = numbers_of(dset, d, QN_VALID_RANGE, &v);

	memset(b, 0, 2 * sizeof(*b));
	if (n == 2)
		for (int i = 0; i < 2; i++)
			take_bound(d, QN_VALID_RANGE, v[i], &b[i]);
	else if (n > 0)
		qn_attribute_blame(d->fault, QN_VALID_RANGE, QN_FAULT_NOT_TWO);
	free(v);
	for (int i = 0; i < 2; i++) {
		if (number_of(dset, d, single[i], &one))
			take_bound(d, single[i], one, &b[i]);
		b[i].is_unpacked = b[i].is_there && is_unpacked(d, scale_width, b[i].v);
	}
}

/* The Users' Guide: bounds of bytes may be of another integer type, to say that the bytes are
   unsigned. */
static void find_unsigned(hid_t dset, struct qn_dataset *d, const struct bound b[2])
{
	double low = b[0].is_there ? as_double(b[0].v) : 0;
	double high = b[1].is_there ? as_double(b[1].v) : low;

	if (d->type.class != QN_INT || d->type.size != 1 || b[0].is_unpacked || b[1].is_unpacked ||
	    low < 0 || !(high > INT8_MAX && high <= UINT8_MAX) ||
	    H5Aexists(dset, qn_attribute_names[QN_UNSIGNED]) > 0)
		return;
	d->type.class = QN_UINT;
	d->cf.as_unsigned = true;
}

/* A packed value as feed/cf.h unpacks it. */
static double unpack(const struct qn_cf *cf, double p)
{
	return cf->single ? (double)((float)p * (float)cf->scale + (float)cf->offset)
			  : p * cf->scale + cf->offset;
}

/* The number of the type at a rank: from 0 for the least one to last_rank for the largest. */
static struct qn_h5_number number_at(const struct qn_type *t, uint64_t rank)
{
	uint64_t half = UINT64_C(1) << (8 * t->size - 1);
	struct qn_h5_number v = { .class = t->class, .size = t->size, .bits = rank };
	uint64_t bits;
	double x;

	if (t->class == QN_INT)
		v.bits = rank - half;
	if (t->class != QN_FLOAT)
		return v;
	/* Doubles in the order of their bits: the infinity below all is at 0. */
	rank += UINT64_C(0x000fffffffffffff);
	bits = rank >> 63 ? rank ^ UINT64_C(1) << 63 : ~rank;
	memcpy(&x, &bits, sizeof(x));
	return from_double(x);
}

static uint64_t last_rank(const struct qn_type *t)
{
	return t->class == QN_FLOAT ? UINT64_C(0xffe0000000000001)
				    : UINT64_MAX >> (64 - 8 * t->size);
}

static bool is_within(const struct qn_dataset *d, const struct bound *b, bool is_min, uint64_t rank)
{
	double x = unpack(&d->cf, as_double(number_at(&d->type, rank)));

	return is_min ? x >= as_double(b->v) : x <= as_double(b->v);
}

/*
 * The outermost packed value that is within a bound of the unpacked ones, by bisection: unpacking
 * rises, or where the scale is negative falls. Floats are looked for among doubles. False: none is.
 */
static bool pack_bound(const struct qn_dataset *d, const struct bound *b, bool is_min,
		       struct qn_h5_number *out)
{
	bool up = is_min == (d->cf.scale > 0); /* what is within is at the end */
	uint64_t low = 0, high = last_rank(&d->type);

	if (!is_within(d, b, is_min, up ? high : low))
		return false;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2 + !up;

		if (is_within(d, b, is_min, mid))
			*(up ? &high : &low) = mid;
		else if (up)
			low = mid + 1;
		else
			high = mid - 1;
	}
	*out = number_at(&d->type, low);
	return true;
}

static void set_side(struct qn_cf *cf, bool is_min, uint64_t bits)
{
	*(is_min ? &cf->has_min : &cf->has_max) = true;
	*(is_min ? &cf->valid_min : &cf->valid_max) = bits;
}

/* Nothing is at least 1 and at most 0. */
static void exclude_all(struct qn_dataset *d, enum qn_attribute attribute, enum qn_fault fault)
{
	bool real = d->type.class == QN_FLOAT;

	set_side(&d->cf, true, real ? from_double(1).bits : 1);
	set_side(&d->cf, false, real ? from_double(0).bits : 0);
	qn_attribute_blame(d->fault, attribute, fault);
}

/* A bound of packed values, or one that was packed. False: it excludes everything. */
static bool set_bound(struct qn_dataset *d, const struct bound *b, bool is_min)
{
	struct qn_h5_number v = b->v;
	bool is_least = is_min, negative = as_double(v) < 0;
	uint64_t bits;

	if (b->is_unpacked) {
		if (!pack_bound(d, b, is_min, &v))
			return false;
		is_least = is_min == (d->cf.scale > 0);
	} else if (d->type.class == QN_FLOAT) {
		v = from_double(to_float(&d->type, as_double(v)));
	} else if (v.class == QN_FLOAT) {
		v = from_double(is_min ? ceil(as_double(v)) : floor(as_double(v)));
	}
	if (d->type.class == QN_FLOAT || to_packed(d, v, &bits)) {
		set_side(&d->cf, is_least, d->type.class == QN_FLOAT ? v.bits : bits);
		return true;
	}
	if (negative != is_least)
		return false;
	if (!is_min && b->v.class != QN_FLOAT && d->type.class == QN_INT)
		qn_attribute_blame(d->fault, b->attribute, QN_FAULT_BEYOND);
	return true;
}

/* < 0, 0, > 0 of two packed values. */
static int compare(const struct qn_dataset *d, uint64_t a, uint64_t b)
{
	double x, y;

	if (d->type.class == QN_INT)
		return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
	if (d->type.class == QN_UINT)
		return (a > b) - (a < b);
	memcpy(&x, &a, sizeof(x));
	memcpy(&y, &b, sizeof(y));
	return (x > y) - (x < y);
}

static void set_bounds(struct qn_dataset *d, const struct bound b[2])
{
	bool range = b[0].is_there && b[1].is_there && b[0].attribute == QN_VALID_RANGE &&
		     b[1].attribute == QN_VALID_RANGE;

	for (int i = 0; i < 2; i++)
		if (b[i].is_there && !set_bound(d, &b[i], i == 0)) {
			exclude_all(d, b[i].attribute, QN_FAULT_MASKS_ALL);
			return;
		}
	if (d->cf.has_min && d->cf.has_max && compare(d, d->cf.valid_min, d->cf.valid_max) > 0)
		exclude_all(d, b[0].attribute,
			    range && as_double(b[0].v) > as_double(b[1].v) ? QN_FAULT_REVERSED
									   : QN_FAULT_MASKS_ALL);
}

/* --- missing values --- */

/* All variables of netCDF have dimension scales or are some; those without dimensions have not. */
static bool is_netcdf(hid_t dset, const struct qn_dataset *d)
{
	hid_t file;
	bool is = false;

	if (!d->scalar)
		return H5Aexists(dset, "DIMENSION_LIST") > 0 || H5Aexists(dset, "CLASS") > 0;
	file = H5Iget_file_id(dset);
	is = file >= 0 && H5Aexists(file, "_NCProperties") > 0;
	if (file >= 0)
		H5Fclose(file);
	return is;
}

/* The NetCDF Users' Guide: the default fill value is not valid data where there is no _FillValue. The
   library writes it as the fill value of the dataset, so that others keep it out of this. Bytes have
   none that means anything: all their values may be data. */
static void default_missing(hid_t dset, struct qn_dataset *d)
{
	uint64_t fill;

	if (H5Aexists(dset, "_FillValue") != 0 || d->type.size < 2 ||
	    !qn_fill_default(&d->type, d->cf.as_unsigned, &fill) ||
	    qn_fill_unstore(&d->type, d->fill_value) != fill || !is_netcdf(dset, d))
		return;
	d->cf.has_fill = d->cf.is_default = true;
	d->cf.fill = fill;
}

static bool is_missing(const struct qn_cf *cf, uint64_t bits)
{
	bool is = cf->has_fill && cf->fill == bits;

	for (uint32_t i = 0; i < cf->nmissing && !is; i++)
		is = cf->missing[i] == bits;
	return is;
}

/* False: there is no room. */
static bool add_missing(struct qn_cf *cf, enum qn_attribute attribute, uint64_t bits)
{
	if (is_missing(cf, bits))
		return true;
	if (attribute == QN_FILL_VALUE && !cf->has_fill) {
		cf->has_fill = true;
		cf->fill = bits;
		return true;
	}
	if (cf->nmissing == QN_CF_MOST_MISSING)
		return false;
	cf->missing[cf->nmissing++] = bits;
	return true;
}

static void read_missing(hid_t dset, struct qn_dataset *d, enum qn_attribute attribute)
{
	struct qn_h5_number *v;
	size_t n = numbers_of(dset, d, attribute, &v), nunfit = 0;
	uint64_t bits;

	for (size_t i = 0; i < n; i++)
		if (!to_packed(d, v[i], &bits))
			nunfit++;
		else if (!add_missing(&d->cf, attribute, bits))
			qn_attribute_blame(d->fault, attribute, QN_FAULT_CROWDED);
	if (nunfit)
		qn_attribute_blame(d->fault, attribute,
				   nunfit == n ? QN_FAULT_UNFIT : QN_FAULT_PARTLY_UNFIT);
	if (attribute == QN_FILL_VALUE && !all_equal(v, n))
		qn_attribute_blame(d->fault, attribute, QN_FAULT_SEVERAL_FILLS);
	free(v);
}

/* Is every value of a small range of integers listed as missing? */
static void check_missing(struct qn_dataset *d)
{
	const struct qn_cf *cf = &d->cf;
	uint64_t low = number_at(&d->type, 0).bits;
	uint64_t high = number_at(&d->type, last_rank(&d->type)).bits;

	low = cf->has_min ? cf->valid_min : low;
	high = cf->has_max ? cf->valid_max : high;
	if (d->type.class == QN_FLOAT || compare(d, low, high) > 0 ||
	    high - low > QN_CF_MOST_MISSING)
		return;
	for (uint64_t v = low; v != high + 1; v++)
		if (!is_missing(cf, v))
			return;
	qn_attribute_blame(d->fault, cf->nmissing ? QN_MISSING_VALUE : QN_FILL_VALUE,
			   QN_FAULT_MASKS_ALL);
}

/* Attributes that are there and say nothing of the elements. */
static void blame_all(hid_t dset, struct qn_dataset *d, enum qn_fault fault)
{
	for (int i = 0; i < QN_NDECODING; i++)
		if (H5Aexists(dset, qn_attribute_names[i]) > 0)
			qn_attribute_blame(d->fault, (enum qn_attribute)i, fault);
}

void qn_h5_cf_describe(hid_t dset, struct qn_dataset *d)
{
	struct bound bounds[2];
	uint32_t scale_width;

	d->cf.scale = 1;
	if (d->type.class == QN_OTHER)
		return;
	if (d->column[0] || d->type.class == QN_TEXT) {
		blame_all(dset, d, d->column[0] ? QN_FAULT_OF_RECORDS : QN_FAULT_OF_TEXT);
		return;
	}
	read_unsigned(dset, d);
	scale_width = read_scale(dset, d);
	read_bounds(dset, d, scale_width, bounds);
	find_unsigned(dset, d, bounds);
	read_missing(dset, d, QN_FILL_VALUE);
	read_missing(dset, d, QN_MISSING_VALUE);
	default_missing(dset, d);
	set_bounds(d, bounds);
	check_missing(d);
}
