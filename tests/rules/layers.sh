#!/usr/bin/env bash
# Who may include what. A folder of src/ includes only the folders below it; io/ and kernels/ are
# leaves above data and kernel that src/ never includes; each library has one owner. Who may call the
# system.

. "$SRCDIR/tests/lib.sh"
cd "$SRCDIR" || exit 1

# Folder: folders whose headers it may include, besides its own. quern_kernel.h is for all.
layers='
src/base
src/exact        base
src/columns      base exact
src/cluster      base
src/data         base exact cluster
src/extract      base data
src/select       base data
src/feed         base exact cluster data select extract
src/fields       base
src/kernel       base exact columns cluster fields
src/registry     base cluster data kernel
src/proof        base kernel
src/elements     base kernel
src/weighted     base exact columns kernel
src/program      base select kernel
src/plan         base exact cluster data select kernel
src/describe     base cluster data select feed extract
src/resolve      base data select describe
src/find         base exact cluster data select feed describe resolve
src/keys         base exact cluster data select feed describe find
src/formula      base cluster data select feed plan describe find keys program kernel weighted
src/grouping     base cluster select describe kernel find keys formula program
src/rolling      base data select kernel weighted program find keys
src/locate       base exact cluster data select feed kernel plan describe find
src/crew         base cluster data plan locate
src/journal      base cluster data kernel
src/run          base exact cluster data select feed fields kernel registry plan describe find keys formula grouping rolling locate crew journal
src/schedule     base exact cluster data select feed kernel plan describe find keys formula grouping rolling locate crew run
src/lookup       base cluster data select feed fields kernel describe find run
src/results      base fields kernel quern.h
src/partial      base cluster data select kernel registry extract describe find journal run quern.h
src/stage        base exact cluster data select feed describe resolve find
src/verify       base exact cluster data feed describe resolve find crew
src/csv          base data fields kernel quern.h
src/json         base data fields kernel
src/api          base exact cluster data select feed kernel registry plan describe resolve find keys formula program grouping rolling locate crew journal run schedule lookup stage verify results csv json partial quern.h
src/insitu       base cluster select feed kernel registry formula grouping run data api quern.h
src/supervise    base
src/merge        base data select kernel registry find extract journal run partial api quern.h
src/manual       base kernel quern.h
src/cli          base exact cluster fields kernel registry run json api supervise manual quern.h
src/authoring    base kernel registry proof cli quern.h
src/scaling      base cluster json api cli quern.h
src/fortran      quern.h
src/python       quern.h
io/sandbox       base
io/filter        base data feed
io/hdf5_format   base data
io/hdf5_library  base data feed io/hdf5_format
io/hdf5_write    base data fields kernel io/hdf5_format io/hdf5_library
io/hdf5_child    base data io/sandbox io/hdf5_format io/hdf5_library io/hdf5_write
io/reader        io/hdf5_child
kernels          base exact kernel elements weighted kernels
kernels/bins     base exact kernel kernels
kernels/quantiles base exact kernel kernels
kernels/spells   base kernel kernels
kernels/values   base kernel kernels
examples         quern.h
'

# Header: files or folders that may include it.
owners='
hdf5.h        io/hdf5_library io/hdf5_write io/hdf5_child examples tests bench
hwloc.h       src/cluster tests bench
mpi.h         src/quern.h src/cluster src/cli/main.c src/cli/world.c examples tests bench
cblas.h       kernels/blas.c kernels/covariance_panel.c tests bench
libdeflate.h  io/filter examples tests bench
gmp.h         src/exact src/weighted tests bench
xxhash.h      src/data/sum.c tests bench
jansson.h     src/json src/api src/cli src/scaling tests
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

