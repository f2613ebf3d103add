# numa_inside.sh - what the machine with two NUMA nodes does; the first process of its disk. Everything
# goes to the console, between lines "@@ NAME" and "@@ end".

export PATH=/bin HOME=/root TMPDIR=/tmp
export OMPI_MCA_plm_rsh_agent=sh OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl=self,vader
file=/data/climate.nc
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
busybox mkdir -p /dev/shm /dev/pts
mount -t devpts none /dev/pts
for dir in /dev/shm /tmp /run; do mount -t tmpfs none $dir; done
ifconfig lo 127.0.0.1 up
hostname guest
# Pages stay where they were put.
echo 0 >/proc/sys/kernel/numa_balancing 2>/dev/null
# Whoever reads one half must not have the beginning of the other read ahead.
echo 16 >/sys/block/vda/queue/read_ahead_kb

# show NAME FILE
show()
{
	echo "@@ $1"
	cat "$2"
	echo "@@ end"
}

# run NAME COMMAND...: shows NAME.out, NAME.err, NAME.status.
run()
{
	name=$1
	shift
	"$@" >/tmp/out 2>/tmp/err
	echo $? >/tmp/status
	show "$name.out" /tmp/out
	show "$name.err" /tmp/err
	show "$name.status" /tmp/status
}

# place A B: the first half of the file in the memory of node A, the second in that of B: whoever
# reads what is not in memory has it put into his own.
half=$(($(busybox stat -c %s $file) / 131072))
forget()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

place()
{
	forget
	numactl --cpunodebind="$1" dd if=$file of=/dev/null bs=64k count=$half 2>/dev/null
	numactl --cpunodebind="$2" dd if=$file of=/dev/null bs=64k skip=$half 2>/dev/null
}

ls -d /sys/devices/system/node/node[0-9]* | busybox wc -l >/tmp/nodes
show nodes /tmp/nodes
minmax="quern run minmax -d t2m --json --stats"

forget
run cold quern plan minmax -d t2m --json $file
place 0 1
run plan quern plan minmax -d t2m --json $file
run ranks mpirun -n 2 quern plan minmax -d t2m --json $file
run homes quern inspect --homes -d t2m --json $file
run halves mpirun -n 2 $minmax $file
run unbound mpirun -n 2 $minmax --bind none $file
run single $minmax $file
# Where the buffers of four threads lie depends on who is first: several times.
for i in 1 2 3 4; do
	run passes$i quern run histogram -d t2m --json -s time=0:30 $file
done
place 1 0
# The program is out of memory too: a rank that waits for it would lose its chunks to the other.
mpirun -n 2 quern plan minmax -d t2m --json $file >/dev/null 2>&1
run swapped mpirun -n 2 $minmax $file
echo "@@ off"
sync
poweroff -f
