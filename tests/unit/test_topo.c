/*
 * test_topo.c - slices of synthetic machines; what can be said about the one the test runs on.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "random.h"
#include "cluster/room.h"
#include "cluster/topo.h"

#define MAX_RANKS 64

static struct qn_topo *machine(const char *synthetic)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_topo *t = NULL;

	assert_int_equal(qn_topo_new(synthetic, &t, &err), QUERN_OK);
	return t;
}

static bool has(const struct qn_cpus *c, int i)
{
	return c->word[i / 64] >> (i % 64) & 1;
}

static void add(struct qn_cpus *c, int i)
{
	c->word[i / 64] |= UINT64_C(1) << (i % 64);
}

static int weight(const struct qn_cpus *c)
{
	int n = 0;

	for (int i = 0; i < QN_MAX_PUS; i++)
		n += has(c, i);
	return n;
}

/* Nodes that a set touches, of nodes with `width` consecutive hardware threads. */
static int count_nodes(const struct qn_cpus *c, int npus, int width)
{
	int n = 0;

	for (int from = 0; from < npus; from += width) {
		bool here = false;

		for (int i = from; i < from + width; i++)
			here = here || has(c, i);
		n += here;
	}
	return n;
}

static void test_equal_sets_are_divided(void **state)
{
	static const struct {
		const char *synthetic;
		int ncores, npus, node_pus;
	} on[] = {
		{ "core:1 pu:1", 1, 1, 1 },
		{ "numa:2 core:4 pu:2", 8, 16, 8 },
		{ "pack:2 numa:4 core:3 pu:1", 24, 24, 3 },
		{ "numa:8 core:8 pu:2", 64, 128, 16 },
		{ "numa:3 core:5 pu:4", 15, 60, 20 },
	};

	(void)state;
	for (size_t m = 0; m < sizeof(on) / sizeof(*on); m++) {
		struct qn_topo *t = machine(on[m].synthetic);
		struct qn_cpus all[MAX_RANKS];

		for (int r = 0; r < MAX_RANKS; r++)
			qn_topo_permitted(t, &all[r]);
		assert_int_equal(weight(&all[0]), on[m].npus);
		for (int nranks = 1; nranks <= on[m].ncores && nranks <= MAX_RANKS; nranks++) {
			struct qn_cpus used = { { 0 } }, slice;
			int last = -1, node = 0;

			for (int r = 0; r < nranks; r++) {
				bool over = true;
				int n = qn_topo_slice(t, all, nranks, r, &slice, &over);
				int fewest = on[m].ncores / nranks, lowest = QN_MAX_PUS;

				assert_false(over);
				assert_int_equal(n, weight(&slice));
				assert_in_range(n, fewest, fewest + 1);
				for (int i = 0; i < on[m].npus; i++) {
					if (!has(&slice, i))
						continue;
					assert_false(has(&used, i));
					add(&used, i);
					lowest = i < lowest ? i : lowest;
					assert_true(i > last);
					last = i;
				}
				/* No core is jumped over, so a slice touches the fewest nodes. */
				assert_true(count_nodes(&slice, on[m].npus, on[m].node_pus) <=
					    (n - 2) / (on[m].node_pus * on[m].ncores / on[m].npus) +
						    2);
				assert_true(qn_topo_node_of(t, &slice) >= node);
				node = qn_topo_node_of(t, &slice);
			}
			assert_int_equal(weight(&used), on[m].ncores);
		}
		qn_topo_free(t);
	}
}

/* As many ranks as nodes: each has one to itself. */
static void test_a_rank_a_node(void **state)
{
	struct qn_topo *t = machine("pack:2 numa:4 core:6 pu:2");
	struct qn_cpus all[8], slice;
	bool over;

	(void)state;
	assert_int_equal(qn_topo_nnodes(t), 8);
	for (int r = 0; r < 8; r++)
		qn_topo_permitted(t, &all[r]);
	for (int r = 0; r < 8; r++) {
		assert_int_equal(qn_topo_slice(t, all, 8, r, &slice, &over), 6);
		assert_int_equal(qn_topo_node_of(t, &slice), r);
		assert_int_equal(count_nodes(&slice, 96, 12), 1);
	}
	qn_topo_free(t);
}

/* As Linux numbers them mostly: first all cores of all nodes, then their second threads; and nodes
   that take turns. */
