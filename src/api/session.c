#include "api/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fp.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/room.h"
#include "cluster/topo.h"
#include "data/answers.h"
#include "data/storage.h"

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

quern_session *quern_session_new(MPI_Comm comm)
{
	QN_OWN_FP;
	quern_session *session = qn_calloc(1, sizeof(*session)), made = { .comm = NULL };
	enum quern_status st = qn_comm_new(comm, &made.comm, &made.err);

	/* One without memory must not leave the others with a communicator that it does not have. */
	if (!st &&
	    qn_comm_agree(made.comm,
			  session ? QUERN_OK : qn_error_nomem(&made.err, sizeof(made), "a session"),
			  &made.err)) {
		qn_comm_free(made.comm);
		made.comm = NULL;
	}
	if (!session)
		return NULL;
	*session = made;
	session->answers = qn_answers_new();
	return session;
}

/* MPI ends a program that asks it for a communicator while there is no MPI: any other is refused for the same reason,
   with a sentence. */
quern_session *quern_session_new_f(int comm)
{
	int begun = 0, ended = 0;

	if (comm == QUERN_NO_MPI)
		return quern_session_new(MPI_COMM_NULL);
	MPI_Initialized(&begun);
	MPI_Finalized(&ended);
	return quern_session_new(begun && !ended ? MPI_Comm_f2c(comm) : MPI_COMM_WORLD);
}

void quern_session_free(quern_session *session)
{
	if (!session)
		return;
	qn_standing_release(session->standing);
	qn_answers_free(session->answers);
	qn_comm_free(session->comm);
	qn_registry_fini(&session->registry);
	free(session);
}

enum quern_status quern_session_status(const quern_session *session)
{
	return session->err.status;
}

const char *quern_session_message(const quern_session *session)
{
	const struct quern_message *err = session->err.status ? &session->err : &session->refused;

	return err->status ? err->text : "";
}

enum quern_status quern_session_register(quern_session *session, const struct quern_kernel *kernel)
{
	session->refused = (struct quern_message){ .status = QUERN_OK };
	return qn_registry_add(&session->registry, kernel, &session->refused);
}

enum quern_status qn_session_begin(quern_session *session, const char *what, struct qn_comm **c,
				   struct quern_message *err)
{
	if (!session)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "no session was given: make one with quern_session_new");
	if (session->err.status)
		return qn_error_pass(err, session->err.status, &session->err);
	*c = session->comm;
	qn_comm_count_anew(*c);
	if (!qn_log_has(QN_LOG_INFO))
		return QUERN_OK;
	if (qn_comm_rank(*c) == 0)
		log_build(*c, what);
	log_limits();
	return QUERN_OK;
}

enum quern_status qn_session_end(const struct qn_comm *c, enum quern_status st,
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
