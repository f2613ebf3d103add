/*
 * member.h - what is inside of a datatype: members of compounds, elements of arrays.
 * Between qn_h5_enter and qn_h5_leave.
 */
#ifndef QN_IO_HDF5_LIBRARY_MEMBER_H
#define QN_IO_HDF5_LIBRARY_MEMBER_H

#include <hdf5.h>

#include "data/dataset.h"

/* Where in an element of a dataset the numbers are. */
struct qn_h5_leaf {
	hid_t type;	 /* owned: of one of them; -1 when there is none */
	uint64_t offset; /* bytes before the first one, as the file has it */
	int ndim;	 /* of the arrays around it, outermost first */
	uint64_t shape[QUERN_MAX_DIMS], stride[QUERN_MAX_DIMS]; /* strides in bytes */
};

/*
 * Finds the member that `column` names ("a", "a.b"; NULL: the type itself) and takes arrays apart.
 * addr_nbytes: of an address in the file, which the sizes of some types depend on. `what` begins
 * messages: "FILE: dataset PATH". QUERN_ERR_USAGE when there is no such member, naming near ones,
 * or it is a compound itself. A compound is a leaf when no column is given. The caller frees with
 * qn_h5_leaf_fini, on success only.
 */
enum quern_status qn_h5_leaf_find(hid_t type, const char *column, unsigned addr_nbytes,
				  const char *what, struct qn_h5_leaf *out,
				  struct quern_message *err);
void qn_h5_leaf_fini(struct qn_h5_leaf *leaf);

/* Bytes of an element of the type in the file: of what is stored elsewhere, and of references, the
   library tells the size in memory. */
uint64_t qn_h5_stored_size(hid_t type, unsigned addr_nbytes);

/* The type to have the library read a column as: arrays and compounds as they are around the leaf,
   packed, with no other members, and `leaf` in its place. Closed with qn_h5_close. */
hid_t qn_h5_member_type(hid_t type, const char *column, hid_t leaf);

/* Lists the members of a compound, or of an array of compounds: at most QN_MAX_MEMBERS. False when
   there is no memory. */
bool qn_h5_members_list(hid_t type, unsigned addr_nbytes, struct qn_dataset *d);

#endif
