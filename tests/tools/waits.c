/*
 * waits.c - a plugin of HDF5: a filter that decodes a chunk to zeros, and is done only when there is a file
 * `go` in the working directory. So a test has time to do something to whoever decodes with it.
 *
 *	cp waits.so DIR/libwaits.so; HDF5_PLUGIN_PATH=DIR COMMAND
 */
#include <H5PLextern.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NUMBER	     511 /* of `layouts strange`, */
#define CHUNK_NBYTES 10	 /* and what it has decoded */
#define NAP_NS	     5000000

static size_t wait_and_decode(unsigned flags, size_t nparams, const unsigned params[],
			      size_t nbytes, size_t *room, void **data)
{
	(void)flags;
	(void)nparams;
	(void)params;
	(void)nbytes;
	while (access("go", F_OK) != 0)
		nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
	free(*data);
	*data = calloc(1, CHUNK_NBYTES);
	*room = *data ? CHUNK_NBYTES : 0;
	return *room;
}

H5PL_type_t H5PLget_plugin_type(void)
{
	return H5PL_TYPE_FILTER;
}

const void *H5PLget_plugin_info(void)
{
	static const H5Z_class2_t filter = { .version = H5Z_CLASS_T_VERS,
					     .id = NUMBER,
					     .encoder_present = 1,
					     .decoder_present = 1,
					     .name = "waits",
					     .filter = wait_and_decode };

	return &filter;
}
