/*
 * describe.h - from the words of a user to a dataset: formats, names, and the file on this host.
 */
#ifndef QN_DESCRIBE_DESCRIBE_H
#define QN_DESCRIBE_DESCRIBE_H

#include "data/mosaic.h"
#include "data/storage.h"
#include "data/sum.h"
#include "cluster/site.h"

/* The format of a file; QUERN_ERR_DATA when it is none that is known. Not collective. */
enum quern_status qn_source_format(const char *file, const struct qn_format **format,
				   struct quern_message *err);

/* The checked description of a dataset. path NULL: the only variable of the file; with more, the
   error lists them, and of a group what is in it. column: a member of its compound datatype, or NULL. Owned by the caller:
   qn_dataset_fini. Not collective. */
enum quern_status qn_source_describe(const char *file, const char *path, const char *column,
				     bool with_index, struct qn_dataset *d,
				     struct quern_message *err);

/* Gives a dataset that is described without its index the part of the index that a box of it meets.
   Only that box may be read by it. QUERN_ERR_DATA, and d is as it was: the dataset has changed.
   Not collective. */
enum quern_status qn_source_index(struct qn_dataset *d, const struct quern_box *part,
				  struct quern_message *err);

/* Does a path lead to anything in the file? Not collective. */
enum quern_status qn_source_has(const struct qn_format *format, const char *file, const char *path,
				bool *has, struct quern_message *err);

/* What is in a file, with what its datasets are for where that can be found out, without the tables of
   a catalog. The caller frees with qn_listing_fini. Not collective. */
enum quern_status qn_source_list(const struct qn_format *format, const char *file,
				 struct qn_listing *l, struct quern_message *err);

/* Not known to be a coordinate, or what belongs to one. */
bool qn_source_is_variable(const struct qn_listing *l, size_t i);

/* How a dataset of a group is called by who has given the group another name. Owned; NULL without
   memory. */
char *qn_source_name_below(const char *path, const char *group, const char *given);

/* Takes the tables of a catalog (catalog.h) out of a list of datasets. */
void qn_source_hide_tables(struct qn_listing *l);

/* That the file which is open is the one that was described: size and time of change.
   QUERN_ERR_DATA. host: the name of this host, for messages. */
enum quern_status qn_source_check(int fd, const struct qn_dataset *d, const char *host,
				  struct quern_message *err);

/* What an open file lies on, by the kind of its file system or by what the site says of its path
   (NULL: nothing is said). */
enum qn_medium { QN_MEDIUM_MEMORY, QN_MEDIUM_DISK, QN_MEDIUM_SHARED /* over a network */ };
enum qn_medium qn_source_medium(const struct qn_site *site, const char *file, int fd);

/* A sum by which copies are told apart: what it covers, identity.h says. Zero when it cannot be
   read. Reads few pages. Only where there are sums (qn_sum_check). */
void qn_identity_of(int fd, struct qn_sum *out);

/* The file of a member, while a thread of this host reads it. */
struct qn_opened {
	int fd; /* -1: none is open */
	uint32_t member;
	const struct qn_mosaic *mosaic; /* keeps */
};

#define QN_OPENED_NONE ((struct qn_opened){ .fd = -1 })

/* Of a shard (a member with a ledger) whose copies on these hosts cannot be read. QUERN_ERR_DATA. */
enum quern_status qn_source_no_copy(const struct qn_member *m, struct quern_message *err);

/* Has the file of a member open; another one is closed. QUERN_ERR_DATA: this host does not see it,
   or sees another one than was described; or the other one has changed meanwhile. host: the name
   of this host, for messages. Not collective. */
enum quern_status qn_opened_turn(struct qn_opened *o, const struct qn_mosaic *mosaic,
				 uint32_t member, const char *host, struct quern_message *err);

/* Closes what is open. QUERN_ERR_DATA: the file has changed since it was described. */
enum quern_status qn_opened_close(struct qn_opened *o, const char *host, struct quern_message *err);

#endif
