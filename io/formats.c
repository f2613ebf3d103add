/*
 * formats.c - the table of file formats. A new one is a file beside this, and a row here.
 */
#include "io/hdf5_child/format.h"

const struct qn_format *const qn_formats[] = {
	&qn_hdf5_format,
	NULL,
};
