/*
 * hdf5_attr.c - values of attributes.
 */
#include "hdf5_attr.h"

#include <stdlib.h>
#include <string.h>

#include "hdf5_file.h"

/* Attributes that are larger are not what we are looking for. */
#define MAX_ATTR_NELEMS 4096
#define MAX_TEXT_NBYTES 65536

struct attr {
	hid_t id, type;
	size_t nelems;
};

static void attr_fini(struct attr *a)
{
	qn_h5_close(a->type);
	qn_h5_close(a->id);
}

static bool attr_init(hid_t object, const char *name, struct attr *a)
{
	hid_t space;
	hssize_t n = 0;

	a->id = a->type = -1;
	if (H5Aexists(object, name) <= 0)
		return false;
	a->id = H5Aopen(object, name, H5P_DEFAULT);
	if (a->id < 0)
		return false;
	a->type = H5Aget_type(a->id);
	space = H5Aget_space(a->id);
	if (space >= 0)
		n = H5Sget_simple_extent_npoints(space);
	qn_h5_close(space);
	if (a->type >= 0 && n > 0 && n <= MAX_ATTR_NELEMS) {
		a->nelems = (size_t)n;
		return true;
	}
	attr_fini(a);
	return false;
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

static void copy_text(const char *s, size_t n, char *out, size_t room)
{
	n = cut(s, n, room - 1);
	memcpy(out, s, n);
	out[n] = '\0';
}

static bool variable_text(const struct attr *a, char *out, size_t room)
{
	char *s = NULL;

	if (H5Aread(a->id, a->type, &s) < 0 || !s)
		return false;
	copy_text(s, strlen(s), out, room);
	H5free_memory(s);
	return true;
}

static bool fixed_text(const struct attr *a, char *out, size_t room)
{
	size_t nbytes = H5Tget_size(a->type), n;
	char *s;

	if (nbytes == 0 || nbytes > MAX_TEXT_NBYTES)
		return false;
	s = malloc(nbytes);
	if (!s || H5Aread(a->id, a->type, s) < 0) {
		free(s);
		return false;
	}
	n = strnlen(s, nbytes);
	while (n > 0 && s[n - 1] == ' ')
		n--;
	copy_text(s, n, out, room);
	free(s);
	return true;
}

bool qn_h5_attr_text(hid_t object, const char *name, char *out, size_t room)
{
	struct attr a;
	bool ok = false;

	out[0] = '\0';
	if (!attr_init(object, name, &a))
		return false;
	if (H5Tget_class(a.type) == H5T_STRING && a.nelems == 1)
		ok = H5Tis_variable_str(a.type) > 0 ? variable_text(&a, out, room)
						    : fixed_text(&a, out, room);
	attr_fini(&a);
	return ok;
}

/* The class of numbers that an attribute's type becomes, and the type to read it as. */
static bool number_class(hid_t type, enum qn_class *class, hid_t *memory)
{
	switch (H5Tget_class(type)) {
	case H5T_INTEGER:
		*class = H5Tget_sign(type) == H5T_SGN_NONE ? QN_UINT : QN_INT;
		*memory = *class == QN_UINT ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64;
		return true;
	case H5T_FLOAT:
		*class = QN_FLOAT;
		*memory = H5T_NATIVE_DOUBLE;
		return true;
	default:
		return false;
	}
}

size_t qn_h5_attr_numbers(hid_t object, const char *name, size_t nmax, struct qn_h5_number *out)
{
	struct attr a;
	enum qn_class class;
	hid_t memory;
	uint64_t *v = NULL;
	size_t n = 0;

	if (!attr_init(object, name, &a))
		return 0;
	if (number_class(a.type, &class, &memory))
		v = calloc(a.nelems, sizeof *v);
	if (v && H5Aread(a.id, memory, v) >= 0)
		for (; n < a.nelems && n < nmax; n++)
			out[n] = (struct qn_h5_number){
				class, v[n], class == QN_FLOAT && H5Tget_size(a.type) == 4
			};
	free(v);
	attr_fini(&a);
	return n;
}
