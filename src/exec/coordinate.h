/*
 * coordinate.h - the coordinate variables of a dataset, read where the files are known: for
 * selections by value.
 *
 * The coordinate of a dimension is its dimension scale, or the dataset of the dimension's name and
 * one dimension in the group of the dataset or one above it. It is read whole, through the same
 * description, checks and feed as any data.
 */
#ifndef QN_EXEC_COORDINATE_H
#define QN_EXEC_COORDINATE_H

#include "base/names.h"
#include "data/select.h"

/* More values than this are not read. */
#define QN_MAX_COORDINATES UINT64_C(100000000)

/* The box of a selection, with coordinates read as it needs them. files: those that are joined along
   a dimension to be d; the coordinate of that dimension is joined too. NULL: there is only d->file.
   Not collective. */
enum quern_status qn_coordinate_select(const struct qn_dataset *d, const struct qn_names *files,
				       int along, const char *text, struct quern_box *box,
				       struct quern_message *err);

#endif