static void test_numbering_of_the_system(void **state)
{
	struct qn_topo *t = machine("numa:2 core:4 pu:2(indexes=8*2:2*4:1*2)");
	struct qn_cpus all[4], used = { { 0 } }, slice;
	bool over;

	(void)state;
	for (int r = 0; r < 4; r++)
		qn_topo_permitted(t, &all[r]);
	for (int r = 0; r < 4; r++) {
		assert_int_equal(qn_topo_slice(t, all, 4, r, &slice, &over), 2);
		assert_int_equal(qn_topo_node_of(t, &slice), r / 2);
		for (int i = 0; i < 16; i++)
			if (has(&slice, i)) {
				assert_true(i < 8); /* a core's first thread */
				assert_int_equal(i % 2, r / 2);
				assert_false(has(&used, i));
				add(&used, i);
			}
	}
	assert_int_equal(weight(&used), 8);
	qn_topo_free(t);
}

static void test_disjoint_sets_are_kept(void **state)
{
	struct qn_topo *t = machine("numa:4 core:4 pu:1");
	struct qn_cpus all[4] = { { { 0 } } }, slice;
	bool over;

	(void)state;
	for (int r = 0; r < 4; r++)
		for (int i = 0; i < 3; i++)
			add(&all[r], 4 * r + i);
	for (int r = 0; r < 4; r++) {
		assert_int_equal(qn_topo_slice(t, all, 4, r, &slice, &over), 3);
		assert_memory_equal(&slice, &all[r], sizeof(slice));
		assert_int_equal(qn_topo_node_of(t, &slice), r);
		assert_false(over);
	}
	qn_topo_free(t);
}

/* Ranks 0 and 2 share one half of the machine, 1 and 3 the other. */
static void test_groups_of_equal_sets(void **state)
{
	struct qn_topo *t = machine("numa:2 core:4 pu:1");
	struct qn_cpus all[4] = { { { 0 } } }, slice;
	int expected[] = { 0, 4, 2, 6 };
	bool over;

	(void)state;
	for (int r = 0; r < 4; r++)
		for (int i = 0; i < 4; i++)
			add(&all[r], r % 2 * 4 + i);
	for (int r = 0; r < 4; r++) {
		assert_int_equal(qn_topo_slice(t, all, 4, r, &slice, &over), 2);
		assert_true(has(&slice, expected[r]) && has(&slice, expected[r] + 1));
	}
	qn_topo_free(t);
}

static void test_oversubscription(void **state)
{
	struct qn_topo *t = machine("numa:2 core:2 pu:2");
	struct qn_cpus all[11], slice;
	int users[8] = { 0 };

	(void)state;
	for (int r = 0; r < 11; r++)
		qn_topo_permitted(t, &all[r]);
	for (int r = 0; r < 11; r++) {
		bool over = false;

		assert_int_equal(qn_topo_slice(t, all, 11, r, &slice, &over), 1);
		assert_true(over);
		assert_int_equal(weight(&slice), 1);
		for (int i = 0; i < 8; i++)
			users[i] += has(&slice, i);
	}
	for (int i = 0; i < 8; i++)
		assert_in_range(users[i], i % 2 ? 0 : 2, i % 2 ? 0 : 3);
	qn_topo_free(t);
}

static void test_nothing_permitted(void **state)
{
	struct qn_topo *t = machine("core:2 pu:1");
	struct qn_cpus none = { { 0 } }, slice;
	bool over;

	(void)state;
	assert_int_equal(qn_topo_slice(t, &none, 1, 0, &slice, &over), 1);
	assert_int_equal(weight(&slice), 0);
	assert_int_equal(qn_topo_node_of(t, &slice), 0);
	qn_topo_free(t);
}

static void test_bad_synthetic(void **state)
{
	static const char *const bad[] = { "", "nonsense", "numa:2", "core:2 core:0 pu:1" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct qn_topo *t = NULL;
		enum quern_status st = qn_topo_new(bad[i], &t, &err);

		/* hwloc completes some descriptions by itself. */
		assert_true(st == QUERN_OK || (st == QUERN_ERR_USAGE && !t && *err.text));
		qn_topo_free(t);
	}
	qn_topo_free(NULL);
}

