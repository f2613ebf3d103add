/*
 * walk.c - all that a file has, group by group.
 *
 * Groups are opened by their addresses and gone through with a stack of our own, so that neither depth
 * nor length of names costs more than is said of them. Each object is listed under the first name
 * by which it is met: depth first, names in the order of their bytes. What cannot be read is noted,
 * and the rest is gone on with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/follow.h"
#include "io/hdf5_library/list.h"
#include "io/hdf5_format/met.h"
#include "io/hdf5_library/versions.h"

/* Of all names together; more is refused by who hears of it. */
#define MOST_NAMES_NBYTES (UINT64_C(1) << 28)

/* A link of the group at hand. */
struct entry {
	char *name; /* owned */
	H5L_type_t type;
	enum qn_object is; /* of a hard link */
	haddr_t addr;
	char *file, *target; /* owned: of other links; of what is damaged, why, in target */
};

/* A group on the way down. */
struct level {
	struct entry *entry; /* owned, sorted */
	size_t n, at;
	size_t path_nbytes; /* of the path above it */
	size_t object;	    /* which it is */
};

/* An object under its first name: that of the group in which it was met, and its own in `names`. */
struct object {
	size_t group, name;
};

#define NO_OBJECT QN_H5_NOT_MET

struct walk {
	hid_t file_id;
	const char *file;
	struct qn_listing *l;
	struct level *level; /* owned */
	size_t nlevels, levels_room;
	char *path; /* owned: of the group at hand, "" of the root */
	size_t path_nbytes, path_room;
	struct qn_h5_met met;
	struct object *object; /* owned: those that were met */
	size_t objects_room;
	char *names; /* owned: names of the objects, each with its '\0' */
	size_t names_nbytes, names_room;
	size_t listed_nbytes;
	bool nomem, too_long;
};

static bool no_memory(struct walk *w)
{
	w->nomem = true;
	return false;
}

/* Room for `want` bytes in a buffer that doubles. */
static bool make_room(struct walk *w, void *p, size_t *room, size_t want)
{
	if (want > MOST_NAMES_NBYTES * 2) {
		w->too_long = true;
		return false;
	}
	return qn_grow(p, room, want, 1) || no_memory(w);
}

/* --- objects that were met --- */

/* The object at an address. One that is new gets this name, and *is_new is set; NO_OBJECT: no room. */
static size_t meet(struct walk *w, haddr_t addr, size_t group, const char *name, bool *is_new)
{
	const size_t n = strlen(name) + 1, i = qn_h5_met_add(&w->met, addr, is_new);

	if (i == NO_OBJECT)
		no_memory(w);
	if (!*is_new)
		return i;
	if (!make_room(w, &w->names, &w->names_room, w->names_nbytes + n) ||
	    !make_room(w, &w->object, &w->objects_room, (i + 1) * sizeof(*w->object)))
		return NO_OBJECT;
	w->object[i] = (struct object){ group, w->names_nbytes };
	memcpy(w->names + w->names_nbytes, name, n);
	w->names_nbytes += n;
	return i;
}

/* The path of an object by first names; owned, NULL without memory. */
static char *path_of(const struct walk *w, size_t object)
{
	size_t n = 0;
	char *path;

	for (size_t i = object; w->object[i].group != NO_OBJECT; i = w->object[i].group)
		n += strlen(w->names + w->object[i].name) + 1;
	path = qn_malloc((n ? n : 1) + 1);
	if (!path)
		return NULL;
	path[0] = '/';
	path[n ? n : 1] = '\0';
	for (size_t i = object; w->object[i].group != NO_OBJECT; i = w->object[i].group) {
		const char *name = w->names + w->object[i].name;
		size_t length = strlen(name);

		n -= length + 1;
		path[n] = '/';
		memcpy(path + n + 1, name, length);
	}
	return path;
}

/* --- the links of a group --- */

static void entry_fini(struct entry *e)
{
	free(e->name);
	free(e->file);
	free(e->target);
}

static void level_fini(struct level *l)
{
	for (size_t i = 0; i < l->n; i++)
		entry_fini(&l->entry[i]);
	free(l->entry);
	l->entry = NULL;
	l->n = 0;
}

/* What the library said last. */
static char *reason(const struct walk *w)
{
	struct quern_message m = { .status = QUERN_OK };
	size_t n = strlen(w->file) + 2;

	qn_h5_fail(&m, w->file, NULL, "cannot be read");
	return qn_strdup(strlen(m.text) > n ? m.text + n : m.text);
}

static bool read_hard(struct walk *w, hid_t group, const qn_h5_link_info *info, struct entry *e)
{
	qn_h5_object_info object;

	e->addr = qn_h5_link_addr(group, info);
	if (qn_h5_get_info_by_name(group, e->name, &object) >= 0) {
		e->is = object.type == H5O_TYPE_GROUP	  ? QN_GROUP
			: object.type == H5O_TYPE_DATASET ? QN_DATASET
							  : QN_DATATYPE;
		return true;
	}
	e->is = QN_DAMAGED_OBJECT;
	e->target = reason(w);
	return e->target || no_memory(w);
}

