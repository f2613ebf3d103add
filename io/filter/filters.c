/*
 * filters.c - the table of filters. A new one is a file beside this, and a row here.
 */
#include "io/filter/filters.h"

#include <libdeflate.h>
#ifdef QN_HAVE_BLOSC
#include <blosc.h>
#endif
#ifdef QN_HAVE_LZ4
#include <lz4.h>
#endif
#ifdef QN_HAVE_ZSTD
#include <zstd.h>
#endif

/* The inner codecs of bitshuffle and blosc2. */
#if defined(QN_HAVE_LZ4) && defined(QN_HAVE_ZSTD)
#define WITH_LZ " with lz4 and zstd"
#elif defined(QN_HAVE_LZ4)
#define WITH_LZ " with lz4, without zstd"
#elif defined(QN_HAVE_ZSTD)
#define WITH_LZ " with zstd, without lz4"
#else
#define WITH_LZ " without lz4 and zstd"
#endif

const struct qn_filter qn_filters[] = {
	{
		.id = QN_FILTER_DEFLATE,
		.name = "deflate",
		.library = "libdeflate " LIBDEFLATE_VERSION_STRING,
		.state_new = qn_deflate_state_new,
		.state_free = qn_deflate_state_free,
		.decode = qn_deflate_decode,
		.encode = qn_deflate_encode,
	},
	{
		.id = QN_FILTER_SHUFFLE,
		.name = "shuffle",
		.library = "built in",
		.decode = qn_shuffle_decode,
	},
	{
		.id = QN_FILTER_FLETCHER32,
		.name = "fletcher32",
		.library = "built in",
		.decode = qn_fletcher32_decode,
	},
#ifdef QN_HAVE_SZIP
	{
		.id = 4,
		.name = "szip",
		.library = "libaec",
		.state_new = qn_scratch_new,
		.state_free = qn_scratch_free,
		.decode = qn_szip_decode,
	},
#endif
	{
		.id = 5,
		.name = "nbit",
		.library = "built in",
		.applicable = qn_nbit_applicable,
		.decode = qn_nbit_decode,
	},
	{
		.id = 6,
		.name = "scaleoffset",
		.library = "built in",
		.applicable = qn_scaleoffset_applicable,
		.decode = qn_scaleoffset_decode,
	},
#ifdef QN_HAVE_BZIP2
	{
		.id = 307,
		.name = "bzip2",
		.library = "libbz2",
		.decode = qn_bzip2_decode,
	},
#endif
	{
		.id = 32000,
		.name = "lzf",
		.library = "built in",
		.decode = qn_lzf_decode,
	},
#ifdef QN_HAVE_BLOSC
	{
		.id = 32001,
		.name = "blosc",
		.library = "c-blosc " BLOSC_VERSION_STRING,
		.decode = qn_blosc_decode,
	},
#endif
#ifdef QN_HAVE_LZ4
	{
		.id = 32004,
		.name = "lz4",
		.library = "liblz4 " LZ4_VERSION_STRING,
		.decode = qn_lz4_decode,
	},
#endif
	{
		.id = 32008,
		.name = "bitshuffle",
		.library = "built in" WITH_LZ,
		.state_new = qn_bitshuffle_state_new,
		.state_free = qn_bitshuffle_state_free,
		.applicable = qn_bitshuffle_applicable,
		.decode = qn_bitshuffle_decode,
	},
#ifdef QN_HAVE_ZSTD
	{
		.id = 32015,
		.name = "zstd",
		.library = "libzstd " ZSTD_VERSION_STRING,
		.state_new = qn_zstd_state_new,
		.state_free = qn_zstd_state_free,
		.decode = qn_zstd_decode,
	},
#endif
	{
		.id = 32026,
		.name = "blosc2",
		.library = "built in" WITH_LZ,
		.state_new = qn_blosc2_state_new,
		.state_free = qn_blosc2_state_free,
		.decode = qn_blosc2_decode,
	},
	{ .id = 0 },
};
