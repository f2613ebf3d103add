/*
 * main.c - quern-reader: the HDF5 library works on files of others in processes that this program forks, for programs
 * in which a fork is not safe. libquern starts it, and nobody else.
 */
#include <stdio.h>
#include <string.h>

#include "io/hdf5_child/errand.h"

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("quern-reader " QN_VERSION);
		return 0;
	}
	if (qn_errand_serve())
		return 0;
	fputs("quern-reader " QN_VERSION
	      " is started by the library of quern, for sessions that are to read "
	      "metadata by it: see quern(3)\n",
	      stderr);
	return 2;
}
