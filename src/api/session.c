#include "api/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/forkserver.h"
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

/* fork, program, or the path of one. */
static enum quern_status set_reader(quern_session *session, const char *value,
				    struct quern_message *err)
{
	const bool forks = !strcmp(value, "fork"), is_path = strchr(value, '/') != NULL;
	struct qn_forkserver *reader = NULL;

	if (!forks && !is_path && strcmp(value, "program") != 0)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "reader (QUERN_READER) is fork, program, or the path of a "
				    "quern-reader, not %s",
				    value);
	if (!forks && !(reader = qn_forkserver_new(is_path ? value : NULL)))
		return qn_error_nomem(err, strlen(value), "a session");
	qn_forkserver_free(session->reader);
	session->reader = reader;
	return QUERN_OK;
}

/* A variable of who has started a program with more rights than his own is not asked for. */
static enum quern_status finish(quern_session *session, struct quern_message *err)
{
	const char *reader = secure_getenv("QUERN_READER");

	if (!session)
		return qn_error_nomem(err, sizeof(*session), "a session");
	session->answers = qn_answers_new();
	return reader && *reader ? set_reader(session, reader, err) : QUERN_OK;
}

quern_session *quern_session_new(MPI_Comm comm)
{
	QN_OWN_FP;
	quern_session *session = qn_calloc(1, sizeof(*session));
	struct quern_message err = { .status = QUERN_OK };
	struct qn_comm *c = NULL;
	enum quern_status st = qn_comm_new(comm, &c, &err);

	/* One that is not finished must not leave the others with a communicator that it does not have. */
	if (!st && qn_comm_agree(c, finish(session, &err), &err)) {
		qn_comm_free(c);
		c = NULL;
	}
	if (!session)
		return NULL;
	session->comm = c;
	session->err = err;
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
	qn_forkserver_free(session->reader);
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

/* What can be set. */
static const struct {
	const char *name;
	enum quern_status (*set)(quern_session *session, const char *value,
				 struct quern_message *err);
} settings[] = { { "reader", set_reader } };

enum quern_status quern_session_set(quern_session *session, const char *name, const char *value)
{
	session->refused = (struct quern_message){ .status = QUERN_OK };
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (name && value && !strcmp(settings[i].name, name))
			return settings[i].set(session, value, &session->refused);
	return qn_error_set(&session->refused, QUERN_ERR_USAGE,
			    "a session has no option %s with that value: there is reader",
			    name ? name : "(none)");
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