/* A link whose value cannot be read is one that leads nowhere. */
static bool read_value(struct walk *w, hid_t group, const qn_h5_link_info *info, struct entry *e)
{
	const char *file = "", *target = "";
	char *value = qn_calloc(info->u.val_size + 1, 1);
	unsigned flags;

	if (!value)
		return no_memory(w);
	if (H5Lget_val(group, e->name, value, info->u.val_size, H5P_DEFAULT) >= 0) {
		if (info->type == H5L_TYPE_SOFT)
			target = value;
		else if (info->type != H5L_TYPE_EXTERNAL ||
			 H5Lunpack_elink_val(value, info->u.val_size, &flags, &file, &target) < 0)
			file = target = "";
	}
	e->file = qn_strdup(file);
	e->target = qn_strdup(target);
	free(value);
	return (e->file && e->target) || no_memory(w);
}

/* In a callback of the library: the group's links grow by one. */
struct reading {
	struct walk *w;
	struct level *level;
};

static herr_t take_link(hid_t group, const char *name, const qn_h5_link_info *info, void *ctx)
{
	struct reading *r = ctx;
	struct level *l = r->level;
	struct entry e = { .name = qn_strdup(name), .type = info->type };
	bool ok = e.name != NULL;

	ok = ok && qn_grow_by_one(&l->entry, l->n, sizeof(*l->entry));
	if (!ok)
		no_memory(r->w);
	ok = ok && (e.type == H5L_TYPE_HARD ? read_hard(r->w, group, info, &e)
					    : read_value(r->w, group, info, &e));
	if (ok)
		l->entry[l->n++] = e;
	else
		entry_fini(&e);
	return ok ? 0 : -1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static hid_t open_group(const struct walk *w, size_t object)
{
	if (w->object[object].group == NO_OBJECT)
		return H5Gopen2(w->file_id, "/", H5P_DEFAULT);
	return qn_h5_open_at(w->file_id, w->met.addr[object]);
}

static const char *shown_path(const struct walk *w)
{
	return w->path_nbytes ? w->path : "/";
}

/* Notes what cannot be read; takes why. */
static bool note_flaw(struct walk *w, const char *path, char *why)
{
	bool ok = why && qn_listing_add_flaw(w->l, path, why);

	free(why);
	return ok || no_memory(w);
}

/* Goes down into the group at w->path. */
static bool enter(struct walk *w, size_t object, size_t path_nbytes)
{
	struct level new = { .path_nbytes = path_nbytes, .object = object };
	struct reading r = { w, &new };
	hsize_t at = 0;
	hid_t group;
	bool ok;

	if (!make_room(w, &w->level, &w->levels_room, (w->nlevels + 1) * sizeof(new)))
		return false;
	group = open_group(w, object);
	ok = group >= 0 &&
	     qn_h5_literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &at, take_link, &r) >= 0;
	if (!ok && !w->nomem)
		note_flaw(w, shown_path(w), reason(w));
	qn_h5_close(group);
	if (new.n)
		qsort(new.entry, new.n, sizeof(*new.entry), by_name);
	w->level[w->nlevels++] = new;
	return !w->nomem;
}

/* --- entries --- */

/* What is listed has an end. */
static bool count_path(struct walk *w)
{
	w->listed_nbytes += w->path_nbytes + 1;
	w->too_long = w->too_long || w->listed_nbytes > MOST_NAMES_NBYTES;
	return !w->too_long;
}

static bool add_link(struct walk *w, enum qn_link_kind kind, enum qn_object leads_to,
		     const char *file, const char *target)
{
	struct qn_link link = { .kind = kind,
				.leads_to = leads_to,
				.path = w->path,
				.file = (char *)(uintptr_t)file,
				.target = (char *)(uintptr_t)target };

	w->listed_nbytes += strlen(file) + strlen(target) + 2;
	return count_path(w) && (qn_listing_add_link(w->l, &link) || no_memory(w));
}

static bool add_name(struct walk *w, enum qn_object is, size_t object)
{
	char *first = path_of(w, object);
	bool ok = first ? add_link(w, QN_HARD_LINK, is, "", first) : no_memory(w);

	free(first);
	return ok;
}

static bool take_hard(struct walk *w, const struct entry *e, size_t path_nbytes)
{
	size_t group = w->level[w->nlevels - 1].object, object;
	bool is_new;

	if (e->is == QN_DAMAGED_OBJECT || e->addr == HADDR_UNDEF)
		return note_flaw(w, w->path,
				 qn_strdup(e->target ? e->target : "its place is not known"));
	object = meet(w, e->addr, group, e->name, &is_new);
	if (object == NO_OBJECT)
		return false;
	if (!is_new)
		return add_name(w, e->is, object);
	if (e->is == QN_GROUP)
		return enter(w, object, path_nbytes);
	return e->is != QN_DATASET ||
	       (count_path(w) && (qn_listing_add(w->l, w->path) || no_memory(w)));
}

