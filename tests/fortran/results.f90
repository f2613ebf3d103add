! results KERNEL DATASET OVER FIELD FILE - runs a kernel on all ranks by the module, with communicators of `use mpi`;
! rank 0 prints the document into a file of the name results.json, and to standard output as JSON what is read of the
! result: the values of a field, its dimensions, its extents, the coordinates of the first axis.
program results
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int64, real64, error_unit
  use mpi
  use quern
  implicit none

  type(quern_session) :: session, alone
  type(quern_run) :: run
  real(real64), allocatable :: reals(:)
  real(real64) :: x
  integer(int64) :: n
  integer :: rank, provided, ierr, status, unit
  integer(int64), target :: told = 0

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided, ierr)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
  call session%open(MPI_COMM_WORLD)
  if (session%status() /= QUERN_OK) error stop "session"

  call run%open(session, argument(1))
  call run%set("dataset", argument(2))
  if (argument(3) /= "") call run%set("over", argument(3))
  call run%set("nan", "missing")
  call run%progress(progress, c_loc(told))
  call run%add_file(argument(5))
  status = run%execute()
  if (rank == 0 .and. status /= QUERN_OK) write (error_unit, "(a)") run%message()
  if (rank == 0 .and. status == QUERN_OK) then
    open (newunit=unit, file="results.json", action="write")
    write (unit, "(a)") run%document()
    close (unit)
    call print_field(argument(4))
    if (run%get("no_such_field", x) .or. run%get("no_such_field", n)) error stop "a field that is not there"
    if (run%get("no_such_field", reals)) error stop "an array that is not there"
    if (run%naxes() > 0) call print_axis()
    if (run%write("results.csv") /= QUERN_OK) error stop "write"
  end if
  call run%close()

  ! A wrong option, where it is set and later.
  call run%open(session, "mean")
  call run%set("no-such-option", "1", status)
  if (status /= QUERN_ERR_USAGE) error stop "status of a wrong option"
  if (run%execute() /= QUERN_ERR_USAGE) error stop "a wrong option"
  if (index(run%message(), "no-such-option") == 0) error stop "its message"
  call run%close()

  ! A run that is cancelled.
  call run%open(session, "mean")
  call run%set("dataset", argument(2))
  call run%set("expr", repeat("sin(", 30)//argument(2)//repeat(")", 30))
  call run%progress(cancel)
  call run%add_file(argument(5))
  status = run%execute()
  if (status /= QUERN_OK .and. status /= QUERN_ERR_INTERRUPTED) error stop "a run that is cancelled"
  call run%close()
  call session%close()

  call alone%open()
  call run%open(alone, "count")
  if (run%execute() == QUERN_OK) error stop "a run without files"
  call run%close()

  call MPI_Finalize(ierr)
  call alone%close()
  if (run%execute() /= QUERN_ERR_RUN .or. run%message() == "") error stop "a run that is not open"

contains

  function argument(i) result(text)
    integer, intent(in) :: i
    character(len=:), allocatable :: text
    integer :: length

    call get_command_argument(i, length=length)
    allocate (character(len=length) :: text)
    call get_command_argument(i, text)
  end function

  function progress(ctx, pass, done, total) bind(c) result(go_on)
    type(c_ptr), value :: ctx
    integer(c_int), value :: pass
    integer(c_int64_t), value :: done, total
    logical(c_bool) :: go_on
    integer(int64), pointer :: count

    call c_f_pointer(ctx, count)
    count = count + 1
    go_on = pass >= 0 .and. done <= total
  end function

  function cancel(ctx, pass, done, total) bind(c) result(go_on)
    type(c_ptr), value :: ctx
    integer(c_int), value :: pass
    integer(c_int64_t), value :: done, total
    logical(c_bool) :: go_on

    go_on = c_associated(ctx) .or. pass < 0 .or. done > total
  end function

  subroutine print_field(name)
    character(len=*), intent(in) :: name
    type(quern_field) :: field
    real(real64), allocatable :: values(:)
    integer(int64), allocatable :: numbers(:)
    logical, allocatable :: is_none(:)
    integer :: i

    do i = 1, run%nfields()
      field = run%field(i)
      if (field%name == name) exit
    end do
    if (run%get(name, numbers, is_none)) then
      do i = 1, size(numbers)
        if (.not. is_none(i)) print "(i0)", numbers(i)
        if (is_none(i)) print "(a)", "null"
      end do
    else if (run%get(name, values, is_none)) then
      if (size(values) > 0) then
        if (run%get_text(name, 1_int64) == "" .neqv. is_none(1)) error stop "a value as text"
      end if
      do i = 1, size(values)
        if (.not. is_none(i)) print "(es25.16e3)", values(i)
        if (is_none(i)) print "(a)", "null"
      end do
    end if
    print "(*(a, a, a))", ('"', trim(field%dims(i)), '"'//new_line("a"), i=1, size(field%dims))
    print "(i0)", field%extents
  end subroutine

  subroutine print_axis()
    type(quern_axis) :: axis
    real(real64), allocatable :: values(:)
    integer :: i

    axis = run%axis(1)
    if (axis%has_dates) then
      print "(3a)", ('"', run%coordinate_text(1, i), '"', i=1, int(axis%extent))
    else if (run%coordinates(1, values)) then
      print "(es25.16e3)", values
    end if
  end subroutine
end program
