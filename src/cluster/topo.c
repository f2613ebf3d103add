#include "cluster/topo_impl.h"

#include <hwloc/linux.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"

#define MAX_ANCESTORS 16
#define BLOCK_SAMPLES 16

void qn_topo_version(char *out, size_t nbytes)
{
	unsigned v = hwloc_get_api_version();

	snprintf(out, nbytes, "%u.%u.%u", v >> 16, v >> 8 & 0xff, v & 0xff);
}

enum quern_status qn_topo_new(const char *synthetic, struct qn_topo **out,
			      struct quern_message *err)
{
	struct qn_topo *t = qn_calloc(1, sizeof(*t));

	if (!t)
		return qn_error_nomem(err, sizeof(*t), "the topology");
	if (hwloc_topology_init(&t->hw)) {
		free(t);
		return qn_error_set(err, QUERN_ERR_RUN, "hwloc cannot make a topology");
	}
	t->synthetic = synthetic != NULL;
	t->page_nbytes = (size_t)sysconf(_SC_PAGESIZE);
	/* Caches are not asked for: detecting them is a good part of hwloc's start-up. */
	hwloc_topology_set_cache_types_filter(t->hw, HWLOC_TYPE_FILTER_KEEP_NONE);
	hwloc_topology_set_icache_types_filter(t->hw, HWLOC_TYPE_FILTER_KEEP_NONE);
	if ((synthetic && hwloc_topology_set_synthetic(t->hw, synthetic)) ||
	    hwloc_topology_load(t->hw)) {
		qn_topo_free(t);
		return synthetic ? qn_error_set(err, QUERN_ERR_USAGE,
						"'%s' is not an hwloc "
						"synthetic topology; try 'numa:2 core:8 pu:1'",
						synthetic)
				 : qn_error_set(err, QUERN_ERR_RUN,
						"hwloc cannot read the "
						"topology of this machine");
	}
	*out = t;
	return QUERN_OK;
}

void qn_topo_free(struct qn_topo *t)
{
	if (!t)
		return;
	hwloc_topology_destroy(t->hw);
	free(t);
}

int qn_topo_nnodes(const struct qn_topo *t)
{
	int n = hwloc_get_nbobjs_by_type(t->hw, HWLOC_OBJ_NUMANODE);

	return n > 0 ? n : 1;
}

uint64_t qn_topo_memory(const struct qn_topo *t)
{
	return hwloc_get_root_obj(t->hw)->total_memory;
}