static void test_text(void **state)
{
	struct qn_topo *t = machine("pack:2 numa:1 core:32 pu:2");
	struct qn_cpus cpus = { { 0 } };
	char text[100], small[6];

	(void)state;
	qn_topo_describe(t, text, sizeof(text));
	assert_string_equal(text, "2 packages, 2 NUMA nodes, 64 cores, 128 hardware threads");
	qn_topo_describe(t, small, sizeof(small));
	assert_string_equal(small, "2 pac");
	qn_topo_free(t);
	t = machine("core:1 pu:1");
	qn_topo_describe(t, text, sizeof(text));
	assert_string_equal(text, "1 package, 1 NUMA node, 1 core, 1 hardware thread");
	qn_topo_free(t);
	qn_cpus_format(&cpus, text, sizeof(text));
	assert_string_equal(text, "");
	for (int i = 0; i < 4; i++)
		add(&cpus, i);
	add(&cpus, 8);
	add(&cpus, QN_MAX_PUS - 1);
	qn_cpus_format(&cpus, text, sizeof(text));
	assert_string_equal(text, "0-3,8,4095");
	qn_cpus_format(&cpus, small, sizeof(small));
	assert_string_equal(small, "0-3,8");
	qn_topo_version(text, sizeof(text));
	assert_true(text[0] >= '2' && strchr(text, '.'));
}

/* --- this machine --- */

struct binding {
	const struct qn_topo *t;
	struct qn_cpus slice;
	enum qn_bind bind;
	bool bound;
	int ncpus; /* what the thread may run on afterwards */
};

static void *bind_thread(void *arg)
{
	struct binding *b = arg;
	cpu_set_t set;

	b->bound = qn_topo_bind_thread(b->t, &b->slice, 0, b->bind);
	if (!sched_getaffinity(0, sizeof(set), &set))
		b->ncpus = CPU_COUNT(&set);
	return NULL;
}

static void test_binding(void **state)
{
	struct qn_topo *t = machine(NULL);
	struct qn_cpus permitted;
	bool over;

	(void)state;
	qn_topo_permitted(t, &permitted);
	assert_true(weight(&permitted) >= 1);
	assert_true(qn_topo_memory(t) > 1 << 20);
	for (int bind = QN_BIND_NUMA; bind <= QN_BIND_NONE; bind++) {
		struct binding b = { .t = t, .bind = (enum qn_bind)bind };
		pthread_t thread;

		qn_topo_slice(t, &permitted, 1, 0, &b.slice, &over);
		assert_int_equal(pthread_create(&thread, NULL, bind_thread, &b), 0);
		pthread_join(thread, NULL);
		if (bind == QN_BIND_NONE)
			assert_false(b.bound);
		if (b.bound && bind == QN_BIND_CORE)
			assert_int_equal(b.ncpus, 1);
		if (b.bound && bind == QN_BIND_NUMA)
			assert_in_range(b.ncpus, 1, weight(&b.slice));
	}
	qn_topo_free(t);
}

/* A synthetic machine is not this one: nothing can be bound to it. */
static void test_synthetic_is_not_bound(void **state)
{
	struct qn_topo *t = machine("numa:2 core:2 pu:1");
	struct qn_cpus cpus;

	(void)state;
	qn_topo_permitted(t, &cpus);
	assert_false(qn_topo_bind_thread(t, &cpus, 0, QN_BIND_CORE));
	qn_topo_free(t);
}

static void test_file_node(void **state)
{
	static char page[1 << 16];
	struct qn_topo *t = machine(NULL);
	char name[] = "topo-XXXXXX";
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	unlink(name);
	memset(page, 1, sizeof(page));
	assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
	assert_int_equal(qn_topo_file_node(t, fd, 10, 0), -1);
	assert_int_equal(qn_topo_file_node(t, -1, 0, 10), -1);
	for (uint64_t at = 0; at < sizeof(page); at += 4097) {
		int node = qn_topo_file_node(t, fd, at, sizeof(page) - at);

		assert_true(node >= -1 && node < qn_topo_nnodes(t));
	}
	/* Past the end there is no page. */
	assert_int_equal(qn_topo_file_node(t, fd, 1 << 20, 100), -1);
	close(fd);
	qn_topo_free(t);
}

