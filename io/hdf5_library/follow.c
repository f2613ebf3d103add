/*
 * follow.c - what a path leads to, one name at a time. What is still to be followed is
 * kept as text, into which the value of a soft link is put before the rest, as a shell would do
 * it; links count, so that a circle of them has an end. An external link is said, never
 * followed: who called may open the other file, or not.
 */
#include "io/hdf5_library/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/versions.h"

struct follower {
	const char *file, *asked; /* borrows */
	hid_t file_id, group;	  /* the group that has been reached */
	char *rest;		  /* owned: what is still to be followed */
	size_t at;		  /* in rest */
	char *path;		  /* owned: of the group by hard links, "" of the root */
	size_t path_nbytes, room;
	struct qn_h5_end end;
	bool ended;
	struct quern_message *err;
};

static enum quern_status no_memory(struct follower *f)
{
	return qn_error_nomem(f->err, strlen(f->asked), "the name of a dataset");
}

static enum quern_status fail(struct follower *f, const char *doing)
{
	return qn_h5_fail(f->err, f->file, f->asked, doing);
}

/* --- the path so far --- */

static bool append(struct follower *f, const char *name)
{
	size_t n = strlen(name), want = f->path_nbytes + n + 2;

	if (!qn_grow(&f->path, &f->room, want, 1))
		return false;
	f->path[f->path_nbytes++] = '/';
	memcpy(f->path + f->path_nbytes, name, n + 1);
	f->path_nbytes += n;
	return true;
}

static bool to_root(struct follower *f)
{
	qn_h5_close(f->group);
	f->group = H5Gopen2(f->file_id, "/", H5P_DEFAULT);
	f->path_nbytes = 0;
	f->path[0] = '\0';
	return f->group >= 0;
}

static enum quern_status end_at(struct follower *f, enum qn_object is)
{
	f->end.is = is;
	f->ended = true;
	f->end.path = qn_strdup(f->path_nbytes ? f->path : "/");
	return f->end.path ? QUERN_OK : no_memory(f);
}

/* --- links --- */

static enum qn_object kind_of(H5O_type_t type)
{
	return type == H5O_TYPE_GROUP	  ? QN_GROUP
	       : type == H5O_TYPE_DATASET ? QN_DATASET
					  : QN_DATATYPE;
}

static bool is_last(const struct follower *f)
{
	return f->rest[f->at + strspn(f->rest + f->at, "/")] == '\0';
}

static enum quern_status take_hard(struct follower *f, const char *name)
{
	qn_h5_object_info info;
	hid_t group;

	if (!append(f, name))
		return no_memory(f);
	if (qn_h5_get_info_by_name(f->group, name, &info) < 0)
		return is_last(f) ? end_at(f, QN_DAMAGED_OBJECT)
				  : fail(f, "a group on the way to it cannot be opened");
	if (info.type != H5O_TYPE_GROUP)
		return end_at(f, is_last(f) ? kind_of(info.type) : QN_NOTHING);
	group = H5Gopen2(f->group, name, H5P_DEFAULT);
	if (group < 0)
		return fail(f, "cannot be opened");
	qn_h5_close(f->group);
	f->group = group;
	return QUERN_OK;
}

/* What a soft link says takes the place of its name. */
static enum quern_status take_soft(struct follower *f, const char *value)
{
	char *rest;

	if (++f->end.nsoft > QN_MOST_HOPS)
		return qn_error_set(f->err, QUERN_ERR_DATA,
				    "%s: %s leads from soft link to soft link "
				    "more than %d times, or in a circle",
				    f->file, f->asked, QN_MOST_HOPS);
	if (qn_asprintf(&rest, "%s/%s", value, f->rest + f->at) < 0)
		return no_memory(f);
	free(f->rest);
	f->rest = rest;
	f->at = 0;
	return *value != '/' || to_root(f) ? QUERN_OK : fail(f, "the root group cannot be opened");
}

static enum quern_status take_external(struct follower *f, const char *value, size_t nbytes)
{
	const char *file = NULL, *target = NULL;
	unsigned flags;

	if (H5Lunpack_elink_val(value, nbytes, &flags, &file, &target) < 0)
		return fail(f, "an external link cannot be read");
	f->end.is = QN_OTHER_FILE;
	f->ended = true;
	f->end.file = qn_strdup(file);
	if (!f->end.file ||
	    qn_asprintf(&f->end.path, "%s%s%s%s", *target == '/' ? "" : "/", target,
			is_last(f) ? "" : "/", is_last(f) ? "" : f->rest + f->at) < 0) {
		f->end.path = NULL;
		return no_memory(f);
	}
	return QUERN_OK;
}

static enum quern_status take_other(struct follower *f, const char *name,
				    const qn_h5_link_info *info)
{
	char *value = qn_calloc(info->u.val_size + 1, 1);
	enum quern_status status;

	if (!value)
		return no_memory(f);
	if (info->type != H5L_TYPE_SOFT && info->type != H5L_TYPE_EXTERNAL)
		status = qn_error_set(f->err, QUERN_ERR_DATA,
				      "%s: %s leads through a link of a kind "
				      "that a program has defined for itself (%d)",
				      f->file, f->asked, (int)info->type);
	else if (H5Lget_val(f->group, name, value, info->u.val_size, H5P_DEFAULT) < 0)
		status = fail(f, "a link cannot be read");
	else
		status = info->type == H5L_TYPE_SOFT ? take_soft(f, value)
						     : take_external(f, value, info->u.val_size);
	free(value);
	return status;
}

static enum quern_status take_name(struct follower *f, const char *name)
{
	htri_t is = H5Lexists(f->group, name, H5P_DEFAULT);
	qn_h5_link_info info;

	if (!strcmp(name, "."))
		return QUERN_OK;
	if (is < 0 || (is && qn_h5_get_link_info(f->group, name, &info, H5P_DEFAULT) < 0))
		return fail(f, "a group on the way to it cannot be read");
	if (!is)
		return append(f, name) ? end_at(f, QN_NOTHING) : no_memory(f);
	return info.type == H5L_TYPE_HARD ? take_hard(f, name) : take_other(f, name, &info);
}

static enum quern_status follow(struct follower *f)
{
	enum quern_status status = f->rest && append(f, "") ? QUERN_OK : no_memory(f);

	if (status == QUERN_OK && !to_root(f))
		status = fail(f, "the root group cannot be opened");
	while (status == QUERN_OK && !f->ended) {
		size_t n;
		char *name;

		f->at += strspn(f->rest + f->at, "/");
		n = strcspn(f->rest + f->at, "/");
		if (n == 0) {
			status = end_at(f, QN_GROUP);
			break;
		}
		name = qn_strndup(f->rest + f->at, n);
		f->at += n;
		status = name ? take_name(f, name) : no_memory(f);
		free(name);
	}
	return status;
}

void qn_h5_end_fini(struct qn_h5_end *e)
{
	free(e->file);
	free(e->path);
	memset(e, 0, sizeof(*e));
}

enum quern_status qn_h5_follow(hid_t file_id, const char *file, const char *path,
			       struct qn_h5_end *out, struct quern_message *err)
{
	struct follower f = { .file = file,
			      .asked = path,
			      .file_id = file_id,
			      .group = -1,
			      .rest = qn_strdup(path),
			      .err = err };
	enum quern_status status = follow(&f);

	qn_h5_close(f.group);
	free(f.rest);
	free(f.path);
	if (status != QUERN_OK)
		qn_h5_end_fini(&f.end);
	*out = f.end;
	return status;
}
