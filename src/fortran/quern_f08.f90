! quern_f08.f90 - sessions on the communicators of `use mpi_f08`:
!
!     use quern_f08
!     call quern_open(session, MPI_COMM_WORLD)
module quern_f08
  use mpi_f08, only: MPI_Comm
  use quern
  implicit none
  private

  public :: quern_open

contains

  ! As session%open. Collective on comm.
  subroutine quern_open(session, comm)
    type(quern_session), intent(inout) :: session
    type(MPI_Comm), intent(in) :: comm

    call session%open(comm%MPI_VAL)
  end subroutine
end module
