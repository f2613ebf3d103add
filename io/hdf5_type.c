/*
 * hdf5_type.c - datatypes: which can be counted, what to call the others.
 */
#include "hdf5_type.h"

#include <stdio.h>
#include <string.h>

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

static bool is_usual_integer(hid_t type, size_t size, enum qn_class *class)
{
	H5T_sign_t sign = H5Tget_sign(type);

	*class = sign == H5T_SGN_NONE ? QN_UINT : QN_INT;
	return (sign == H5T_SGN_2 || sign == H5T_SGN_NONE) &&
	       (size == 1 || size == 2 || size == 4 || size == 8);
}

/* The fields of IEEE 754 binary16, 32 and 64: sign, exponent, mantissa from the top. */
static bool is_ieee(hid_t type, size_t size)
{
	static const struct {
		size_t size, exponent, mantissa;
	} forms[] = { { 2, 5, 10 }, { 4, 8, 23 }, { 8, 11, 52 } };
	size_t sign_at, exp_at, exp, man_at, man;

	if (H5Tget_fields(type, &sign_at, &exp_at, &exp, &man_at, &man) < 0)
		return false;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (forms[i].size == size)
			return exp == forms[i].exponent && man == forms[i].mantissa &&
			       man_at == 0 && exp_at == man && sign_at == exp + man &&
			       H5Tget_ebias(type) == ((size_t)1 << (exp - 1)) - 1 &&
			       H5Tget_norm(type) == H5T_NORM_IMPLIED;
	return false;
}

static void write_numpy_name(struct qn_type *t)
{
	char order = t->size == 1 ? '|' : t->big_endian ? '>' : '<';
	char letter = t->class == QN_INT ? 'i' : t->class == QN_UINT ? 'u' : 'f';

	snprintf(t->name, sizeof t->name, "%c%c%u", order, letter, (unsigned)t->size);
}

bool qn_h5_type_describe(hid_t type, struct qn_type *out)
{
	H5T_class_t class = H5Tget_class(type);
	size_t size = H5Tget_size(type);
	struct qn_type t = { .class = QN_OTHER, .size = (uint32_t)size };
	bool usual = false;

	if (class == H5T_NO_CLASS || size == 0 || size > UINT32_MAX)
		return false;
	if (class == H5T_INTEGER || class == H5T_FLOAT)
		usual = is_plain(type, size, &t.big_endian);
	if (class == H5T_INTEGER) {
		enum qn_class c;

		usual = usual && is_usual_integer(type, size, &c);
		t.class = usual ? c : QN_OTHER;
	} else if (class == H5T_FLOAT) {
		usual = usual && is_ieee(type, size);
		t.class = usual ? QN_FLOAT : QN_OTHER;
	}
	if (usual)
		write_numpy_name(&t);
	else
		snprintf(t.name, sizeof t.name, "%s", word_for(class));
	*out = t;
	return true;
}

hid_t qn_h5_type_native(hid_t type)
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
