#!/usr/bin/env bash
#
# numa.sh - quern on a machine with two NUMA nodes, which QEMU emulates; `make check-numa` runs it.
#
# numa_build.sh makes a disk with quern, what it needs and a dataset, and an initramfs that mounts it;
# numa_inside.sh is what the machine runs, and its console comes here. Nothing is installed: what is
# missing is named, and then all of it is skipped. The kernel is Debian's, from /boot or from its
# package, which is downloaded and kept in the build directory.

# shellcheck source=tests/lib.sh
. "$SRCDIR/tests/lib.sh"

packages="qemu-system-x86 busybox-static cpio numactl e2fsprogs openmpi-bin"
limit=600	# seconds for the machine; half a minute is enough when the host is idle
cache=$BUILDDIR/numa

obstacle()
{
	local command missing=

	PATH=$PATH:/usr/sbin:/sbin
	if [ "$(uname -m)" != x86_64 ]; then
		echo "only for x86-64"
		return
	fi
	for command in qemu-system-x86_64 busybox cpio numactl mke2fs orterun orted ompi_info ldd gzip; do
		command -v "$command" >/dev/null || missing="$missing $command"
	done
	if [ -n "$missing" ]; then
		echo "not installed:$missing; apt-get install $packages"
	elif ldd "$(command -v busybox)" >/dev/null 2>&1; then
		echo "busybox is not static; apt-get install busybox-static"
	fi
}

# --- The kernel -----------------------------------------------------------------------------------

# find_kernel: sets $kernel and $modules.
find_kernel()
{
	for kernel in /boot/vmlinuz-*-cloud-amd64 "$cache"/root/boot/vmlinuz-*; do
		[ -r "$kernel" ] || continue
		modules=${kernel%/boot/*}/lib/modules/${kernel##*/vmlinuz-}
		[ ! -d "$modules" ] || return 0
	done
	return 1
}

download_kernel()
{
	local package

	command -v apt-get >/dev/null && command -v dpkg >/dev/null || return
	mkdir -p "$cache" && cd "$cache" || return
	package=$(apt-cache depends linux-image-cloud-amd64 |
		sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[ -n "$package" ] && timeout 120 apt-get -q download "$package" || return
	rm -rf root && dpkg -x "$package"_*.deb root && rm -f "$package"_*.deb
}

# --- The machine ----------------------------------------------------------------------------------

# Two sockets of two cores, each with its memory. KVM may be there and not work: emulated always.
run_machine()
{
	timeout -k 5 $limit qemu-system-x86_64 -accel tcg,thread=multi -cpu max -machine q35 \
		-smp 4,sockets=2,cores=2,threads=1 -m 1024 \
		-object memory-backend-ram,id=m0,size=512M \
		-object memory-backend-ram,id=m1,size=512M \
		-numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1 \
		-numa dist,src=0,dst=1,val=20 -kernel "$kernel" -initrd initrd \
		-append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr" \
		-drive file=disk,format=raw,if=virtio,snapshot=on -nic none -display none \
		-serial stdio -monitor none -no-reboot </dev/null 2>qemu.err | tr -d '\r' >console
}

# take NAME: what the machine wrote under this name.
take()
{
	sed -n "/^@@ $1\$/,/^@@ end\$/{/^@@ /d;p}" console
}

field()
{
	take "$1.out" | "$BUILDDIR/tests/tools/pick" "$2" 2>/dev/null || echo nothing
}

is()
{
	if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "'$3', not '$2'"; fi
}

# percent PART WHOLE
percent()
{
	awk -v part="$1" -v whole="$2" 'BEGIN { printf "%.1f", (whole > 0 ? 100 * part / whole : -1) }'
}

# Of bytes read, and of pages of buffers: those on the reader's node.
bytes_local()
{
	percent "$(field "$1" run.numa.bytes_local)" "$(field "$1" run.numa.bytes_known)"
}

buffers_local()
{
	percent "$(field "$1" run.numa.buffer_pages_local)" "$(field "$1" run.numa.buffer_pages)"
}

# --- What is to be seen ---------------------------------------------------------------------------

# as_expected NAME: it ran, with the bytes of this machine, and says where it read.
as_expected()
{
	local name=$1

	is "$name: exit code" 0 "$(take "$name.status")"
	is "$name: same bytes as here" "$want" "$(field "$name" result)"
	note "$name: $(bytes_local "$name")% of bytes read on the node that has them, $(
		buffers_local "$name")% of buffers local, $(field "$name" run.chunks_stolen) chunks stolen"
}

