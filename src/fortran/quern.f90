! quern.f90 - run kernels over HDF5 data from a program in Fortran: quern.h by iso_c_binding.
!
!     use quern
!     type(quern_session) :: session
!     type(quern_run) :: run
!     real(real64) :: mean
!
!     call session%open(MPI_COMM_WORLD)
!     call run%open(session, "moments")
!     call run%set("dataset", "/t2m")
!     call run%add_file("data_*.nc")
!     if (run%execute() /= QUERN_OK) then
!       print *, run%message()
!     else if (run%get("mean", mean)) then
!       print *, mean
!     end if
!     call run%close()
!     call session%close()
!
! Communicators are those of `use mpi` and mpif.h, integers; quern_f08.f90 takes those of `use mpi_f08`. What each
! function does is said in quern.h, and in quern-fortran(3). Results are on rank 0.
module quern
  use quern_runs
  use quern_reductions
  implicit none
  public
end module
