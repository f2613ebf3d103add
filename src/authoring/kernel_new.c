/*
 * kernel_new.c - quern kernels --new: the skeleton of a kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "cli/cli.h"
#include "authoring/kernels.h"
#include "kernel/kernel.h"

#define MARK "@NAME@"

static const struct {
	const char *before,
		*after; /* the name of the file, around that of the kernel; after NULL: without it */
	const char *text;
} files[] = {
	{ "", ".c", qn_template_kernel },
	{ "Makefile", NULL, qn_template_makefile },
	{ "", "-test.sh", qn_template_test },
};
#define NFILES (sizeof(files) / sizeof(*files))

/* Nobody else may write to what is to be loaded. */
static const struct qn_rights rights = { .mode = 0644, .group = QN_NO_GROUP };

static char *path_of(size_t i, const char *folder, const char *name)
{
	char *path = NULL;

	if (qn_asprintf(&path, "%s/%s%s%s", folder, files[i].before, files[i].after ? name : "",
			files[i].after ? files[i].after : "") < 0)
		return NULL;
	return path;
}

/* The text with the name in its places; owned. */
static char *fill_in(const char *text, const char *name)
{
	char *out = NULL;
	size_t nbytes;
	FILE *f = qn_open_memstream(&out, &nbytes);

	for (const char *mark; f && (mark = strstr(text, MARK)); text = mark + strlen(MARK))
		fprintf(f, "%.*s%s", (int)(mark - text), text, name);
	if (f)
		fputs(text, f);
	return f && !fclose(f) ? out : NULL;
}

static enum quern_status check_free(const char *folder, const char *name, struct quern_message *err)
{
	for (size_t i = 0; i < NFILES; i++) {
		char *path = path_of(i, folder, name);
		struct stat s;
		const bool is_there = path && !qn_sys_lstat(path, &s);

		if (is_there)
			qn_error_set(err, QUERN_ERR_USAGE,
				     "%s is there already: --new writes over nothing", path);
		else if (!path)
			qn_error_nomem(err, 0, "the name of a file");
		free(path);
		if (err->status)
			return err->status;
	}
	return QUERN_OK;
}

static enum quern_status write_new(const char *path, const char *text, struct quern_message *err)
{
	struct qn_publishing p;
	enum quern_status st = qn_publish_open(path, QN_REPLACE_LINK, rights, &p, err);

	if (st)
		return st;
	p.only_new = true;
	st = qn_publish_put(&p, text, strlen(text), err);
	if (!st)
		return qn_publish_commit(&p, QN_PUBLISH_NOW, err);
	qn_publish_discard(&p);
	return st;
}

static enum quern_status write_file(size_t i, const char *folder, const char *name,
				    struct quern_message *err)
{
	char *path = path_of(i, folder, name), *text = fill_in(files[i].text, name);
	enum quern_status st = path && text ? write_new(path, text, err)
					    : qn_error_nomem(err, 0, "the text of a kernel");

	free(path);
	free(text);
	return st;
}

/* It is that of a file in C, and of an option's value. */
static enum quern_status check_name(const char *name, struct quern_message *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	if (!*name || strlen(name) > 48 || name[strspn(name, letters)])
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--new %s: the name of a kernel has letters, digits and '_' only", name);
	if (qn_kernel_find(name))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--new %s: quern has a kernel of this name", name);
	return QUERN_OK;
}

int qn_cli_new_kernel(const char *name, const char *folder)
{
	struct quern_message err = { .status = QUERN_OK };
	enum quern_status st = check_name(name, &err);

	if (!st && qn_sys_mkdir(folder, 0755) && errno != EEXIST)
		st = qn_error_set(&err, qn_error_status_of(errno), "%s cannot be made: %s", folder,
				  qn_file_why(errno));
	if (!st)
		st = check_free(folder, name, &err);
	for (size_t i = 0; !st && i < NFILES; i++)
		st = write_file(i, folder, name, &err);
	if (st)
		return qn_cli_fail(st, err.text);
	printf("%s/%s.c, with a Makefile and a test: cd %s && make check\n", folder, name, folder);
	return QUERN_OK;
}
