#!/usr/bin/env bash
# Who may include what. A folder of src/ includes only the folders below it; io/ and kernels/ are
# leaves above data and kernel that src/ never includes; each library has one owner.

. "$SRCDIR/tests/lib.sh"
cd "$SRCDIR" || exit 1

# Folder: folders whose headers it may include, besides its own. quern_kernel.h is for all.
layers='
src/base
src/exact        base
src/cluster      base
src/data         base exact cluster
src/feed         base exact cluster data
src/kernel       base exact cluster
src/plan         base exact cluster data kernel
src/find         base exact cluster data feed
src/locate       base exact cluster data feed kernel plan find
src/run          base exact cluster data feed kernel plan find locate
src/stage        base exact cluster data feed find
src/verify       base exact cluster data feed find run
src/api          base exact cluster data feed kernel plan find locate run stage verify quern.h
src/manual       base kernel quern.h
src/cli          base exact cluster data feed kernel plan find locate run stage verify api manual quern.h
io/sandbox       base
io/filter        base exact cluster data feed
io/hdf5_format   base exact cluster data
io/hdf5_library  base exact cluster data feed kernel io/sandbox io/hdf5_format
kernels          base exact cluster data feed kernel
examples         quern.h
'

# Header: files or folders that may include it.
owners='
hdf5.h        io/hdf5_library examples tests bench
hwloc.h       src/cluster tests bench
mpi.h         src/quern.h src/cluster src/cli/main.c examples tests bench
cblas.h       kernels/blas.c kernels/covariance_panel.c tests bench
libdeflate.h  io/filter examples tests bench
gmp.h         src/exact tests bench
xxhash.h      src/data/sum.c tests bench
jansson.h     src/api src/cli tests
'

# Lines "FILE HEADER QUOTE" of all includes below the given folders; QUOTE is < or ".
includes_of()
{
	find "$@" -name '*.[ch]' -exec grep -HE '^[[:space:]]*#[[:space:]]*include' {} + |
		sed -E 's/^([^:]+):[^"<]*(["<])([^">]+)[">].*/\1 \3 \2/'
}

# Folder of src/ that a quoted include reaches, "" for the includer's own, or the header's name for
# the public ones. A name without a folder is the includer's neighbour.
reached()
{
	local file=$1 header=$2 dir

	dir=$(dirname "$file")
	case $header in
	quern.h | quern_kernel.h) echo "$header" ;;
	*/*)
		[ "src/${header%/*}" = "$dir" ] || [ "${header%/*}" = "$dir" ] || echo "${header%/*}"
		;;
	*) [ -e "$dir/$header" ] || echo "$header" ;;
	esac
}

# One folder of the table: prints what it includes and may not.
check_layer()
{
	local folder=$1 allowed=" $2 quern_kernel.h " file header quote to

	while read -r file header quote; do
		[ "$quote" = '"' ] || continue
		to=$(reached "$file" "$header")
		[ -n "$to" ] || continue
		case $allowed in
		*" $to "*) ;;
		*) echo "$file includes $header" ;;
		esac
	done < <(includes_of "$folder")
}

# Prints who includes a library's header without owning it.
check_owner()
{
	local library=$1 allowed=$2 file header quote owner ok

	while read -r file header quote; do
		[ "$header" = "$library" ] || continue
		ok=no
		for owner in $allowed; do
			case $file in
			"$owner" | "$owner"/*) ok=yes ;;
			esac
		done
		[ $ok = yes ] || echo "$file includes $library"
	done < <(includes_of src io kernels examples bench tests)
}

# expect_none NAME TEXT: passes if there is nothing to complain about.
expect_none()
{
	if [ -z "$2" ]; then pass "$1"; else fail "$1" "$2"; fi
}

while read -r folder allowed; do
	[ -d "$folder" ] || continue
	expect_none "$folder includes only lower layers" "$(check_layer "$folder" "$allowed")"
done < <(echo "$layers" | grep .)

while read -r library allowed; do
	expect_none "$library stays with its owner" "$(check_owner "$library" "$allowed")"
done < <(echo "$owners" | grep .)

expect_none "every folder of src is in the table" "$(
	for folder in src/*/; do
		folder=${folder%/}
		grep -q "^$folder\b" <<<"$layers" || echo "$folder has no row"
	done
)"
expect_none "src/ includes neither io/ nor kernels/" \
	"$(includes_of src | grep -E ' (\.\./)*(io|kernels)/')"
expect_none "options are looked up by name in the API and in kernels only" "$(
	grep -nE 'quern_option_(string|flag|int|reals)\(' -r src --include='*.c' |
		grep -vE '^src/(api|cli)/|^src/base/options\.c:'
)"
finish
