! quern_reductions.f90 - reductions of arrays that a program has in memory, of the module quern:
!
!     call r%open(session, "moments")
!     call r%grid([nx, ny], ["x", "y"])
!     call r%steps("time", units="s")
!     call r%box([1, first], [nx, nrows])
!     call r%variable("u", QUERN_F64, shape(u), "K")
!     do ...
!       call r%absorb(time, [c_loc(u(1, 1))])
!     end do
!     call r%run(run)
!     if (run%execute() == QUERN_OK) ...
!
! Dimensions are in the order of Fortran, the one that varies fastest first, and indexes are from 1. What is wrong is told by
! r%status() and r%message(), and by runs that are made of the reduction.
module quern_reductions
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use quern_c
  use quern_runs
  implicit none
  private

  public :: quern_reduction

  ! enum quern_dtype
  integer, parameter, public :: QUERN_I8 = 0, QUERN_U8 = 1, QUERN_I16 = 2, QUERN_U16 = 3, QUERN_I32 = 4, &
    QUERN_U32 = 5, QUERN_I64 = 6, QUERN_U64 = 7, QUERN_F32 = 8, QUERN_F64 = 9
  integer, parameter :: nbytes(0:9) = [1, 1, 2, 2, 4, 4, 8, 8, 4, 8]

  type :: quern_reduction
    private
    type(c_ptr) :: handle = c_null_ptr
    integer :: ndim = 0, nboxes = 0, nvariables = 0
    ! Of the grid, as they were told.
    integer, allocatable :: extents(:)
    character(len=:), allocatable :: names(:)
  contains
    procedure :: open => reduction_open
    procedure :: close => reduction_close
    procedure :: status => reduction_status
    procedure :: message => reduction_message
    procedure :: set => reduction_set
    procedure :: grid => reduction_grid
    procedure :: steps => reduction_steps
    procedure :: coordinate => reduction_coordinate
    procedure :: box => reduction_box
    procedure :: variable => reduction_variable
    procedure :: mask => reduction_mask
    procedure :: absorb => reduction_absorb
    procedure :: run => reduction_run
  end type

