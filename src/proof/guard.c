#include "proof/guard.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/system.h"

#define MARK	   0x5a
#define MOST_MARKS (QN_GUARDED_MARKS - 64) /* before it */

static unsigned char *end_of(const struct qn_guarded *g)
{
	return g->map + g->page + g->nbytes;
}

bool qn_guarded_init(struct qn_guarded *g, size_t nbytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t room = (nbytes + QN_GUARDED_MARKS + page - 1) / page * page;
	void *map =
		qn_sys_mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*g = (struct qn_guarded){ .map = NULL };
	if (map == MAP_FAILED)
		return false;
	if (mprotect((char *)map + page, room, PROT_READ | PROT_WRITE)) {
		qn_sys_munmap(map, room + 2 * page);
		return false;
	}
	*g = (struct qn_guarded){ .map = map, .nbytes = room, .page = page };
	return true;
}

void qn_guarded_fini(struct qn_guarded *g)
{
	if (g->map)
		qn_sys_munmap(g->map, g->nbytes + 2 * g->page);
	g->map = NULL;
}

static size_t marks_before(const struct qn_guarded *g, const unsigned char *p)
{
	const size_t n = (size_t)(p - (g->map + g->page));

	return n < MOST_MARKS ? n : MOST_MARKS;
}

void *qn_guarded_place(struct qn_guarded *g, size_t n, size_t align)
{
	unsigned char *p = end_of(g) - n;

	p -= (uintptr_t)p % align;
	memset(p - marks_before(g, p), MARK, marks_before(g, p));
	memset(p + n, MARK, (size_t)(end_of(g) - (p + n)));
	return p;
}

static bool all_marks(const unsigned char *p, const unsigned char *end)
{
	while (p < end && *p == MARK)
		p++;
	return p == end;
}

bool qn_guarded_is_whole(const struct qn_guarded *g, const void *at, size_t n)
{
	const unsigned char *p = at;

	return all_marks(p - marks_before(g, p), p) && all_marks(p + n, end_of(g));
}

bool qn_guarded_guards(const struct qn_guarded *g, const void *address)
{
	const uintptr_t a = (uintptr_t)address, begin = (uintptr_t)g->map;

	if (!g->map || a < begin || a >= begin + g->nbytes + 2 * g->page)
		return false;
	return a < begin + g->page || a >= begin + g->page + g->nbytes;
}
