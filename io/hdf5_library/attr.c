/*
 * attr.c - values of attributes.
 */
#include "io/hdf5_library/attr.h"

#include <stddef.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/ground.h"
#include "io/hdf5_library/file.h"

/* Attributes that are larger are not what we are looking for. */
#define MAX_ATTR_NELEMS 4096
#define MAX_TEXT_NBYTES 65536
#define FEW_NBYTES	256 /* as most texts have: no memory is wanted for them */

struct attr {
	hid_t id, type;
	size_t nelems;
};

static void attr_fini(struct attr *a)
{
	qn_h5_close(a->type);
	qn_h5_close(a->id);
}

/* Opens an attribute that is there. */
static enum qn_fault attr_open(hid_t object, const char *name, struct attr *a)
{
	hid_t space;
	hssize_t n = -1;

	a->type = -1;
	a->id = H5Aopen(object, name, H5P_DEFAULT);
	if (a->id < 0)
		return QN_FAULT_UNREADABLE;
	a->type = H5Aget_type(a->id);
	space = H5Aget_space(a->id);
	if (space >= 0)
		n = H5Sget_simple_extent_npoints(space);
	qn_h5_close(space);
	if (a->type < 0 || n < 0)
		return QN_FAULT_UNREADABLE;
	a->nelems = (size_t)n;
	return n > MAX_ATTR_NELEMS ? QN_FAULT_LONG : QN_SOUND;
}

static enum qn_fault attr_init(hid_t object, enum qn_attribute attribute, struct attr *a)
{
	return attr_open(object, qn_attribute_names[attribute], a);
}

static bool is_there(hid_t object, enum qn_attribute attribute)
{
	return H5Aexists(object, qn_attribute_names[attribute]) > 0;
}

