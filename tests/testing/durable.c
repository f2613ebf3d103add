#include "tests/testing/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_CHANGES 4096
#define MOST_FILES   1024

enum change_kind { MADE, REMOVED, RENAMED, EMPTIED };

/* Of a name, not yet synced. */
struct change {
	enum change_kind kind;
	char path[PATH_MAX], from[PATH_MAX];
	int kept;  /* number of the name under which the old file is; 0: there was none */
	dev_t dev; /* of the directory */
	ino_t ino;
	bool is_synced;
};

/* Bytes of a file as they were synced. */
struct bytes {
	int fd;
	dev_t dev;
	ino_t ino;
	char *as_synced; /* owned */
	size_t nbytes;
};

static struct {
	const char *prefix;
	struct change *change;
	int nchanges, nkept;
	struct bytes *file;
	int nfiles;
	int kept_now; /* of the file that is about to go */
} model;

static void fail(const char *why)
{
	fprintf(stderr, "durable: %s: %s\n", why, strerror(errno));
	_exit(125);
}

void test_durable_begin(const char *prefix)
{
	model.prefix = prefix ? prefix : "durable";
	model.change = calloc(MOST_CHANGES, sizeof(*model.change));
	model.file = calloc(MOST_FILES, sizeof(*model.file));
	if (!model.change || !model.file)
		fail("memory");
}

/* --- names --- */

static void name_kept(int n, char *out, size_t nbytes)
{
	snprintf(out, nbytes, "%s.kept.%d.%d", model.prefix, (int)getpid(), n);
}

static void find_folder(struct change *c)
{
	char folder[PATH_MAX];
	struct stat st;
	char *slash;

	snprintf(folder, sizeof(folder), "%s", c->path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	if (stat(slash ? folder : ".", &st))
		fail(folder);
	c->dev = st.st_dev;
	c->ino = st.st_ino;
}

static struct change *add(enum change_kind kind, const char *path)
{
	struct change *c = &model.change[model.nchanges++];

	if (model.nchanges == MOST_CHANGES)
		fail("too many changes");
	c->kind = kind;
	snprintf(c->path, sizeof(c->path), "%s", path);
	find_folder(c);
	return c;
}

void test_durable_keep(const char *path)
{
	char name[PATH_MAX];

	name_kept(model.nkept + 1, name, sizeof(name));
	model.kept_now = 0;
	if (!link(path, name))
		model.kept_now = ++model.nkept;
	else if (errno != ENOENT && errno != ENOTDIR)
		fail(path);
}

void test_durable_removed(const char *path)
{
	add(REMOVED, path)->kept = model.kept_now;
}

void test_durable_renamed(const char *from, const char *to)
{
	struct change *c = add(RENAMED, to);

	snprintf(c->from, sizeof(c->from), "%s", from);
	c->kept = model.kept_now;
}

void test_durable_made(const char *path)
{
	add(MADE, path);
}

void test_durable_emptied(const char *path)
{
	add(EMPTIED, path);
}

static void undo(const struct change *c)
{
	char kept[PATH_MAX];

	name_kept(c->kept, kept, sizeof(kept));
	if (c->kind == MADE && unlink(c->path))
		rmdir(c->path);
	if (c->kind == EMPTIED && mkdir(c->path, 0777))
		fail(c->path);
	if (c->kind == RENAMED && rename(c->path, c->from))
		fail(c->path);
	if (c->kept && rename(kept, c->path))
		fail(c->path);
}

/* --- bytes --- */

static void load(struct bytes *b)
{
	struct stat st;

	if (fstat(b->fd, &st))
		fail("fstat");
	free(b->as_synced);
	b->nbytes = (size_t)st.st_size;
	b->as_synced = malloc(b->nbytes + 1);
	if (!b->as_synced || pread(b->fd, b->as_synced, b->nbytes, 0) != (ssize_t)b->nbytes)
		fail("reading back");
}

static struct bytes *find(const struct stat *st)
{
	for (int i = 0; i < model.nfiles; i++)
		if (model.file[i].dev == st->st_dev && model.file[i].ino == st->st_ino)
			return &model.file[i];
	return NULL;
}

void test_durable_touch(int fd)
{
	char name[32];
	struct bytes *b;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || find(&st))
		return;
	if (model.nfiles == MOST_FILES)
		fail("too many files");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	b = &model.file[model.nfiles++];
	*b = (struct bytes){ .fd = open(name, O_RDWR | O_CLOEXEC),
			     .dev = st.st_dev,
			     .ino = st.st_ino };
	if (b->fd < 0)
		fail(name);
	load(b);
}

