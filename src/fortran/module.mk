# src/fortran: modules for Fortran, in the order in which they are compiled. quern_f08 needs mpi_f08.
FORTRAN_SRCS += src/fortran/quern_c.f90
FORTRAN_SRCS += src/fortran/quern_runs.f90
FORTRAN_SRCS += src/fortran/quern_reductions.f90
FORTRAN_SRCS += src/fortran/quern.f90
FORTRAN_SRCS += $(if $(filter yes,$(MPI_F08)),src/fortran/quern_f08.f90)
