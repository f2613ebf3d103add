! grind - how a program of your own in Fortran uses quern: on a communicator of its own.
!
!     mpifort grind.f90 $(pkg-config --cflags --libs quern-fortran) -o grind
!     mpirun -n 4 ./grind data.nc /t2m
!
! The ranks with an even number run two kernels over a dataset together, and the first of them reads the results; the
! others know nothing of it. grind.c is the same in C.
program grind
  use, intrinsic :: iso_fortran_env, only: int64, real64, error_unit
  use mpi_f08
  use quern
  use quern_f08
  implicit none

  type(MPI_Comm) :: analysts
  type(quern_session) :: session
  character(len=4096) :: file, dataset
  integer :: rank, provided, status

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  if (command_argument_count() /= 2) then
    if (rank == 0) write (error_unit, "(a)") "usage: grind FILE DATASET"
    call MPI_Finalize()
    stop 2
  end if
  call get_command_argument(1, file)
  call get_command_argument(2, dataset)

  status = QUERN_OK
  call MPI_Comm_split(MPI_COMM_WORLD, merge(MPI_UNDEFINED, 0, mod(rank, 2) == 1), rank, analysts)
  if (analysts /= MPI_COMM_NULL) then
    ! What runs have in common is set up once.
    call quern_open(session, analysts)
    call analyse("moments", "", print_moments)
    if (status == QUERN_OK) call analyse("histogram", "10", print_histogram)
    call session%close()
    call MPI_Comm_free(analysts)
  end if
  call MPI_Finalize()
  if (status /= QUERN_OK) stop status, quiet=.true.

contains

  ! One run. A wrong option need not be checked for where it is set: the run then fails and says why. All ranks
  ! get the same status; the result is on rank 0.
  subroutine analyse(kernel, bins, print_result)
    character(len=*), intent(in) :: kernel, bins
    interface
      subroutine print_result(run)
        import :: quern_run
        type(quern_run), intent(in) :: run
      end subroutine
    end interface
    type(quern_run) :: run

    call run%open(session, kernel)
    call run%set("dataset", dataset)
    if (bins /= "") call run%set("bins", bins)
    call run%add_file(file)
    status = run%execute()
    if (rank == 0 .and. status /= QUERN_OK) then
      write (error_unit, "(2a)") "grind: ", run%message()
    else if (rank == 0) then
      call print_result(run)
    end if
    call run%close()
  end subroutine

  ! Fields of a result are read by name; false is that there is no value, as of the mean of nothing.
  subroutine print_moments(run)
    type(quern_run), intent(in) :: run
    integer(int64) :: count, missing
    real(real64) :: mean, stddev

    if (run%get("count", count) .and. run%get("missing", missing)) &
      print "(i0, a, i0, a)", count, " values, ", missing, " missing"
    if (run%get("mean", mean)) print "(a, es25.17e3)", "mean", mean
    if (run%get("stddev", stddev)) print "(a, es25.17e3)", "standard deviation", stddev
  end subroutine

  subroutine print_histogram(run)
    type(quern_run), intent(in) :: run
    integer(int64), allocatable :: counts(:)
    real(real64), allocatable :: edges(:)
    integer :: i

    if (.not. run%get("counts", counts)) return
    if (.not. run%get("edges", edges)) return
    do i = 1, size(counts)
      print "(g13.6, a, g13.6, a, i0)", edges(i), " to ", edges(i + 1), ": ", counts(i)
    end do
  end subroutine
end program
