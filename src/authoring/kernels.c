/*
 * kernels.c - quern kernels: lists or describes them, and makes and checks those of users.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "authoring/kernels.h"
#include "quern.h"
#include "registry/compile.h"

static const struct quern_option kernels_table[] = {
	{ "new", 0, QUERN_OPT_STRING, "NAME", NULL, 0, 0,
	  "write the skeleton of a kernel, NAME.c, with a Makefile and a test, here or to the directory that is "
	  "the operand" },
	{ "check", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "try a kernel of yours on random tiles, orders, partitions and threads, between guard pages, and say "
	  "what it breaks" },
	{ "type", 0, QUERN_OPT_LIST, "TYPE", NULL, 0, 0,
	  "with --check: only elements of these types (i1 u1 i2 u2 i4 u4 i8 u8 f4 f8 text)" },
	{ "set", 0, QUERN_OPT_LIST, "NAME=VALUE", NULL, 0, 0,
	  "with --check: options of the kernel" },
	{ "seed", 0, QUERN_OPT_INT, "N", "1", 1, INT64_MAX, "with --check: of what is random" },
	{ "flags", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "print the flags that a kernel in C is compiled with, for a Makefile" },
	{ "json", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, "print JSON, nothing else" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

void qn_cli_kernels_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = kernels_table;
}

static int print_flags(void)
{
	struct quern_message err = { .status = QUERN_OK };
	char *flags;

	if (qn_compile_flags(&flags, &err))
		return qn_cli_fail(err.status, err.text);
	puts(flags);
	free(flags);
	return QUERN_OK;
}

/* What belongs to --check alone. */
static const char *stray_option(const struct quern_options *o)
{
	return quern_option_string(o, "check")	? NULL
	       : quern_option_string(o, "type") ? "type"
	       : quern_option_string(o, "set")	? "set"
						: NULL;
}

static int do_kernels(const struct quern_options *o, int n, char **words)
{
	const char *name = quern_option_string(o, "new"), *file = quern_option_string(o, "check");
	const bool flags = quern_option_flag(o, "flags");

	if (stray_option(o) || (name != NULL) + (file != NULL) + flags > 1)
		return qn_cli_fail(QUERN_ERR_USAGE,
				   "one of --new NAME, --check FILE, --flags; --type, --set and "
				   "--seed are of --check");
	if (n > 1 || (n > 0 && (file || flags)))
		return qn_cli_fail(QUERN_ERR_USAGE,
				   "too many words: quern kernels [NAME | FILE], or --new NAME "
				   "[DIR], or --check FILE");
	if (name)
		return qn_cli_new_kernel(name, n ? words[0] : ".");
	if (file)
		return qn_cli_check_kernel(o, file);
	return flags ? print_flags()
		     : qn_cli_show_kernels(n ? words[0] : NULL, quern_option_flag(o, "json"));
}

int qn_cli_kernels(int argc, char **argv)
{
	struct quern_options o;
	int first = qn_cli_options(qn_cli_command("kernels"), argc, argv, &o), code;

	if (first < 0)
		return -1 - first;
	code = do_kernels(&o, argc - first, argv + first);
	qn_options_fini(&o);
	return code ? code : qn_cli_finish();
}
