! heat - a simulation that has its field reduced where it lies, step by step, instead of writing it.
!
!     mpifort heat.f90 $(pkg-config --cflags --libs quern-fortran) -o heat
!     mpirun -n 4 ./heat [N [STEPS [EVERY]]]
!
! The heat equation on a square of N x N points, explicit, in bands of rows with a halo each. Every EVERY steps exact moments
! and a histogram take in the field, of all points and times together; at the end they are printed. heat.c is the same
! in C.
program heat
  use, intrinsic :: iso_c_binding, only: c_loc
  use, intrinsic :: iso_fortran_env, only: int64, real64, error_unit
  use mpi_f08
  use quern
  use quern_f08
  implicit none

  ! Diffusivity times time step over the square of the mesh width: stable below 0.25.
  real(real64), parameter :: alpha = 0.2_real64
  real(real64), parameter :: room = 293.15_real64

  real(real64), allocatable, target :: u(:, :) ! x, y; with a halo
  real(real64), allocatable :: next(:, :)
  type(quern_session) :: session
  type(quern_reduction) :: moments, histogram
  integer :: n, nsteps, every, rank, nranks, first, nrows, provided, i

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  call MPI_Comm_size(MPI_COMM_WORLD, nranks)
  n = argument(1, 1000)
  nsteps = argument(2, 500)
  every = argument(3, 50)
  call start()

  call quern_open(session, MPI_COMM_WORLD)
  call prepare(moments, "moments", "order", "2")
  call prepare(histogram, "histogram", "range", "290,380")
  do i = 1, nsteps
    call step()
    if (mod(i, every) /= 0) cycle
    call absorb(moments, i)
    call absorb(histogram, i)
  end do
  call finish(moments)
  call finish(histogram)
  call session%close()
  call MPI_Finalize()

contains

  function argument(i, fallback) result(value)
    integer, intent(in) :: i, fallback
    integer :: value
    character(len=32) :: text

    value = fallback
    if (command_argument_count() < i) return
    call get_command_argument(i, text)
    read (text, *) value
  end function

  subroutine fail(message)
    character(len=*), intent(in) :: message

    write (error_unit, "(2a)") "heat: ", message
    call MPI_Abort(MPI_COMM_WORLD, 1)
  end subroutine

  ! --- the simulation ---

  ! A plate at room temperature, K, with a warm disc on it; the boundary stays as it is.
  subroutine start()
    real(real64) :: h, dx, dy
    integer :: x, y

    first = int(int(n, int64)*rank/nranks) + 1
    nrows = int(int(n, int64)*(rank + 1)/nranks) + 1 - first
    allocate (u(0:n + 1, 0:nrows + 1), next(0:n + 1, 0:nrows + 1), source=room)
    h = 1/real(n, real64)
    do y = 1, nrows
      do x = 1, n
        dy = real(first + y - 2, real64)*h - 0.4_real64
        dx = real(x - 1, real64)*h - 0.6_real64
        u(x, y) = room + 10*real(x - 1, real64)*h + 70*exp(-40*(dx*dx + dy*dy))
      end do
    end do
  end subroutine

  subroutine exchange_halos()
    integer :: up, down

    up = merge(rank - 1, MPI_PROC_NULL, rank > 0)
    down = merge(rank + 1, MPI_PROC_NULL, rank + 1 < nranks)
    call MPI_Sendrecv(u(1:n, 1), n, MPI_DOUBLE_PRECISION, up, 0, u(1:n, nrows + 1), n, MPI_DOUBLE_PRECISION, down, 0, &
      MPI_COMM_WORLD, MPI_STATUS_IGNORE)
    call MPI_Sendrecv(u(1:n, nrows), n, MPI_DOUBLE_PRECISION, down, 1, u(1:n, 0), n, MPI_DOUBLE_PRECISION, up, 1, &
      MPI_COMM_WORLD, MPI_STATUS_IGNORE)
  end subroutine

  subroutine step()
    integer :: x, y

    call exchange_halos()
    do y = 1, nrows
      do x = 1, n
        next(x, y) = u(x, y) + alpha*(u(x, y - 1) + u(x, y + 1) + u(x - 1, y) + u(x + 1, y) - 4*u(x, y))
      end do
    end do
    ! The field stays where it is.
    u(1:n, 1:nrows) = next(1:n, 1:nrows)
  end subroutine

  ! --- reductions of it ---

  ! Extents with the halo say how the box lies in its array. What is wrong is told by the first step.
  subroutine prepare(r, kernel, option, value)
    type(quern_reduction), intent(inout) :: r
    character(len=*), intent(in) :: kernel, option, value

    call r%open(session, kernel)
    call r%set(option, value)
    call r%grid([n, n], ["x", "y"])
    call r%steps("time")
    call r%box([1, first], [n, nrows])
    call r%variable("u", QUERN_F64, shape(u), "K")
  end subroutine

  subroutine absorb(r, time)
    type(quern_reduction), intent(inout) :: r
    integer, intent(in) :: time

    call r%absorb(real(time, real64), [c_loc(u(1, 1))])
    if (r%status() /= QUERN_OK) call fail(r%message())
  end subroutine

  ! Collective; the result is on rank 0.
  subroutine finish(r)
    type(quern_reduction), intent(inout) :: r
    type(quern_run) :: run
    real(real64) :: mean, stddev
    integer(int64), allocatable :: counts(:)
    integer :: k

    call r%run(run)
    if (run%execute() /= QUERN_OK) call fail(run%message())
    if (run%get("mean", mean)) print "(a, es24.16e3)", "mean ", mean
    if (run%get("stddev", stddev)) print "(a, es24.16e3)", "standard deviation ", stddev
    if (run%get("counts", counts)) print "(a, i0, a, i0)", ("bin ", k, ": ", counts(k + 1), k=0, size(counts) - 1, 10)
    call run%close()
    call r%close()
  end subroutine
end program