/* Where it leads is found out when all that is here is known. */
static bool take_other(struct walk *w, const struct entry *e)
{
	if (e->type == H5L_TYPE_SOFT)
		return add_link(w, QN_SOFT_LINK, QN_NOTHING, "", e->target);
	if (e->type == H5L_TYPE_EXTERNAL)
		return add_link(w, QN_EXTERNAL_LINK, QN_OTHER_FILE, e->file, e->target);
	return add_link(w, QN_OTHER_LINK, QN_NOTHING, "", "");
}

/* The path with a name behind it. */
static bool append(struct walk *w, const char *name)
{
	size_t n = strlen(name);

	if (!make_room(w, &w->path, &w->path_room, w->path_nbytes + n + 2))
		return false;
	w->path[w->path_nbytes++] = '/';
	memcpy(w->path + w->path_nbytes, name, n + 1);
	w->path_nbytes += n;
	return true;
}

static void cut_path(struct walk *w, size_t nbytes)
{
	w->path_nbytes = nbytes;
	w->path[nbytes] = '\0';
}

/* The next link of the innermost group, or the end of it. */
static bool step(struct walk *w)
{
	struct level *l = &w->level[w->nlevels - 1];
	size_t before = w->path_nbytes, nlevels = w->nlevels;
	const struct entry *e;
	bool ok;

	if (l->at == l->n) {
		cut_path(w, l->path_nbytes);
		level_fini(l);
		w->nlevels--;
		return true;
	}
	e = &l->entry[l->at++];
	if (!append(w, e->name))
		return false;
	ok = e->type == H5L_TYPE_HARD ? take_hard(w, e, before) : take_other(w, e);
	if (w->nlevels == nlevels)
		cut_path(w, before);
	return ok;
}

/* What soft links lead to. Not to be told: nowhere. False: no memory. */
static bool follow_links(struct walk *w)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; st != QUERN_ERR_RUN && i < w->l->nlinks; i++) {
		struct qn_link *link = &w->l->link[i];
		struct quern_message ignored = { .status = QUERN_OK };
		struct qn_h5_end end;

		if (link->kind != QN_SOFT_LINK)
			continue;
		st = qn_h5_follow(w->file_id, w->file, link->path, &end, &ignored);
		if (st == QUERN_OK)
			link->leads_to = end.is;
		qn_h5_end_fini(&end);
	}
	return st != QUERN_ERR_RUN;
}

static haddr_t root_addr(hid_t file_id)
{
	qn_h5_object_info info;

	return qn_h5_get_info_by_name(file_id, "/", &info) < 0 ? HADDR_UNDEF
							       : qn_h5_object_addr(file_id, &info);
}

static bool walk(struct walk *w)
{
	bool ok = make_room(w, &w->path, &w->path_room, 1), is_new;

	if (ok)
		cut_path(w, 0);
	ok = ok && meet(w, root_addr(w->file_id), NO_OBJECT, "", &is_new) != NO_OBJECT &&
	     enter(w, 0, 0);
	while (ok && w->nlevels)
		ok = step(w);
	return ok && follow_links(w);
}

enum quern_status qn_h5_list(hid_t file_id, const char *file, struct qn_listing *out,
			     struct quern_message *err)
{
	struct qn_listing l = { .n = 0 };
	struct walk w = { .file_id = file_id, .file = file, .l = &l };
	enum quern_status status = QUERN_OK;
	bool ok = walk(&w);

	while (w.nlevels)
		level_fini(&w.level[--w.nlevels]);
	free(w.level);
	free(w.path);
	free(w.object);
	qn_h5_met_fini(&w.met);
	free(w.names);
	if (!ok)
		status = w.too_long ? qn_error_set(err, QUERN_ERR_DATA,
						   "%s: its names take more than %u "
						   "MiB: name a dataset with -d",
						   file, (unsigned)(MOST_NAMES_NBYTES >> 20))
				    : qn_error_nomem(err, w.names_nbytes, "a list of datasets");
	/* Not even the root: there is nothing to go on with. */
	else if (l.nflaws == 1 && !l.n && !l.nlinks && !strcmp(l.flaw[0].path, "/"))
		status = qn_error_set(err, QUERN_ERR_DATA, "%s: its groups cannot be listed: %s",
				      file, l.flaw[0].why);
	if (status != QUERN_OK) {
		qn_listing_fini(&l);
		return status;
	}
	qn_listing_sort(&l);
	*out = l;
	return QUERN_OK;
}
