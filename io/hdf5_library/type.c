/*
 * type.c - datatypes: which can be counted, what to call the others.
 */
#include "io/hdf5_library/type.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "io/hdf5_library/file.h"

/* A word for every class; integers and floats come here when they are not of a usual form. */
static const char *word_for(H5T_class_t class)
{
	switch (class) {
	case H5T_INTEGER:
		return "unusual integer";
	case H5T_FLOAT:
		return "unusual float";
	case H5T_TIME:
		return "time";
	case H5T_STRING:
		return "string";
	case H5T_BITFIELD:
		return "bitfield";
	case H5T_OPAQUE:
		return "opaque";
	case H5T_COMPOUND:
		return "compound";
	case H5T_REFERENCE:
		return "reference";
	case H5T_ENUM:
		return "enum";
	case H5T_VLEN:
		return "variable-length list";
	case H5T_ARRAY:
		return "array";
	default:
		return "unknown";
	}
}

/* Are all bits used, in an order that numpy can name? */
static bool is_plain(hid_t type, size_t size, bool *big_endian)
{
	H5T_order_t order = H5Tget_order(type);

	*big_endian = order == H5T_ORDER_BE;
	return (order == H5T_ORDER_LE || order == H5T_ORDER_BE) && H5Tget_offset(type) == 0 &&
	       H5Tget_precision(type) == 8 * size;
}

static bool has_machine_size(size_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* A float type: where its fields are, and the powers of two that it spans. */
struct form {
	size_t sign_at, exp_at, exp, man_at, man, bias;
	long max, min; /* exponent of the largest number, and of the least subnormal */
};

static bool get_form(hid_t type, struct form *f)
{
	if (H5Tget_fields(type, &f->sign_at, &f->exp_at, &f->exp, &f->man_at, &f->man) < 0 ||
	    f->exp > 15)
		return false;
	f->bias = H5Tget_ebias(type);
	f->max = (long)((size_t)1 << f->exp) - 2 - (long)f->bias;
	f->min = 1 - (long)f->bias - (long)f->man;
	return true;
}

/* The fields of IEEE 754 binary16, 32 and 64: sign, exponent, mantissa from the top. */
static bool is_ieee(hid_t type, size_t size)
{
	static const struct {
		size_t size, exponent, mantissa;
	} forms[] = { { 2, 5, 10 }, { 4, 8, 23 }, { 8, 11, 52 } };
	struct form f;

	if (!get_form(type, &f))
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].size == size)
			return f.exp == forms[i].exponent && f.man == forms[i].mantissa &&
			       f.man_at == 0 && f.exp_at == f.man && f.sign_at == f.exp + f.man &&
			       f.bias == ((size_t)1 << (f.exp - 1)) - 1 &&
			       H5Tget_norm(type) == H5T_NORM_IMPLIED;
	return false;
}

/* The upper half of a binary32: bfloat16. */
static bool is_brain(hid_t type, size_t size)
{
	struct form f;

	return size == 2 && get_form(type, &f) && f.exp == 8 && f.man == 7 && f.man_at == 0 &&
	       f.exp_at == 7 && f.sign_at == 15 && f.bias == 127 &&
	       H5Tget_norm(type) == H5T_NORM_IMPLIED;
}

/* The size of the smaller of float and double, at least as large as the type, that has every number
   of it; 0 if neither has. */
static uint32_t fitting_size(hid_t type, size_t size)
{
	struct form f;

	if (!get_form(type, &f))
		return 0;
	if (size <= sizeof(float) && f.man < FLT_MANT_DIG && f.max < FLT_MAX_EXP &&
	    f.min >= FLT_MIN_EXP - FLT_MANT_DIG)
		return sizeof(float);
	return size <= sizeof(double) && f.man < DBL_MANT_DIG && f.max < DBL_MAX_EXP &&
			       f.min >= DBL_MIN_EXP - DBL_MANT_DIG
		       ? sizeof(double)
		       : 0;
}

/* Of 3, 5, 6 and 7 bytes the library makes integers of the next size that a machine has. */
static uint32_t machine_size(uint32_t size)
{
	return size <= 2 ? size : size <= 4 ? 4 : 8;
}

static bool describe_integer(hid_t type, struct qn_type *t, bool *plain)
{
	H5T_sign_t sign = H5Tget_sign(type);
	uint32_t size = t->size;

	t->class = sign == H5T_SGN_NONE ? QN_UINT : QN_INT;
	t->size = machine_size(size);
	*plain = is_plain(type, size, &t->big_endian) && t->size == size;
	return (sign == H5T_SGN_2 || sign == H5T_SGN_NONE) && size <= 8;
}

static bool describe_float(hid_t type, struct qn_type *t, bool *plain)
{
	uint32_t size = t->size;

	t->class = QN_FLOAT;
	t->brain = is_brain(type, size);
	*plain = is_plain(type, size, &t->big_endian) && (is_ieee(type, size) || t->brain);
	if (*plain)
		return true;
	t->brain = false;
	t->size = fitting_size(type, size);
	return t->size > 0;
}

