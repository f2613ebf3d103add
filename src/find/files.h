/*
 * files.h - the files of a run, found on all hosts: what the words of a user stand for, and which
 * rank describes each file.
 */
#ifndef QN_FIND_FILES_H
#define QN_FIND_FILES_H

#include "find/subject.h"

struct qn_files {
	uint32_t *describer; /* owned: of each file, a rank whose host can open it; 0: none can */
	uint32_t reader;     /* a rank whose host has all files; when none has, that of the first */
	bool reads_all;
};

/*
 * Fills subject->files and *m, on all ranks. words: names and patterns (base/names.h); rank 0's are
 * used. A pattern stands for what it finds on any host, each path once, in the order of bytes. Files that
 * rank 0's host has are described there or by ranks that see them too, others by ranks of hosts that
 * have them. The caller frees with qn_files_fini, whatever is returned. Collective.
 */
enum quern_status qn_files_find(const struct qn_team *team, struct qn_subject *subject,
				const struct qn_names *words, struct qn_files *m,
				struct quern_message *err);
void qn_files_fini(struct qn_files *m);

/* Can this host open a file for reading? Not collective. */
bool qn_files_sees(const char *file);

/* Lists of all ranks, one after the other, added to *all of rank 0. Collective. */
enum quern_status qn_files_gather(const struct qn_team *team, const struct qn_names *mine,
				  struct qn_names *all, struct quern_message *err);

#endif
