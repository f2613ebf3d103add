#!/usr/bin/env bash
#
# matrix.sh [ROW...] - `make demo` and `make check` on fresh systems; `make check-matrix` runs it.
#
# A row is a Debian release in a directory of its own, which debootstrap fills, with gcc, make, git
# and what the row names, and nothing else: what quern needs, the two commands install. A clone of
# this checkout's HEAD is built and tested there; then what `make install` has made of it goes to another system, which
# has nothing but compilers and libraries, for programs in four languages (tests/install). Root is needed, and the packages come from where
# this machine's apt has them. Prints a table; a row's log is in $MATRIX_DIR/ROW.log.
#
#	MATRIX_DIR	where the systems are made (default: matrix in the build directory)
#	MATRIX_RUNS	how often each row runs both commands (1)
#	MATRIX_BUSY	how many processes keep the cores busy meanwhile (0)
#	MATRIX_TESTS	the tests to run (all)

set -uo pipefail

# name, release, packages beside the compiler, variables of make; one a line.
rows='
debian12         bookworm  gcc                                          -
debian12-clang   bookworm  clang                                        CC=clang
debian12-mpich   bookworm  gcc,mpich,libmpich-dev,libhdf5-mpich-dev     -
debian12-serial  bookworm  gcc,libopenmpi-dev,openmpi-bin,libhdf5-dev   -
debian13         trixie    gcc                                          -
debian13-clang   trixie    clang                                        CC=clang
debian13-mpich   trixie    gcc,mpich,libmpich-dev,libhdf5-mpich-dev     -
'
dir=${MATRIX_DIR:-$BUILDDIR/matrix}
runs=${MATRIX_RUNS:-1}
busy=${MATRIX_BUSY:-0}
busy_pids=

# The archive of this machine's apt, and what else apt goes by.
mirror()
{
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1
}

