#include "registry/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/fp.h"
#include "base/mem.h"
#include "base/system.h"
#include "kernel/kernel.h"
#include "registry/trust.h"

#define SYMBOL	    "quern_kernel"
#define MOST_NBYTES (INT64_C(1) << 30) /* of a shared object */

/* --- what a kernel must have --- */

/* A word of letters, digits and '_' or '-'. */
static bool is_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return name && *name && name[0] != '-' && strlen(name) < 64 && !name[strspn(name, letters)];
}

static const char *missing_slot(const struct quern_kernel *k)
{
	return !k->doc			  ? "doc"
	       : !k->open		  ? "open"
	       : !k->close		  ? "close"
	       : !k->layout		  ? "layout"
	       : !k->absorb		  ? "absorb"
	       : !k->fields		  ? "fields"
	       : !k->emit		  ? "emit"
	       : k->advance && !k->shared ? "shared"
					  : NULL;
}

static const char *private_slot(const struct quern_kernel *k)
{
	return k->absorb_rows ? "absorb_rows"
	       : k->emit_rows ? "emit_rows"
	       : k->share     ? "share"
			      : NULL;
}

static enum quern_status check_options(const struct quern_kernel *k, const char *file,
				       struct quern_message *err)
{
	for (const struct quern_option *o = k->options; o && o->name; o++) {
		if (!is_name(o->name) || !o->doc || (o->type != QUERN_OPT_FLAG && !o->arg) ||
		    (int)o->type < QUERN_OPT_FLAG || o->type > QUERN_OPT_LIST)
			return qn_error_set(
				err, QUERN_ERR_USAGE,
				"%s: option %zu of kernel %s has no name, no doc or no arg", file,
				(size_t)(o - k->options) + 1, k->name);
	}
	return QUERN_OK;
}

enum quern_status qn_library_check(const struct quern_kernel *k, const char *file,
				   struct quern_message *err)
{
	const char *slot;

	if (k->abi != QUERN_KERNEL_ABI)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"%s: its kernel is for version %u of kernels, and this quern has %u: compile "
			"it with the quern_kernel.h of this quern",
			file, k->abi, QUERN_KERNEL_ABI);
	if (!is_name(k->name))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s: a kernel's name is a word of letters, digits, '_' and '-'",
				    file);
	if (qn_kernel_find(k->name))
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"%s: quern has a kernel %s of its own: give this one another name", file,
			k->name);
	slot = missing_slot(k);
	if (slot)
		return qn_error_set(err, QUERN_ERR_USAGE, "%s: kernel %s has no %s", file, k->name,
				    slot);
	slot = private_slot(k);
	if (slot)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "%s: kernel %s has %s, which is for kernels inside quern only",
				    file, k->name, slot);
	return check_options(k, file, err);
}

/* --- loading --- */

static enum quern_status sum_up(const char *file, int fd, const struct stat *s, struct qn_sum *out,
				struct quern_message *err)
{
	const size_t nbytes = (size_t)s->st_size;
	enum quern_status st = qn_sum_check(err);
	void *bytes;

	if (!st && s->st_size > MOST_NBYTES)
		st = qn_error_set(err, QUERN_ERR_USAGE, "%s is no kernel: it has more than 1 GiB",
				  file);
	if (st)
		return st;
	bytes = qn_malloc(nbytes + 1);
	if (!bytes)
		return qn_error_nomem(err, nbytes, file);
	if (qn_sys_read_data(fd, bytes, nbytes, 0) == (ssize_t)nbytes)
		qn_sum_of(bytes, nbytes, out);
	else
		st = qn_error_set(err, QUERN_ERR_DATA, "%s cannot be read", file);
	free(bytes);
	return st;
}

/* What this library exports is for all to find, also where a program has loaded it for itself alone (as Python does). Of
   libquern.a it has what only kernels of users call. */
static void show_symbols(void)
{
	Dl_info own;

	if (dladdr((const void *)(uintptr_t)quern_exact_add, &own) && own.dli_fname)
		dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}

/* The linker's words, without the name by which it was opened. */
static const char *why_not(const char *path)
{
	const char *why = dlerror();

	if (why && !strncmp(why, path, strlen(path)) && why[strlen(path)] == ':')
		why += strlen(path) + 1 + strspn(why + strlen(path) + 1, " ");
	return why ? why : "no reason given";
}

/* The linker takes equal names for one file, so the descriptor stays open as long as the object is loaded. */
static enum quern_status load(const char *file, struct qn_library *l,
			      const struct quern_kernel **kernel, struct quern_message *err)
{
	QN_OWN_FP;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", l->fd);
	show_symbols();
	l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!l->handle)
		return qn_error_set(err, QUERN_ERR_USAGE, "%s cannot be loaded: %s", file,
				    why_not(path));
	*kernel = dlsym(l->handle, SYMBOL);
	if (!*kernel)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"%s has no kernel: it must define `const struct quern_kernel " SYMBOL
			"` (quern_kernel.h)",
			file);
	return qn_library_check(*kernel, file, err);
}

enum quern_status qn_library_open(const char *file, const char *name, struct qn_library *out,
				  const struct quern_kernel **kernel, struct qn_sum *sum,
				  struct quern_message *err)
{
	enum quern_status st;
	struct stat s;

	*out = QN_LIBRARY_NONE;
	st = qn_trust_open(file, &out->fd, &s, err);
	if (!st)
		st = sum_up(name, out->fd, &s, sum, err);
	if (!st)
		st = load(name, out, kernel, err);
	if (st)
		qn_library_close(out);
	return st;
}

void qn_library_close(struct qn_library *l)
{
	if (l->handle)
		dlclose(l->handle);
	if (l->fd >= 0)
		qn_sys_close(l->fd);
	*l = QN_LIBRARY_NONE;
}
