! quern_runs.f90 - sessions, runs and their results, of the module quern.
module quern_runs
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use quern_c
  implicit none
  private

  public :: quern_session, quern_run, quern_field, quern_axis, quern_version, quern_progress

  ! enum quern_status
  integer, parameter, public :: QUERN_OK = 0, QUERN_ERR_RUN = 1, QUERN_ERR_USAGE = 2, QUERN_ERR_DATA = 3, &
    QUERN_ERR_INTERRUPTED = 4, QUERN_ERR_DENIED = 5

  ! In place of a communicator: this process alone, without MPI.
  integer, parameter, public :: QUERN_NO_MPI = -1

  ! enum quern_type
  integer, parameter, public :: QUERN_TYPE_NONE = 0, QUERN_TYPE_INT64 = 1, QUERN_TYPE_UINT64 = 2, &
    QUERN_TYPE_DOUBLE = 3, QUERN_TYPE_DECIMAL = 4, QUERN_TYPE_TEXT = 5

  ! Room for a value as a text.
  integer, parameter :: text_nbytes = 4096
  ! Longer names of dimensions are cut.
  integer, parameter, public :: QUERN_DIM_LENGTH = 128

  ! A field of a result. Its first dimension is the one that varies fastest, as in arrays of Fortran: the last of quern.h.
  ! A scalar has no extents. The units are "1" of counts, and "" where they are not known.
  type :: quern_field
    character(len=:), allocatable :: name, units
    integer :: type = QUERN_TYPE_NONE
    integer(int64), allocatable :: extents(:)
    character(len=QUERN_DIM_LENGTH), allocatable :: dims(:)
  end type

  ! A dimension of a result, and what its coordinates are.
  type :: quern_axis
    character(len=:), allocatable :: name, units, calendar
    integer :: type = QUERN_TYPE_NONE
    integer(int64) :: extent = 0
    logical :: is_groups = .false., has_dates = .false.
  end type

  ! The ranks that runs work on; what they have in common is set up once.
  type :: quern_session
    type(c_ptr) :: handle = c_null_ptr ! for these modules only
  contains
    procedure :: open => session_open
    procedure :: close => session_close
    procedure :: status => session_status
    procedure :: message => session_message
  end type

  ! One run of one kernel, or of several.
  type :: quern_run
    type(c_ptr) :: handle = c_null_ptr ! for these modules only
    integer :: dataset = 1
  contains
    procedure :: open => run_open
    procedure :: close => run_close
    procedure :: set => run_set
    procedure :: add_file => run_add_file
    procedure :: progress => run_progress
    procedure :: execute => run_execute
    procedure :: plan => run_plan
    procedure :: message => run_message
    procedure :: warning => run_warning
    procedure :: document => run_document
    procedure :: output => run_output
    procedure :: write => run_write
    ! Results; all of it on rank 0.
    procedure :: ndatasets => run_ndatasets
    procedure :: use_dataset => run_use_dataset
    procedure :: nfields => run_nfields
    procedure :: field => run_field
    procedure :: naxes => run_naxes
    procedure :: axis => run_axis
    procedure, private :: coordinate_ints, coordinate_reals
    generic :: coordinates => coordinate_ints, coordinate_reals
    procedure :: coordinate_text => run_coordinate_text
    procedure, private :: get_int, get_real, get_ints, get_reals
    generic :: get => get_int, get_real, get_ints, get_reals
    procedure :: get_text => run_get_text
  end type

  abstract interface
    ! Told on rank 0 how far a run is: pass from 0, bytes done and in all on this host. False cancels the run.
    function quern_progress(ctx, pass, done, total) bind(c) result(go_on)
      import :: c_ptr, c_int, c_int64_t, c_bool
      type(c_ptr), value :: ctx
      integer(c_int), value :: pass
      integer(c_int64_t), value :: done, total
      logical(c_bool) :: go_on
    end function
  end interface

