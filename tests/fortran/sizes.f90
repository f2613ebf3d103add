! sizes - reductions that are told arrays of wrong sizes, one after the other: prints for each its status, that of its run,
! and what is said. One that is told all as it is gives a result at the end, or the program fails.
program sizes
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: real64
  use quern
  implicit none

  type(quern_session) :: session
  type(quern_run) :: run
  type(quern_field) :: field
  real(real64), target :: u(6, 8) = 1
  real(real64) :: mean
  integer :: wrong, status

  call session%open()
  do wrong = 1, 6
    status = reduce(wrong)
  end do
  if (reduce(0) /= QUERN_OK) error stop "all is as it should be"
  if (.not. run%get("mean", mean)) error stop "no mean"
  if (mean /= 1) error stop "another mean"
  field = run%field(1000)
  if (field%name /= "" .or. field%units /= "" .or. size(field%extents) /= 0 .or. size(field%dims) /= 0) &
    error stop "a field that is not there"

contains

  ! Of two boxes; `wrong` says which of the calls gets an array that is too short.
  function reduce(wrong) result(status)
    integer, intent(in) :: wrong
    integer :: status
    type(quern_reduction) :: r
    character(len=1) :: names(2) = ["x", "y"]
    real(real64) :: x(6) = 0
    integer :: extents(4) = [6, 8, 6, 8], first(2) = [1, 5], box(2) = [6, 4]
    type(c_ptr) :: values(2)

    values = [c_loc(u(1, 1)), c_loc(u(1, 5))]
    call r%open(session, "mean")
    call r%grid([6, 8], names(:merge(1, 2, wrong == 1)))
    call r%coordinate("x", x(:merge(5, 6, wrong == 2)))
    call r%box([1, 1], [6, 4])
    call r%box(first(:merge(1, 2, wrong == 6)), box(:merge(1, 2, wrong == 3)))
    call r%variable("u", QUERN_F64, extents(:merge(2, 4, wrong == 4)), "K")
    call r%absorb(0._real64, values(:merge(1, 2, wrong == 5)))
    call r%run(run)
    status = run%execute()
    if (wrong /= 0) print "(i2, i2, 1x, a)", r%status(), status, r%message()
    call r%close()
  end function
end program
