"""On ranks of mpi4py: prints the result, and that an error is raised on all of them."""

import json

from mpi4py import MPI

import quern

comm = MPI.COMM_WORLD
found = quern.run("moments", "grid.h5", dataset="t", over="time", comm=comm)
with quern.Session(comm) as session:
    again = quern.open("grid.h5").t.options(comm=session).moments("time")
    raised = []
    for file, output in (("none.h5", None), ("grid.h5", "none.txt"), ("grid.h5", "none/none.nc")):
        try:
            quern.run("mean", file, dataset="t", output=output, comm=session)
        except quern.Error as e:
            raised.append(str(e))
    # As where the disk is full when rank 0 writes.
    try:
        session.on_first(lambda: int("full"))
    except ValueError as e:
        raised.append(str(e))
    quern.run("mean", "grid.h5", dataset="t", over="time", output=f"ranks_{comm.size}.nc", comm=session)
assert (found is None) == (comm.rank > 0), "rank 0 has the result"
assert len(raised) == 4 and comm.allgather(raised) == [raised] * comm.size, "all ranks raise the same"
if comm.rank == 0:
    assert again.document["result"] == found.document["result"], "two runs find the same"
    print(json.dumps(found.document["result"]))
