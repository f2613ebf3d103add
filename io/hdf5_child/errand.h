/*
 * errand.h - what a child process is there for. One that is forked here has the question in its memory; one that
 * the installed program forks is told it in bytes, whose order is that of `put` and `take`, and nothing of the HDF5
 * library is called in this process then.
 */
#ifndef QN_IO_HDF5_CHILD_ERRAND_H
#define QN_IO_HDF5_CHILD_ERRAND_H

#include <stdio.h>

#include "data/storage.h"
#include "io/sandbox/child.h"

/* Bytes that are read in their order. What is taken of them stays there. */
struct qn_words {
	const char *at, *end;
	bool ok; /* all that was taken was there */
};

enum qn_errand_number {
	QN_LIST,
	QN_IS_RESULT,
	QN_TEXTS,
	QN_FOLLOW,
	QN_DESCRIBE,
	QN_FIND_SOURCES,
	QN_TRY_SANDBOX,
	QN_BATCHES,
	QN_BOXES,
	QN_STAGE
};

struct qn_errand {
	enum qn_errand_number number;
	qn_child_work *work; /* ctx: a question */
	/* false: no memory. Failures of `out` are noticed by the caller. */
	bool (*put)(const void *question, FILE *out);
	/* Another process's question: NULL, it cannot be had. shared: memory of the start, or NULL. Kept until the
	   process ends. */
	void *(*take)(struct qn_words *in, void *shared);
};

struct qn_errand_start {
	const struct qn_errand *errand;
	void *question;
	bool plugins; /* may be loaded, and also files that they need */
	/* Memory that the child has too; NULL: none. */
	void *shared;
	uint64_t shared_nbytes;
	int shared_fd; /* -1: the child is forked here, and needs none */
};

/* Starts a child, as qn_child_start does. */
enum quern_status qn_errand_start(struct qn_child *c, const char *subject,
				  const struct qn_child_limits *limits,
				  const struct qn_errand_start *s, struct quern_message *err);

/* What words begin with. */
struct qn_errand_head {
	uint64_t nbytes; /* that follow */
	uint64_t errand, memory_nbytes, shared_nbytes;
	uint32_t cpu_seconds, metadata_seconds, chunk_seconds;
	uint8_t plugins, allow_external, as_stored, reserved;
};

/* In the installed program: does what it is asked to. false: it was started by hand. */
bool qn_errand_serve(void);

/* Words: a number; bytes, aligned; a text, which may be NULL; a dataset, with its chunks. */
void qn_put_number(FILE *out, uint64_t v);
void qn_put_block(FILE *out, const void *bytes, size_t nbytes);
void qn_put_text(FILE *out, const char *text);
bool qn_put_dataset(FILE *out, const struct qn_dataset *d);
uint64_t qn_take_number(struct qn_words *in);
const void *qn_take_block(struct qn_words *in, size_t *nbytes);
const char *qn_take_text(struct qn_words *in);
struct qn_dataset *qn_take_dataset(struct qn_words *in);

extern const struct qn_errand qn_errand_list, qn_errand_is_result, qn_errand_texts,
	qn_errand_follow, qn_errand_describe, qn_errand_sources, qn_errand_sandbox,
	qn_errand_batches, qn_errand_boxes, qn_errand_stage;

#endif
