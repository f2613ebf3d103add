/*
 * names.c - the filter numbers that the HDF Group has registered, and where to get each.
 */
#include "io/filter/filters.h"

#define GROUP  "hdf5_plugins of the HDF Group"
#define PYTHON "hdf5plugin for Python, or hdf5_plugins of the HDF Group"

const struct qn_filter_name qn_filter_names[] = {
	{ 1, "deflate", "libdeflate-dev", NULL },
	{ 2, "shuffle", "", NULL },
	{ 3, "fletcher32", "", NULL },
	{ 4, "szip", "libaec-dev", NULL },
	{ 5, "nbit", "", NULL },
	{ 6, "scaleoffset", "", NULL },
	{ 305, "lzo", NULL, "PyTables: Debian's python3-tables" },
	{ 307, "bzip2", "libbz2-dev", "Debian's hdf5-filter-plugin" },
	{ 32000, "lzf", "", "Debian's hdf5-plugin-lzf" },
	{ 32001, "blosc", "libblosc-dev", "Debian's hdf5-filter-plugin-blosc-serial" },
	{ 32002, "mafisc", NULL, GROUP },
	{ 32003, "snappy", NULL, "lucasvr/snappy-hdf5" },
	{ 32004, "lz4", "liblz4-dev", "Debian's hdf5-filter-plugin" },
	{ 32005, "apax", NULL, "Samplify APAX" },
	{ 32006, "cbf", NULL, "CBFlib" },
	{ 32007, "jpeg-xr", NULL, "JPEG-XR filter of the CSIRO" },
	{ 32008, "bitshuffle", "liblz4-dev and libzstd-dev", "Debian's hdf5-filter-plugin" },
	{ 32009, "spdp", NULL, "SPDP of Texas State University" },
	{ 32010, "lpc-rice", NULL, "LPC-Rice of Lawrence Berkeley Laboratory" },
	{ 32011, "ccsds-123", NULL, "CCSDS-123 of the ESA" },
	{ 32012, "jpeg-ls", NULL, "HDF5-JPEG-LS of CharLS" },
	{ 32013, "zfp", NULL, "Debian's hdf5-filter-plugin-zfp-serial" },
	{ 32014, "fpzip", NULL, "fpzip of Lawrence Livermore Laboratory" },
	{ 32015, "zstd", "libzstd-dev", PYTHON },
	{ 32016, "b3d", NULL, "B3D of the EMBL" },
	{ 32017, "sz", NULL, PYTHON },
	{ 32018, "fcidecomp", NULL, "FCIDECOMP of EUMETSAT" },
	{ 32019, "jpeg", NULL, GROUP },
	{ 32020, "vbz", NULL, "vbz_compression of Oxford Nanopore" },
	{ 32021, "fapec", NULL, "FAPEC of DAPCOM" },
	{ 32022, "bitgroom", NULL, "the NetCDF CCR, or hdf5_plugins of the HDF Group" },
	{ 32023, "granular bitround", NULL, "the NetCDF CCR, or hdf5_plugins of the HDF Group" },
	{ 32024, "sz3", NULL, PYTHON },
	{ 32025, "delta-rice", NULL, "Delta-Rice of Los Alamos Laboratory" },
	{ 32026, "blosc2", "liblz4-dev and libzstd-dev", PYTHON },
	{ 32027, "flac", NULL, "flac-numcodecs" },
	{ 32028, "sperr", NULL, "H5Z-SPERR" },
	{ 32029, "terse/prolix", NULL, "TERSE/PROLIX of Senik Matinyan" },
	{ 32030, "ffmpeg", NULL, "h5ffmpeg" },
	{ .id = 0 },
};
