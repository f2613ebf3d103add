#include "proof/globals.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct search {
	uintptr_t address;
	struct qn_globals *out;
};

static bool is_in(const struct dl_phdr_info *info, uintptr_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const uintptr_t begin = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && address >= begin && address < begin + p->p_memsz)
			return true;
	}
	return false;
}

/* In whole pages: nothing else is in those of an object. */
static void add_range(struct qn_globals *g, uintptr_t begin, size_t nbytes)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t first = begin / page * page,
			end = (begin + nbytes + page - 1) / page * page;

	if (g->n == QN_MOST_RANGES)
		return;
	g->range[g->n].begin = (void *)first;
	g->range[g->n++].nbytes = end - first;
}

/* What the linker has made read-only after it had filled it in stays so. */
static uintptr_t end_of_relro(const struct dl_phdr_info *info)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_GNU_RELRO)
			return (info->dlpi_addr + p->p_vaddr + p->p_memsz) / page * page;
	}
	return 0;
}

static int visit(struct dl_phdr_info *info, size_t nbytes, void *ctx)
{
	const struct search *s = ctx;
	const uintptr_t relro = end_of_relro(info);

	(void)nbytes;
	if (!info->dlpi_name || !*info->dlpi_name || !is_in(info, s->address))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + p->p_vaddr;
		const uintptr_t end = begin + p->p_memsz;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_W))
			continue;
		if (relro > begin && relro <= end)
			begin = relro;
		if (begin < end)
			add_range(s->out, begin, end - begin);
	}
	return 1;
}

void qn_globals_find(const void *address, struct qn_globals *out)
{
	struct search s = { (uintptr_t)address, out };

	out->n = 0;
	dl_iterate_phdr(visit, &s);
}

bool qn_globals_set(const struct qn_globals *g, bool writable)
{
	bool ok = true;

	for (int i = 0; i < g->n; i++)
		ok = !mprotect(g->range[i].begin, g->range[i].nbytes,
			       writable ? PROT_READ | PROT_WRITE : PROT_READ) &&
		     ok;
	return ok;
}

bool qn_globals_have(const struct qn_globals *g, const void *address)
{
	const uintptr_t a = (uintptr_t)address;

	for (int i = 0; i < g->n; i++)
		if (a >= (uintptr_t)g->range[i].begin &&
		    a < (uintptr_t)g->range[i].begin + g->range[i].nbytes)
			return true;
	return false;
}
