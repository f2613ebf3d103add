! finds KERNEL DATASET OVER FILE - finds.c in Fortran.
program finds
  use, intrinsic :: iso_fortran_env, only: error_unit
  use mpi
  use quern
  implicit none

  type(quern_session) :: session
  type(quern_run) :: run
  integer :: rank, provided, ierr, status

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided, ierr)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
  call session%open(MPI_COMM_WORLD)
  call run%open(session, argument(1))
  call run%set("dataset", argument(2))
  if (argument(3) /= "") call run%set("over", argument(3))
  call run%add_file(argument(4))
  status = run%execute()
  if (rank == 0 .and. status /= QUERN_OK) write (error_unit, "(2a)") "finds: ", run%message()
  if (rank == 0 .and. status == QUERN_OK) write (*, "(a)", advance="no") run%document()
  call run%close()
  call session%close()
  call MPI_Finalize(ierr)
  if (status /= QUERN_OK) stop 1

contains

  function argument(i) result(text)
    integer, intent(in) :: i
    character(len=:), allocatable :: text
    integer :: length

    call get_command_argument(i, length=length)
    allocate (character(len=length) :: text)
    call get_command_argument(i, text)
  end function
end program
