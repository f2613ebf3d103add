#!/usr/bin/env bash
#
# numa_build.sh - makes `disk` (ext4) and `initrd` in the current directory, without being root. numa.sh
# calls it; $modules is the directory of the kernel's modules.

set -eu

plugins=$(ompi_info --path pkglibdir --parsable | sed 's/.*://')
# Parts of Open MPI for networks and batch systems, which drag libraries along.
unneeded='openib|ofi|ucx|psm|usnic|pbs|slurm|alps|lsf|gridengine|monitoring|hcoll|fcoll|_fs_|_io_'
unneeded="$unneeded|fbtl|sharedfp|topo|vprotocol|pml_v|pml_cm|mtl|debuggers"

add_programs()
{
	mkdir -p root/bin root/dev root/proc root/sys root/tmp root/run root/root root/etc root/data
	cp "$QUERN" root/bin/quern
	cp -L "$(command -v busybox)" "$(command -v numactl)" root/bin
	# By these names quern knows its launcher, and finds what mpirun is bound to.
	cp -L "$(command -v orterun)" root/bin/mpirun
	cp -L "$(command -v orted)" root/bin/orted
	mkdir -p root/usr/bin
	ln -s /bin/orted root/usr/bin/orted
	for applet in sh cat echo mount sync dd ls grep ifconfig hostname poweroff sleep head; do
		ln -s busybox root/bin/$applet
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >root/etc/passwd
	echo 'root:x:0:' >root/etc/group
	echo '127.0.0.1 localhost guest' >root/etc/hosts
	cp "$SRCDIR/tests/machines/numa_inside.sh" root/inside.sh
}

# copy_tree DIR...: to the same place, where it exists.
copy_tree()
{
	local dir

	for dir in "$@"; do
		[ -d "$dir" ] || continue
		mkdir -p "root$(dirname "$dir")"
		cp -RL "$dir" "root$dir"
	done
}

add_mpi()
{
	local plugin

	mkdir -p "root$plugins"
	for plugin in "$plugins"/*.so; do
		basename "$plugin" | grep -Eq "$unneeded" || cp "$plugin" "root$plugins"
	done
	copy_tree /etc/openmpi /usr/share/openmpi /usr/share/pmix* /etc/pmix* \
		/usr/lib/*/pmix2/lib/pmix
}

add_libraries()
{
	local library

	find root -type f \( -perm -u+x -o -name '*.so*' \) -exec ldd {} + 2>/dev/null |
		awk '/=> \// { print $3 } /^\t\/lib/ { print $1 }' | sort -u >libraries
	while read -r library; do
		[ ! -e "root$library" ] || continue
		mkdir -p "root$(dirname "$library")"
		cp -L "$library" "root$library"
	done <libraries
}

# Mounts the disk and goes on there.
make_initrd()
{
	local module n=0

	mkdir -p first/bin first/dev first/disk first/modules
	cp -L "$(command -v busybox)" first/bin
	for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci \
		virtio_blk; do
		n=$((n + 1))
		find "$modules" -name "$module.ko" -exec cp {} first/modules/$n.ko \;
	done
	cat >first/init <<-'END'
	#!/bin/busybox sh
	for module in /modules/*.ko; do /bin/busybox insmod $module; done
	/bin/busybox mount -t devtmpfs none /dev
	/bin/busybox mount -t ext4 /dev/vda /disk || /bin/busybox poweroff -f
	exec /bin/busybox chroot /disk /bin/sh /inside.sh
	END
	chmod +x first/init
	(cd first && find . | cpio -o -H newc --quiet) >initrd
}

add_programs
add_mpi
add_libraries
"$BUILDDIR/examples/mkclimate" --quiet --only t2m --raw --time 192 --chunk 131072 \
	root/data/climate.nc
truncate -s 512M disk
mke2fs -q -F -t ext4 -d root disk
make_initrd
ls -l disk initrd
