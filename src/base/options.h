/*
 * options.h - the values of options, as rows of tables.
 *
 * A table of `struct quern_option` is all there is to say about an option: the parser, the
 * environment variable QUERN_<NAME>, the help and the type check come from its row. A set holds the
 * values for one or more tables (the command's, and the kernel's).
 */
#ifndef QN_BASE_OPTIONS_H
#define QN_BASE_OPTIONS_H

#include "base/error.h"

#define QN_MAX_OPTION_TABLES 4

struct qn_option_value {
	const struct quern_option *row;
	char *text; /* owned; NULL: not given and no fallback */
};

struct quern_options {
	int n;
	struct qn_option_value *value; /* owned */
};

/* Makes a set over the tables (each ends with a NULL name; a NULL table is skipped; keeps them),
   with the fallbacks filled in. */
enum quern_status qn_options_init(struct quern_options *o, const struct quern_option *const *tables,
				  int ntables, struct quern_message *err);
void qn_options_fini(struct quern_options *o);

/* The row of a name, or NULL. */
const struct quern_option *qn_options_row(const struct quern_options *o, const char *name);

/* Sets a value after checking it against its row. A flag takes NULL or "1", or "0" to unset it.
   QUERN_ERR_USAGE for an unknown name (with the nearest known one) or a value of the wrong form. */
enum quern_status qn_options_set(struct quern_options *o, const char *name, const char *text,
				 struct quern_message *err);

/* Of a name that an option had: whose it was, and what it is called now. NULL: it is none. */
const char *qn_option_renamed(const char *name, const char **now);

/* Sets every option whose environment variable is set and not empty. */
enum quern_status qn_options_from_environment(struct quern_options *o, struct quern_message *err);

/* QUERN_ and the name in capitals, - as _, into out. */
void qn_option_variable(const struct quern_option *row, char *out, size_t nbytes);

/* All values as text, flat, for a broadcast; returns owned memory or NULL. */
char *qn_options_pack(const struct quern_options *o, size_t *nbytes);
/* Replaces all values by packed ones of a set over the same tables. */
enum quern_status qn_options_unpack(struct quern_options *o, const char *data, size_t nbytes,
				    struct quern_message *err);

/* "1", "64M", "1.5G" to a number of bytes; false when it is none. */
bool qn_parse_size(const char *text, int64_t *nbytes);

/* Which of the words (NULL after the last) the value of an environment variable is that is no option;
   *which stays when it is not set, or empty. QUERN_ERR_USAGE: it is none of them. */
enum quern_status qn_variable_word(const char *variable, const char *const *words, int *which,
				   struct quern_message *err);

/* The candidate nearest to `word` within an edit distance worth suggesting, or NULL. next(ctx, i)
   gives candidate i, NULL after the last. */
const char *qn_nearest(const char *word, const char *(*next)(const void *ctx, int i),
		       const void *ctx);

#endif
