/*
 * ask.c - questions that open the file for themselves, in this process.
 */
#include "base/system.h"
#include "io/hdf5_library/attr.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/ask.h"
#include "io/hdf5_library/list.h"
#include "io/hdf5_library/open.h"

typedef enum quern_status lister(hid_t file_id, const char *file, struct qn_listing *out,
				 struct quern_message *err);

static enum quern_status list(const char *file, lister *how, struct qn_listing *out,
			      struct quern_message *err)
{
	struct qn_h5_caller caller;
	struct stat st;
	hid_t id = -1;
	int fd;
	enum quern_status status = qn_h5_open_signed(file, &fd, &st, err);

	if (status != QUERN_OK)
		return status;
	qn_sys_close(fd);
	qn_h5_enter(&caller);
	status = qn_h5_open_file(file, &id, err);
	if (status == QUERN_OK)
		status = how(id, file, out, err);
	qn_h5_close(id);
	qn_h5_leave(&caller);
	return status;
}

enum quern_status qn_hdf5_list(const char *file, struct qn_listing *out, struct quern_message *err)
{
	return list(file, qn_h5_list, out, err);
}

enum quern_status qn_hdf5_list_closely(const char *file, struct qn_listing *out,
				       struct quern_message *err)
{
	return list(file, qn_h5_list_closely, out, err);
}

enum quern_status qn_hdf5_follow(const char *file, const char *path, struct qn_h5_end *out,
				 struct quern_message *err)
{
	struct qn_h5_caller caller;
	hid_t id = -1;
	enum quern_status status;

	qn_h5_enter(&caller);
	status = qn_h5_open_file(file, &id, err);
	if (status == QUERN_OK)
		status = qn_h5_follow(id, file, path, out, err);
	qn_h5_close(id);
	qn_h5_leave(&caller);
	return status;
}

enum quern_status qn_hdf5_texts(const char *file, const char *path, struct qn_names *out,
				struct quern_message *err)
{
	struct qn_h5_caller caller;
	hid_t id = -1, dset = -1;
	enum quern_status status;
	bool nomem = false;

	qn_h5_enter(&caller);
	status = qn_h5_open_file(file, &id, err);
	if (status == QUERN_OK)
		status = qn_h5_open_dataset(id, file, path, &dset, err);
	if (status == QUERN_OK && !qn_h5_attr_texts(dset, out, &nomem))
		status = nomem ? qn_error_nomem(err, 0, "attributes")
			       : qn_h5_fail(err, file, path, "its attributes cannot be read");
	qn_h5_close(dset);
	qn_h5_close(id);
	qn_h5_leave(&caller);
	return status;
}
