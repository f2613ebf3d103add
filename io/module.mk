# io: storage formats and filters, part of libquern. MULTI_ISA: see src/base/isa.h.
LIB_SRCS += io/filters.c io/filter_bitshuffle.c io/filter_blosc.c io/filter_blosc2.c \
	io/filter_bzip2.c io/filter_deflate.c io/filter_fletcher32.c io/filter_lz4.c io/filter_lzf.c \
	io/filter_names.c io/filter_nbit.c io/filter_scaleoffset.c io/filter_shuffle.c \
	io/filter_szip.c io/filter_util.c io/filter_zstd.c
LIB_SRCS += io/bitplanes.c io/blosc2_chunk.c io/blosc2_lz.c
LIB_MULTI_ISA_SRCS += io/bitplanes_simd.c
LIB_SRCS += io/child.c io/child_filter.c io/hdf5_child.c io/hdf5_child_read.c
LIB_SRCS += io/formats.c io/hdf5_attr.c io/hdf5_cf.c io/hdf5_contiguous.c io/hdf5_describe.c \
	io/hdf5_dims.c io/hdf5_file.c io/hdf5_format.c io/hdf5_index.c io/hdf5_index_btree1.c \
	io/hdf5_index_btree2.c io/hdf5_index_extensible.c io/hdf5_index_fixed.c \
	io/hdf5_layout.c io/hdf5_list.c io/hdf5_lookup3.c io/hdf5_raw.c \
	io/hdf5_read.c io/hdf5_type.c io/hdf5_write.c