static void from_bitmap(hwloc_const_bitmap_t set, struct qn_cpus *cpus)
{
	memset(cpus, 0, sizeof(*cpus));
	for (int i = hwloc_bitmap_first(set); i >= 0 && i < QN_MAX_PUS;
	     i = hwloc_bitmap_next(set, i))
		cpus->word[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool has_cpu(const struct qn_cpus *cpus, unsigned i)
{
	return i < QN_MAX_PUS && (cpus->word[i / 64] >> (i % 64) & 1);
}

static hwloc_bitmap_t to_bitmap(const struct qn_cpus *cpus)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();

	for (unsigned i = 0; set && i < QN_MAX_PUS; i++)
		if (has_cpu(cpus, i))
			hwloc_bitmap_set(set, i);
	return set;
}

void qn_cpus_format(const struct qn_cpus *cpus, char *out, size_t nbytes)
{
	hwloc_bitmap_t set = to_bitmap(cpus);

	if (nbytes)
		*out = 0;
	if (set)
		hwloc_bitmap_list_snprintf(out, nbytes, set);
	hwloc_bitmap_free(set);
}

/* The command name and the parent of a process, from /proc. */
static bool read_process(pid_t pid, char name[32], pid_t *parent)
{
	char path[64], line[512], *paren;
	FILE *f;
	bool ok;
	int ppid = 0;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	f = qn_sys_fopen(path, "r");
	if (!f)
		return false;
	ok = fgets(line, sizeof(line), f) != NULL;
	fclose(f);
	/* pid (name) state ppid: the name may hold spaces and parentheses. */
	paren = ok ? strrchr(line, ')') : NULL;
	if (!paren || sscanf(paren + 1, " %*c %d", &ppid) != 1)
		return false;
	*paren = 0;
	paren = strchr(line, '(');
	if (!paren)
		return false;
	snprintf(name, 32, "%s", paren + 1);
	*parent = ppid;
	return true;
}

/* The process that launched this rank for Open MPI, or 0. */
static pid_t find_launcher(void)
{
	static const char *const launchers[] = { "mpirun",  "mpiexec", "orterun", "orted",
						 "prterun", "prte",    "prted",	  NULL };
	pid_t pid = getppid();

	for (int i = 0; i < MAX_ANCESTORS && pid > 1; i++) {
		char name[32];
		pid_t parent;

		if (!read_process(pid, name, &parent))
			return 0;
		for (const char *const *l = launchers; *l; l++)
			if (!strcmp(name, *l))
				return pid;
		pid = parent;
	}
	return 0;
}

void qn_topo_permitted(const struct qn_topo *t, struct qn_cpus *cpus)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	pid_t launcher = getenv("OMPI_COMM_WORLD_SIZE") ? find_launcher() : 0;

	if (!set) {
		from_bitmap(hwloc_topology_get_allowed_cpuset(t->hw), cpus);
		return;
	}
	if (t->synthetic || ((!launcher || hwloc_get_proc_cpubind(t->hw, launcher, set, 0)) &&
			     hwloc_get_cpubind(t->hw, set, HWLOC_CPUBIND_PROCESS)))
		hwloc_bitmap_copy(set, hwloc_topology_get_allowed_cpuset(t->hw));
	hwloc_bitmap_and(set, set, hwloc_topology_get_allowed_cpuset(t->hw));
	from_bitmap(set, cpus);
	hwloc_bitmap_free(set);
}

/* The first permitted hardware thread of each core, in topology order; cores of one NUMA node come
   together. Returns how many. */
static int list_cores(const struct qn_topo *t, const struct qn_cpus *permitted, uint16_t *core)
{
	int n = 0;
	hwloc_obj_t pu = NULL, last_core = NULL;

	while ((pu = hwloc_get_next_obj_by_type(t->hw, HWLOC_OBJ_PU, pu))) {
		hwloc_obj_t c = hwloc_get_ancestor_obj_by_type(t->hw, HWLOC_OBJ_CORE, pu);

		if (!has_cpu(permitted, pu->os_index) || (c && c == last_core))
			continue;
		last_core = c;
		if (n < QN_MAX_PUS)
			core[n++] = (uint16_t)pu->os_index;
	}
	return n;
}

int qn_topo_slice(const struct qn_topo *t, const struct qn_cpus *all, int nranks, int rank,
		  struct qn_cpus *slice, bool *oversubscribed)
{
	uint16_t core[QN_MAX_PUS];
	int ncores = list_cores(t, &all[rank], core);
	int nsharing = 0, place = 0, first, last;

	for (int r = 0; r < nranks; r++)
		if (!memcmp(&all[r], &all[rank], sizeof(all[r]))) {
			place += r < rank;
			nsharing++;
		}
	memset(slice, 0, sizeof(*slice));
	*oversubscribed = ncores < nsharing;
	if (!ncores)
		return 1; /* nothing is known: one thread, unbound */
	first = *oversubscribed ? place % ncores : (int)((int64_t)ncores * place / nsharing);
	last = *oversubscribed ? first + 1 : (int)((int64_t)ncores * (place + 1) / nsharing);
	for (int i = first; i < last; i++)
		slice->word[core[i] / 64] |= UINT64_C(1) << (core[i] % 64);
	return last - first;
}

int qn_topo_node_of(const struct qn_topo *t, const struct qn_cpus *cpus)
{
	hwloc_bitmap_t set = to_bitmap(cpus);
	hwloc_obj_t node = NULL;
	int best = 0, best_weight = -1;

	if (!set)
		return 0;
	while ((node = hwloc_get_next_obj_by_type(t->hw, HWLOC_OBJ_NUMANODE, node))) {
		int weight = 0;

		for (int i = hwloc_bitmap_first(set); i >= 0; i = hwloc_bitmap_next(set, i))
			weight += hwloc_bitmap_isset(node->cpuset, (unsigned)i);
		if (weight > best_weight) {
			best_weight = weight;
			best = (int)node->logical_index;
		}
	}
	hwloc_bitmap_free(set);
	return best;
}

