/*
 * member.c - what is inside of a datatype.
 *
 * A name may have dots in it, so "a.b" is the member a.b if there is one, and otherwise the member b
 * of the member a. Arrays are looked through: with x an array of compounds, "x.y" is in each.
 */
#include "io/hdf5_library/member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/type.h"

/* Deeper nesting than any program writes. */
#define MAX_DEPTH 32

/* --- sizes in the file --- */

static uint64_t stored_compound_size(hid_t type, unsigned addr_nbytes)
{
	uint64_t size = H5Tget_size(type);
	int n = H5Tget_nmembers(type);

	for (int i = 0; i < n; i++) {
		hid_t member = H5Tget_member_type(type, (unsigned)i);

		if (member >= 0)
			size += qn_h5_stored_size(member, addr_nbytes) - H5Tget_size(member);
		qn_h5_close(member);
	}
	return size;
}

static uint64_t stored_array_size(hid_t type, unsigned addr_nbytes)
{
	hid_t base = H5Tget_super(type);
	uint64_t size = H5Tget_size(type), unit = base < 0 ? 0 : H5Tget_size(base);

	if (unit > 0)
		size = size / unit * qn_h5_stored_size(base, addr_nbytes);
	qn_h5_close(base);
	return size;
}

/* Formats: "HDF5 File Format Specification Version 3.0", "Reference", "Global Heap ID". */
uint64_t qn_h5_stored_size(hid_t type, unsigned addr_nbytes)
{
	const uint64_t heap_id = (uint64_t)addr_nbytes + 4;

	switch (H5Tget_class(type)) {
	case H5T_COMPOUND:
		return stored_compound_size(type, addr_nbytes);
	case H5T_ARRAY:
		return stored_array_size(type, addr_nbytes);
	case H5T_VLEN:
		return 4 + heap_id;
	case H5T_STRING:
		return H5Tis_variable_str(type) > 0 ? 4 + heap_id : H5Tget_size(type);
	case H5T_REFERENCE:
		return H5Tequal(type, H5T_STD_REF_OBJ) > 0	 ? addr_nbytes
		       : H5Tequal(type, H5T_STD_REF_DSETREG) > 0 ? heap_id
								 : H5Tget_size(type);
	default:
		return H5Tget_size(type);
	}
}

/* A member that has another size in the file than in memory: those after it move by the difference,
   which wraps when it is negative. */
struct shift {
	uint64_t at, by;
};

/* Those of a compound, owned by the caller; *n of them. NULL when there is no memory. */
static struct shift *find_shifts(hid_t type, unsigned addr_nbytes, size_t *n)
{
	const int nmembers = H5Tget_nmembers(type);
	struct shift *s = qn_calloc(nmembers > 0 ? (size_t)nmembers : 1, sizeof(*s));

	*n = 0;
	for (int i = 0; s && i < nmembers; i++) {
		hid_t member = H5Tget_member_type(type, (unsigned)i);
		uint64_t by = 0;

		if (member >= 0)
			by = qn_h5_stored_size(member, addr_nbytes) - H5Tget_size(member);
		if (by != 0)
			s[(*n)++] = (struct shift){ H5Tget_member_offset(type, (unsigned)i), by };
		qn_h5_close(member);
	}
	return s;
}

static uint64_t shifted(uint64_t at, const struct shift *s, size_t n)
{
	uint64_t out = at;

	for (size_t i = 0; i < n; i++)
		if (s[i].at < at)
			out += s[i].by;
	return out;
}

/* --- looking for a member --- */

enum found { FOUND, NO_MEMBER, IS_COMPOUND, TOO_DEEP, NO_MEMORY };

static enum found descend(hid_t type, const char *name, unsigned addr_nbytes, int depth,
			  struct qn_h5_leaf *leaf);

