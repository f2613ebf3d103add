#include "cluster/room.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/system.h"

#define KIB	     1024
#define SMALL_NBYTES (UINT64_C(4) << 20) /* that nobody asks for */

/* The number behind a word at the begin of a line, of the file at root + path + name. */
static bool read_number(const char *root, const char *path, const char *name, const char *word,
			uint64_t *out)
{
	char file[4096], line[256];
	bool found = false;
	FILE *f;

	if ((size_t)snprintf(file, sizeof(file), "%s%s%s", root, path, name) >= sizeof(file) ||
	    !(f = qn_sys_fopen(file, "re")))
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, word, strlen(word)) &&
			sscanf(line + strlen(word), "%" SCNu64, out) == 1;
	fclose(f);
	return found;
}

/* Versions of control groups: where they are, and what their files are called. */
static const struct version {
	const char *mount, *most, *used, *cached[2];
} versions[] = {
	{ "/sys/fs/cgroup",
	  "/memory.max",
	  "/memory.current",
	  { "inactive_file ", "active_file " } },
	{ "/sys/fs/cgroup/memory",
	  "/memory.limit_in_bytes",
	  "/memory.usage_in_bytes",
	  { "total_inactive_file ", "total_active_file " } },
};

/* What is left in one group. Its files of the page cache go first. */
static uint64_t left_in(const char *root, const struct version *v, const char *group)
{
	uint64_t most, used, cached;

	if (!read_number(root, group, v->most, "", &most) ||
	    !read_number(root, group, v->used, "", &used))
		return UINT64_MAX;
	for (int i = 0; i < 2; i++)
		if (read_number(root, group, "/memory.stat", v->cached[i], &cached))
			used -= qn_min_u64(used, cached);
	return most > used ? most - used : 0;
}

/* In a group and all around it. A limit that nobody has set is larger than any memory. */
static uint64_t least_left(const char *root, const struct version *v, const char *path)
{
	char group[4096];
	uint64_t least = UINT64_MAX;

	if ((size_t)snprintf(group, sizeof(group), "%s%s", v->mount, path) >= sizeof(group))
		return least;
	for (;;) {
		char *slash = strrchr(group, '/');

		least = qn_min_u64(least, left_in(root, v, group));
		if (strlen(group) <= strlen(v->mount))
			return least;
		*slash = 0;
	}
}

/* Lines "ID:CONTROLLERS:/PATH"; of version 2 there are no controllers. */
static uint64_t left_in_groups(const char *root)
{
	char file[4096], line[4096];
	uint64_t least = UINT64_MAX;
	FILE *f;

	if ((size_t)snprintf(file, sizeof(file), "%s/proc/self/cgroup", root) >= sizeof(file) ||
	    !(f = qn_sys_fopen(file, "re")))
		return least;
	while (fgets(line, sizeof(line), f)) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = 0;
		path[strcspn(path, "\n")] = 0;
		if (!strcmp(path, "/"))
			*path = 0;
		if (!names[1])
			least = qn_min_u64(least, least_left(root, &versions[0], path));
		else if (strstr(names + 1, "memory"))
			least = qn_min_u64(least, least_left(root, &versions[1], path));
	}
	fclose(f);
	return least;
}

struct qn_room qn_room_find(const char *root)
{
	struct qn_room room = { .nbytes = UINT64_MAX };
	const uint64_t group = left_in_groups(root);
	uint64_t free_kib, swap_kib = 0;

	if (read_number(root, "/proc/", "meminfo", "MemAvailable:", &free_kib)) {
		read_number(root, "/proc/", "meminfo", "SwapFree:", &swap_kib);
		room.nbytes = (free_kib + swap_kib) * KIB;
	}
	if (group < room.nbytes)
		room = (struct qn_room){ .nbytes = group, .is_group = true };
	return room;
}

uint64_t qn_room_limit(const struct qn_allowance *asked, int nranks_of_host, size_t n, char *why)
{
	const struct qn_room room = qn_room_find("");
	const uint64_t there = room.nbytes / (uint64_t)nranks_of_host;

	if (asked->nbytes && asked->nbytes <= there) {
		snprintf(why, n, "--memory %s", asked->text);
		return asked->nbytes;
	}
	snprintf(why, n, "the %" PRIu64 " MiB that %s%s", (there >> 20) + 1,
		 room.is_group ? "its control group (cgroup) leaves" : "this machine has free",
		 nranks_of_host > 1 ? ", shared by the ranks there" : "");
	return there;
}

bool qn_room_has(const struct qn_allowance *asked, int nranks_of_host, uint64_t nbytes, size_t n,
		 char *why)
{
	const uint64_t now = qn_process_resident();
	char limit_of[160], raise[64] = "";
	uint64_t limit;

	if (nbytes <= SMALL_NBYTES)
		return true;
	limit = qn_room_limit(asked, nranks_of_host, sizeof(limit_of), limit_of);
	if (nbytes < limit && now <= limit - nbytes)
		return true;
	if (limit_of[0] == '-' && nbytes < UINT64_MAX / 2)
		snprintf(raise, sizeof(raise), ": raise it to %" PRIu64 "M at least",
			 ((now + nbytes) >> 20) + 1);
	snprintf(why, n,
		 "takes about %" PRIu64 " MiB beside the %" PRIu64
		 " MiB of the rest, more than %s%s",
		 (nbytes >> 20) + 1, (now >> 20) + 1, limit_of, raise);
	return false;
}
