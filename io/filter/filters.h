/*
 * filters.h - the decode slots of the filter table; struct qn_filter has their contract.
 *
 * A file beside this, filter_NAME.c, has what the row NAME of the table points to. Where configure
 * did not find a codec's library, the file is empty and there is no row.
 */
#ifndef QN_IO_FILTER_FILTERS_H
#define QN_IO_FILTER_FILTERS_H

#include "data/storage.h"

typedef bool qn_decode_fn(void *state, const struct qn_filter_step *step, size_t elem_size,
			  const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
			  size_t *out_n);

/* Part of HDF5 itself. */
void *qn_deflate_state_new(void);
void qn_deflate_state_free(void *state);
qn_decode_fn qn_deflate_decode;
size_t qn_deflate_encode(const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes);
qn_decode_fn qn_shuffle_decode;
/* Works in place too: with out == in nothing is copied. */
qn_decode_fn qn_fletcher32_decode;
qn_decode_fn qn_szip_decode;
qn_decode_fn qn_nbit_decode;
bool qn_nbit_applicable(const struct qn_filter_step *step);
qn_decode_fn qn_scaleoffset_decode;
bool qn_scaleoffset_applicable(const struct qn_filter_step *step);

/* Registered with the HDF Group. */
qn_decode_fn qn_bzip2_decode;
qn_decode_fn qn_lzf_decode;
qn_decode_fn qn_blosc_decode;
qn_decode_fn qn_lz4_decode;
void *qn_zstd_state_new(void);
void qn_zstd_state_free(void *state);
qn_decode_fn qn_zstd_decode;
void *qn_bitshuffle_state_new(void);
void qn_bitshuffle_state_free(void *state);
qn_decode_fn qn_bitshuffle_decode;
bool qn_bitshuffle_applicable(const struct qn_filter_step *step);
void *qn_blosc2_state_new(void);
void qn_blosc2_state_free(void *state);
qn_decode_fn qn_blosc2_decode;

/* Memory that a decoder keeps from chunk to chunk; its contents do not survive growing. */
struct qn_scratch {
	uint8_t *bytes; /* owned */
	size_t nbytes;
};

/* At least nbytes, or NULL when there is no memory. */
uint8_t *qn_scratch_reserve(struct qn_scratch *s, size_t nbytes);
/* A scratch on the heap, for filters that need no other state. */
void *qn_scratch_new(void);
void qn_scratch_free(void *scratch);

/* Integers at any address. */
uint32_t qn_load_le32(const uint8_t *p);
uint64_t qn_load_le64(const uint8_t *p);
uint32_t qn_load_be32(const uint8_t *p);
uint64_t qn_load_be64(const uint8_t *p);

#endif