/* Memory of another kind is a NUMA node of its own, beside the cores of an ordinary one. */
static int count_nodes(const struct qn_topo *t, hwloc_const_bitmap_t set)
{
	hwloc_bitmap_t left = hwloc_bitmap_dup(set);
	hwloc_obj_t node = NULL;
	int n = 0;

	while (left && (node = hwloc_get_next_obj_by_type(t->hw, HWLOC_OBJ_NUMANODE, node)))
		if (hwloc_bitmap_intersects(left, node->cpuset)) {
			hwloc_bitmap_andnot(left, left, node->cpuset);
			n++;
		}
	hwloc_bitmap_free(left);
	return n;
}

struct qn_extent qn_topo_extent(const struct qn_topo *t, const struct qn_cpus *cpus)
{
	struct qn_extent e = { 0 };
	uint16_t core[QN_MAX_PUS];
	hwloc_bitmap_t set = to_bitmap(cpus);

	if (set) {
		e.nnodes = count_nodes(t, set);
		e.ncores = list_cores(t, cpus, core);
		e.npus = hwloc_bitmap_weight(set);
	}
	hwloc_bitmap_free(set);
	return e;
}

/* The hardware thread number `index` (modulo their number) of a set; -1 when it is empty. */
static int nth_cpu(hwloc_const_bitmap_t set, int index)
{
	int weight = hwloc_bitmap_weight(set), i = hwloc_bitmap_first(set);

	if (weight < 1)
		return -1;
	for (index %= weight; index > 0; index--)
		i = hwloc_bitmap_next(set, i);
	return i;
}

bool qn_topo_bind_thread(const struct qn_topo *t, const struct qn_cpus *slice, int index,
			 enum qn_bind bind)
{
	hwloc_bitmap_t set;
	hwloc_obj_t node = NULL;
	bool ok = false;
	int cpu;

	if (bind == QN_BIND_NONE || t->synthetic || !(set = to_bitmap(slice)))
		return false;
	cpu = nth_cpu(set, index);
	while (cpu >= 0 && (node = hwloc_get_next_obj_by_type(t->hw, HWLOC_OBJ_NUMANODE, node)))
		if (hwloc_bitmap_isset(node->cpuset, (unsigned)cpu))
			break;
	if (cpu >= 0) {
		if (bind == QN_BIND_CORE)
			hwloc_bitmap_only(set, (unsigned)cpu);
		else if (node)
			hwloc_bitmap_and(set, set, node->cpuset);
		ok = !hwloc_set_cpubind(t->hw, set, HWLOC_CPUBIND_THREAD);
		if (ok && node && qn_topo_nnodes(t) > 1)
			ok = !hwloc_set_membind(t->hw, node->nodeset, HWLOC_MEMBIND_BIND,
						HWLOC_MEMBIND_THREAD | HWLOC_MEMBIND_BYNODESET);
	}
	hwloc_bitmap_free(set);
	return ok;
}

int qn_topo_thread_node(const struct qn_topo *t)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	hwloc_obj_t node = NULL;

	if (set && !t->synthetic && !hwloc_get_last_cpu_location(t->hw, set, HWLOC_CPUBIND_THREAD))
		while ((node = hwloc_get_next_obj_by_type(t->hw, HWLOC_OBJ_NUMANODE, node)))
			if (hwloc_bitmap_intersects(node->cpuset, set))
				break;
	hwloc_bitmap_free(set);
	return node ? (int)node->logical_index : -1;
}

