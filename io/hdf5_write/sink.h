/*
 * sink.h - a file that the HDF5 library writes through quern.
 *
 * The library keeps what it could not write, tries again when the program exits, and crashes over it.
 * So a write that fails is noted here and told to the library as done: it ends in peace, and the file,
 * which is not in its place yet, is thrown away. The file is reached by its descriptor, never by name.
 */
#ifndef QN_IO_HDF5_WRITE_SINK_H
#define QN_IO_HDF5_WRITE_SINK_H

#include <hdf5.h>
#include <stdbool.h>

/* Of a file in memory. The library opens and reads a file of the name that it is created with, if there is one: there
   is none below what is no directory. */
#define QN_H5_IN_MEMORY "/dev/null/quern"

struct qn_h5_sink;

/* Opens fd, which has an HDF5 file, for reading and writing, or makes a new one there with the properties of
   fcpl (negative: it has one), and with those of fapl, which is changed. Borrows fd until qn_h5_sink_close. *file: negative, and NULL returned, on failure. Between
   qn_h5_enter and qn_h5_leave. */
struct qn_h5_sink *qn_h5_sink_open(int fd, hid_t fapl, hid_t fcpl, hid_t *file);

/* errno of the first write that failed; 0: none has. */
int qn_h5_sink_why(const struct qn_h5_sink *s);

/* Closes the file, which writes what is left; *why as above. False: the library has failed. */
bool qn_h5_sink_close(struct qn_h5_sink *s, hid_t file, int *why);

#endif
