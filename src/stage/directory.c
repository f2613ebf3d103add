/*
 * directory.c - the directory that a file is staged to, on every host: what may be in its place, and that
 * each host has its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage/stage_impl.h"

#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"

/* What is wrong with it, if anything. Texts are borrowed. */
struct fault {
	enum quern_status status;
	const char *what, *advice;
	int why; /* errno, or 0 */
};

static struct fault fault_of(int why, const char *what)
{
	return (struct fault){ qn_error_status_of(why), what, "", why };
}

static bool is_writable(const char *dir)
{
	return !qn_sys_access(dir, W_OK | X_OK);
}

/* One that is not there is made in the one above. */
static struct fault look_above(const char *dir)
{
	char *above = qn_stage_directory(dir);
	struct stat s;
	struct fault out = { .status = QUERN_OK };

	if (!above)
		return fault_of(ENOMEM, "cannot be looked at");
	if (!qn_sys_lstat(dir, &s))
		out = (struct fault){ QUERN_ERR_USAGE, "is a link that leads nowhere", "", 0 };
	else if (qn_sys_stat(above, &s) && errno == ENOENT)
		out = (struct fault){ QUERN_ERR_USAGE, "the directory above it is not there either",
				      ": make that first, or correct the name", 0 };
	else if (!is_writable(above))
		out = fault_of(errno, "cannot be made");
	free(above);
	return out;
}

static struct fault look(const char *dir)
{
	static const char advice[] = ": a directory is needed, or the name of one to be made";
	struct stat s;

	if (!qn_sys_stat(dir, &s)) {
		if (!S_ISDIR(s.st_mode))
			return (struct fault){ QUERN_ERR_USAGE, "is not a directory", advice, 0 };
		return is_writable(dir) ? (struct fault){ .status = QUERN_OK }
					: fault_of(errno, "cannot be written to");
	}
	if (errno == ENOTDIR)
		return (struct fault){ QUERN_ERR_USAGE, "is below what is not a directory", advice,
				       0 };
	return errno == ENOENT ? look_above(dir) : fault_of(errno, "cannot be looked at");
}

static enum quern_status tell(const char *option, const char *dir, const struct fault *f,
			      struct quern_message *err)
{
	char host[QN_HOST_NBYTES] = "";

	gethostname(host, sizeof(host) - 1);
	return qn_error_set(err, f->status, "%s%s: %s on host %s%s%s%s", option, dir, f->what, host,
			    f->advice, f->why ? ": " : "", f->why ? strerror(f->why) : "");
}

enum quern_status qn_stage_check_directory(struct qn_comm *c, const char *catalog,
					   const char *option, struct quern_message *err)
{
	char *dir = qn_stage_directory(catalog);
	struct fault f = { .status = QUERN_OK };
	enum quern_status st = dir ? QUERN_OK : qn_error_nomem(err, strlen(catalog), "a name");

	if (!st && qn_comm_host_rank(c) == 0)
		f = look(dir);
	if (f.status)
		st = tell(option, dir, &f, err);
	free(dir);
	return qn_comm_agree(c, st, err);
}

/* Is DIR one directory for several hosts? Collective. */
static enum quern_status check_private(struct qn_comm *c, const char *catalog,
				       struct quern_message *err)
{
	const bool leads = qn_comm_rank(c) == 0, looks = qn_comm_host(c) && !qn_comm_host_rank(c);
	struct qn_publishing p = QN_PUBLISHING_NONE;
	enum quern_status st = QUERN_OK;
	size_t nbytes = 0;
	void *probe = NULL;

	if (qn_comm_nhosts(c) == 1)
		return QUERN_OK;
	if (leads) {
		st = qn_publish_open(catalog, QN_REPLACE_LINK, QN_RIGHTS_ALL, &p, err);
		probe = st ? NULL : qn_strdup(p.partial);
		nbytes = probe ? strlen(probe) + 1 : 0;
		if (!st && !probe)
			st = qn_error_nomem(err, strlen(p.partial), "a name");
	}
	st = qn_stage_share(c, st, &probe, &nbytes, err);
	if (!st && looks && !qn_sys_access(probe, F_OK))
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "--to: several hosts share this directory; staging "
				  "is for disks that each host has to itself");
	st = qn_comm_agree(c, st, err);
	qn_publish_discard(&p);
	free(probe);
	return st;
}

enum quern_status qn_stage_make_directory(struct qn_comm *c, const struct qn_catalog *catalog,
					  const char *option, struct quern_message *err)
{
	char *dir = qn_stage_directory(catalog->file);
	enum quern_status st = dir ? QUERN_OK
				   : qn_error_nomem(err, strlen(catalog->file), "a name");
	const int why = !st && qn_comm_host_rank(c) == 0 ? qn_rights_mkdir(dir, catalog->rights)
							 : 0;

	if (why) {
		const struct fault f = fault_of(why, "cannot be made");

		st = tell(option, dir, &f, err);
	}
	free(dir);
	st = qn_comm_agree(c, st, err);
	return st ? st : check_private(c, catalog->file, err);
}