/* Where to cut a text of n bytes so that at most `most` are left and no character is halved. */
static size_t cut(const char *s, size_t n, size_t most)
{
	if (n <= most)
		return n;
	n = most;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* True: all of it fits. */
static bool copy_text(const char *s, size_t n, char *out, size_t room)
{
	size_t fits = cut(s, n, room - 1);

	memcpy(out, s, fits);
	out[fits] = '\0';
	return fits == n;
}

static enum qn_fault variable_text(const struct attr *a, char *out, size_t room)
{
	char *s = NULL;
	bool whole;

	if (H5Aread(a->id, a->type, &s) < 0)
		return QN_FAULT_UNREADABLE;
	whole = !s || copy_text(s, strlen(s), out, room);
	H5free_memory(s);
	return whole ? QN_SOUND : QN_FAULT_CUT;
}

static enum qn_fault fixed_text(const struct attr *a, char *out, size_t room)
{
	size_t nbytes = H5Tget_size(a->type), n;
	enum qn_fault fault = QN_FAULT_UNREADABLE;
	char few[FEW_NBYTES], *s = few;

	if (nbytes == 0 || nbytes > MAX_TEXT_NBYTES)
		return QN_FAULT_NO_TEXT;
	if (nbytes > sizeof(few))
		s = qn_malloc(nbytes);
	if (!s)
		return QN_FAULT_NO_MEMORY;
	if (H5Aread(a->id, a->type, s) >= 0) {
		n = strnlen(s, nbytes);
		while (n > 0 && s[n - 1] == ' ')
			n--;
		fault = copy_text(s, n, out, room) ? QN_SOUND : QN_FAULT_CUT;
	}
	if (s != few)
		free(s);
	return fault;
}

/* An empty text of netCDF has no elements. */
static enum qn_fault read_text(const struct attr *a, char *out, size_t room)
{
	if (H5Tget_class(a->type) != H5T_STRING || a->nelems > 1)
		return QN_FAULT_NO_TEXT;
	if (a->nelems == 0)
		return QN_SOUND;
	return H5Tis_variable_str(a->type) > 0 ? variable_text(a, out, room)
					       : fixed_text(a, out, room);
}

enum qn_fault qn_h5_attr_named_text(hid_t object, const char *name, char *out, size_t room)
{
	struct attr a;
	enum qn_fault fault;

	out[0] = '\0';
	if (H5Aexists(object, name) <= 0)
		return QN_SOUND;
	fault = attr_open(object, name, &a);
	if (fault == QN_SOUND)
		fault = read_text(&a, out, room);
	attr_fini(&a);
	return fault;
}

enum qn_fault qn_h5_attr_text(hid_t object, enum qn_attribute attribute, char *out, size_t room)
{
	return qn_h5_attr_named_text(object, qn_attribute_names[attribute], out, room);
}

/* The class of numbers that an attribute's type becomes, and the type to read it as: 8 bytes a
   number, or as it is in the file, which the library converts to nothing else. */
struct number_form {
	enum qn_class class;
	hid_t memory;
	bool as_stored;
};

static bool integer_form(hid_t type, struct number_form *f)
{
	bool is_unsigned = H5Tget_sign(type) == H5T_SGN_NONE;

	f->class = is_unsigned ? QN_UINT : QN_INT;
	f->memory = is_unsigned ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64;
	return H5Tget_size(type) <= sizeof(uint64_t);
}

static bool stored_form(hid_t type, enum qn_class class, struct number_form *f)
{
	H5T_order_t order = H5Tget_order(type);
	size_t size = H5Tget_size(type);

	*f = (struct number_form){ class, type, true };
	return size <= sizeof(uint64_t) && (order == H5T_ORDER_LE || order == H5T_ORDER_BE) &&
	       H5Tget_offset(type) == 0 && H5Tget_precision(type) == 8 * size;
}

static bool number_form(hid_t type, struct number_form *f)
{
	hid_t base;
	bool is;

	*f = (struct number_form){ .as_stored = false };
	switch (H5Tget_class(type)) {
	case H5T_INTEGER:
		return integer_form(type, f);
	case H5T_ENUM:
		base = H5Tget_super(type);
		is = base >= 0 && integer_form(base, f);
		qn_h5_close(base);
		return is;
	case H5T_FLOAT:
		f->class = QN_FLOAT;
		f->memory = H5T_NATIVE_DOUBLE;
		return true;
	case H5T_BITFIELD:
		return stored_form(type, QN_UINT, f);
	case H5T_TIME:
		return stored_form(type, QN_INT, f);
	default:
		return false;
	}
}

/* A number of `size` bytes, in the byte order of the file, as int64 or uint64. */
static uint64_t widen(const uint8_t *p, size_t size, bool big_endian, enum qn_class class)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		v |= (uint64_t)p[big_endian ? size - 1 - i : i] << 8 * i;
	if (class == QN_INT && size < sizeof(v) && v >> (8 * size - 1))
		v |= UINT64_MAX << 8 * size;
	return v;
}

static enum qn_fault read_numbers(const struct attr *a, struct qn_h5_number **out)
{
	const size_t size = H5Tget_size(a->type);
	struct number_form f;
	struct qn_h5_number *v;
	uint8_t *raw;

	if (H5Tget_class(a->type) == H5T_STRING)
		return QN_FAULT_WORDS;
	if (!number_form(a->type, &f))
		return QN_FAULT_NO_NUMBER;
	v = qn_calloc(a->nelems, sizeof(*v));
	raw = qn_calloc(a->nelems, sizeof(uint64_t));
	if (!v || !raw || H5Aread(a->id, f.memory, raw) < 0) {
		const bool has_memory = v && raw;

		free(v);
		free(raw);
		return has_memory ? QN_FAULT_UNREADABLE : QN_FAULT_NO_MEMORY;
	}
	for (size_t i = 0; i < a->nelems; i++) {
		v[i] = (struct qn_h5_number){ .class = f.class, .size = (uint32_t)size };
		if (f.as_stored)
			v[i].bits = widen(raw + i * size, size,
					  H5Tget_order(a->type) == H5T_ORDER_BE, f.class);
		else
			memcpy(&v[i].bits, raw + i * sizeof(v[i].bits), sizeof(v[i].bits));
	}
	free(raw);
	*out = v;
	return QN_SOUND;
}