contains

  ! The version of the library that is linked.
  function quern_version() result(text)
    character(len=:), allocatable :: text

    text = text_of(c_version())
  end function

  ! --- sessions ---

  ! On the ranks of comm, or without it in this process alone. What fails, session%status() tells, and all runs of
  ! the session do. Collective on comm.
  subroutine session_open(session, comm)
    class(quern_session), intent(inout) :: session
    integer, intent(in), optional :: comm

    call session%close()
    if (present(comm)) then
      session%handle = c_session_new(int(comm, c_int))
    else
      session%handle = c_session_new(int(QUERN_NO_MPI, c_int))
    end if
  end subroutine

  ! Collective on the session before MPI_Finalize, and not after it.
  subroutine session_close(session)
    class(quern_session), intent(inout) :: session

    if (c_associated(session%handle)) call c_session_free(session%handle)
    session%handle = c_null_ptr
  end subroutine

  function session_status(session) result(status)
    class(quern_session), intent(in) :: session
    integer :: status

    status = QUERN_ERR_RUN
    if (c_associated(session%handle)) status = c_session_status(session%handle)
  end function

  function session_message(session) result(text)
    class(quern_session), intent(in) :: session
    character(len=:), allocatable :: text

    text = "no memory for a session, or it is not open"
    if (c_associated(session%handle)) text = text_of(c_session_message(session%handle))
  end function

  ! --- runs ---

  ! A run of the named kernel, or of several with commas between them. Not collective.
  subroutine run_open(run, session, kernel)
    class(quern_run), intent(inout) :: run
    type(quern_session), intent(in) :: session
    character(len=*), intent(in) :: kernel

    call run%close()
    if (c_associated(session%handle)) run%handle = c_run_new(session%handle, c_text(kernel))
  end subroutine

  ! Not collective.
  subroutine run_close(run)
    class(quern_run), intent(inout) :: run

    if (c_associated(run%handle)) call c_run_free(run%handle)
    run%handle = c_null_ptr
    run%dataset = 1
  end subroutine

  ! An option of `quern run`, by its name without dashes; a flag has no value. What is wrong with it, execute tells, and
  ! status where it is wanted. Rank 0's values are used on all ranks. Not collective.
  subroutine run_set(run, name, value, status)
    class(quern_run), intent(inout) :: run
    character(len=*), intent(in) :: name
    character(len=*), intent(in), optional :: value
    integer, intent(out), optional :: status
    character(kind=c_char, len=:), allocatable, target :: copy
    type(c_ptr) :: address
    integer :: st

    st = QUERN_ERR_RUN
    address = c_null_ptr
    if (present(value)) then
      copy = c_text(value)
      address = c_loc(copy)
    end if
    if (c_associated(run%handle)) st = c_run_set(run%handle, c_text(name), address)
    if (present(status)) status = st
  end subroutine

  ! A file, or all that match a pattern. Not collective.
  subroutine run_add_file(run, file, status)
    class(quern_run), intent(inout) :: run
    character(len=*), intent(in) :: file
    integer, intent(out), optional :: status
    integer :: st

    st = QUERN_ERR_RUN
    if (c_associated(run%handle)) st = c_run_add_file(run%handle, c_text(file))
    if (present(status)) status = st
  end subroutine

  ! A procedure that is told how far the run is. Not collective.
  subroutine run_progress(run, progress, ctx)
    class(quern_run), intent(inout) :: run
    procedure(quern_progress) :: progress
    type(c_ptr), intent(in), optional :: ctx
    type(c_ptr) :: address

    address = c_null_ptr
    if (present(ctx)) address = ctx
    if (c_associated(run%handle)) call c_run_progress(run%handle, c_funloc(progress), address)
  end subroutine

  ! Runs. All ranks return the same status. Once a run; collective on the session.
  function run_execute(run) result(status)
    class(quern_run), intent(inout) :: run
    integer :: status

    status = QUERN_ERR_RUN
    if (c_associated(run%handle)) status = c_run_execute(run%handle)
  end function

  ! Like execute up to the plan, without reading data.
  function run_plan(run) result(status)
    class(quern_run), intent(inout) :: run
    integer :: status

    status = QUERN_ERR_RUN
    if (c_associated(run%handle)) status = c_run_plan(run%handle)
  end function

  ! What went wrong and what to do about it; "" when nothing did.
  function run_message(run) result(text)
    class(quern_run), intent(in) :: run
    character(len=:), allocatable :: text

    text = "no memory for a run, or it or its session is not open"
    if (c_associated(run%handle)) text = text_of(c_run_message(run%handle))
  end function

  ! Warning number i, from 1; "" after the last of them.
  function run_warning(run, i) result(text)
    class(quern_run), intent(in) :: run
    integer, intent(in) :: i
    character(len=:), allocatable :: text

    text = ""
    if (c_associated(run%handle) .and. i > 0) &
      text = text_of(c_run_warning(run%handle, int(i - 1, c_size_t)))
  end function

  ! The JSON document on rank 0 after success, else "".
  function run_document(run) result(text)
    class(quern_run), intent(in) :: run
    character(len=:), allocatable :: text
    type(c_ptr) :: address

    text = ""
    if (.not. c_associated(run%handle)) return
    address = c_run_document(run%handle, .false._c_bool)
    text = text_of(address)
    call c_free(address)
  end function

  ! Has the rows of the result go to a file, .h5 or .nc, while the run works. Before it is executed.
  function run_output(run, file) result(status)
    class(quern_run), intent(inout) :: run
    character(len=*), intent(in) :: file
    integer :: status

    status = QUERN_ERR_RUN
    if (c_associated(run%handle)) status = c_run_output(run%handle, c_text(file))
  end function

  ! Writes the result to a file, .json, .csv, .h5 or .nc. Rank 0.
  function run_write(run, file) result(status)
    class(quern_run), intent(inout) :: run
    character(len=*), intent(in) :: file
    integer :: status

    status = QUERN_ERR_RUN
    if (c_associated(run%handle)) status = c_run_write(run%handle, c_text(file))
  end function

  ! --- results ---

  function result_of(run) result(found)
    class(quern_run), intent(in) :: run
    type(c_ptr) :: found

    found = c_null_ptr
    if (c_associated(run%handle)) found = c_run_result_of(run%handle, int(run%dataset - 1, c_size_t))
  end function

  ! How many datasets a run was over that the option dataset names; 0 before it has succeeded.
  function run_ndatasets(run) result(n)
    class(quern_run), intent(in) :: run
    integer :: n

    n = 0
    if (c_associated(run%handle)) n = int(c_run_ndatasets(run%handle))
  end function

  ! Has all that reads a result read that of dataset i, from 1; name is what that is called.
  subroutine run_use_dataset(run, i, name)
    class(quern_run), intent(inout) :: run
    integer, intent(in) :: i
    character(len=:), allocatable, intent(out), optional :: name

    run%dataset = i
    if (present(name)) name = text_of(c_run_dataset(run%handle, int(i - 1, c_size_t)))
  end subroutine

  function run_nfields(run) result(n)
    class(quern_run), intent(in) :: run
    integer :: n

    n = int(c_result_nfields(result_of(run)))
  end function

  ! Field i, from 1. One that is not there has no name.
  function run_field(run, i) result(field)
    class(quern_run), intent(in) :: run
    integer, intent(in) :: i
    type(quern_field) :: field
    type(c_field) :: f
    integer :: k

    f%size = c_sizeof(f)
    if (.not. c_result_field(result_of(run), int(i - 1, c_size_t), f)) then
      field%name = ""
      field%units = ""
      allocate (field%extents(0), field%dims(0))
      return
    end if
    field%name = text_of(f%name)
    field%units = text_of(f%units)
    field%type = f%type
    allocate (field%extents(f%ndims), field%dims(f%ndims))
    do k = 1, f%ndims
      field%extents(k) = f%extent(f%ndims + 1 - k)
      field%dims(k) = text_of(f%dim(f%ndims + 1 - k))
    end do
  end function

  ! Dimensions of the result: groups first, then those that were kept, in the order of the dataset.
  function run_naxes(run) result(n)
    class(quern_run), intent(in) :: run
    integer :: n

    n = int(c_result_naxes(result_of(run)))
  end function

  ! Axis i, from 1. One that is not there has no name.
  function run_axis(run, i) result(axis)
    class(quern_run), intent(in) :: run
    integer, intent(in) :: i
    type(quern_axis) :: axis
    type(c_axis) :: a

    a%size = c_sizeof(a)
    axis%name = ""
    if (.not. c_result_axis(result_of(run), int(i - 1, c_size_t), a)) return
    axis%name = text_of(a%name)
    axis%units = text_of(a%units)
    axis%calendar = text_of(a%calendar)
    axis%type = a%type
    axis%extent = a%extent
    axis%is_groups = a%is_groups
    axis%has_dates = a%has_dates
  end function

  ! The coordinates of axis i. False: there are none of this type, without loss.
  function coordinate_ints(run, i, values) result(has)
    class(quern_run), intent(in) :: run
    integer, intent(in) :: i
    integer(int64), allocatable, intent(out) :: values(:)
    logical :: has
    type(quern_axis) :: axis

    axis = run%axis(i)
    allocate (values(axis%extent))
    has = c_result_coordinates_int64(result_of(run), int(i - 1, c_size_t), values)
  end function

  function coordinate_reals(run, i, values) result(has)
    class(quern_run), intent(in) :: run
    integer, intent(in) :: i
    real(real64), allocatable, intent(out) :: values(:)
    logical :: has
    type(quern_axis) :: axis

    axis = run%axis(i)
    allocate (values(axis%extent))
    has = c_result_coordinates(result_of(run), int(i - 1, c_size_t), values)
  end function

  ! Coordinate k of axis i as a text, times as dates; "": there is none.
  function run_coordinate_text(run, i, k) result(text)
    class(quern_run), intent(in) :: run
    integer, intent(in) :: i, k
    character(len=:), allocatable :: text
    character(kind=c_char), target :: room(text_nbytes)

    text = ""
    if (c_result_coordinate_text(result_of(run), int(i - 1, c_size_t), int(k - 1, c_int64_t), room, &
      size(room, kind=c_size_t))) text = text_of(c_loc(room))
  end function

  ! True where there is such a field, and it has a value that is of this type without loss.
  function get_int(run, name, value) result(has)
    class(quern_run), intent(in) :: run
    character(len=*), intent(in) :: name
    integer(int64), intent(inout) :: value
    logical :: has

    has = c_result_get_int(result_of(run), c_text(name), value)
  end function

  function get_real(run, name, value) result(has)
    class(quern_run), intent(in) :: run
    character(len=*), intent(in) :: name
    real(real64), intent(inout) :: value
    logical :: has

    has = c_result_get_real(result_of(run), c_text(name), value)
  end function

  ! All values, in the order of the field's extents: reshape(values, extents). Where there is none reals are NaN and
  ! is_none is set; integers are 0 there, and cannot be had without is_none.
  function get_ints(run, name, values, is_none) result(has)
    class(quern_run), intent(in) :: run
    character(len=*), intent(in) :: name
    integer(int64), allocatable, intent(out) :: values(:)
    logical, allocatable, intent(out), optional :: is_none(:)
    logical :: has
    logical(c_bool), allocatable, target :: flags(:)
    integer(c_int64_t) :: n

    n = nvalues(run, name)
    allocate (values(n), flags(n))
    has = c_result_read_int64(result_of(run), c_text(name), 0_c_int64_t, n, values, &
      merge(c_loc(flags), c_null_ptr, present(is_none) .and. n > 0))
    if (present(is_none)) is_none = flags
  end function

  function get_reals(run, name, values, is_none) result(has)
    class(quern_run), intent(in) :: run
    character(len=*), intent(in) :: name
    real(real64), allocatable, intent(out) :: values(:)
    logical, allocatable, intent(out), optional :: is_none(:)
    logical :: has
    logical(c_bool), allocatable, target :: flags(:)
    integer(c_int64_t) :: n

    n = nvalues(run, name)
    allocate (values(n), flags(n))
    has = c_result_read_double(result_of(run), c_text(name), 0_c_int64_t, n, values, &
      merge(c_loc(flags), c_null_ptr, present(is_none) .and. n > 0))
    if (present(is_none)) is_none = flags
  end function

  ! 0: there is no such field.
  function nvalues(run, name) result(n)
    class(quern_run), intent(in) :: run
    character(len=*), intent(in) :: name
    integer(c_int64_t) :: n
    type(c_field) :: f

    n = 0
    f%size = c_sizeof(f)
    if (c_result_find(result_of(run), c_text(name), f)) n = f%nvalues
  end function

  ! Value i of a field, from 1, as a text, whatever its type is: integers with all their digits, times as dates. "": there
  ! is none.
  function run_get_text(run, name, i) result(text)
    class(quern_run), intent(in) :: run
    character(len=*), intent(in) :: name
    integer(int64), intent(in) :: i
    character(len=:), allocatable :: text
    character(kind=c_char), target :: room(text_nbytes)

    text = ""
    if (c_result_read_text(result_of(run), c_text(name), i - 1, room, size(room, kind=c_size_t))) &
      text = text_of(c_loc(room))
  end function
end module
