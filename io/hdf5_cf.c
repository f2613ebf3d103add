/*
 * hdf5_cf.c - the attributes of the CF conventions that say what stored values mean.
 *
 * They hold for packed values and should be of the type of the variable (NetCDF Users' Guide,
 * "Attribute Conventions"). Files break that, so values are converted to the type of the data: to
 * integers only when they are integers; to floats with rounding, as a missing_value of 1e20 in
 * double is meant for data of float32.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "hdf5_attr.h"

static double as_double(struct qn_h5_number v)
{
	double x;

	if (v.class == QN_INT)
		return (double)(int64_t)v.bits;
	if (v.class == QN_UINT)
		return (double)v.bits;
	memcpy(&x, &v.bits, sizeof x);
	return x;
}

static struct qn_h5_number from_double(double x)
{
	struct qn_h5_number v = { .class = QN_FLOAT };

	memcpy(&v.bits, &x, sizeof x);
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

/* The value in the type of the data, in the form of struct qn_cf. */
static bool to_packed(const struct qn_dataset *d, struct qn_h5_number v, uint64_t *bits)
{
	double x = as_double(v);

	if (d->type.class == QN_FLOAT) {
		*bits = from_double(d->type.size == 4 ? (double)(float)x : x).bits;
		return true;
	}
	if (!make_integer(&v))
		return false;
	if (d->type.class == QN_INT)
		return to_int(&d->type, v, bits);
	return to_uint(&d->type, d->cf.as_unsigned, v, bits);
}

/* A packed value as data/cf.h unpacks it. */
static double unpack(const struct qn_cf *cf, double p)
{
	return cf->single ? (double)((float)p * (float)cf->scale + (float)cf->offset)
			  : p * cf->scale + cf->offset;
}

/*
 * Bounds that are floats on packed integers are bounds of the unpacked values: the outermost
 * integer p whose p * scale + offset is still within. The division gives p to within a step.
 */
static double packed_bound(const struct qn_cf *cf, double bound, bool is_min)
{
	bool up = is_min == (cf->scale > 0); /* the bound is a least p */
	double step = up ? 1 : -1, p;

	p = rint((bound - cf->offset) / cf->scale) - 2 * step;
	for (int i = 0; i < 4; i++, p += step) {
		double x = unpack(cf, p);

		if (is_min ? x >= bound : x <= bound)
			break;
	}
	return p;
}

/* The values of an attribute; one that is there and has too few numbers is noted. */
static size_t numbers_of(hid_t dset, struct qn_cf *cf, int attribute, size_t fewest, size_t most,
			 struct qn_h5_number *v)
{
	const char *name = qn_cf_attributes[attribute];
	size_t n = qn_h5_attr_numbers(dset, name, most, v);

	if (n >= fewest)
		return n;
	if (H5Aexists(dset, name) > 0)
		cf->unusable |= 1u << attribute;
	return 0;
}

static void set_bound(struct qn_dataset *d, struct qn_h5_number v, bool is_min)
{
	struct qn_cf *cf = &d->cf;
	double x = as_double(v);
	uint64_t bits;

	if (isnan(x))
		return;
	if (v.class == QN_FLOAT && d->type.class != QN_FLOAT) {
		if (cf->has_scale) {
			x = packed_bound(cf, x, is_min);
			is_min = is_min == (cf->scale > 0);
		}
		v = from_double(is_min ? ceil(x) : floor(x));
	}
	/* A bound beyond the type excludes nothing. */
	if (!to_packed(d, v, &bits))
		return;
	if (is_min) {
		cf->has_min = true;
		cf->valid_min = bits;
	} else {
		cf->has_max = true;
		cf->valid_max = bits;
	}
}

static void read_bounds(hid_t dset, struct qn_dataset *d)
{
	struct qn_h5_number v[2];

	if (numbers_of(dset, &d->cf, QN_CF_RANGE, 2, 2, v)) {
		set_bound(d, v[0], true);
		set_bound(d, v[1], false);
		return;
	}
	if (numbers_of(dset, &d->cf, QN_CF_MIN, 1, 1, v))
		set_bound(d, v[0], true);
	if (numbers_of(dset, &d->cf, QN_CF_MAX, 1, 1, v))
		set_bound(d, v[0], false);
}

/* What netCDF puts where nothing was written, unless a variable has a _FillValue (NC_FILL_SHORT and so
   on in netcdf.h). Bytes have none that means anything: all their values may be data. */