#define MOST_TEXTS 256	/* of an object, */
#define MOST_BYTES 2048 /* and of one, of which a longer one is left out */

/* Integers with blanks between them. False: they are none, or too many. */
static bool list_integers(hid_t object, const char *name, char *out, size_t room)
{
	struct qn_h5_number *v = NULL;
	struct attr a;
	size_t used = 0;
	bool ok = attr_open(object, name, &a) == QN_SOUND && a.nelems > 0 &&
		  read_numbers(&a, &v) == QN_SOUND && v[0].class != QN_FLOAT;

	for (size_t i = 0; ok && i < a.nelems; i++) {
		const char *blank = i ? " " : "";

		used += (size_t)(v[i].class == QN_INT
					 ? snprintf(out + used, room - used, "%s%" PRId64, blank,
						    (int64_t)v[i].bits)
					 : snprintf(out + used, room - used, "%s%" PRIu64, blank,
						    v[i].bits));
		ok = used < room;
	}
	attr_fini(&a);
	free(v);
	return ok;
}

static bool put_text(hid_t object, const char *name, char *out, size_t room)
{
	if (!strcmp(name, "flag_values"))
		return list_integers(object, name, out, room);
	return qn_h5_attr_named_text(object, name, out, room) == QN_SOUND && *out;
}

struct texts {
	struct qn_names *out;
	bool nomem;
};

static herr_t add_text(hid_t object, const char *name, const H5A_info_t *info, void *ctx)
{
	struct texts *texts = ctx;
	struct qn_names *out = texts->out;
	char text[MOST_BYTES];

	(void)info;
	if (out->n >= 2 * MOST_TEXTS || !*name || strlen(name) >= sizeof(text) ||
	    !put_text(object, name, text, sizeof(text)))
		return 0;
	texts->nomem = qn_names_add(out, name, NULL) || qn_names_add(out, text, NULL);
	return texts->nomem ? -1 : 0;
}

bool qn_h5_attr_texts(hid_t object, struct qn_names *out, bool *nomem)
{
	struct texts texts = { .out = out };
	hsize_t at = 0;
	const bool ok = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, add_text, &texts) >= 0;

	*nomem = texts.nomem;
	return ok;
}

enum qn_fault qn_h5_attr_numbers(hid_t object, enum qn_attribute attribute,
				 struct qn_h5_number **out, size_t *n)
{
	struct attr a;
	enum qn_fault fault;

	*out = NULL;
	*n = 0;
	if (!is_there(object, attribute))
		return QN_SOUND;
	fault = attr_init(object, attribute, &a);
	if (fault == QN_SOUND && a.nelems == 0)
		fault = QN_FAULT_VALUELESS;
	if (fault == QN_SOUND)
		fault = read_numbers(&a, out);
	if (*out)
		*n = a.nelems;
	attr_fini(&a);
	return fault;
}

void qn_h5_words_describe(hid_t dset, struct qn_dataset *d)
{
	static const struct {
		enum qn_attribute attribute;
		size_t at, room;
	} words[] = {
		{ QN_UNITS, offsetof(struct qn_dataset, units), sizeof(d->units) },
		{ QN_CALENDAR, offsetof(struct qn_dataset, calendar), sizeof(d->calendar) },
	};
	char name[16]; /* a longer one is no longitude, and no fault */
	enum qn_fault fault;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		qn_attribute_blame(d->fault, words[i].attribute,
				   qn_h5_attr_text(dset, words[i].attribute,
						   (char *)d + words[i].at, words[i].room));
	fault = qn_h5_attr_text(dset, QN_STANDARD_NAME, name, sizeof(name));
	if (fault != QN_FAULT_CUT)
		qn_attribute_blame(d->fault, QN_STANDARD_NAME, fault);
	d->is_longitude = qn_units_are_east(d->units) ||
			  (!strcmp(name, "longitude") &&
			   (!strcmp(d->units, "degrees") || !strcmp(d->units, "degree")));
}
