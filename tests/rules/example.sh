#!/usr/bin/env bash
# The C example: what it finds is what the command finds, and it compiles against what is installed.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc
quern run moments --json -d /packed cf.nc
want=$(printf '%s values, %s missing' "$(field result.count)" "$(field result.missing)")
mean=$(field result.mean)

# grind N PROGRAM ARG...: on N ranks, into out and err.
grind()
{
	local n=$1

	shift
	status=0
	timeout "$hang" $MPIRUN -n "$n" "$@" >out 2>err || status=$?
}

for n in 1 2 3; do
	grind $n "$BUILDDIR/examples/grind" cf.nc /packed
	is "$n ranks: exit code" 0 "$status"
	is "$n ranks: counts" "$want" "$(head -n 1 out)"
	is "$n ranks: mean" "mean $mean" "$(sed -n 2p out)"
	is "$n ranks: ten bins" 10 "$(grep -c ' to ' out)"
done
grind 2 "$BUILDDIR/examples/grind" none.nc /packed
is "an error is said once" "3 1" "$status $(grep -c '^grind: none.nc: ' err)"

# --- installed ---
if [ -n "$SAN" ]; then
	skip "installed" "a build with sanitizers is not installed"
	finish
fi
image=$PWD/image
build=$(dirname "$BUILDDIR")
check "make install" "$MAKE" -C "$build" -s install DESTDIR="$image" prefix=/usr
pc=$(dirname "$(find "$image" -name quern.pc)")
export PKG_CONFIG_PATH=$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} PKG_CONFIG_SYSROOT_DIR=
flags()
{
	pkg-config --define-variable=prefix="$image/usr" --define-variable=exec_prefix="$image/usr" \
		--define-variable=libdir="$(dirname "$pc")" \
		--define-variable=includedir="$image/usr/include" "$@" quern
}
if ! command -v pkg-config >/dev/null; then
	skip "compiles with quern.pc" "no pkg-config"
	finish
fi
libdir=$(dirname "$pc")
# shellcheck disable=SC2046 # flags are words
{
	check "compiles with quern.pc" \
		"$CC" "$SRCDIR/examples/grind.c" $(flags --cflags --libs) -o grind
	grind 2 env LD_LIBRARY_PATH="$libdir" ./grind cf.nc /packed
	is "... and runs" "0 $want" "$status $(head -n 1 out)"
	mkdir static && cp "$libdir/libquern.a" static
	check "compiles with libquern.a" "$CC" "$SRCDIR/examples/grind.c" -Lstatic \
		$(flags --cflags --libs --static) -o grind-static
	grind 2 ./grind-static cf.nc /packed
	is "... and runs" "0 $want" "$status $(head -n 1 out)"
}
status=0
LD_LIBRARY_PATH="$libdir" "$image/usr/bin/quern" run moments -d /packed cf.nc >out 2>err || status=$?
is "the installed command runs" 0 "$status"
finish