/* Of a file that this user may only read, Linux says that all is in memory: then nothing is known. */
static void test_file_of_others(void **state)
{
	struct qn_topo *t = machine(NULL);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), known;
	char byte;

	(void)state;
	if (fd < 0 || geteuid() || qn_topo_file_node(t, fd, 0, 4096) < 0) {
		printf("needs to be root, and a system that tells\n");
		close(fd);
		qn_topo_free(t);
		skip();
	}
	close(fd);
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && read(fd, &byte, 1) == 1);
	known = qn_topo_file_node(t, fd, 0, 100);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(qn_topo_file_node(t, fd, 0, 100), -1);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(qn_topo_file_node(t, fd, 0, 100), known);
	close(fd);
	qn_topo_free(t);
}

static void test_extent(void **state)
{
	static const struct {
		const char *synthetic;
		struct qn_extent e;
	} on[] = {
		{ "core:1 pu:1", { 1, 1, 1 } },
		{ "numa:2 core:4 pu:2", { 2, 8, 16 } },
		{ "pack:2 numa:4 core:3 pu:1", { 8, 24, 24 } },
		/* Two kinds of memory beside the same cores. */
		{ "pack:2 [numa] [numa] core:4 pu:2", { 2, 8, 16 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++) {
		struct qn_topo *t = machine(on[i].synthetic);
		struct qn_cpus cpus, one = { { 0 } };
		struct qn_extent e;

		qn_topo_permitted(t, &cpus);
		e = qn_topo_extent(t, &cpus);
		assert_memory_equal(&e, &on[i].e, sizeof(e));
		add(&one, on[i].e.npus - 1);
		e = qn_topo_extent(t, &one);
		assert_true(e.nnodes == 1 && e.ncores == 1 && e.npus == 1);
		memset(&one, 0, sizeof(one));
		e = qn_topo_extent(t, &one);
		assert_true(!e.nnodes && !e.ncores && !e.npus);
		qn_topo_free(t);
	}
}

static void test_pages(void **state)
{
	struct qn_topo *t = machine(NULL);
	int nnodes = qn_topo_nnodes(t), here = qn_topo_thread_node(t);
	size_t nbytes = 100 * 4096 + 17;
	char *block = malloc(nbytes);
	uint64_t npages = 0, nlocal = 0, sum = 0;

	(void)state;
	assert_true(here >= -1 && here < nnodes);
	assert_non_null(block);
	memset(block, 1, nbytes);
	for (int node = 0; node < nnodes; node++) {
		npages = nlocal = 0;
		qn_topo_count_pages(t, block + 3, nbytes - 3, node, &npages, &nlocal);
		assert_in_range(nlocal, 0, npages);
		sum += nlocal;
	}
	assert_int_equal(sum, npages); /* each is on one node */
	qn_topo_count_pages(t, block, 0, 0, &npages, &nlocal);
	assert_int_equal(sum, npages);
	/* What lies beside it survives. */
	qn_topo_settle(t, block + 5, nbytes - 10, nnodes - 1);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(block[i], 1);
		assert_int_equal(block[nbytes - 1 - i], 1);
	}
	npages = nlocal = 0;
	qn_topo_count_pages(t, block, nbytes, nnodes - 1, &npages, &nlocal);
	assert_in_range(nlocal, nnodes > 1 ? 0 : npages, npages);
	free(block);
	qn_topo_free(t);
}

/* A machine of two nodes with a disk at each, as hwloc would describe it. */
static const char two_disks[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
	"<topology version=\"2.0\">\n"
	"<object type=\"Machine\" os_index=\"0\" cpuset=\"0x3\" complete_cpuset=\"0x3\" "
	"allowed_cpuset=\"0x3\" nodeset=\"0x3\" complete_nodeset=\"0x3\" allowed_nodeset=\"0x3\" "
	"gp_index=\"1\">\n"
	"%s%s%s"
	"</object>\n</topology>\n";

static const char package[] =
	"<object type=\"Package\" os_index=\"%d\" cpuset=\"0x%d\" complete_cpuset=\"0x%d\" "
	"nodeset=\"0x%d\" complete_nodeset=\"0x%d\" gp_index=\"%d\">\n"
	"<object type=\"NUMANode\" os_index=\"%d\" cpuset=\"0x%d\" complete_cpuset=\"0x%d\" "
	"nodeset=\"0x%d\" complete_nodeset=\"0x%d\" gp_index=\"%d\" local_memory=\"1000000\"/>\n"
	"<object type=\"PU\" os_index=\"%d\" cpuset=\"0x%d\" complete_cpuset=\"0x%d\" "
	"nodeset=\"0x%d\" complete_nodeset=\"0x%d\" gp_index=\"%d\"/>\n%s</object>\n";

static const char bridge[] =
	"<object type=\"Bridge\" gp_index=\"%d\" bridge_type=\"0-1\" depth=\"0\" "
	"bridge_pci=\"000%d:[00-00]\">\n<object type=\"PCIDev\" gp_index=\"%d\" "
	"pci_busid=\"000%d:00:02.0\" pci_type=\"0180 [1af4:1042] [1af4:1042] 01\" "
	"pci_link_speed=\"0.000000\">\n<object type=\"OSDev\" gp_index=\"%d\" name=\"%s\" "
	"osdev_type=\"0\"/>\n</object>\n</object>\n";

static void write_machine(const char *path)
{
	char disk[3][1024], half[2][2048];
	FILE *f = fopen(path, "w");

	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "sda", "nvme0n1", "sdz" };

		snprintf(disk[i], sizeof(disk[i]), bridge, 30 + i, i, 40 + i, i, 50 + i, names[i]);
	}
	for (int i = 0; i < 2; i++)
		snprintf(half[i], sizeof(half[i]), package, i, 1 << i, 1 << i, 1 << i, 1 << i,
			 10 + i, i, 1 << i, 1 << i, 1 << i, 1 << i, 12 + i, i, 1 << i, 1 << i,
			 1 << i, 1 << i, 14 + i, disk[i]);
	assert_non_null(f);
	fprintf(f, two_disks, half[0], half[1], disk[2]);
	assert_int_equal(fclose(f), 0);
}