/* Appends the dimensions of an array, outside of those of its elements. */
static bool add_dims(hid_t type, hid_t base, unsigned addr_nbytes, struct qn_h5_leaf *leaf)
{
	hsize_t dims[H5S_MAX_RANK];
	const int n = H5Tget_array_ndims(type);
	uint64_t place = qn_h5_stored_size(base, addr_nbytes);

	if (n < 1 || n > QUERN_MAX_DIMS - leaf->ndim || H5Tget_array_dims2(type, dims) < 0)
		return false;
	for (int i = n - 1; i >= 0; i--) {
		leaf->shape[leaf->ndim + i] = dims[i];
		leaf->stride[leaf->ndim + i] = place;
		if (!qn_mul(place, dims[i], &place))
			return false;
	}
	leaf->ndim += n;
	return true;
}

static enum found descend_array(hid_t type, const char *name, unsigned addr_nbytes, int depth,
				struct qn_h5_leaf *leaf)
{
	hid_t base = H5Tget_super(type);
	enum found found = TOO_DEEP;

	if (base >= 0 && add_dims(type, base, addr_nbytes, leaf))
		found = descend(base, name, addr_nbytes, depth + 1, leaf);
	qn_h5_close(base);
	return found;
}

/* What is left of `name` after a member's name: "" for all of it, NULL if it does not begin so. */
static const char *rest_of(hid_t type, unsigned i, const char *name)
{
	char *member = H5Tget_member_name(type, i);
	const size_t n = member ? strlen(member) : 0;
	const char *rest = NULL;

	if (member && !strncmp(name, member, n) && (name[n] == '\0' || name[n] == '.'))
		rest = name[n] ? name + n + 1 : name + n;
	/* "a." is no name of a. */
	if (rest && name[n] == '.' && *rest == '\0')
		rest = NULL;
	H5free_memory(member);
	return rest;
}

static enum found descend_member(hid_t type, unsigned i, const char *rest, unsigned addr_nbytes,
				 int depth, struct qn_h5_leaf *leaf)
{
	size_t n;
	struct shift *shifts = find_shifts(type, addr_nbytes, &n);
	hid_t member = H5Tget_member_type(type, i);
	enum found found = shifts ? TOO_DEEP : NO_MEMORY;

	if (shifts && member >= 0) {
		leaf->offset += shifted(H5Tget_member_offset(type, i), shifts, n);
		found = descend(member, rest, addr_nbytes, depth + 1, leaf);
	}
	qn_h5_close(member);
	free(shifts);
	return found;
}

static enum found descend_compound(hid_t type, const char *name, unsigned addr_nbytes, int depth,
				   struct qn_h5_leaf *leaf)
{
	const struct qn_h5_leaf before = *leaf;
	const int n = H5Tget_nmembers(type);
	enum found found = NO_MEMBER;

	for (int whole = 1; whole >= 0; whole--)
		for (int i = 0; i < n && found == NO_MEMBER; i++) {
			const char *rest = rest_of(type, (unsigned)i, name);

			if (!rest || (*rest == '\0') != whole)
				continue;
			*leaf = before;
			found = descend_member(type, (unsigned)i, rest, addr_nbytes, depth, leaf);
		}
	return found;
}

static enum found descend(hid_t type, const char *name, unsigned addr_nbytes, int depth,
			  struct qn_h5_leaf *leaf)
{
	const H5T_class_t class = H5Tget_class(type);

	if (depth > MAX_DEPTH)
		return TOO_DEEP;
	if (class == H5T_ARRAY)
		return descend_array(type, name, addr_nbytes, depth, leaf);
	if (class == H5T_COMPOUND && *name)
		return descend_compound(type, name, addr_nbytes, depth, leaf);
	if (*name)
		return NO_MEMBER;
	leaf->type = H5Tcopy(type);
	if (leaf->type < 0)
		return TOO_DEEP;
	return class == H5T_COMPOUND ? IS_COMPOUND : FOUND;
}

/* --- listing --- */

struct lister {
	struct qn_dataset *d;
	unsigned addr_nbytes;
	size_t room;
	bool nomem;
};

static bool list_inside(struct lister *l, hid_t type, const char *prefix,
			const struct qn_h5_leaf *at, int depth);

