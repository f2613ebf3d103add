/*
 * child.h - what the HDF5 library makes of a file that nobody vouches for, asked for in a child
 * process. Slots of the format: struct qn_format has their contract.
 *
 * The metadata of one file is one child and one answer. A reader is a child that stays, so that the
 * readers of several threads work at the same time, each with a library of its own.
 */
#ifndef QN_IO_HDF5_CHILD_CHILD_H
#define QN_IO_HDF5_CHILD_CHILD_H

#include "io/sandbox/child.h"
#include "data/storage.h"

struct qn_errand;

/* Takes the answer of a child to a question. */
typedef enum quern_status qn_hdf5_hear(struct qn_child *c, void *question,
				       struct quern_message *err);

/* Frees what was heard: the answer counts for nothing. */
typedef void qn_hdf5_forget(void *question);

struct qn_hdf5_asking {
	const struct qn_errand *errand; /* errand.h */
	qn_hdf5_hear *hear;
	qn_hdf5_forget *forget;
	void *question;
	struct qn_said *said; /* NULL: or what the child says is noted here */
};

/* Has a child read the metadata of a file of that size; another one when that is killed, or
   was refused a file that it may open (grants.h). */
enum quern_status qn_hdf5_child_ask(const struct qn_hdf5_asking *a, const char *file,
				    uint64_t file_nbytes, struct quern_message *err);

enum quern_status qn_hdf5_child_list(const char *file, struct qn_listing *out,
				     struct quern_message *err);
bool qn_hdf5_child_is_result(const char *file);
enum quern_status qn_hdf5_child_list_closely(const char *file, struct qn_listing *out,
					     struct quern_message *err);
enum quern_status qn_hdf5_child_locate(const char *file, const char *path, struct qn_target *out,
				       struct quern_message *err);
enum quern_status qn_hdf5_child_describe(const char *file, const char *path, const char *column,
					 bool with_index, struct qn_dataset *out,
					 struct quern_message *err);
enum quern_status qn_hdf5_child_describe_part(const char *file, const char *path,
					      const char *column, const struct quern_box *part,
					      struct qn_dataset *out, struct quern_message *err);
void qn_hdf5_child_describe_like(const struct qn_dataset *like, const char *const *files,
				 const char *const *paths, size_t n, int nprocesses,
				 qn_described *take, void *ctx);

enum quern_status qn_hdf5_child_texts(const char *file, const char *path, struct qn_names *out,
				      struct quern_message *err);

enum quern_status qn_hdf5_child_sandbox(struct qn_sandbox *out, struct quern_message *err);

enum quern_status qn_hdf5_child_sources(const struct qn_dataset *d, struct qn_sources *out,
					struct quern_message *err);

enum quern_status qn_hdf5_child_open(const struct qn_dataset *d, void **reader,
				     struct quern_message *err);
enum quern_status qn_hdf5_child_read(void *reader, const struct quern_box *box, void *out,
				     struct quern_message *err);
void qn_hdf5_child_close(void *reader);

#endif