/* sysfs: a partition of sda, nvme0n1, sdz at no node in particular, a volume on sda and one on both,
   one that lies on itself, and one that hwloc has never heard of. */
static const char make_sysfs[] =
	"set -e; cd '%s'; mkdir -p dev/block; cd dev/block\n"
	"d() { mkdir -p \"../../devices/$2\"; ln -s \"../../devices/$2\" \"$1\"; }\n"
	"d 8:1 pci/block/sda/sda1; d 259:0 pci/nvme/block/nvme0n1; d 8:32 pci/block/sdz\n"
	"d 253:0 virtual/block/dm-0; d 253:1 virtual/block/dm-1; d 253:2 virtual/block/dm-2\n"
	"d 7:0 virtual/block/loop0; cd ../../devices/virtual/block\n"
	"mkdir dm-0/slaves dm-1/slaves dm-2/slaves; ln -s ../../../../pci/block/sda/sda1 dm-0/slaves\n"
	"ln -s ../../dm-0 dm-1/slaves; ln -s ../../../../pci/nvme/block/nvme0n1 dm-1/slaves\n"
	"ln -s ../../dm-2 dm-2/slaves\n";

static void test_disks(void **state)
{
	static const struct {
		unsigned major, minor;
		int node;
	} on[] = { { 8, 1, 0 },	   { 259, 0, 1 }, { 8, 32, -1 }, { 253, 0, 0 }, { 253, 1, -1 },
		   { 253, 2, -1 }, { 7, 0, -1 },  { 0, 38, -1 }, { 259, 0, 1 } };
	char dir[] = "/tmp/disks.XXXXXX", path[64], command[2048];
	struct qn_disks *d;

	(void)state;
	assert_int_equal(qn_disks_node(NULL, makedev(8, 1)), -1);
	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command), make_sysfs, dir);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/machine.xml", dir);
	write_machine(path);
	assert_int_equal(setenv("HWLOC_XMLFILE", path, 1), 0);
	d = qn_disks_new(dir);
	assert_int_equal(unsetenv("HWLOC_XMLFILE"), 0);
	assert_non_null(d);
	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++)
		assert_int_equal(qn_disks_node(d, makedev(on[i].major, on[i].minor)), on[i].node);
	qn_disks_free(d);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	assert_int_equal(system(command), 0);
}