static bool append(struct lister *l, hid_t type, const char *name, const struct qn_h5_leaf *at)
{
	struct qn_dataset *d = l->d;
	struct qn_column *m;
	bool plain;

	if (!qn_grow(&d->members, &l->room, (size_t)d->nmembers + 1, sizeof(*m)))
		return false;
	m = &d->members[d->nmembers];
	memset(m, 0, sizeof(*m));
	if (!qn_h5_type_describe(type, &m->type, &plain))
		return true;
	m->name = qn_strdup(name);
	m->offset = at->offset;
	m->ndim = at->ndim;
	memcpy(m->shape, at->shape, sizeof(m->shape));
	d->nmembers += m->name != NULL;
	return m->name != NULL;
}

/* Member i, at `at`. */
static bool list_member(struct lister *l, hid_t type, unsigned i, const char *prefix,
			const struct qn_h5_leaf *at, int depth)
{
	hid_t member = H5Tget_member_type(type, i);
	char *own = H5Tget_member_name(type, i), *name = NULL;
	bool ok = true;

	if (member >= 0 && own) {
		ok = qn_asprintf(&name, "%s%s%s", prefix, *prefix ? "." : "", own) >= 0;
		if (ok) {
			ok = list_inside(l, member, name, at, depth + 1);
			free(name);
		}
	}
	H5free_memory(own);
	qn_h5_close(member);
	return ok;
}

static bool list_compound(struct lister *l, hid_t type, const char *prefix,
			  const struct qn_h5_leaf *at, int depth)
{
	size_t nshifts;
	struct shift *shifts = find_shifts(type, l->addr_nbytes, &nshifts);
	struct qn_h5_leaf inside = *at;
	bool ok = shifts != NULL;

	for (int i = 0, n = H5Tget_nmembers(type); i < n && ok; i++) {
		inside.offset = at->offset +
				shifted(H5Tget_member_offset(type, (unsigned)i), shifts, nshifts);
		ok = list_member(l, type, (unsigned)i, prefix, &inside, depth);
	}
	free(shifts);
	return ok;
}

static bool list_inside(struct lister *l, hid_t type, const char *prefix,
			const struct qn_h5_leaf *at, int depth)
{
	const H5T_class_t class = H5Tget_class(type);
	struct qn_h5_leaf inside = *at;
	hid_t base;
	bool ok = true;

	if (depth > MAX_DEPTH || l->d->nmembers == QN_MAX_MEMBERS)
		return true;
	if (class == H5T_ARRAY) {
		base = H5Tget_super(type);
		if (base >= 0 && add_dims(type, base, l->addr_nbytes, &inside))
			ok = list_inside(l, base, prefix, &inside, depth + 1);
		qn_h5_close(base);
		return ok;
	}
	return class == H5T_COMPOUND ? list_compound(l, type, prefix, at, depth)
				     : append(l, type, prefix, at);
}

bool qn_h5_members_list(hid_t type, unsigned addr_nbytes, struct qn_dataset *d)
{
	struct lister l = { .d = d, .addr_nbytes = addr_nbytes };
	const struct qn_h5_leaf at = { .type = -1 };

	return list_inside(&l, type, "", &at, 0);
}

/* --- messages --- */

static const char *member_name(const void *ctx, int i)
{
	const struct qn_dataset *d = ctx;

	return (uint32_t)i < d->nmembers ? d->members[i].name : NULL;
}

/* Members of the compound that `column` names begin with its name and a dot. */
static enum quern_status choose_inside(const struct qn_dataset *d, const char *column,
				       const char *what, struct quern_message *err)
{
	const size_t n = strlen(column);

	for (uint32_t i = 0; i < d->nmembers; i++)
		if (!strncmp(d->members[i].name, column, n) &&
		    (n == 0 || d->members[i].name[n] == '.'))
			return qn_error_set(err, QUERN_ERR_USAGE,
					    "%s: --column '%s' is a compound itself: choose one of "
					    "its members, such as %s (quern inspect lists them)",
					    what, column, d->members[i].name);
	return qn_error_set(err, QUERN_ERR_USAGE, "%s: --column '%s' is a compound without members",
			    what, column);
}

static enum quern_status no_member(const struct qn_dataset *d, const char *column, const char *what,
				   struct quern_message *err)
{
	const char *near = qn_nearest(column, member_name, d);
	char names[QN_MEMBER_NAMES_NBYTES];