# most_remote NAME: bytes that may come from the other node. Ranks take chunks of each other when one of
# them is late, which depends on what else the host does; readahead brings in the twentieth part.
most_remote()
{
	awk -v known="$(field "$1" run.numa.bytes_known)" -v stolen="$(field "$1" run.chunks_stolen)" \
		'BEGIN { printf "%.0f", known / 20 + stolen * 131072 * 4 }'
}

# least_known NAME: bytes of the first 128 chunks (of 128 KiB) of each rank, one thread of which may have
# taken all that it read.
least_known()
{
	take "$1.err" | sed -n 's/^  rank [0-9]* on .* pinned), \([0-9]*\) chunks .*/\1/p' |
		awk '{ sum += $1 < 128 ? $1 : 128 } END { print NR ? sum * 131072 : "no_ranks" }'
}

# local_run NAME: a rank a node, each with its own.
local_run()
{
	local name=$1

	as_expected "$name"
	check "$name: only what was stolen comes from the other node" \
		test "$(($(field "$name" run.numa.bytes_known) - $(field "$name" run.numa.bytes_local)))" \
		-le "$(most_remote "$name")"
	# A thread asks where its first 128 chunks lie, and then where one in 16 MiB does
	# (feed/numa_watch.c): all are known unless a thread takes more, be it from the other rank.
	check "$name: where the first chunks of a thread lie is known" \
		test "$(field "$name" run.numa.bytes_known)" -ge "$(least_known "$name")"
	is "$name: all buffers are local" 100.0 "$(buffers_local "$name")"
	is "$name: a rank a node, with its cores" "rank 0, NUMA node 0, cores 0-1: 2 threads (2 pinned)
rank 1, NUMA node 1, cores 2-3: 2 threads (2 pinned)" \
		"$(take "$name.err" |
			sed -n 's/^  \(rank [01]\) on guest\(, NUMA .* pinned)\).*/\1\2/p')"
	is "$name: each rank says how much of what it reads" "2" "$(take "$name.err" |
		grep -cE '^  rank .*, [0-9.]+% of .* from memory of its own node')"
}

check_plan()
{
	local all

	is "plan: exit code" 0 "$(take plan.status)"
	all=$(field plan plan.per_rank | sed 's/.*"bytes":\([0-9]*\).*/\1/')
	is "plan: the page cache gives all of the bytes a home" "$all" \
		"$(field plan plan.bytes_with_home)"
	# A little is given away so that both are done at the same time.
	check "plan for a rank a node: each has its own" test \
		"$(field ranks plan.bytes_by_tier.memory)" -ge $((all * 95 / 100))
	is "inspect --homes: both nodes, in memory" '0 "memory" 1 "memory"' "$(field homes \
		datasets.0.homes.0.numa_node) $(field homes datasets.0.homes.0.tier) $(field homes \
		datasets.0.homes.1.numa_node) $(field homes datasets.0.homes.1.tier)"
	# Reading the metadata has the system read what follows it.
	check "plan without the page cache: the disk gives it a home" \
		test "$(field cold plan.bytes_by_tier.disk)" -gt $((all * 4 / 5))
}

why=$(obstacle)
[ -z "$why" ] || skip_all "$why"
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d "${TMPDIR:-/tmp}/quern-numa.XXXXXX") || skip_all "no temporary directory"
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP PIPE
find_kernel || (download_kernel) >"$work/download.log" 2>&1
find_kernel || skip_all "no kernel: apt-get install linux-image-cloud-amd64"
cd "$work" || exit
if ! modules=$modules bash "$SRCDIR/tests/machines/numa_build.sh" >build.log 2>&1; then
	fail "the disk of the machine is made" "$(tail -n 20 build.log)"
	finish
fi
want=$("$QUERN" run minmax -d t2m --json root/data/climate.nc | "$BUILDDIR/tests/tools/pick" result)
run_machine
# The kernel of an emulated machine may lock up while it boots, before anything of quern's is started.
if ! grep -q '^@@' console && grep -q 'soft lockup' console; then
	note "the machine did not boot: its kernel locked up; it is started once more"
	run_machine
fi
if ! grep -qx '@@ off' console; then
	fail "the machine runs to its end" "$(tail -n 30 console qemu.err)"
	finish
fi
pass "the machine runs to its end"
is "the machine has two nodes" 2 "$(take nodes)"
check_plan
local_run halves
local_run swapped
as_expected unbound
as_expected single
for i in 1 2 3 4; do
	is "passes, run $i: exit code" 0 "$(take passes$i.status)"
	is "passes, run $i: all buffers are local" 100.0 "$(buffers_local passes$i)"
done
note "a singleton of four threads: $(bytes_local passes1)% of bytes of two passes"
cd / || exit
finish
