#include "registry/compile.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "base/text.h"
#include "data/sum.h"
#include "registry/cache.h"
#include "registry/run_command.h"
#include "registry/trust.h"

/* Files in the directory to work in, by names that do not tell where it is: what is made of equal sources is equal. */
#define SOURCE "kernel.c"
#define MADE   "kernel.i"
#define OBJECT "kernel.so"
#define SAID   "said"

#define MOST_SOURCE_NBYTES (INT64_C(16) << 20)
#define MOST_MADE_NBYTES   (INT64_C(256) << 20) /* of what compilers make */
#define PATIENCE_MS	   300000		/* for another process that compiles the same */

/* Exact arithmetic in scalar code rests on -ffp-contract=off. */
static const char *const flags[] = { "-std=gnu11",	  "-O3", "-Wall", "-fPIC",
				     "-ffp-contract=off", NULL };

static const struct qn_rights own_rights = { .mode = 0600, .group = QN_NO_GROUP };

/* A file that is being compiled. */
struct job {
	const char *file;			    /* borrows: as the user calls it */
	char *folder;				    /* owned, like all below: of the file */
	char *cache, *include;			    /* of compiled kernels; of quern_kernel.h */
	char *work, *source, *made, *object, *said; /* the directory to work in, and files in it */
	char *compiler;		      /* the words of its command, with '\0' between them */
	struct qn_command_line begin; /* the compiler with the flags */
	char *kept;		      /* the name of the result in the cache */
};

static void fini(struct job *j)
{
	char *const owned[] = { j->folder, j->cache, j->include,  j->source, j->made,
				j->object, j->said,  j->compiler, j->kept };

	qn_cache_leave(j->work);
	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
		free(owned[i]);
}

/* --- the places --- */

/* quern_kernel.h is in a directory that has its sum in its name, and is written once. */
static enum quern_status find_header(const char *cache, char **include, struct quern_message *err)
{
	char digits[QN_SUM_DIGITS + 1], name[QN_SUM_DIGITS + 16];
	const size_t nbytes = strlen(qn_kernel_header);
	enum quern_status st = qn_sum_check(err);
	struct qn_sum sum;
	struct stat s;
	char *header;

	if (st)
		return st;
	qn_sum_of(qn_kernel_header, nbytes, &sum);
	qn_sum_write(&sum, digits);
	snprintf(name, sizeof(name), "include-%s", digits);
	*include = qn_cache_join(cache, name, err);
	header = *include ? qn_cache_join(*include, "quern_kernel.h", err) : NULL;
	if (!header)
		return QUERN_ERR_RUN;
	if (qn_sys_mkdir(*include, 0700) && errno != EEXIST)
		st = qn_error_set(err, qn_error_status_of(errno), "%s cannot be made: %s", *include,
				  qn_file_why(errno));
	else if (qn_sys_stat(header, &s) || s.st_size != (off_t)nbytes)
		st = qn_publish_write(header, QN_REPLACE_LINK, own_rights, qn_kernel_header, nbytes,
				      QN_PUBLISH_NOW, err);
	free(header);
	return st;
}

static enum quern_status find_work(struct job *j, struct quern_message *err)
{
	enum quern_status st = qn_cache_work(j->cache, &j->work, err);
	char *const *const made[] = { &j->source, &j->made, &j->object, &j->said };

	if (st)
		return st;
	j->source = qn_cache_join(j->work, SOURCE, err);
	j->made = qn_cache_join(j->work, MADE, err);
	j->object = qn_cache_join(j->work, OBJECT, err);
	j->said = qn_cache_join(j->work, SAID, err);
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		if (!*made[i])
			return QUERN_ERR_RUN;
	return QUERN_OK;
}

/* The directory of the file, where its own headers are. */
static enum quern_status find_folder(struct job *j, struct quern_message *err)
{
	char *slash;

	j->folder = qn_sys_realpath(j->file, NULL);
	if (!j->folder)
		return qn_error_set(err, QUERN_ERR_USAGE, "the kernel %s cannot be opened: %s",
				    j->file, qn_file_why(errno));
	slash = strrchr(j->folder, '/');
	slash[slash == j->folder] = '\0';
	return QUERN_OK;
}

static enum quern_status find_places(struct job *j, struct quern_message *err)
{
	enum quern_status st = find_folder(j, err);

