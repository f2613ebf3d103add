#include "api/call.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "cluster/room.h"
#include "cluster/topo.h"
#include "data/storage.h"
#include "quern.h"

/* "1024", or "unlimited". */
static const char *words(rlim_t limit, char out[32])
{
	if (limit == RLIM_INFINITY)
		return "unlimited";
	snprintf(out, 32, "%llu", (unsigned long long)limit);
	return out;
}

static void log_build(const struct qn_comm *c, const char *what)
{
	char mpi[128], hwloc[32], formats[128] = "";

	qn_comm_library(mpi, sizeof(mpi));
	qn_topo_version(hwloc, sizeof(hwloc));
	for (const struct qn_format *const *f = qn_formats; *f; f++) {
		const size_t n = strlen(formats);
		char library[64];

		(*f)->version(library, sizeof(library));
		snprintf(formats + n, sizeof(formats) - n, ", %s", library);
	}
	qn_log(QN_LOG_INFO, "%s: quern %s (compiler %s), %s, hwloc %s%s; %d ranks on %d hosts",
	       what, QUERN_VERSION, __VERSION__, mpi, hwloc, formats, qn_comm_size(c),
	       qn_comm_nhosts(c));
}

static void log_limits(void)
{
	struct rlimit memory = { .rlim_cur = RLIM_INFINITY }, files = memory, size = memory;
	const struct qn_room room = qn_room_find("");
	char text[3][32];

	getrlimit(RLIMIT_AS, &memory);
	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_FSIZE, &size);
	qn_log(QN_LOG_INFO,
	       "process %ld of user %ld; limits: address space %s, open files %s, size of a "
	       "file %s; memory %s %llu MiB",
	       (long)getpid(), (long)geteuid(), words(memory.rlim_cur, text[0]),
	       words(files.rlim_cur, text[1]), words(size.rlim_cur, text[2]),
	       room.is_group ? "that the control group leaves" : "that is free",
	       (unsigned long long)(room.nbytes >> 20));
}

enum quern_status qn_call_begin(MPI_Comm parent, const char *what, struct qn_comm **out,
				struct quern_message *err)
{
	enum quern_status st = qn_comm_new(parent, out, err);

	if (st || !qn_log_has(QN_LOG_INFO))
		return st;
	if (qn_comm_rank(*out) == 0)
		log_build(*out, what);
	log_limits();
	return st;
}

enum quern_status qn_call_end(const struct qn_comm *c, enum quern_status st,
			      const struct quern_message *err)
{
	if (c && qn_comm_rank(c))
		return st;
	if (st)
		qn_log(QN_LOG_ERROR, "status %d: %s", (int)st, err->text);
	else
		qn_log(QN_LOG_INFO, "done");
	return st;
}