# make_base RELEASE: a minimal system, once a release.
make_base()
{
	local root=$dir/base-$1

	[ ! -e "$root/made" ] || return 0
	rm -rf --one-file-system "$root" && mkdir -p "$root" || return
	debootstrap --variant=minbase "$1" "$root" "$(mirror)" || return
	cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" 2>/dev/null
	rm -f "$root"/etc/apt/apt.conf.d/*listchanges "$root"/etc/apt/apt.conf.d/*packagekit
	cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null
	touch "$root/made"
}

# inside ROOT COMMAND...: in a mount and process namespace of its own, which takes all with it.
inside()
{
	local root=$1

	shift
	unshare --mount --pid --fork --kill-child -- bash -c '
		root=$1; shift
		mount --bind "$root" "$root" && cd "$root" || exit
		mount -t proc proc proc && mount -t sysfs -o ro sys sys && mount --rbind /dev dev || exit
		mount -t tmpfs shm dev/shm && mount -t tmpfs -o mode=1777 tmp tmp || exit
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
			chroot . "$@"' bash "$root" "$@"
}

# make_row NAME RELEASE PACKAGES: the system of a row, with a clone of this checkout in /quern.
make_row()
{
	local root=$dir/$1

	make_base "$2" || return
	rm -rf --one-file-system "$root" && cp -a --reflink=auto "$dir/base-$2" "$root" || return
	git clone -q "$SRCDIR" "$root/quern" || return
	# What the row names wins over what make would choose to install.
	inside "$root" sh -c "apt-get -q update && apt-get -qy --no-install-recommends install \
		make git ca-certificates $(echo "$3" | tr , ' ')"
}

# make_installed NAME RELEASE PACKAGES VARIABLES: the other system of a row, NAME-installed.
make_installed()
{
	local from=$dir/$1 root=$dir/$1-installed mpi=libopenmpi-dev,openmpi-bin,python3-mpi4py

	case $3 in
	*mpich*) mpi= ;;
	esac
	inside "$from" sh -c "cd /quern && rm -rf /packed && bash tests/install/fresh.sh pack /packed $4 WERROR=1" || return
	rm -rf --one-file-system "$root" && cp -a --reflink=auto "$dir/base-$2" "$root" || return
	cp -a "$from/packed" "$root/packed" && cp -a "$root/packed/local/." "$root/usr/local" || return
	inside "$root" sh -c "ldconfig && apt-get -q update && apt-get -qy --no-install-recommends install \
		g++ gfortran pkg-config python3-numpy $(echo "$3,$mpi" | tr , ' ') $(tr '\n' ' ' <"$root/packed/packages")"
}

# test_installed NAME RELEASE PACKAGES VARIABLES: prints what became of the programs.
test_installed()
{
	local log=$dir/$1-installed.log vars=$4 wrong=0

	[ "$vars" != - ] || vars=
	make_installed "$1" "$2" "$3" "$vars" >"$log" 2>&1 &&
		inside "$dir/$1-installed" bash /packed/tests/install/fresh.sh run /packed >>"$log" 2>&1 || wrong=1
	printf '%-16s      installed %-5s %s\n' "$1" "$([ $wrong -eq 0 ] && echo ok || echo "FAIL, see $log")" \
		"$(awk '/^ok.* # SKIP/ { s++; next } /^ok/ { p++ } /^not ok/ { f++ }
			END { printf "%d passed, %d failed, %d skipped", p, f, s }' "$log")"
	[ "${MATRIX_KEEP-}" ] || rm -rf --one-file-system "${dir:?}/$1-installed"
	return $wrong
}

start_busy()
{
	local n

	busy_pids=
	for ((n = 0; n < busy; n++)); do
		(while :; do :; done) &
		busy_pids="$busy_pids $!"
	done
}

stop_busy()
{
	# shellcheck disable=SC2086 # words
	[ -z "$busy_pids" ] || { kill $busy_pids; wait $busy_pids; } 2>/dev/null
	busy_pids=
}

# run_row NAME VARIABLES RUN: prints what became of both commands.
run_row()
{
	local root=$dir/$1 log=$dir/$1.log vars=$2 start=$SECONDS demo check counts

	[ "$vars" != - ] || vars=
	start_busy
	echo "=== run $3" >>"$log"
	inside "$root" sh -c "cd /quern && make -j\$(nproc) demo $vars" >>"$log" 2>&1
	demo=$?
	inside "$root" sh -c "cd /quern && make -j\$(nproc) check $vars WERROR=1 \
		${MATRIX_TESTS:+TESTS='$MATRIX_TESTS'}" >>"$log" 2>&1
	check=$?
	stop_busy
	counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	[ $check -eq 0 ] || counts="FAIL ${counts:-, see $log}"
	printf '%-16s %3d  demo %-5s %-42s %5d s\n' "$1" "$3" "$([ $demo -eq 0 ] && echo ok || echo FAIL)" \
		"$counts" $((SECONDS - start))
	[ $demo -eq 0 ] && [ $check -eq 0 ]
}

# test_row NAME RELEASE PACKAGES VARIABLES
test_row()
{
	local run wrong=0

	if ! make_row "$1" "$2" "$3" >"$dir/$1.log" 2>&1; then
		printf '%-16s      the system could not be made, see %s\n' "$1" "$dir/$1.log"
		return 1
	fi
	for ((run = 1; run <= runs; run++)); do
		run_row "$1" "$4" "$run" || wrong=1
	done
	test_installed "$@" || wrong=1
	[ "${MATRIX_KEEP-}" ] || rm -rf --one-file-system "${dir:?}/$1"
	return $wrong
}

wanted()
{
	[ $# -eq 1 ] || [[ " ${*:2} " = *" $1 "* ]]
}

if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null || ! command -v unshare >/dev/null; then
	echo "check-matrix needs root, debootstrap and unshare" >&2
	exit 1
fi
trap stop_busy EXIT
mkdir -p "$dir" || exit
status=0
while read -r name release packages vars; do
	[ -n "$name" ] && wanted "$name" "$@" || continue
	test_row "$name" "$release" "$packages" "$vars" </dev/null || status=1
done <<<"$rows"
exit $status
