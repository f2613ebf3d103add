/*
 * names.h - where the library looks for the files that a file names: sources of a virtual
 * dataset, targets of external links, external raw files.
 */
#ifndef QN_IO_HDF5_FORMAT_NAMES_H
#define QN_IO_HDF5_FORMAT_NAMES_H

#include "base/error.h"

/*
 * The path of a source file that is named in `file`, found as the library does: as it is when it is
 * absolute, with each prefix of HDF5_VDS_PREFIX, beside `file`, in the working directory, beside what
 * a symbolic link `file` leads to. Owned: "" when there is none. QUERN_ERR_DATA: what is found is not
 * a file that can be read: opening a pipe or a device could wait for ever.
 */
enum quern_status qn_h5_find_source(const char *file, const char *name, char **out,
				    struct quern_message *err);

/* The same for a file to which an external link of `file` leads, with the prefixes of
   HDF5_EXT_PREFIX. */
enum quern_status qn_h5_find_linked(const char *file, const char *name, char **out,
				    struct quern_message *err);

/* The same for a raw file, which the library looks for in one place only: by HDF5_EXTFILE_PREFIX or
   in the working directory. */
enum quern_status qn_h5_find_raw(const char *file, const char *name, char **out,
				 struct quern_message *err);

/* "%b" of a name becomes the number of a block, "%%" a per cent sign. NULL without memory. */
char *qn_h5_block_name(const char *name, uint64_t block);
bool qn_h5_has_block(const char *name);

#endif
