#!/usr/bin/env bash
# The package for Python, by the tests beside this file, on the library of this build; then as it is installed, by
# make and by pip.

. "$SRCDIR/tests/cli/lib.sh"

[ -z "$SAN" ] || skip_all "a build with sanitizers cannot be loaded by Python"

python=$(find_python)
[ -n "$python" ] || skip_all "no python3 has numpy"
export QUERN_LIBRARY=$LIBDIR/libquern.so.1 PYTHONPATH=$SRCDIR/src/python PYTHONDONTWRITEBYTECODE=1

generate cf.nc
"$BUILDDIR/tests/tools/grid" . || exit 1
"$BUILDDIR/examples/mkclimate" --time 400 --lat 61 --lon 120 climate.nc || exit 1

# run_python NAME: its cases are ours.
run_python()
{
	local line

	"$python" "$SRCDIR/tests/python/$1" >lines || grep -q '^not ok' lines || fail "$1 has not ended" "$(cat lines)"
	while read -r line; do
		case $line in
		"ok "*) pass "${line#ok }" ;;
		"not ok "*) fail "${line#not ok }" "$(sed -n 's/^# //p' lines)" ;;
		"skip "*) line=${line#skip } && skip "${line%% # *}" "${line#* # }" ;;
		esac
	done <lines
}

export XDG_CACHE_HOME=$PWD/cache
for file in results errors lazy interrupt accessor kernels memory tasks many; do
	run_python $file.py
done

# --- the example, and what the first run takes ---
check "examples/climate.py" "$python" "$SRCDIR/examples/climate.py" climate.nc
note "import and the first run of a small file: $("$python" "$SRCDIR/tests/python/first.py")"

# --- on ranks ---
# The library of MPI that a shared object has.
mpi_of()
{
	ldd "$1" | sed -n 's/^[[:space:]]*\(libmpi\.[^ ]*\).*/\1/p'
}
mpi4py=$("$python" -c 'import mpi4py; print(mpi4py.__path__[0])' 2>/dev/null)
if [ -z "$mpi4py" ]; then
	skip "on ranks" "no mpi4py"
elif [ "$(mpi_of "$(echo "$mpi4py"/MPI.*.so)")" != "$(mpi_of "$QUERN_LIBRARY")" ]; then
	skip "on ranks" "mpi4py has another MPI"
else
	quern run moments -d t --over time grid.h5 --json
	want=$(jq -cS .result out)
	for n in 1 2 3; do
		timeout "$hang" $MPIRUN -n "$n" "$python" "$SRCDIR/tests/python/ranks.py" >out 2>err
		is "$n ranks find what the command finds" "0 $want" "$? $(jq -cS . out)"
	done
fi
# --- installed ---
mkdir pip
cp -r "$SRCDIR/src/python" "$SRCDIR/src/quern.h" pip
unset PYTHONPATH
if "$python" -c 'import setuptools, wheel, pip' 2>/dev/null; then
	check "pip install" "$python" -m pip install -q --no-build-isolation --no-index --no-deps \
		--root-user-action=ignore --target=site ./pip/python
	is "... gives the version" "$("$QUERN" --version)" "quern $(PYTHONPATH=site "$python" -c '
import importlib.metadata, quern
assert importlib.metadata.version("quern") == quern.__version__
print(quern.__version__)')"
else
	skip "pip install" "no pip, setuptools or wheel"
fi
unset QUERN_LIBRARY
check "make install" "$MAKE" -C "$(dirname "$BUILDDIR")" -s install DESTDIR="$PWD/image" prefix=/usr
is "... finds its library" "$(find "$PWD/image" -name libquern.so.1)" \
	"$(PYTHONPATH=image/usr/lib/python3/dist-packages "$python" -c 'import quern._library as l; print(l.lib._name)')"
check "make uninstall" "$MAKE" -C "$(dirname "$BUILDDIR")" -s uninstall DESTDIR="$PWD/image" prefix=/usr
is "... leaves no file of it" "" "$(find image -path '*python*' -type f)"
finish
