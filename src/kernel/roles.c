#include "kernel/roles.h"

#include <stdio.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/several.h"

/* What a role is made by, and what it is. */
static const struct {
	const char *option, *words;
} roles[QUERN_NROLES] = {
	[QUERN_VALUE] = { "--expr", "values" },
	[QUERN_WITH] = { "--with", "other values" },
	[QUERN_WEIGHT] = { "--weights", "weights" },
};

const char *qn_role_option(enum quern_role role)
{
	return roles[role].option;
}

/* Of several the first that takes a role or not, and needs it or not. */
static const char *name_of(const struct quern_kernel *k, enum quern_role role, bool takes)
{
	const struct quern_kernel *one;

	for (int i = 0; (one = qn_kernel_of(k, i)); i++)
		if (takes ? one->needs & QUERN_ROLE(role) : !qn_kernel_takes(one, role))
			return one->name;
	return k->name;
}

static enum quern_status check(const struct quern_kernel *k, enum quern_role role, bool has,
			       struct quern_message *err)
{
	char others[256];

	if (has ? qn_kernel_takes(k, role) : !(k->needs & QUERN_ROLE(role)))
		return QUERN_OK;
	if (!has)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "kernel %s is of two values of each element: give the other "
				    "with %s EXPR",
				    name_of(k, role, true), roles[role].option);
	qn_kernels_list(qn_kernel_takes, role, others, sizeof(others));
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "%s: kernel %s takes no %s; with %s you can have: %s",
			    roles[role].option, name_of(k, role, false), roles[role].words,
			    roles[role].words, others);
}

enum quern_status qn_roles_check(const struct quern_kernel *k, unsigned has,
				 struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (enum quern_role r = QUERN_VALUE + 1; !st && r < QUERN_NROLES; r++)
		st = check(k, r, has & QUERN_ROLE(r), err);
	return st;
}

size_t qn_roles_list_beside(const struct quern_kernel *k, enum quern_role role, size_t nbytes,
			    char *out)
{
	const struct quern_kernel *one;
	size_t n = 0;

	out[0] = '\0';
	for (int i = 0; (one = qn_kernel_of(k, i)); i++)
		if (!qn_kernel_takes(one, role)) {
			const size_t at = strlen(out);

			snprintf(out + at, nbytes - at, "%s%s", n++ ? ", " : "", one->name);
		}
	return n;
}
