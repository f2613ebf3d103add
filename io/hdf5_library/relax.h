/*
 * relax.h - lets the library create and open numbers of which few bits are used.
 *
 * HDF5 1.14.4 and later take a datatype with less than half of its bits in use for damage, in files
 * whose metadata has no checksums. Such types are valid (counters of detectors are 12 bits of 32).
 * What is damaged is found without this: sizes and offsets of a type are checked where it is read.
 */
#ifndef QN_IO_HDF5_LIBRARY_RELAX_H
#define QN_IO_HDF5_LIBRARY_RELAX_H

#include <hdf5.h>

/* Not an error where the library has no such check. */
static inline void qn_h5_relax(hid_t fapl)
{
#if H5_VERSION_GE(1, 14, 4)
	if (fapl >= 0)
		H5Pset_relax_file_integrity_checks(fapl, H5F_RFIC_ALL);
#else
	(void)fapl;
#endif
}

#endif
