/*
 * mkparticles - writes an HDF5 file of particles: /table, a dataset of a compound datatype with a number,
 * a position and a mass each, in chunks that are deflated.
 *
 *	mkparticles FILE [NUMBER]
 *
 * The same number gives the same file, byte for byte.
 */
#include <hdf5.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define NCHUNK 4096

struct particle {
	int64_t id;
	struct {
		double x, y, z;
	} pos;
	float mass;
};

/* The id or status of an HDF5 call that must not fail. The library has printed the reason. */
static hid_t must(hid_t id)
{
	if (id < 0)
		exit(1);
	return id;
}

/* Between 0 and 1: the fractional parts of multiples of an irrational number are spread evenly. */
static double spread(size_t i, double irrational)
{
	const double v = (double)(i + 1) * irrational;

	return v - (double)(int64_t)v;
}

static struct particle make_particle(size_t i)
{
	struct particle p = { .id = (int64_t)i };

	p.pos.x = 100 * spread(i, 0.7548776662466927);
	p.pos.y = 100 * spread(i, 0.5698402909980532);
	p.pos.z = 100 * spread(i, 0.6180339887498949);
	p.mass = (float)(1 + spread(i, 0.4142135623730951));
	return p;
}

/* The datatype in the file has no gaps, as opposed to that in memory. */
static hid_t make_type(void)
{
	const size_t nbytes = sizeof(double);
	hid_t pos = must(H5Tcreate(H5T_COMPOUND, 3 * nbytes));
	hid_t type = must(H5Tcreate(H5T_COMPOUND, sizeof(struct particle)));

	must(H5Tinsert(pos, "x", 0, H5T_NATIVE_DOUBLE));
	must(H5Tinsert(pos, "y", nbytes, H5T_NATIVE_DOUBLE));
	must(H5Tinsert(pos, "z", 2 * nbytes, H5T_NATIVE_DOUBLE));
	must(H5Tinsert(type, "id", offsetof(struct particle, id), H5T_NATIVE_INT64));
	must(H5Tinsert(type, "pos", offsetof(struct particle, pos), pos));
	must(H5Tinsert(type, "mass", offsetof(struct particle, mass), H5T_NATIVE_FLOAT));
	H5Tclose(pos);
	return type;
}

static void write_table(hid_t file, const struct particle *p, hsize_t n)
{
	const hsize_t chunk = n < NCHUNK ? n : NCHUNK;
	hid_t type = make_type(), packed = must(H5Tcopy(type)), d;
	hid_t space = must(H5Screate_simple(1, &n, NULL)),
	      list = must(H5Pcreate(H5P_DATASET_CREATE));

	must(H5Tpack(packed));
	must(H5Pset_chunk(list, 1, &chunk));
	must(H5Pset_shuffle(list));
	must(H5Pset_deflate(list, 1));
	must(H5Pset_obj_track_times(list, false));
	d = must(H5Dcreate2(file, "table", packed, space, H5P_DEFAULT, list, H5P_DEFAULT));
	must(H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, p));
	must(H5Dclose(d));
	H5Pclose(list);
	H5Sclose(space);
	H5Tclose(packed);
	H5Tclose(type);
}

int main(int argc, char **argv)
{
	const long n = argc == 3 ? strtol(argv[2], NULL, 10) : 100000;
	struct particle *p;
	hid_t file;

	if ((argc != 2 && argc != 3) || n < 1 || n > 100000000) {
		fputs("usage: mkparticles FILE [NUMBER]\n", stderr);
		return 2;
	}
	p = calloc((size_t)n, sizeof(*p));
	if (!p) {
		perror("mkparticles");
		return 1;
	}
	for (long i = 0; i < n; i++)
		p[i] = make_particle((size_t)i);
	file = must(H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
	write_table(file, p, (hsize_t)n);
	must(H5Fclose(file));
	free(p);
	return 0;
}
