/*
 * serve.c - the inside of the installed program: errands of other processes.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "data/reading.h"
#include "io/hdf5_child/errand.h"
#include "io/hdf5_child/grants.h"
#include "io/hdf5_library/file.h"
#include "io/sandbox/memory.h"
#include "io/sandbox/serve.h"

/* Both processes are of one build: a number is a row. */
static const struct qn_errand *const errands[] = {
	[QN_LIST] = &qn_errand_list,	       [QN_IS_RESULT] = &qn_errand_is_result,
	[QN_TEXTS] = &qn_errand_texts,	       [QN_FOLLOW] = &qn_errand_follow,
	[QN_DESCRIBE] = &qn_errand_describe,   [QN_FIND_SOURCES] = &qn_errand_sources,
	[QN_TRY_SANDBOX] = &qn_errand_sandbox, [QN_BATCHES] = &qn_errand_batches,
	[QN_BOXES] = &qn_errand_boxes,	       [QN_STAGE] = &qn_errand_stage,
};
#define NERRANDS (sizeof(errands) / sizeof(errands[0]))

/* What it says, all of it; ok false: not so much, or no memory. */
static struct qn_words hear_words(int fd, struct qn_errand_head *h)
{
	char *bytes = NULL;
	bool ok = qn_child_hear(fd, h, sizeof(*h)) && h->errand < NERRANDS;

	if (ok)
		bytes = qn_malloc((size_t)h->nbytes + 1);
	ok = bytes && qn_child_hear(fd, bytes, (size_t)h->nbytes);
	return (struct qn_words){ .at = bytes, .end = bytes + (ok ? h->nbytes : 0), .ok = ok };
}

static bool take_files(struct qn_words *in, bool plugins, struct qn_names *out)
{
	struct quern_message ignored = { .status = QUERN_OK };
	size_t nbytes;
	const void *flat = qn_take_block(in, &nbytes);

	return in->ok && qn_names_unpack(out, flat, nbytes, &ignored) == QUERN_OK &&
	       (!plugins || qn_grants_add_plugins(out, &ignored) == QUERN_OK);
}

static void be_child(const struct qn_served *s)
{
	struct qn_errand_head h;
	struct qn_names files = { .n = 0 };
	struct qn_words in = hear_words(s->fd, &h);
	struct qn_child_limits limits = { .files = &files };
	void *shared = NULL, *question = NULL;

	if (!take_files(&in, h.plugins, &files))
		return;
	limits.memory_nbytes = h.memory_nbytes;
	limits.cpu_seconds = h.cpu_seconds;
	qn_reading_set((struct qn_reading){ .metadata_seconds = h.metadata_seconds,
					    .chunk_seconds = h.chunk_seconds,
					    .allow_external = h.allow_external,
					    .as_stored = h.as_stored });
	if (h.shared_nbytes)
		shared = qn_memory_of(s->shared, h.shared_nbytes);
	if (!h.shared_nbytes || shared)
		question = errands[h.errand]->take(&in, shared);
	H5PLset_loading_state(0);
	if (question && in.ok)
		qn_child_be(s->fd, s->parent, &limits, s->refused, errands[h.errand]->work,
			    question);
}

bool qn_errand_serve(void)
{
	H5open();
	return qn_serve(be_child);
}
