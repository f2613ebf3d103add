/*
 * format.c - HDF5 as a format: NetCDF-4, PyTables and NeXus files are HDF5 too.
 */
#include "io/hdf5_child/format.h"

#include <unistd.h>

#include "base/file.h"
#include "base/system.h"
#include "io/hdf5_child/child.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_format/raw.h"
#include "io/hdf5_write/stage.h"
#include "io/hdf5_write/write.h"

static enum quern_status probe(const char *file, bool *is, struct quern_message *err)
{
	struct stat st;
	int fd;
	enum quern_status status = qn_h5_open_plain(file, &fd, &st, err);

	if (status != QUERN_OK)
		return status;
	status = qn_h5_find_superblock(file, fd, (uint64_t)st.st_size, is, err);
	qn_sys_close(fd);
	return status;
}

static bool is_growing(const char *file)
{
	const int fd = qn_file_open(file, NULL);
	const bool is = fd >= 0 && qn_h5_is_growing(fd);

	if (fd >= 0)
		qn_sys_close(fd);
	return is;
}

const struct qn_format qn_hdf5_format = {
	.name = "HDF5",
	.probe = probe,
	.is_growing = is_growing,
	.list = qn_hdf5_child_list,
	.list_closely = qn_hdf5_child_list_closely,
	.locate = qn_hdf5_child_locate,
	.describe = qn_hdf5_child_describe,
	.describe_part = qn_hdf5_child_describe_part,
	.sources = qn_hdf5_child_sources,
	.describe_like = qn_hdf5_child_describe_like,
	.texts = qn_hdf5_child_texts,
	.open = qn_hdf5_child_open,
	.read = qn_hdf5_child_read,
	.close = qn_hdf5_child_close,
	.begin = qn_hdf5_begin,
	.put = qn_hdf5_put,
	.put_rows = qn_hdf5_put_rows,
	.end_rows = qn_hdf5_end_rows,
	.end = qn_hdf5_end,
	.is_result = qn_hdf5_child_is_result,
	.shell = qn_hdf5_child_shell,
	.fill = qn_hdf5_fill,
	.catalog = qn_hdf5_child_catalog,
	.version = qn_hdf5_version,
	.sandbox = qn_hdf5_child_sandbox,
};