contains

  ! The address of a text of C that lives as long as `copy`; of one that is not there NULL.
  function address_of(text, copy) result(address)
    character(len=*), intent(in), optional :: text
    character(kind=c_char, len=:), allocatable, target, intent(inout) :: copy
    type(c_ptr) :: address

    address = c_null_ptr
    if (.not. present(text)) return
    copy = c_text(text)
    address = c_loc(copy)
  end function

  ! C is told no sizes of arrays, and would read beyond them.
  function has_size(r, what, n, wanted) result(has)
    class(quern_reduction), intent(inout) :: r
    character(len=*), intent(in) :: what
    integer, intent(in) :: n, wanted
    logical :: has
    character(len=128) :: sizes
    integer(c_int) :: ignored

    has = n == wanted
    if (has .or. .not. c_associated(r%handle)) return
    write (sizes, "(': an array of ', i0, ' elements, and it has ', i0, ' here')") n, wanted
    ignored = c_reduction_fail(r%handle, c_text(what//trim(sizes)))
  end function

  ! Arguments as of run%open. Not collective, like all of these.
  subroutine reduction_open(r, session, kernel)
    class(quern_reduction), intent(inout) :: r
    type(quern_session), intent(in) :: session
    character(len=*), intent(in) :: kernel

    call r%close()
    if (c_associated(session%handle)) r%handle = c_reduction_new(session%handle, c_text(kernel))
  end subroutine

  ! After its runs were executed.
  subroutine reduction_close(r)
    class(quern_reduction), intent(inout) :: r

    if (c_associated(r%handle)) call c_reduction_free(r%handle)
    r%handle = c_null_ptr
    r%ndim = 0
    r%nboxes = 0
    r%nvariables = 0
  end subroutine

  ! The first failure of any procedure.
  function reduction_status(r) result(status)
    class(quern_reduction), intent(in) :: r
    integer :: status

    status = QUERN_ERR_RUN
    if (c_associated(r%handle)) status = c_reduction_status(r%handle)
  end function

  function reduction_message(r) result(text)
    class(quern_reduction), intent(in) :: r
    character(len=:), allocatable :: text

    text = "no memory for a reduction, or it or its session is not open"
    if (c_associated(r%handle)) text = text_of(c_reduction_message(r%handle))
  end function

  ! An option of runs, but for select.
  subroutine reduction_set(r, name, value)
    class(quern_reduction), intent(inout) :: r
    character(len=*), intent(in) :: name
    character(len=*), intent(in), optional :: value
    character(kind=c_char, len=:), allocatable, target :: copy
    integer(c_int) :: ignored

    if (c_associated(r%handle)) ignored = c_reduction_set(r%handle, c_text(name), address_of(value, copy))
  end subroutine

  ! Extents and names of the dimensions of the whole. The same on all ranks.
  subroutine reduction_grid(r, extents, names)
    class(quern_reduction), intent(inout) :: r
    integer, intent(in) :: extents(:)
    character(len=*), intent(in) :: names(:)
    character(kind=c_char, len=len(names) + 1), target :: texts(size(extents))
    type(c_ptr) :: address(size(extents))
    integer(c_int) :: ignored
    integer :: i

    if (.not. c_associated(r%handle)) return
    if (.not. has_size(r, "grid, names", size(names), size(extents))) return
    r%ndim = size(extents)
    r%extents = extents
    r%names = names
    do i = 1, r%ndim
      texts(i) = c_text(names(r%ndim + 1 - i))
      address(i) = c_loc(texts(i))
    end do
    ignored = c_reduction_grid(r%handle, int(r%ndim, c_int), reversed(extents), address)
  end subroutine

  ! A dimension of steps, behind the others. most: how many there are at most, which some kernels must know.
  subroutine reduction_steps(r, name, most, units, calendar)
    class(quern_reduction), intent(inout) :: r
    character(len=*), intent(in) :: name
    integer(int64), intent(in), optional :: most
    character(len=*), intent(in), optional :: units, calendar
    character(kind=c_char, len=:), allocatable, target :: units_copy, calendar_copy
    integer(c_int64_t) :: n
    integer(c_int) :: ignored

    n = 0
    if (present(most)) n = most
    if (c_associated(r%handle)) ignored = c_reduction_steps(r%handle, c_text(name), n, &
      address_of(units, units_copy), address_of(calendar, calendar_copy))
  end subroutine

  ! A coordinate of the dimension of that name, on the whole of it; copied.
  subroutine reduction_coordinate(r, name, values, units)
    class(quern_reduction), intent(inout) :: r
    character(len=*), intent(in) :: name
    real(real64), intent(in), contiguous, target :: values(:)
    character(len=*), intent(in), optional :: units
    character(kind=c_char, len=:), allocatable, target :: copy
    integer(c_int) :: ignored
    integer :: d

    do d = 1, r%ndim
      if (r%names(d) /= name) cycle
      if (.not. has_size(r, "coordinate "//trim(name), size(values), r%extents(d))) return
    end do
    if (c_associated(r%handle)) ignored = c_reduction_coordinate(r%handle, c_text(name), c_null_ptr, &
      int(QUERN_F64, c_int), c_loc(values), address_of(units, copy))
  end subroutine

  ! A box of this rank: its first indexes in the whole, from 1, and its extents. A rank has any number of them.
  subroutine reduction_box(r, first, extents)
    class(quern_reduction), intent(inout) :: r
    integer, intent(in) :: first(:), extents(:)
    integer(c_int) :: ignored

    if (.not. has_size(r, "box, first indexes", size(first), r%ndim)) return
    if (.not. has_size(r, "box, extents", size(extents), r%ndim)) return
    r%nboxes = r%nboxes + 1
    if (c_associated(r%handle)) ignored = c_reduction_box(r%handle, reversed(first - 1), reversed(extents))
  end subroutine

  ! A variable, after the boxes. extents: of the array that each box lies in, with its halo, one box after the other.
  subroutine reduction_variable(r, name, dtype, extents, units)
    class(quern_reduction), intent(inout) :: r
    character(len=*), intent(in) :: name
    integer, intent(in) :: dtype, extents(:)
    character(len=*), intent(in), optional :: units
    character(kind=c_char, len=:), allocatable, target :: copy
    integer(c_intptr_t) :: strides(size(extents)), stride
    integer(c_int) :: ignored
    integer :: i, first

    if (.not. has_size(r, "variable "//trim(name)//", extents", size(extents), r%nboxes*r%ndim)) return
    r%nvariables = r%nvariables + 1
    do first = 0, size(extents) - r%ndim, max(r%ndim, 1)
      stride = nbytes(min(max(dtype, 0), ubound(nbytes, 1))) ! a type that is none is refused by C
      do i = 1, r%ndim
        strides(first + r%ndim + 1 - i) = stride
        stride = stride*extents(first + i)
      end do
    end do
    if (c_associated(r%handle)) ignored = c_reduction_variable(r%handle, c_text(name), int(dtype, c_int), &
      strides, address_of(units, copy))
  end subroutine

  ! Elements are missing where this variable, of one byte each, is 0.
  subroutine reduction_mask(r, name)
    class(quern_reduction), intent(inout) :: r
    character(len=*), intent(in) :: name
    integer(c_int) :: ignored

    if (c_associated(r%handle)) ignored = c_reduction_mask(r%handle, c_text(name))
  end subroutine

  ! Adds a step. values: of each variable, in their order, the address of the first element of each box,
  ! c_loc(u(1, 1)); not copied. All ranks absorb the same steps.
  subroutine reduction_absorb(r, step, values)
    class(quern_reduction), intent(inout) :: r
    real(real64), intent(in) :: step
    type(c_ptr), intent(in) :: values(:)
    integer(c_int) :: ignored

    if (.not. has_size(r, "absorb, addresses", size(values), r%nvariables*r%nboxes)) return
    if (c_associated(r%handle)) ignored = c_reduction_absorb(r%handle, step, values)
  end subroutine

  ! A run over what was absorbed so far: executed, it has its result, document and files as any run. Steps can be
  ! absorbed after that.
  subroutine reduction_run(r, run)
    class(quern_reduction), intent(inout) :: r
    type(quern_run), intent(inout) :: run

    call run%close()
    if (c_associated(r%handle)) run%handle = c_reduction_run(r%handle)
  end subroutine

  ! In the order of C.
  pure function reversed(numbers) result(copy)
    integer, intent(in) :: numbers(:)
    integer(c_int64_t) :: copy(size(numbers))

    copy = int(numbers(size(numbers):1:-1), c_int64_t)
  end function
end module