static bool default_of(const struct qn_dataset *d, struct qn_h5_number *v)
{
	static const uint64_t most[] = { [2] = UINT16_MAX, [4] = UINT32_MAX, [8] = UINT64_MAX - 1 };
	static const int64_t least[] = { [2] = INT16_MIN + 1, [4] = INT32_MIN + 1,
					 [8] = INT64_MIN + 2 };
	uint32_t size = d->type.size;

	if (size != 2 && size != 4 && size != 8)
		return false;
	if (d->type.class == QN_FLOAT) {
		*v = from_double(0x1.ep+122);
		return size > 2;
	}
	v->class = d->type.class;
	v->bits = v->class == QN_UINT ? most[size] : (uint64_t)least[size];
	if (d->cf.as_unsigned)
		*v = (struct qn_h5_number){ .class = QN_INT, .bits = (uint64_t)least[size] };
	return true;
}

/* The fill value of the dataset, in the form of struct qn_cf. */
static uint64_t stored_fill(const struct qn_dataset *d)
{
	uint32_t size = d->type.size;
	uint64_t bits = 0;
	float x;

	for (uint32_t i = 0; i < size; i++)
		bits |= (uint64_t)d->fill_value[d->type.big_endian ? size - 1 - i : i] << 8 * i;
	if (d->type.class == QN_FLOAT && size == 4) {
		uint32_t low = (uint32_t)bits;

		memcpy(&x, &low, sizeof x);
		return from_double((double)x).bits;
	}
	if (d->type.class == QN_INT && bits >> (8 * size - 1) && size < 8)
		bits |= UINT64_MAX << 8 * size;
	return bits;
}

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
   library writes it as the fill value of the dataset, so that others keep it out of this. */
static void default_missing(hid_t dset, struct qn_dataset *d)
{
	struct qn_h5_number v;
	uint64_t fill;

	if (H5Aexists(dset, "_FillValue") != 0 || H5Aexists(dset, "missing_value") != 0 ||
	    !default_of(d, &v) || !to_packed(d, v, &fill) || stored_fill(d) != fill ||
	    !is_netcdf(dset, d))
		return;
	d->cf.has_fill = d->cf.is_default = true;
	d->cf.fill = fill;
}

static void read_missing(hid_t dset, struct qn_dataset *d)
{
	enum { MOST = sizeof d->cf.missing / sizeof d->cf.missing[0] };
	struct qn_h5_number v[MOST];
	size_t n;

	if (numbers_of(dset, &d->cf, QN_CF_FILL, 1, 1, v))
		d->cf.has_fill = to_packed(d, v[0], &d->cf.fill);
	n = numbers_of(dset, &d->cf, QN_CF_MISSING, 1, MOST, v);
	for (size_t i = 0; i < n; i++)
		if (to_packed(d, v[i], &d->cf.missing[d->cf.nmissing]))
			d->cf.nmissing++;
}

/* A scale of zero or one that is not finite would lose the data: it is no scale. */
static void read_scale(hid_t dset, const struct qn_type *packed, struct qn_cf *cf)
{
	struct qn_h5_number v;
	bool single = packed->class == QN_FLOAT ? packed->size == 4 : packed->size <= 2;

	cf->scale = 1;
	cf->offset = 0;
	if (numbers_of(dset, cf, QN_CF_SCALE, 1, 1, &v)) {
		cf->has_scale = isfinite(as_double(v)) && as_double(v) != 0;
		if (cf->has_scale) {
			cf->scale = as_double(v);
			single = single && v.single;
		} else {
			cf->unusable |= 1u << QN_CF_SCALE;
		}
	}
	if (numbers_of(dset, cf, QN_CF_OFFSET, 1, 1, &v)) {
		if (isfinite(as_double(v))) {
			cf->offset = as_double(v);
			cf->has_scale = true;
			single = single && v.single;
		} else {
			cf->unusable |= 1u << QN_CF_OFFSET;
		}
	}
	cf->single = cf->has_scale && single;
}

void qn_h5_cf_describe(hid_t dset, struct qn_dataset *d)
{
	char word[8];

	d->cf.scale = 1;
	if (d->type.class == QN_OTHER || d->type.class == QN_TEXT)
		return;
	if (d->type.class == QN_INT && qn_h5_attr_text(dset, "_Unsigned", word, sizeof word) &&
	    !strcasecmp(word, "true")) {
		d->type.class = QN_UINT;
		d->cf.as_unsigned = true;
	}
	read_missing(dset, d);
	default_missing(dset, d);
	read_scale(dset, &d->type, &d->cf);
	read_bounds(dset, d);
}