	qn_dataset_member_names(d, names);
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "%s: it has no member '%s' (--column)%s%s%s Its members: %s", what,
			    column, near ? "; did you mean '" : ".", near ? near : "",
			    near ? "'?" : "", names);
}

static enum quern_status explain(enum found found, hid_t type, const char *column,
				 unsigned addr_nbytes, const char *what, struct quern_message *err)
{
	struct qn_dataset d = { .nmembers = 0 };
	struct qn_type t;
	bool plain;
	enum quern_status status;

	if (found == NO_MEMORY)
		return qn_error_nomem(err, 0, "the members of a datatype");
	if (found == TOO_DEEP)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: its datatype is nested more deeply, or has arrays of more "
				    "dimensions, than quern can take",
				    what);
	if (H5Tdetect_class(type, H5T_COMPOUND) <= 0) {
		qn_h5_type_describe(type, &t, &plain);
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"%s: --column '%s': its elements are of type %s, not a compound "
			"datatype; leave --column out",
			what, column, t.name);
	}
	if (!qn_h5_members_list(type, addr_nbytes, &d))
		status = qn_error_nomem(err, sizeof(*d.members) * d.nmembers, "a list of members");
	else
		status = found == IS_COMPOUND ? choose_inside(&d, column, what, err)
					      : no_member(&d, column, what, err);
	qn_dataset_fini(&d);
	return status;
}

enum quern_status qn_h5_leaf_find(hid_t type, const char *column, unsigned addr_nbytes,
				  const char *what, struct qn_h5_leaf *out,
				  struct quern_message *err)
{
	struct qn_h5_leaf leaf = { .type = -1 };
	enum found found = descend(type, column ? column : "", addr_nbytes, 0, &leaf);

	if (found == FOUND || (found == IS_COMPOUND && !column)) {
		*out = leaf;
		return QUERN_OK;
	}
	qn_h5_leaf_fini(&leaf);
	return explain(found, type, column, addr_nbytes, what, err);
}

void qn_h5_leaf_fini(struct qn_h5_leaf *leaf)
{
	qn_h5_close(leaf->type);
	leaf->type = -1;
}

/* --- types to read with --- */

static hid_t array_of(hid_t type, const char *column, hid_t leaf)
{
	hsize_t dims[H5S_MAX_RANK];
	const int n = H5Tget_array_ndims(type);
	hid_t base = H5Tget_super(type), inner, out = -1;

	if (base < 0 || n < 1 || H5Tget_array_dims2(type, dims) < 0) {
		qn_h5_close(base);
		return -1;
	}
	inner = qn_h5_member_type(base, column, leaf);
	if (inner >= 0)
		out = H5Tarray_create2(inner, (unsigned)n, dims);
	qn_h5_close(inner);
	qn_h5_close(base);
	return out;
}

/* A compound of the one member i. */
static hid_t compound_of(hid_t type, unsigned i, const char *rest, hid_t leaf)
{
	hid_t member = H5Tget_member_type(type, i), inner = -1, out = -1;
	char *name = H5Tget_member_name(type, i);

	if (member >= 0 && name)
		inner = qn_h5_member_type(member, rest, leaf);
	if (inner >= 0)
		out = H5Tcreate(H5T_COMPOUND, H5Tget_size(inner));
	if (out >= 0 && H5Tinsert(out, name, 0, inner) < 0) {
		qn_h5_close(out);
		out = -1;
	}
	qn_h5_close(inner);
	H5free_memory(name);
	qn_h5_close(member);
	return out;
}

hid_t qn_h5_member_type(hid_t type, const char *column, hid_t leaf)
{
	const H5T_class_t class = H5Tget_class(type);
	const int n = class == H5T_COMPOUND ? H5Tget_nmembers(type) : 0;
	hid_t out = -1;

	if (class == H5T_ARRAY)
		return array_of(type, column, leaf);
	if (!column || !*column)
		return H5Tcopy(leaf);
	for (int whole = 1; whole >= 0 && out < 0; whole--)
		for (int i = 0; i < n && out < 0; i++) {
			const char *rest = rest_of(type, (unsigned)i, column);

			if (rest && (*rest == '\0') == whole)
				out = compound_of(type, (unsigned)i, rest, leaf);
		}
	return out;
}
