/*
 * roles.h - what elements have besides their value, and which kernels are of that.
 */
#ifndef QN_KERNEL_ROLES_H
#define QN_KERNEL_ROLES_H

#include "base/error.h"
#include "quern_kernel.h"

/* The option that makes the variable of a role: "--with". */
const char *qn_role_option(enum quern_role role);

/* QUERN_ERR_USAGE: a kernel, or one of several, takes not all of these roles, or needs more. */
enum quern_status qn_roles_check(const struct quern_kernel *k, unsigned roles,
				 struct quern_message *err);

/* Names of those that do not take a role, which they are beside; returns how many. */
size_t qn_roles_list_beside(const struct quern_kernel *k, enum quern_role role, size_t nbytes,
			    char *out);

#endif
