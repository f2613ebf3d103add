"""On ranks of mpi4py: prints the result, and that an error is raised on all of them."""

import json

import numpy as np
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
# In memory: a part of the grid each, the last of which may be empty; and one rank that is wrong.
grid = np.random.default_rng(2).normal(size=(3, 8, 5))
mine = np.s_[comm.rank * 4 : (comm.rank + 1) * 4, :]
told = {"shape": (8, 5), "dims": ("y", "x"), "steps": "time", "over": "time"}
with quern.Reduction("moments", boxes=mine, comm=comm, **told) as r:
    for t, u in enumerate(grid):
        r.absorb(t, u=u[mine])
    parts = r.finish()
if comm.rank == 0 and comm.size > 1:
    with quern.Reduction("moments", **told) as r:
        for t, u in enumerate(grid):
            r.absorb(t, u=u)
        assert r.finish().document["result"] == parts.document["result"], "of parts as of the whole"
with quern.Session(comm) as session, quern.Reduction("mean", boxes=mine, comm=session, **told) as r:
    try:
        r.absorb(0, u=grid[0, :1] if comm.rank == comm.size - 1 else grid[0][mine])
    except quern.UsageError:
        assert comm.rank == comm.size - 1
    try:
        r.finish()
        raise AssertionError("a rank was wrong")
    except quern.UsageError as e:
        said = comm.allgather(str(e))
        assert said == said[:1] * comm.size and "u: an array of" in said[0], said
verified = quern.verify("grid.h5", comm=comm)
assert (verified is None) == (comm.rank > 0)
if comm.rank == 0:
    assert verified.run.ranks == comm.size
    assert again.document["result"] == found.document["result"], "two runs find the same"
    print(json.dumps(found.document["result"]))
