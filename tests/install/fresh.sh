#!/usr/bin/env bash
#
# fresh.sh - programs.sh in a system that has seen neither the sources nor the build; tests/machines/matrix.sh calls
# it in two systems.
#
#	fresh.sh pack DIR [VARIABLE...]	where quern was built: installs it, and fills DIR with what the other needs
#	fresh.sh run DIR		there: DIR/local has become /usr/local
#
# DIR/packages lists the packages that have the libraries which libquern needs.

set -uo pipefail

pack()
{
	local dir=$1 library grid=$PWD/.build/tests/tools/grid

	shift
	mkdir -p "$dir/tests" && make -s install prefix=/usr/local "$@" && cp -a /usr/local "$dir/local" || return
	cp -a tests/lib.sh tests/install "$dir/tests" && (cd "$dir" && "$grid") || return
	# Where a library is and where its package says that it is may differ: /lib is a link.
	for library in $(ldd /usr/local/lib/libquern.so.1 | sed -n 's|.*=> .*/\([^ ]*\) (.*|\1|p'); do
		dpkg-query -S "*/$library" | sed 's/:.*//'
	done | sort -u >"$dir/packages"
}

run()
{
	local dir=$1 python=

	python3 -c 'import numpy' && python=python3
	mkdir -p /tmp/programs && cd /tmp/programs || return
	OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
		OMPI_MCA_btl=^tcp PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe \
		PYTHONPATH=/usr/local/lib/python3/dist-packages SRCDIR=$dir FILE=$dir/grid.h5 WHERE=/usr/local \
		QUERN=/usr/local/bin/quern MPIRUN=mpirun CC=cc CXX=$(command -v g++ clang++) FC=gfortran MPIFC=mpifort \
		PYTHON=$python bash "$dir/tests/install/programs.sh"
}

"$@"