/* A file of which the first half is there; the rest is a hole, which no page holds. */
static void test_file_pages(void **state)
{
	enum { HALF = 64 * 4096 };
	struct qn_topo *t = machine(NULL);
	int fd = memfd_create("pages", 0), node;
	char *bytes = calloc(1, HALF);
	struct qn_pages p;

	(void)state;
	assert_true(fd >= 0 && bytes);
	assert_false(qn_pages_open(t, fd, &p)); /* it is empty */
	assert_int_equal(write(fd, bytes, HALF), HALF);
	assert_int_equal(ftruncate(fd, 2 * HALF), 0);
	assert_true(qn_pages_open(t, fd, &p));
	assert_true(qn_pages_look(&p, 0, HALF, true, &node));
	assert_in_range(node, 0, qn_topo_nnodes(t) - 1);
	assert_true(qn_pages_look(&p, 4095, 1, false, &node));
	assert_int_equal(node, -1);
	assert_false(qn_pages_look(&p, HALF, HALF, true, &node));
	assert_int_equal(node, -1);
	assert_true(qn_pages_look(&p, 4096, 2 * HALF, false, &node));	 /* half of it */
	assert_false(qn_pages_look(&p, HALF - 4096, HALF, true, &node)); /* a quarter */
	assert_true(node >= 0);
	assert_false(qn_pages_look(&p, 2 * HALF, 1, true, &node));
	assert_false(qn_pages_look(&p, UINT64_MAX - 1, UINT64_MAX, true, &node));
	assert_false(qn_pages_look(&p, 0, 0, true, &node));
	qn_pages_close(&p);
	free(bytes);
	close(fd);
	qn_topo_free(t);
}

static void put(const char *root, const char *file, const char *text)
{
	char name[256], *slash;
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", root, file);
	for (slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(name, 0777);
		*slash = '/';
	}
	f = fopen(name, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void expect_room(uint64_t nbytes, bool is_group)
{
	const struct qn_room room = qn_room_find("root");

	assert_int_equal(room.nbytes, nbytes);
	assert_int_equal(room.is_group, is_group);
}

/* What a machine has free, and groups in groups, of both versions. */
static void test_room(void **state)
{
	(void)state;
	expect_room(UINT64_MAX, false);
	put("root", "/proc/meminfo",
	    "MemTotal: 9000 kB\nMemAvailable:   1000 kB\nSwapFree: 24 kB\n");
	expect_room(1024 * 1024, false);
	put("root", "/proc/self/cgroup", "0::/job/step\n");
	put("root", "/sys/fs/cgroup/job/step/memory.max", "max\n");
	put("root", "/sys/fs/cgroup/job/step/memory.current", "100\n");
	expect_room(1024 * 1024, false);
	put("root", "/sys/fs/cgroup/job/memory.max", "300000\n");
	put("root", "/sys/fs/cgroup/job/memory.current", "250000\n");
	expect_room(50000, true);
	put("root", "/sys/fs/cgroup/job/memory.stat",
	    "anon 7\ninactive_file 1000\nactive_file 200\n");
	expect_room(51200, true);
	put("root", "/proc/self/cgroup", "5:cpu:/\n4:memory:/old\n0::/\n");
	put("root", "/sys/fs/cgroup/memory/old/memory.limit_in_bytes", "9223372036854771712\n");
	put("root", "/sys/fs/cgroup/memory/old/memory.usage_in_bytes", "5000\n");
	expect_room(1024 * 1024, false);
	put("root", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "40000\n");
	put("root", "/sys/fs/cgroup/memory/memory.usage_in_bytes", "50000\n");
	expect_room(0, true);
	put("root", "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file 30000\n");
	expect_room(20000, true);
	assert_int_equal(system("rm -r root"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_sets_are_divided),
		cmocka_unit_test(test_a_rank_a_node),
		cmocka_unit_test(test_numbering_of_the_system),
		cmocka_unit_test(test_disjoint_sets_are_kept),
		cmocka_unit_test(test_groups_of_equal_sets),
		cmocka_unit_test(test_oversubscription),
		cmocka_unit_test(test_nothing_permitted),
		cmocka_unit_test(test_bad_synthetic),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_synthetic_is_not_bound),
		cmocka_unit_test(test_file_node),
		cmocka_unit_test(test_file_of_others),
		cmocka_unit_test(test_extent),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_disks),
		cmocka_unit_test(test_file_pages),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
