/*
 * names.h - a list of names of files, and the patterns that stand for several of them.
 */
#ifndef QN_BASE_NAMES_H
#define QN_BASE_NAMES_H

#include "base/error.h"

struct qn_names {
	size_t n, room;
	char **name; /* owned, each */
};

void qn_names_fini(struct qn_names *l);

/* Adds a copy of a name. */
enum quern_status qn_names_add(struct qn_names *l, const char *name, struct quern_message *err);

/*
 * Adds the files that a word stands for: itself, or when there is no file of that name and it has one
 * of * ? [ in it, those that glob(7) finds for it, in the order of their bytes. QUERN_ERR_DATA when it
 * finds none.
 */
enum quern_status qn_names_expand(struct qn_names *l, const char *word, struct quern_message *err);

/* The same, but finding none is no error. On hosts with disks of their own, others may find some. */
enum quern_status qn_names_find(struct qn_names *l, const char *word, struct quern_message *err);
enum quern_status qn_names_none(const char *word, struct quern_message *err); /* is one then */

/* Can a word stand for other names than itself? */
bool qn_names_is_pattern(const char *word);

/* Sorts the list by the bytes of the names, and leaves each name in it once. */
void qn_names_unite(struct qn_names *l);

/* A name that is in the list twice, however often "./" or "//" is in it; NULL: there is none, or no
   memory to look. */
const char *qn_names_repeated(const struct qn_names *l);

/* Of a list (or NULL) of names and texts by turns: the text of a name, borrowed; NULL: it has none. */
const char *qn_names_text(const struct qn_names *l, const char *name);

/* Flat form, for ranks of this program. pack returns owned memory, or NULL when there is none; unpack
   adds the names to the list. */
void *qn_names_pack(const struct qn_names *l, size_t *nbytes);
enum quern_status qn_names_unpack(struct qn_names *l, const void *data, size_t nbytes,
				  struct quern_message *err);

#endif