	if (!st)
		st = qn_cache_find(&j->cache, err);
	if (!st)
		st = find_header(j->cache, &j->include, err);
	return st ? st : find_work(j, err);
}

/* --- the compiler --- */

static enum quern_status find_compiler(struct job *j, struct quern_message *err)
{
	const char *named = getenv("QUERN_CC");
	char *rest, *word;

	j->compiler = rest = qn_strdup(named && *named ? named : QN_CC);
	if (!rest)
		return qn_error_nomem(err, 0, "the name of the compiler");
	while ((word = strsep(&rest, " ")))
		if (*word)
			qn_command_add(&j->begin, word);
	for (int i = 0; flags[i]; i++)
		qn_command_add(&j->begin, flags[i]);
	return QUERN_OK;
}

static void say(const char *line, size_t n, char *out, size_t nbytes)
{
	const size_t used = strlen(out);

	if (used < nbytes)
		snprintf(out + used, nbytes - used, "%s%.*s", used ? "; " : "", (int)n, line);
}

/* The first lines that are errors, or the first at all. */
static void first_errors(const char *said, char *out, size_t nbytes)
{
	int nerrors = 0;

	out[0] = '\0';
	for (const char *line = said; *line && nerrors < 3;) {
		const size_t n = strcspn(line, "\n");

		if (memmem(line, n, "error:", 6) || memmem(line, n, "undefined ", 10)) {
			say(line, n, out, nbytes);
			nerrors++;
		}
		line += n + (line[n] == '\n');
	}
	if (!nerrors)
		say(said, strcspn(said, "\n"), out, nbytes);
}

static enum quern_status refuse(const struct job *j, struct quern_message *err)
{
	size_t nbytes;
	char text[640], *said = qn_file_load(j->said, 1 << 20, &nbytes);

	first_errors(said ? said : "", text, sizeof(text));
	free(said);
	return qn_error_set(err, QUERN_ERR_USAGE, "%s does not compile (%s): %s", j->file,
			    j->begin.word[0], *text ? text : "it does not say why");
}

static enum quern_status call(const struct job *j, const struct qn_command_line *l,
			      struct quern_message *err)
{
	bool ok;
	enum quern_status st = qn_run_command(l, j->work, SAID, &ok, err);

	return st || ok ? st : refuse(j, err);
}

/* --- what it makes --- */

/* The source as it was when it was found to be the user's; messages of the compiler name its file. */
static enum quern_status copy_source(const struct job *j, struct quern_message *err)
{
	char *text = NULL, *named = qn_text_plain(qn_text_last(j->file));
	struct stat s = { .st_size = 0 };
	enum quern_status st;
	size_t head, nbytes;
	int fd;

	st = qn_trust_open(j->file, &fd, &s, err);
	if (!st && s.st_size > MOST_SOURCE_NBYTES)
		st = qn_error_set(err, QUERN_ERR_USAGE, "%s is no kernel: it has more than 16 MiB",
				  j->file);
	head = named ? strlen(named) + sizeof("#line 1 \"\"\n") - 1 : 0;
	nbytes = (size_t)s.st_size;
	if (!st && (!named || !(text = qn_malloc(head + nbytes + 1))))
		st = qn_error_nomem(err, nbytes, j->file);
	if (!st)
		snprintf(text, head + 1, "#line 1 \"%s\"\n", named);
	if (!st && qn_sys_read_data(fd, text + head, nbytes, 0) != (ssize_t)nbytes)
		st = qn_error_set(err, QUERN_ERR_DATA, "%s cannot be read", j->file);
	if (!st)
		st = qn_publish_write(j->source, QN_REPLACE_LINK, own_rights, text, head + nbytes,
				      QN_PUBLISH_NOW, err);
	if (fd >= 0)
		qn_sys_close(fd);
	free(text);
	free(named);
	return st;
}

/* With all that it includes: what is compiled is what the name in the cache is of. */
static enum quern_status preprocess(const struct job *j, struct quern_message *err)
{
	struct qn_command_line l = j->begin;
	const char *const words[] = { "-E", "-x",	"c",  "-iquote", j->folder,
				      "-I", j->include, "-o", MADE,	 SOURCE };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		qn_command_add(&l, words[i]);
	return call(j, &l, err);
}

/* What it says of its version, which is in j->said then. */
static enum quern_status ask_version(const struct job *j, struct quern_message *err)
{
	struct qn_command_line l = j->begin;