/* Seconds since 1970, as a rule. The library converts them to nothing else. */
static bool describe_time(hid_t type, struct qn_type *t, bool *plain)
{
	t->class = QN_INT;
	*plain = is_plain(type, t->size, &t->big_endian);
	return *plain && has_machine_size(t->size);
}

/* Of variable length: the reader makes them QN_VARIABLE_TEXT_NBYTES long. */
static bool describe_text(hid_t type, struct qn_type *t, bool *plain)
{
	const bool variable = H5Tis_variable_str(type) > 0;
	const H5T_str_t padding = H5Tget_strpad(type);

	t->class = QN_TEXT;
	*plain = !variable;
	if (variable)
		t->size = QN_VARIABLE_TEXT_NBYTES;
	t->padding = variable			   ? QN_PAD_ZEROS
		     : padding == H5T_STR_SPACEPAD ? QN_PAD_SPACES
		     : padding == H5T_STR_NULLTERM ? QN_PAD_ANYTHING
						   : QN_PAD_ZEROS;
	return t->size <= QN_MAX_TEXT_NBYTES;
}

/* Bitfields and enumerations are their integers, as they are for h5py. */
static bool describe_plain(hid_t type, struct qn_type *t, bool *plain)
{
	hid_t base;
	bool is;

	switch (H5Tget_class(type)) {
	case H5T_INTEGER:
		return describe_integer(type, t, plain);
	case H5T_FLOAT:
		return describe_float(type, t, plain);
	case H5T_STRING:
		return describe_text(type, t, plain);
	case H5T_TIME:
		return describe_time(type, t, plain);
	case H5T_BITFIELD:
		t->class = QN_UINT;
		*plain = is_plain(type, t->size, &t->big_endian);
		return *plain && has_machine_size(t->size);
	case H5T_ENUM:
		base = H5Tget_super(type);
		is = base >= 0 && describe_integer(base, t, plain);
		qn_h5_close(base);
		return is;
	default:
		return false;
	}
}

static void write_numpy_name(struct qn_type *t, bool plain)
{
	char order = t->size == 1 ? '|' : t->big_endian ? '>' : '<';
	char letter = t->class == QN_INT ? 'i' : t->class == QN_UINT ? 'u' : 'f';

	if (t->class == QN_TEXT && !plain)
		snprintf(t->name, sizeof(t->name), "string");
	else if (t->class == QN_TEXT)
		snprintf(t->name, sizeof(t->name), "|S%u", (unsigned)t->size);
	else if (t->brain)
		snprintf(t->name, sizeof(t->name), "%cbfloat16", order);
	else
		snprintf(t->name, sizeof(t->name), "%c%c%u", order, letter, (unsigned)t->size);
}

bool qn_h5_type_describe(hid_t type, struct qn_type *out, bool *plain)
{
	H5T_class_t class = H5Tget_class(type);
	size_t size = H5Tget_size(type);
	struct qn_type t = { .size = (uint32_t)size };

	if (class == H5T_NO_CLASS || size == 0 || size > UINT32_MAX)
		return false;
	*plain = true;
	if (describe_plain(type, &t, plain)) {
		write_numpy_name(&t, *plain);
	} else {
		*plain = true;
		t = (struct qn_type){ .class = QN_OTHER, .size = (uint32_t)size };
		snprintf(t.name, sizeof(t.name), "%s", word_for(class));
	}
	*out = t;
	return true;
}

static hid_t native_integer(hid_t type)
{
	H5T_sign_t sign = H5Tget_sign(type);
	hid_t native = H5Tcopy(sign == H5T_SGN_NONE ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64);

	if (native >= 0 && H5Tset_size(native, machine_size((uint32_t)H5Tget_size(type))) < 0) {
		H5Tclose(native);
		return -1;
	}
	return native;
}

static hid_t swapped_to_native(hid_t type)
{
	hid_t native = H5Tcopy(type);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const H5T_order_t order = H5T_ORDER_LE;
#else
	const H5T_order_t order = H5T_ORDER_BE;
#endif
	if (native >= 0 && H5Tset_order(native, order) < 0) {
		H5Tclose(native);
		return -1;
	}
	return native;
}

hid_t qn_h5_type_native(hid_t type)
{
	size_t size = H5Tget_size(type);
	hid_t base, native;

	switch (H5Tget_class(type)) {
	case H5T_INTEGER:
		return native_integer(type);
	case H5T_ENUM:
		base = H5Tget_super(type);
		native = base < 0 ? -1 : native_integer(base);
		qn_h5_close(base);
		return native;
	case H5T_STRING:
		return H5Tcopy(type);
	case H5T_FLOAT:
		if (is_ieee(type, size) || is_brain(type, size))
			return swapped_to_native(type);
		return H5Tcopy(fitting_size(type, size) == sizeof(float) ? H5T_NATIVE_FLOAT
									 : H5T_NATIVE_DOUBLE);
	default:
		return swapped_to_native(type);
	}
}
