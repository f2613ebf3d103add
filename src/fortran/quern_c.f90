! quern_c.f90 - the functions of quern.h that the modules for Fortran call, and texts as C has them. Not for programs.
module quern_c
  use, intrinsic :: iso_c_binding
  implicit none
  public

  ! QUERN_MAX_RESULT_DIMS
  integer, parameter :: max_dims = 48

  ! struct quern_field
  type, bind(c) :: c_field
    integer(c_size_t) :: size
    type(c_ptr) :: name
    integer(c_int) :: type, ndims
    integer(c_int64_t) :: extent(max_dims)
    type(c_ptr) :: dim(max_dims)
    integer(c_int64_t) :: nvalues
    type(c_ptr) :: units
  end type

  ! struct quern_axis
  type, bind(c) :: c_axis
    integer(c_size_t) :: size
    type(c_ptr) :: name
    integer(c_int64_t) :: extent
    integer(c_int) :: type
    type(c_ptr) :: units, calendar
    logical(c_bool) :: is_groups, has_dates
  end type

  interface
    function c_version() bind(c, name="quern_version") result(text)
      import :: c_ptr
      type(c_ptr) :: text
    end function

    function c_session_new(comm) bind(c, name="quern_session_new_f") result(session)
      import :: c_ptr, c_int
      integer(c_int), value :: comm
      type(c_ptr) :: session
    end function

    subroutine c_session_free(session) bind(c, name="quern_session_free")
      import :: c_ptr
      type(c_ptr), value :: session
    end subroutine

    function c_session_status(session) bind(c, name="quern_session_status") result(status)
      import :: c_ptr, c_int
      type(c_ptr), value :: session
      integer(c_int) :: status
    end function

    function c_session_message(session) bind(c, name="quern_session_message") result(text)
      import :: c_ptr
      type(c_ptr), value :: session
      type(c_ptr) :: text
    end function

    function c_run_new(session, kernel) bind(c, name="quern_run_new") result(run)
      import :: c_ptr, c_char
      type(c_ptr), value :: session
      character(kind=c_char), intent(in) :: kernel(*)
      type(c_ptr) :: run
    end function

    subroutine c_run_free(run) bind(c, name="quern_run_free")
      import :: c_ptr
      type(c_ptr), value :: run
    end subroutine

    function c_run_set(run, name, value) bind(c, name="quern_run_set") result(status)
      import :: c_ptr, c_char, c_int
      type(c_ptr), value :: run, value
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int) :: status
    end function

    function c_run_add_file(run, file) bind(c, name="quern_run_add_file") result(status)
      import :: c_ptr, c_char, c_int
      type(c_ptr), value :: run
      character(kind=c_char), intent(in) :: file(*)
      integer(c_int) :: status
    end function

    subroutine c_run_progress(run, progress, ctx) bind(c, name="quern_run_progress")
      import :: c_ptr, c_funptr
      type(c_ptr), value :: run, ctx
      type(c_funptr), value :: progress
    end subroutine

    function c_run_execute(run) bind(c, name="quern_run_execute") result(status)
      import :: c_ptr, c_int
      type(c_ptr), value :: run
      integer(c_int) :: status
    end function

    function c_run_plan(run) bind(c, name="quern_run_plan") result(status)
      import :: c_ptr, c_int
      type(c_ptr), value :: run
      integer(c_int) :: status
    end function

    function c_run_message(run) bind(c, name="quern_run_message") result(text)
      import :: c_ptr
      type(c_ptr), value :: run
      type(c_ptr) :: text
    end function

    function c_run_warning(run, i) bind(c, name="quern_run_warning") result(text)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: run
      integer(c_size_t), value :: i
      type(c_ptr) :: text
    end function

    function c_run_document(run, details) bind(c, name="quern_run_document") result(text)
      import :: c_ptr, c_bool
      type(c_ptr), value :: run
      logical(c_bool), value :: details
      type(c_ptr) :: text
    end function

    function c_run_output(run, file) bind(c, name="quern_run_output") result(status)
      import :: c_ptr, c_char, c_int
      type(c_ptr), value :: run
      character(kind=c_char), intent(in) :: file(*)
      integer(c_int) :: status
    end function

    function c_run_write(run, file) bind(c, name="quern_run_write") result(status)
      import :: c_ptr, c_char, c_int
      type(c_ptr), value :: run
      character(kind=c_char), intent(in) :: file(*)
      integer(c_int) :: status
    end function

    function c_run_ndatasets(run) bind(c, name="quern_run_ndatasets") result(n)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: run
      integer(c_size_t) :: n
    end function

    function c_run_dataset(run, i) bind(c, name="quern_run_dataset") result(text)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: run
      integer(c_size_t), value :: i
      type(c_ptr) :: text
    end function

    function c_run_result_of(run, i) bind(c, name="quern_run_result_of") result(found)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: run
      integer(c_size_t), value :: i
      type(c_ptr) :: found
    end function

    function c_result_nfields(r) bind(c, name="quern_result_nfields") result(n)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: r
      integer(c_size_t) :: n
    end function

    function c_result_field(r, i, f) bind(c, name="quern_result_field") result(has)
      import :: c_ptr, c_size_t, c_bool, c_field
      type(c_ptr), value :: r
      integer(c_size_t), value :: i
      type(c_field), intent(inout) :: f
      logical(c_bool) :: has
    end function

    function c_result_find(r, name, f) bind(c, name="quern_result_find") result(has)
      import :: c_ptr, c_char, c_bool, c_field
      type(c_ptr), value :: r
      character(kind=c_char), intent(in) :: name(*)
      type(c_field), intent(inout) :: f
      logical(c_bool) :: has
    end function

    function c_result_naxes(r) bind(c, name="quern_result_naxes") result(n)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: r
      integer(c_size_t) :: n
    end function

    function c_result_axis(r, i, a) bind(c, name="quern_result_axis") result(has)
      import :: c_ptr, c_size_t, c_bool, c_axis
      type(c_ptr), value :: r
      integer(c_size_t), value :: i
      type(c_axis), intent(inout) :: a
      logical(c_bool) :: has
    end function

    function c_result_coordinates(r, i, v) bind(c, name="quern_result_coordinates") result(has)
      import :: c_ptr, c_size_t, c_bool, c_double
      type(c_ptr), value :: r
      integer(c_size_t), value :: i
      real(c_double), intent(inout) :: v(*)
      logical(c_bool) :: has
    end function

    function c_result_coordinates_int64(r, i, v) bind(c, name="quern_result_coordinates_int64") result(has)
      import :: c_ptr, c_size_t, c_bool, c_int64_t
      type(c_ptr), value :: r
      integer(c_size_t), value :: i
      integer(c_int64_t), intent(inout) :: v(*)
      logical(c_bool) :: has
    end function

    function c_result_coordinate_text(r, i, k, text, nbytes) bind(c, name="quern_result_coordinate_text") result(has)
      import :: c_ptr, c_size_t, c_bool, c_int64_t, c_char
      type(c_ptr), value :: r
      integer(c_size_t), value :: i, nbytes
      integer(c_int64_t), value :: k
      character(kind=c_char), intent(inout) :: text(*)
      logical(c_bool) :: has
    end function

    function c_result_read_int64(r, name, first, n, v, is_none) bind(c, name="quern_result_read_int64") result(has)
      import :: c_ptr, c_char, c_int64_t, c_bool
      type(c_ptr), value :: r, is_none
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), value :: first, n
      integer(c_int64_t), intent(inout) :: v(*)
      logical(c_bool) :: has
    end function

    function c_result_read_double(r, name, first, n, v, is_none) bind(c, name="quern_result_read_double") result(has)
      import :: c_ptr, c_char, c_int64_t, c_double, c_bool
      type(c_ptr), value :: r, is_none
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), value :: first, n
      real(c_double), intent(inout) :: v(*)
      logical(c_bool) :: has
    end function

    function c_result_read_text(r, name, i, text, nbytes) bind(c, name="quern_result_read_text") result(has)
      import :: c_ptr, c_char, c_int64_t, c_size_t, c_bool
      type(c_ptr), value :: r
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), value :: i
      character(kind=c_char), intent(inout) :: text(*)
      integer(c_size_t), value :: nbytes
      logical(c_bool) :: has
    end function

    function c_result_get_int(r, name, v) bind(c, name="quern_result_get_int") result(has)
      import :: c_ptr, c_char, c_int64_t, c_bool
      type(c_ptr), value :: r
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), intent(inout) :: v
      logical(c_bool) :: has
    end function

    function c_result_get_real(r, name, v) bind(c, name="quern_result_get_real") result(has)
      import :: c_ptr, c_char, c_double, c_bool
      type(c_ptr), value :: r
      character(kind=c_char), intent(in) :: name(*)
      real(c_double), intent(inout) :: v
      logical(c_bool) :: has
    end function

    ! --- reductions ---

    function c_reduction_new(session, kernel) bind(c, name="quern_reduction_new") result(r)
      import :: c_ptr, c_char
      type(c_ptr), value :: session
      character(kind=c_char), intent(in) :: kernel(*)
      type(c_ptr) :: r
    end function

    subroutine c_reduction_free(r) bind(c, name="quern_reduction_free")
      import :: c_ptr
      type(c_ptr), value :: r
    end subroutine

    function c_reduction_status(r) bind(c, name="quern_reduction_status") result(status)
      import :: c_ptr, c_int
      type(c_ptr), value :: r
      integer(c_int) :: status
    end function

    function c_reduction_message(r) bind(c, name="quern_reduction_message") result(text)
      import :: c_ptr
      type(c_ptr), value :: r
      type(c_ptr) :: text
    end function

    function c_reduction_fail(r, why) bind(c, name="quern_reduction_fail") result(status)
      import :: c_ptr, c_char, c_int
      type(c_ptr), value :: r
      character(kind=c_char), intent(in) :: why(*)
      integer(c_int) :: status
    end function

    function c_reduction_set(r, name, value) bind(c, name="quern_reduction_set") result(status)
      import :: c_ptr, c_char, c_int
      type(c_ptr), value :: r, value
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int) :: status
    end function

    function c_reduction_grid(r, ndim, shape, names) bind(c, name="quern_reduction_grid") result(status)
      import :: c_ptr, c_int, c_int64_t
      type(c_ptr), value :: r
      integer(c_int), value :: ndim
      integer(c_int64_t), intent(in) :: shape(*)
      type(c_ptr), intent(in) :: names(*)
      integer(c_int) :: status
    end function

    function c_reduction_steps(r, name, most, units, calendar) bind(c, name="quern_reduction_steps") result(status)
      import :: c_ptr, c_char, c_int, c_int64_t
      type(c_ptr), value :: r, units, calendar
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), value :: most
      integer(c_int) :: status
    end function

    function c_reduction_coordinate(r, name, dimensions, dtype, values, units) &
      bind(c, name="quern_reduction_coordinate") result(status)
      import :: c_ptr, c_char, c_int
      type(c_ptr), value :: r, dimensions, values, units
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int), value :: dtype
      integer(c_int) :: status
    end function

    function c_reduction_box(r, start, count) bind(c, name="quern_reduction_box") result(status)
      import :: c_ptr, c_int, c_int64_t
      type(c_ptr), value :: r
      integer(c_int64_t), intent(in) :: start(*), count(*)
      integer(c_int) :: status
    end function

    function c_reduction_variable(r, name, dtype, strides, units) bind(c, name="quern_reduction_variable") result(status)
      import :: c_ptr, c_char, c_int, c_intptr_t
      type(c_ptr), value :: r, units
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int), value :: dtype
      integer(c_intptr_t), intent(in) :: strides(*)
      integer(c_int) :: status
    end function

    function c_reduction_mask(r, name) bind(c, name="quern_reduction_mask") result(status)
      import :: c_ptr, c_char, c_int
      type(c_ptr), value :: r
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int) :: status
    end function

    function c_reduction_absorb(r, step, values) bind(c, name="quern_reduction_absorb") result(status)
      import :: c_ptr, c_int, c_double
      type(c_ptr), value :: r
      real(c_double), value :: step
      type(c_ptr), intent(in) :: values(*)
      integer(c_int) :: status
    end function

    function c_reduction_run(r) bind(c, name="quern_reduction_run") result(run)
      import :: c_ptr
      type(c_ptr), value :: r
      type(c_ptr) :: run
    end function

    ! --- the C library ---

    function c_strlen(text) bind(c, name="strlen") result(n)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
      integer(c_size_t) :: n
    end function

    subroutine c_free(memory) bind(c, name="free")
      import :: c_ptr
      type(c_ptr), value :: memory
    end subroutine
  end interface

contains

  ! As C has them. Blanks at the end are Fortran's.
  pure function c_text(text) result(copy)
    character(len=*), intent(in) :: text
    character(kind=c_char, len=len_trim(text) + 1) :: copy

    copy = trim(text)//c_null_char
  end function

  ! A copy of a text of C; of NULL it has no characters.
  function text_of(address) result(text)
    type(c_ptr), intent(in) :: address
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: c(:)
    integer :: i

    if (.not. c_associated(address)) then
      text = ""
      return
    end if
    call c_f_pointer(address, c, [c_strlen(address)])
    allocate (character(len=size(c)) :: text)
    do i = 1, size(c)
      text(i:i) = c(i)
    end do
  end function
end module
