#include "registry/cache.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "registry/trust.h"

char *qn_cache_join(const char *folder, const char *name, struct quern_message *err)
{
	char *path = NULL;

	if (qn_asprintf(&path, "%s/%s", folder, name) < 0) {
		qn_error_nomem(err, strlen(folder) + strlen(name), "the name of a file");
		return NULL;
	}
	return path;
}

/* A value that is not an absolute path is to be ignored (XDG Base Directory Specification). */
static const char *absolute(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] == '/' ? value : NULL;
}

static const char *home(void)
{
	const struct passwd *user = absolute("HOME") ? NULL : getpwuid(geteuid());

	return absolute("HOME") ? absolute("HOME") : user ? user->pw_dir : NULL;
}

static enum quern_status make_folder(const char *folder, struct quern_message *err)
{
	if (!qn_sys_mkdir(folder, 0700) || errno == EEXIST)
		return QUERN_OK;
	return qn_error_set(
		err, qn_error_status_of(errno),
		"%s, where compiled kernels are kept, cannot be made: %s; XDG_CACHE_HOME names "
		"another place",
		folder, qn_file_why(errno));
}

/* ~/.cache, which is the user's to make. */
static enum quern_status find_usual(char **usual, struct quern_message *err)
{
	const char *of = home();
	enum quern_status st;

	if (!of)
		return qn_error_set(
			err, QUERN_ERR_RUN,
			"there is no home directory to keep compiled kernels in: set XDG_CACHE_HOME");
	*usual = qn_cache_join(of, ".cache", err);
	if (!*usual)
		return QUERN_ERR_RUN;
	st = make_folder(*usual, err);
	return st;
}

enum quern_status qn_cache_find(char **folder, struct quern_message *err)
{
	char *usual = NULL;
	enum quern_status st = absolute("XDG_CACHE_HOME")
				       ? make_folder(absolute("XDG_CACHE_HOME"), err)
				       : find_usual(&usual, err);

	*folder = st ? NULL
		     : qn_cache_join(usual ? usual : absolute("XDG_CACHE_HOME"), "quern", err);
	free(usual);
	if (!st && !*folder)
		st = QUERN_ERR_RUN;
	if (!st)
		st = make_folder(*folder, err);
	if (!st)
		st = qn_trust_private(*folder, err);
	if (st) {
		free(*folder);
		*folder = NULL;
	}
	return st;
}

enum quern_status qn_cache_work(const char *folder, char **work, struct quern_message *err)
{
	struct timespec now;
	int rc;

	do {
		clock_gettime(CLOCK_REALTIME, &now);
		if (qn_asprintf(work, "%s/work-%ld-%lld%09ld", folder, (long)getpid(),
				(long long)now.tv_sec, now.tv_nsec) < 0) {
			*work = NULL;
			return qn_error_nomem(err, strlen(folder), "the name of a directory");
		}
		rc = qn_sys_mkdir(*work, 0700) ? errno : 0;
		if (!rc)
			return QUERN_OK;
		free(*work);
		*work = NULL;
	} while (rc == EEXIST);
	return qn_error_set(err, qn_error_status_of(rc),
			    "%s: a directory to compile in cannot be made: %s", folder,
			    qn_file_why(rc));
}

void qn_cache_leave(char *work)
{
	DIR *d = work ? qn_sys_opendir(work) : NULL;
	struct dirent *e;

	while (d && (e = qn_sys_readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			qn_sys_unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		qn_sys_closedir(d);
	if (work)
		qn_sys_rmdir(work);
	free(work);
}
