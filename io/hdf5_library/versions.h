/*
 * versions.h - calls that HDF5 1.12 has renamed, under one name each, and the addresses of object
 * headers, which it wraps into tokens.
 *
 * All of them want the lock of file.h, as the calls of the library do.
 */
#ifndef QN_IO_HDF5_LIBRARY_VERSIONS_H
#define QN_IO_HDF5_LIBRARY_VERSIONS_H

#include <hdf5.h>
#include <stdbool.h>

#if H5_VERSION_GE(1, 12, 0)
typedef H5L_info2_t qn_h5_link_info;
typedef H5O_info2_t qn_h5_object_info;
#define qn_h5_literate		     H5Literate2
#define qn_h5_literate_by_name	     H5Literate_by_name2
#define qn_h5_get_link_info	     H5Lget_info2
#define qn_h5_reclaim		     H5Treclaim
#define qn_h5_get_info(object, info) H5Oget_info3(object, info, H5O_INFO_BASIC)
#define qn_h5_get_info_by_name(group, name, info) \
	H5Oget_info_by_name3(group, name, info, H5O_INFO_BASIC, H5P_DEFAULT)
#else
typedef H5L_info_t qn_h5_link_info;
typedef H5O_info_t qn_h5_object_info;
#define qn_h5_literate		     H5Literate
#define qn_h5_literate_by_name	     H5Literate_by_name
#define qn_h5_get_link_info	     H5Lget_info
#define qn_h5_reclaim		     H5Dvlen_reclaim
#define qn_h5_get_info(object, info) H5Oget_info2(object, info, H5O_INFO_BASIC)
#define qn_h5_get_info_by_name(group, name, info) \
	H5Oget_info_by_name2(group, name, info, H5O_INFO_BASIC, H5P_DEFAULT)
#endif

/* Of the header of an object that was asked for by `at`, relative to the end of the user block; HADDR_UNDEF
   when it has none. */
static inline haddr_t qn_h5_object_addr(hid_t at, const qn_h5_object_info *info)
{
#if H5_VERSION_GE(1, 12, 0)
	haddr_t addr;

	return H5VLnative_token_to_addr(at, info->token, &addr) < 0 ? HADDR_UNDEF : addr;
#else
	(void)at;
	return info->addr;
#endif
}

/* The same of a hard link in a group. */
static inline haddr_t qn_h5_link_addr(hid_t group, const qn_h5_link_info *info)
{
#if H5_VERSION_GE(1, 12, 0)
	haddr_t addr;

	return H5VLnative_token_to_addr(group, info->u.token, &addr) < 0 ? HADDR_UNDEF : addr;
#else
	(void)group;
	return info->u.address;
#endif
}

/* The same of an object that is open. */
static inline haddr_t qn_h5_addr_of(hid_t object)
{
	qn_h5_object_info info;

	return qn_h5_get_info(object, &info) < 0 ? HADDR_UNDEF : qn_h5_object_addr(object, &info);
}

static inline hid_t qn_h5_open_at(hid_t file, haddr_t addr)
{
#if H5_VERSION_GE(1, 12, 0)
	H5O_token_t token;

	return H5VLnative_addr_to_token(file, addr, &token) < 0 ? -1
								: H5Oopen_by_token(file, token);
#else
	return H5Oopen_by_addr(file, addr);
#endif
}

#endif
