/*
 * parts - writes files that belong together, and the same data in one file each, for tests/cli/files.sh and
 * stack.sh:
 *
 *	whole.h5	time 48 x lat 6 x lon 10
 *	t_0 ... t_4	pieces of it along time, of different kinds and packing
 *	l_0 ... l_2	pieces along lon
 *	many.h5, m_000 ... m_299	300 steps of time, and each by itself
 *	bad_WHY.h5	what cannot be joined to t_0.h5
 *	other_times.h5	what can be, but its times have other units
 *	e_0 ... e_3	the values of whole.h5 at 12 times each, all with the first 12 as their coordinates
 */
#include "parts.h"

#define NMANY 300

static void write_or_die(const char *path, const struct part *p)
{
	if (!part_write(path, p)) {
		fprintf(stderr, "parts: %s cannot be written\n", path);
		exit(1);
	}
}

static struct part box(hsize_t t, hsize_t nt, hsize_t x, hsize_t nx)
{
	return (struct part){ .start = { t, 0, x }, .count = { nt, 6, nx }, .scales = true };
}

static void write_times(void)
{
	static const hsize_t length[5] = { 1, 9, 10, 20, 8 };
	hsize_t t = 0;

	for (int i = 0; i < 5; i++) {
		struct part p = box(t, length[i], 0, 10);
		char path[32];

		p.latest = i % 2;
		p.layout = i == 3 ? PART_CONTIGUOUS : i == 1 ? PART_DEFLATED : PART_CHUNKED;
		p.twice_as_fine = i == 2 || i == 3;
		p.variable_text = i == 4;
		snprintf(path, sizeof(path), "t_%d.h5", i);
		write_or_die(path, &p);
		t += length[i];
	}
}

static void write_lons(void)
{
	static const hsize_t at[4] = { 0, 3, 6, 10 };

	for (int i = 0; i < 3; i++) {
		struct part p = box(0, 48, at[i], at[i + 1] - at[i]);
		char path[32];

		snprintf(path, sizeof(path), "l_%d.h5", i);
		write_or_die(path, &p);
	}
}

static void write_many(void)
{
	struct part whole = box(0, NMANY, 0, 10);

	write_or_die("many.h5", &whole);
	for (hsize_t i = 0; i < NMANY; i++) {
		struct part p = box(i, 1, 0, 10);
		char path[32];

		p.latest = i >= 200;
		p.twice_as_fine = i % 50 == 7;
		p.nothers = i % 30 == 9 ? 40 : 0;
		snprintf(path, sizeof(path), "m_%03d.h5", (int)i);
		write_or_die(path, &p);
	}
}

static void write_bad(void)
{
	struct part p = box(1, 2, 0, 10);

	p.wide = true;
	write_or_die("bad_type.h5", &p);
	p.wide = false;
	p.units = "m";
	write_or_die("bad_units.h5", &p);
	p.units = NULL;
	p.third = "x";
	write_or_die("bad_name.h5", &p);
	p.third = NULL;
	p.count[2] = 9;
	write_or_die("bad_extent.h5", &p);
	p.count[2] = 10;
	p.times = "days since 2001-01-01";
	write_or_die("other_times.h5", &p);
}

static void write_layers(void)
{
	for (int i = 0; i < 4; i++) {
		struct part p = box(0, 12, 0, 10);
		char path[32];

		p.later = 12 * (hsize_t)i;
		p.layout = i == 1 ? PART_CONTIGUOUS : i == 2 ? PART_DEFLATED : PART_CHUNKED;
		p.twice_as_fine = i == 3;
		snprintf(path, sizeof(path), "e_%d.h5", i);
		write_or_die(path, &p);
	}
}

int main(void)
{
	struct part whole = box(0, 48, 0, 10);

	write_or_die("whole.h5", &whole);
	write_times();
	write_lons();
	write_many();
	write_bad();
	write_layers();
	return 0;
}
