/*
 * mpi.c - calls of MPI that fail, by its profiling interface, if the plan (plan.h) says so. They are made, so
 * that the other ranks do not wait for this one, and then say that they have failed; those for which nobody
 * waits can also fail without having been made. A program that has some of its own keeps those.
 */
#include <stddef.h>
#include <mpi.h>

#include "tests/testing/plan.h"

#define WRAPPER(name, params, args, kind, can_be_left_out)                               \
	__attribute__((weak)) int MPI_##name params                                      \
	{                                                                                \
		const enum test_action action = test_decide(kind, #name, NULL);          \
		int rc = MPI_ERR_OTHER;                                                  \
                                                                                         \
		if (action != TEST_SHORT || !(can_be_left_out))                          \
			rc = PMPI_##name args;                                           \
		return action == TEST_FAIL || action == TEST_SHORT ? MPI_ERR_OTHER : rc; \
	}

#define FAILING(name, params, args)	  WRAPPER(name, params, args, TEST_MPI, 0)
#define ALSO_LEFT_OUT(name, params, args) WRAPPER(name, params, args, TEST_MPI, 1)

#define BLOCK_TAG 1 /* of cluster/comm.c: a rank waits for it */

FAILING(Allgather,
	(const void *s, int n, MPI_Datatype t, void *r, int m, MPI_Datatype u, MPI_Comm c),
	(s, n, t, r, m, u, c))
WRAPPER(Allreduce, (const void *s, void *r, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c),
	(s, r, n, t, o, c), TEST_AGREE, 0)
FAILING(Barrier, (MPI_Comm c), (c))
FAILING(Bcast, (void *b, int n, MPI_Datatype t, int root, MPI_Comm c), (b, n, t, root, c))
FAILING(Comm_dup, (MPI_Comm c, MPI_Comm *d), (c, d))
FAILING(Comm_rank, (MPI_Comm c, int *r), (c, r))
ALSO_LEFT_OUT(Comm_set_errhandler, (MPI_Comm c, MPI_Errhandler h), (c, h))
FAILING(Comm_size, (MPI_Comm c, int *n), (c, n))
FAILING(Comm_split, (MPI_Comm c, int color, int key, MPI_Comm *d), (c, color, key, d))
FAILING(Comm_split_type, (MPI_Comm c, int type, int key, MPI_Info i, MPI_Comm *d),
	(c, type, key, i, d))
FAILING(Exscan, (const void *s, void *r, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c),
	(s, r, n, t, o, c))
FAILING(Gather,
	(const void *s, int n, MPI_Datatype t, void *r, int m, MPI_Datatype u, int root,
	 MPI_Comm c),
	(s, n, t, r, m, u, root, c))
FAILING(Gatherv,
	(const void *s, int n, MPI_Datatype t, void *r, const int *m, const int *at, MPI_Datatype u,
	 int root, MPI_Comm c),
	(s, n, t, r, m, at, u, root, c))
ALSO_LEFT_OUT(Get_count, (const MPI_Status *s, MPI_Datatype t, int *n), (s, t, n))
ALSO_LEFT_OUT(Iprobe, (int from, int tag, MPI_Comm c, int *flag, MPI_Status *s),
	      (from, tag, c, flag, s))
ALSO_LEFT_OUT(Irecv,
	      (void *b, int n, MPI_Datatype t, int from, int tag, MPI_Comm c, MPI_Request *r),
	      (b, n, t, from, tag, c, r))
WRAPPER(Isend, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r),
	(b, n, t, to, tag, c, r), TEST_MPI, tag != BLOCK_TAG)
ALSO_LEFT_OUT(Op_create, (MPI_User_function * f, int commutes, MPI_Op *o), (f, commutes, o))
FAILING(Recv, (void *b, int n, MPI_Datatype t, int from, int tag, MPI_Comm c, MPI_Status *s),
	(b, n, t, from, tag, c, s))
FAILING(Reduce, (const void *s, void *r, int n, MPI_Datatype t, MPI_Op o, int root, MPI_Comm c),
	(s, r, n, t, o, root, c))
FAILING(Scatter,
	(const void *s, int n, MPI_Datatype t, void *r, int m, MPI_Datatype u, int root,
	 MPI_Comm c),
	(s, n, t, r, m, u, root, c))
FAILING(Scatterv,
	(const void *s, const int *n, const int *at, MPI_Datatype t, void *r, int m, MPI_Datatype u,
	 int root, MPI_Comm c),
	(s, n, at, t, r, m, u, root, c))
FAILING(Send, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c),
	(b, n, t, to, tag, c))
ALSO_LEFT_OUT(Test, (MPI_Request * r, int *flag, MPI_Status *s), (r, flag, s))
ALSO_LEFT_OUT(Type_commit, (MPI_Datatype * t), (t))
ALSO_LEFT_OUT(Type_contiguous, (int n, MPI_Datatype t, MPI_Datatype *u), (n, t, u))
FAILING(Wait, (MPI_Request * r, MPI_Status *s), (r, s))
FAILING(Waitall, (int n, MPI_Request *r, MPI_Status *s), (n, r, s))
FAILING(Win_allocate_shared, (MPI_Aint n, int u, MPI_Info i, MPI_Comm c, void *b, MPI_Win *w),
	(n, u, i, c, b, w))
ALSO_LEFT_OUT(Win_shared_query, (MPI_Win w, int r, MPI_Aint *n, int *u, void *b), (w, r, n, u, b))