# Calls of the system and the C library that only their owner makes; the undefined symbols of what was
# compiled tell. Owner: calls.
calls='
src/base/system.c	open openat creat fopen freopen stat lstat fstat fstatat statx fstatfs statfs statvfs \
	fstatvfs access faccessat euidaccess getxattr lgetxattr readlink readlinkat realpath glob opendir \
	fdopendir readdir scandir nftw ftw read pread readv preadv write pwrite writev pwritev \
	copy_file_range sendfile splice mmap munmap msync posix_fadvise fsync fdatasync sync syncfs \
	sync_file_range truncate ftruncate fallocate posix_fallocate rename renameat renameat2 link linkat \
	symlink symlinkat unlink unlinkat remove mkdir mkdirat rmdir flock lockf chmod fchmod fchmodat \
	chown fchown lchown fchownat utimensat futimens utime utimes mkstemp mkostemp mkdtemp tmpfile \
	close
src/base/mem.c	malloc calloc realloc reallocarray aligned_alloc posix_memalign memalign strdup strndup \
	asprintf vasprintf open_memstream
'

# File or folder, the calls that it makes itself: and why.
exceptions='
io/sandbox open close read write mmap munmap fstat	in a process of few rights, and on a socket
src/scaling/bench.c close	of pipes
src/scaling/report.c freopen	in a child that only starts gnuplot
src/cli/output.c write	in a handler of signals
'

# Lines "FILE CALL" of what is compiled, without what the compiler makes of a call (__open_2, __read_chk,
# open64).
calls_made()
{
	find src io kernels -name '*.c' | while read -r file; do
		for object in "$BUILDDIR/${file%.c}".o "$BUILDDIR/${file%.c}".*.o; do
			[ ! -e "$object" ] || echo "$object"
		done
	done | xargs nm -A -u | sed -E "s|^$BUILDDIR/||"'
		s/(\.[a-z0-9]+)?\.o: *U */.c /; s/@.*//; s/ _+(isoc[0-9]+_)?/ /; s/(64)?(_chk|_2)?$//' |
		sort -u
}

# Prints who makes a call that is not his.
check_calls()
{
	awk -v calls="$(echo "$calls" | tr -d '\\' | tr '\n' ' ')" -v exceptions="$exceptions" '
		BEGIN {
			n = split(calls, word)
			for (i = 1; i <= n; i++)
				if (word[i] ~ /\//) owner = word[i]
				else of[word[i]] = owner
			n = split(exceptions, line, "\n")
			for (i = 1; i <= n; i++) {
				sub(/\t.*/, "", line[i])
				m = split(line[i], word, " ")
				for (j = 2; j <= m; j++) may[word[1], word[j]] = 1
			}
		}
		{
			folder = $1
			sub(/\/[^\/]*$/, "", folder)
			if (of[$2] && of[$2] != $1 && !may[$1, $2] && !may[folder, $2])
				print $1 " calls " $2 ", which is for " of[$2]
		}' <<<"$made"
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
made=$(calls_made)
expect_none "files and memory are had by base/ only" "$(check_calls)"
# What it looks at is there.
expect_none "base/ has them" "$(
	grep -q '^src/base/system.c pread$' <<<"$made" || echo "no pread in system.o"
)"
expect_none "src/ includes neither io/ nor kernels/" \
	"$(includes_of src | grep -E ' (\.\./)*(io|kernels)/')"
expect_none "options are named in the API, the command and kernels only" "$(
	grep -nE 'quern_option_(string|flag|int|reals)\(|\<QUERN_OPT_' -r src --include='*.[ch]' |
		grep -vE '^src/(api|cli|authoring|scaling|manual|registry)/|^src/base/options\.c:|^src/quern_kernel\.h:'
)"
# What lacks memory is not left out of a document (src/json/json.h).
expect_none "parts of documents are put together by json/json.c only" "$(
	grep -nE '\<json_(array|object)_(append|set|insert|update|extend)[a-z_]*\(' -r src --include='*.[ch]' |
		grep -vE '^src/(json/json|cli/terminal)\.c:'
)"
expect_none "tests lie in folders" \
	"$(find tests -maxdepth 1 -type f ! -name run ! -name lib.sh ! -name module.mk)"
expect_none "nothing else is at the top" "$(
	git ls-files 2>/dev/null | grep -v '^\.' | cut -d/ -f1 | sort -u |
		grep -vxE 'Makefile|configure\.ac|README\.md|LICENSE|src|kernels|io|examples|bench|tests|slurm'
)"
finish
