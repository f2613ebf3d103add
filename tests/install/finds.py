"""finds KERNEL DATASET OVER FILE - finds.c in Python. The document goes through a file, as it is written."""

import os
import sys

import quern

kernel, dataset, over, file = sys.argv[1:]
comm = None
if "OMPI_COMM_WORLD_SIZE" in os.environ or "PMI_SIZE" in os.environ or "PMIX_RANK" in os.environ:
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
quern.run(kernel, file, dataset=dataset, over=over or None, output="python.json", comm=comm, force=True)
if comm is None or comm.rank == 0:
    with open("python.json", encoding="utf-8") as written:
        sys.stdout.write(written.read())