int qn_topo_page_node(const struct qn_topo *t, const void *page, hwloc_bitmap_t set)
{
	hwloc_obj_t node;
	int os_index;

	if (hwloc_get_area_memlocation(t->hw, page, t->page_nbytes, set, HWLOC_MEMBIND_BYNODESET))
		return -1;
	os_index = hwloc_bitmap_first(set);
	if (os_index < 0)
		return -1;
	node = hwloc_get_numanode_obj_by_os_index(t->hw, (unsigned)os_index);
	return node ? (int)node->logical_index : -1;
}

void qn_topo_count_pages(const struct qn_topo *t, const void *block, size_t nbytes, int node,
			 uint64_t *npages, uint64_t *nlocal)
{
	uintptr_t first = (uintptr_t)block / t->page_nbytes;
	size_t n = ((uintptr_t)block + nbytes - 1) / t->page_nbytes - first + 1;
	size_t nsamples = n < BLOCK_SAMPLES ? n : BLOCK_SAMPLES;
	hwloc_bitmap_t set = nbytes ? hwloc_bitmap_alloc() : NULL;

	for (size_t i = 0; set && i < nsamples; i++) {
		uintptr_t page = (first + n * i / nsamples) * t->page_nbytes;
		int at = qn_topo_page_node(t, (const void *)page, set);

		*npages += at >= 0;
		*nlocal += at == node;
	}
	hwloc_bitmap_free(set);
}

/* Drops the pages that the block has for itself: whoever writes to it next has them. */
static void drop_pages(const struct qn_topo *t, void *block, size_t nbytes)
{
	uintptr_t first = qn_ceil_div((uintptr_t)block, t->page_nbytes);
	uintptr_t end = ((uintptr_t)block + nbytes) / t->page_nbytes;

	if (first < end)
		madvise((void *)(first * t->page_nbytes), (end - first) * t->page_nbytes,
			MADV_DONTNEED);
}

static void move_ends(const struct qn_topo *t, const void *block, size_t nbytes, int node)
{
	uintptr_t first = (uintptr_t)block / t->page_nbytes * t->page_nbytes;
	hwloc_obj_t there = hwloc_get_obj_by_type(t->hw, HWLOC_OBJ_NUMANODE, (unsigned)node);

	if (there)
		hwloc_set_area_membind(t->hw, (const void *)first,
				       (uintptr_t)block + nbytes - first, there->nodeset,
				       HWLOC_MEMBIND_BIND,
				       HWLOC_MEMBIND_MIGRATE | HWLOC_MEMBIND_BYNODESET);
}

static bool is_settled(const struct qn_topo *t, const void *block, size_t nbytes, int node)
{
	uint64_t npages = 0, nlocal = 0;

	qn_topo_count_pages(t, block, nbytes, node, &npages, &nlocal);
	return nlocal == npages;
}

/* Pages that were a huge page together can be moved only together, wherever the others belong: they
   are left to them. */
void qn_topo_settle(const struct qn_topo *t, void *block, size_t nbytes, int node)
{
	if (!nbytes || t->synthetic || is_settled(t, block, nbytes, node))
		return;
	drop_pages(t, block, nbytes);
	if (!is_settled(t, block, nbytes, node))
		move_ends(t, block, nbytes, node);
}

static int count(const struct qn_topo *t, hwloc_obj_type_t type)
{
	int n = hwloc_get_nbobjs_by_type(t->hw, type);

	return n > 0 ? n : 1;
}

static void append_count(char *out, size_t nbytes, int n, const char *one, const char *many)
{
	size_t used = strlen(out);

	snprintf(out + used, nbytes - used, "%s%d %s", used ? ", " : "", n, n == 1 ? one : many);
}

void qn_topo_describe(const struct qn_topo *t, char *out, size_t nbytes)
{
	if (!nbytes)
		return;
	*out = 0;
	append_count(out, nbytes, count(t, HWLOC_OBJ_PACKAGE), "package", "packages");
	append_count(out, nbytes, qn_topo_nnodes(t), "NUMA node", "NUMA nodes");
	append_count(out, nbytes, count(t, HWLOC_OBJ_CORE), "core", "cores");
	append_count(out, nbytes, count(t, HWLOC_OBJ_PU), "hardware thread", "hardware threads");
}