/* What was done in a folder before that was removed does not come back either. */
static void keep_change(int n)
{
	const struct change *c = &model.change[n];
	const size_t length = strlen(c->path);

	model.change[n].is_synced = true;
	for (int i = 0; c->kind == EMPTIED && i < n; i++)
		if (!strncmp(model.change[i].path, c->path, length) &&
		    model.change[i].path[length] == '/')
			model.change[i].is_synced = true;
}

void test_durable_synced(int fd)
{
	struct bytes *b;
	struct stat st;

	if (fstat(fd, &st))
		return;
	b = find(&st);
	if (b)
		load(b);
	for (int i = 0; i < model.nchanges; i++)
		if (model.change[i].dev == st.st_dev && model.change[i].ino == st.st_ino)
			keep_change(i);
}

static void put_back(const struct bytes *b)
{
	struct bytes now = { .fd = b->fd };

	load(&now);
	if ((now.nbytes != b->nbytes || memcmp(now.as_synced, b->as_synced, b->nbytes) != 0) &&
	    (pwrite(b->fd, b->as_synced, b->nbytes, 0) != (ssize_t)b->nbytes ||
	     ftruncate(b->fd, (off_t)b->nbytes)))
		fail("putting back");
	free(now.as_synced);
}

void test_durable_lose(void)
{
	for (int i = model.nchanges; i-- > 0;)
		if (!model.change[i].is_synced)
			undo(&model.change[i]);
	for (int i = 0; i < model.nfiles; i++)
		put_back(&model.file[i]);
}

/* --- some of it --- */

#define SECTOR 512

/* splitmix64 */
static uint64_t draw(uint64_t *seed, uint64_t n)
{
	uint64_t mix = *seed += UINT64_C(0x9e3779b97f4a7c15);

	mix = (mix ^ mix >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mix = (mix ^ mix >> 27) * UINT64_C(0x94d049bb133111eb);
	return (mix ^ mix >> 31) % n;
}

/* Of the later bytes of a file those of some sectors, and all or some of its length. */
static void tear(struct bytes *b, uint64_t *seed)
{
	struct bytes now = { .fd = b->fd };
	size_t most, length;
	char *torn;

	load(&now);
	most = now.nbytes > b->nbytes ? now.nbytes : b->nbytes;
	length = draw(seed, 2) ? now.nbytes : b->nbytes + draw(seed, most - b->nbytes + 1);
	torn = calloc(most + 1, 1);
	if (!torn)
		fail("memory");
	memcpy(torn, b->as_synced, b->nbytes);
	for (size_t at = 0; at < now.nbytes; at += SECTOR)
		if (draw(seed, 2))
			memcpy(torn + at, now.as_synced + at,
			       now.nbytes - at < SECTOR ? now.nbytes - at : SECTOR);
	free(b->as_synced);
	free(now.as_synced);
	b->as_synced = torn;
	b->nbytes = length;
	put_back(b);
}

void test_durable_tear(uint64_t seed)
{
	int nkept = 0;

	for (int i = 0; i < model.nchanges; i++)
		nkept += !model.change[i].is_synced;
	nkept = (int)draw(&seed, (uint64_t)nkept + 1);
	for (int i = 0; i < model.nchanges && nkept; i++)
		if (!model.change[i].is_synced) {
			model.change[i].is_synced = true;
			nkept--;
		}
	for (int i = 0; i < model.nfiles; i++)
		tear(&model.file[i], &seed);
	model.nfiles = 0;
	test_durable_lose();
}
