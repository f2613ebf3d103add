"""On ranks of mpi4py: prints the result, and that an error is raised on all of them."""

import json

from mpi4py import MPI

import quern

comm = MPI.COMM_WORLD
found = quern.run("moments", "grid.h5", dataset="t", over="time", comm=comm)
with quern.Session(comm) as session:
    again = quern.open("grid.h5").t.options(comm=session).moments("time")
    try:
        quern.run("mean", "none.h5", comm=session)
    except quern.DataError as e:
        raised = str(e)
    else:
        raised = ""
assert (found is None) == (comm.rank > 0), "rank 0 has the result"
assert len(set(comm.allgather(raised))) == 1 and raised, "all ranks raise the same"
if comm.rank == 0:
    assert again.document["result"] == found.document["result"], "two runs find the same"
    print(json.dumps(found.document["result"]))
