/*
 * resident.c - how much of a dataset is in the page cache of this host: by mincore(2) on a mapping
 * of the file, which brings no page in.
 */
#include "locate/resident.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"

#define MOST_PAGES  (UINT64_C(1) << 18) /* looked at one by one: 1 GiB with small pages */
#define MOST_CHUNKS (UINT64_C(1) << 14)
#define VECTOR_SIZE 4096

struct map {
	uint8_t *bytes;
	uint64_t nbytes, page;
};

/* Of files of others that one cannot write, Linux says of all pages that they are resident. */
static bool may_ask(int fd, const struct stat *st)
{
	char path[64];

	if (geteuid() == 0 || st->st_uid == geteuid())
		return true;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return qn_sys_faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static bool map_file(int fd, struct map *m)
{
	struct stat st;
	long page = sysconf(_SC_PAGESIZE);
	void *bytes;

	if (page < 1 || qn_sys_fstat(fd, &st) || st.st_size < 1 || !may_ask(fd, &st))
		return false;
	bytes = qn_sys_mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return false;
	*m = (struct map){ bytes, (uint64_t)st.st_size, (uint64_t)page };
	return true;
}

/* Adds the resident bytes of a range of the file; false when the system does not tell. */
static bool look_at(const struct map *m, uint64_t addr, uint64_t nbytes, uint64_t *nresident)
{
	unsigned char vector[VECTOR_SIZE];
	uint64_t end = addr + nbytes;

	while (addr < end) {
		uint64_t start = addr - addr % m->page;
		uint64_t stop = qn_min_u64(end, start + VECTOR_SIZE * m->page);

		if (mincore(m->bytes + start, (size_t)(stop - start), vector))
			return false;
		for (uint64_t p = start; p < stop; p += m->page)
			if (vector[(p - start) / m->page] & 1)
				*nresident += qn_min_u64(stop, p + m->page) - qn_max_u64(addr, p);
		addr = stop;
	}
	return true;
}

static bool is_inside(const struct map *m, const struct qn_chunk *c)
{
	return c->addr <= m->nbytes && c->nbytes <= m->nbytes - c->addr;
}

static bool look_at_all(const struct qn_dataset *d, const struct map *m, struct qn_resident *r)
{
	for (uint64_t i = 0; i < d->nchunks; i++)
		if (is_inside(m, &d->chunks[i]) &&
		    !look_at(m, d->chunks[i].addr, d->chunks[i].nbytes, &r->nbytes))
			return false;
	return true;
}

/* A byte here and there, as if the chunks lay one after the other. */
static bool look_at_some(const struct qn_dataset *d, const struct map *m, struct qn_resident *r)
{
	double step = (double)r->ntotal / QN_RESIDENT_SAMPLES, next = step / 2, before = 0;
	uint64_t nseen = 0, nresident = 0;

	for (uint64_t i = 0; i < d->nchunks; i++) {
		const struct qn_chunk *c = &d->chunks[i];
		double end = before + c->nbytes;

		for (; next < end; next += step) {
			uint64_t at = qn_min_u64((uint64_t)(next - before), c->nbytes - 1);

			if (!is_inside(m, c))
				continue;
			if (!look_at(m, c->addr + at, 1, &nresident))
				return false;
			nseen++;
		}
		before = end;
	}
	r->sampled = true;
	r->nbytes = nseen ? (uint64_t)((double)r->ntotal * (double)nresident / (double)nseen) : 0;
	return true;
}

void qn_resident_look(const struct qn_dataset *d, int fd, struct qn_resident *out)
{
	struct map m;
	uint64_t npages = 0;

	memset(out, 0, sizeof(*out));
	for (uint64_t i = 0; i < d->nchunks; i++)
		out->ntotal += d->chunks[i].nbytes;
	if (!out->ntotal || !map_file(fd, &m))
		return;
	npages = out->ntotal / m.page;
	out->known = d->nchunks > MOST_CHUNKS || npages > MOST_PAGES ? look_at_some(d, &m, out)
								     : look_at_all(d, &m, out);
	qn_sys_munmap(m.bytes, (size_t)m.nbytes);
}