	qn_command_add(&l, "--version");
	return call(j, &l, err);
}

static enum quern_status sum_file(struct qn_summer *s, const char *file, struct quern_message *err)
{
	size_t nbytes = 0;
	char *bytes = qn_file_load(file, (size_t)MOST_MADE_NBYTES, &nbytes);

	if (!bytes)
		return qn_error_set(err, QUERN_ERR_RUN, "%s cannot be read: %s", file,
				    qn_file_why(errno));
	qn_summer_add(s, bytes, nbytes);
	free(bytes);
	return QUERN_OK;
}

static enum quern_status name_result(struct job *j, struct quern_message *err)
{
	struct qn_summer *s = qn_summer_new();
	char digits[QN_SUM_DIGITS + 1], name[QN_SUM_DIGITS + 8];
	struct qn_sum sum;
	enum quern_status st;

	if (!s)
		return qn_error_nomem(err, 0, "a sum");
	for (int i = 0; i < j->begin.n; i++)
		qn_summer_add(s, j->begin.word[i], strlen(j->begin.word[i]) + 1);
	st = sum_file(s, j->said, err);
	if (!st)
		st = sum_file(s, j->made, err);
	qn_summer_get(s, &sum);
	qn_summer_free(s);
	qn_sum_write(&sum, digits);
	snprintf(name, sizeof(name), "%s.so", digits);
	if (!st && !(j->kept = qn_cache_join(j->cache, name, err)))
		st = QUERN_ERR_RUN;
	return st;
}

static enum quern_status make_object(const struct job *j, struct quern_message *err)
{
	struct qn_command_line l = j->begin;
	const char *const words[] = { "-x", "cpp-output", MADE, "-shared", "-o", OBJECT };
	enum quern_status st;
	size_t nbytes = 0;
	char *bytes;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		qn_command_add(&l, words[i]);
	st = call(j, &l, err);
	if (st)
		return st;
	bytes = qn_file_load(j->object, (size_t)MOST_MADE_NBYTES, &nbytes);
	if (!bytes)
		return refuse(j, err);
	st = qn_publish_write(j->kept, QN_REPLACE_LINK, own_rights, bytes, nbytes, QN_PUBLISH_NOW,
			      err);
	free(bytes);
	return st;
}

static bool is_kept(const struct job *j)
{
	return !qn_sys_access(j->kept, F_OK);
}

/* One process compiles: the others wait for its lock to go, but not for ever. Where there are no locks each compiles. */
static enum quern_status make_once(const struct job *j, struct quern_message *err)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	const int fd = qn_sys_open(j->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	enum quern_status st = QUERN_OK;

	for (int ms = 0;
	     !is_kept(j) && ms < PATIENCE_MS && qn_file_lock(fd, LOCK_EX) == EWOULDBLOCK; ms += 10)
		nanosleep(&pause, NULL);
	if (!is_kept(j))
		st = make_object(j, err);
	if (fd >= 0)
		qn_sys_close(fd);
	return st;
}

enum quern_status qn_compile(const char *file, char **object, struct quern_message *err)
{
	struct job j = { .file = file };
	enum quern_status st = find_places(&j, err);

	*object = NULL;
	if (!st)
		st = find_compiler(&j, err);
	if (!st)
		st = copy_source(&j, err);
	if (!st)
		st = preprocess(&j, err);
	if (!st)
		st = ask_version(&j, err);
	if (!st)
		st = name_result(&j, err);
	if (!st)
		st = make_once(&j, err);
	if (!st) {
		*object = j.kept;
		j.kept = NULL;
	}
	fini(&j);
	return st;
}

enum quern_status qn_compile_flags(char **words, struct quern_message *err)
{
	char *cache = NULL, *include = NULL, *quoted = NULL;
	enum quern_status st = qn_cache_find(&cache, err);
	size_t nbytes;
	FILE *out;

	*words = NULL;
	if (!st)
		st = find_header(cache, &include, err);
	quoted = st ? NULL : qn_text_word(include);
	out = quoted ? qn_open_memstream(words, &nbytes) : NULL;
	for (int i = 0; out && flags[i]; i++)
		fprintf(out, "%s ", flags[i]);
	if (out)
		fprintf(out, "-I%s", quoted);
	if (!st && (!out || fclose(out)))
		st = qn_error_nomem(err, 0, "flags");
	free(quoted);
	free(include);
	free(cache);
	return st;
}
