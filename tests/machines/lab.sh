#!/usr/bin/env bash
#
# lab.sh - a cluster of virtual hosts with a real Slurm, on one machine. Run as root.
#
#	lab.sh run CMD...	up, run CMD on the head, down; ends with CMD's status
#	lab.sh up | down	start, stop
#	lab.sh exec HOST CMD...	run CMD on head or nX, from inside or outside the lab
#	lab.sh cut nX, heal nX	take the host's link away silently, and back
#	lab.sh crash nX		kill all processes of the host; its peers hear of it
#	lab.sh off nX		power failure: link first, then the processes; its peers hear nothing
#	lab.sh boot nX		start a host that is off
#	lab.sh obstacle PACKAGES COMMAND...	why there can be no lab here, or a command of those packages is
#				missing; or nothing
#	lab.sh traffic		bytes that have come to all hosts over the network since they booted
#
# A head and hosts n1..nN, each with its own PID, network, UTS, IPC and mount namespaces: its own
# name and address, /proc, /run, /tmp, /dev/shm and $LOCALDIR. They share $SHARE, the parallel file
# system, and see the rest of this machine's files. munged, slurmctld, and a slurmd and an sshd for
# each host run in there; the machine's own network is not touched. Whatever happens to this
# script, the whole lab dies with it: it hangs on one process, the PID 1 of its outer namespace.
#
# This script must lie where the hosts see it: under $SHARE, or not under /tmp, /run or /dev/shm.
#
# Its environment:
#	N CPN		hosts (4) and processors each (2)
#	SHARE		the shared directory (/tmp/quern-lab)
#	LAB		the lab's own files, inside SHARE ($SHARE/state)
#	LOCALDIR	an existing directory that becomes private to each host (/srv)
#	AUTH		munge or none (munge)
#	TIES		more lines for slurm.conf
#	NOSSHD		not empty: no sshd
#	NOSLURM		not empty: no munge and no Slurm; ssh only
#	NET		first three numbers of the addresses (10.99.0)

set -u

SELF=$(readlink -f "$0")
export SHARE=${SHARE:-${TMPDIR:-/tmp}/quern-lab}
export LAB=${LAB:-$SHARE/state} N=${N:-4} CPN=${CPN:-2} LOCALDIR=${LOCALDIR:-/srv}
export AUTH=${AUTH:-munge} NOSLURM=${NOSLURM:-} TIES=${TIES:-} NET=${NET:-10.99.0}

die()
{
	echo "lab.sh: $*" >&2
	exit 1
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds.
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep .02
	done
}

# A zombie is not alive: whoever started the lab may reap it late.
is_alive()
{
	local state

	state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
	[ -n "$state" ] && [ "${state:0:1}" != Z ]
}

is_dead()
{
	! is_alive "$1"
}

# On the head or a host of the lab itself, not outside.
is_head()
{
	[ "$(hostname)" = head ] && [ -d /run/keep ]
}

# --- Configuration --------------------------------------------------------------------------------

# Short timeouts, no accounting, no cgroups; a core is what is allocated.
write_slurm_conf()
{
	cat <<-END
	ClusterName=lab
	SlurmctldHost=head($NET.254)
	SlurmUser=root
	SlurmdUser=root
	StateSaveLocation=$LAB/state
	SlurmdSpoolDir=/run/slurmd
	SlurmctldPidFile=/run/slurmctld.pid
	SlurmdPidFile=/run/slurmd.pid
	SlurmctldLogFile=$LAB/log/slurmctld.log
	SlurmdLogFile=$LAB/log/slurmd.%n.log
	SlurmctldDebug=info
	SlurmdDebug=info
	MailProg=/bin/true
	PlugStackConfig=/dev/null
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	JobAcctGatherType=jobacct_gather/none
	AccountingStorageType=accounting_storage/none
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core
	SlurmdParameters=config_overrides
	MpiDefault=none
	ReturnToService=2
	SlurmdTimeout=10
	SlurmctldTimeout=10
	MessageTimeout=5
	InactiveLimit=0
	KillWait=3
	MinJobAge=600
	SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0,requeue_delay=1
	NodeName=n[1-$N] CPUs=$CPN Boards=1 SocketsPerBoard=1 CoresPerSocket=$CPN ThreadsPerCore=1 RealMemory=2000 State=UNKNOWN
	PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
	END
	if [ "$AUTH" = munge ]; then
		echo "AuthType=auth/munge"
		echo "CredType=cred/munge"
		# A requeued job waits until its credential expires: 120 s unless told.
		echo "AuthInfo=socket=$LAB/munge/munge.sock,cred_expire=5"
	else
		echo "AuthType=auth/none"
		echo "CredType=cred/none"
		echo "AuthInfo=cred_expire=5"
	fi
	printf '%s\n' "$TIES"
}

write_hosts()
{
	echo "127.0.0.1 localhost"
	echo "$NET.254 head"
	for i in $(seq "$N"); do
		echo "$NET.$i n$i"
	done
}

write_sshd_config()
{
	cat <<-END
	HostKey $LAB/ssh/hostkey
	AuthorizedKeysFile $LAB/ssh/authorized_keys
	PidFile /run/sshd.pid
	PermitRootLogin yes
	PasswordAuthentication no
	UsePAM no
	UseDNS no
	StrictModes no
	MaxStartups 100
	AcceptEnv OMPI_* PMIX_* LAB_*
	END
}

write_ssh_config()
{
	cat <<-END
	Host *
	  User root
	  IdentityFile $LAB/ssh/id
	  IdentitiesOnly yes
	  StrictHostKeyChecking no
	  UserKnownHostsFile /dev/null
	  GlobalKnownHostsFile /dev/null
	  LogLevel ERROR
	  BatchMode yes
	  ConnectTimeout 5
	END
}

# All hosts share this machine's cores: a rank that waits must yield, and must not be bound. The network is TCP:
# looking for others takes most of the time in which MPI starts.
write_env()
{
	cat <<-END
	export SLURM_CONF=$LAB/etc/slurm.conf
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	export OMPI_MCA_plm_rsh_agent="ssh -F $LAB/ssh/config"
	export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
	export OMPI_MCA_btl=^ofi,openib OMPI_MCA_pml=ob1
	unset OMPI_MCA_btl_tcp_if_include OMPI_MCA_oob_tcp_if_include OMPI_MCA_mca_base_env_list
	END
}

prepare()
{
	[ -d "$LOCALDIR" ] || die "LOCALDIR=$LOCALDIR is not a directory"
	rm -rf "$LAB"
	mkdir -p "$LAB"/{etc,log,state,munge,pids,ssh,nodes,booted} || die "cannot write to $LAB"
	chmod 755 "$LAB" "$LAB/munge"
	for i in $(seq "$N"); do
		mkdir -p "$LAB/nodes/n$i"
	done
	write_slurm_conf >"$LAB/etc/slurm.conf"
	write_hosts >"$LAB/etc/hosts"
	write_sshd_config >"$LAB/ssh/sshd_config"
	write_ssh_config >"$LAB/ssh/config"
	write_env >"$LAB/env"
	ssh-keygen -q -t ed25519 -N '' -f "$LAB/ssh/hostkey" || die "cannot make a key"
	ssh-keygen -q -t ed25519 -N '' -f "$LAB/ssh/id" || die "cannot make a key"
	cp "$LAB/ssh/id.pub" "$LAB/ssh/authorized_keys"
}

# --- Inside the lab -------------------------------------------------------------------------------

# In a new mount namespace. SHARE is parked under /run while the new /tmp covers it.
mount_private()
{
	mount -t proc proc /proc
	mount --bind "$LAB/etc/hosts" /etc/hosts
	mount -t tmpfs -o mode=755 tmpfs /run
	mkdir -p /run/sshd /run/keep
	mount -t tmpfs tmpfs /dev/shm
	mount --rbind "$SHARE" /run/keep
	mount -t tmpfs -o mode=1777 tmpfs /tmp
	mkdir -p "$SHARE"
	mount --rbind /run/keep "$SHARE"
	if [ "$1" != head ]; then
		mount --bind "$LAB/nodes/$1" "$LOCALDIR"
		mkdir -p "$LOCALDIR/scratch"
	fi
	hostname "$1"
	ip link set lo up
}

# What PID 1 of a host does for the rest of its life: reaps orphans.
reap_forever()
{
	trap ': ' TERM CHLD
	while :; do
		sleep 1000 &
		wait
	done
}

# The number of this process in the namespace of whoever started it, from the /proc of there.
pid_outside()
{
	local pid rest

	read -r pid rest </proc/self/stat
	echo "$pid"
}

start_munge()
{
	head -c 1024 /dev/urandom >"$LAB/munge/munge.key"
	chmod 400 "$LAB/munge/munge.key"
	munged --key-file="$LAB/munge/munge.key" --socket="$LAB/munge/munge.sock" \
		--pid-file=/run/munged.pid --log-file="$LAB/munge/munged.log" \
		--seed-file=/run/munged.seed --num-threads=2 || die "munged does not start"
}

all_idle()
{
	[ "$(timeout 3 sinfo -h -N -t idle -o %N | wc -l)" -eq "$N" ]
}

all_booted()
{
	[ "$(find "$LAB/booted" -type f | wc -l)" -eq "$N" ]
}

# PID 1 of the lab. Descriptor 3 is the caller's standard input.
head_main()
{
	mount_private head
	. "$LAB/env"
	ip link add br0 type bridge
	ip addr add "$NET.254/24" dev br0
	ip link set br0 up
	[ -n "$NOSLURM" ] || [ "$AUTH" != munge ] || start_munge
	for i in $(seq "$N"); do
		"$SELF" boot "n$i" &
	done
	if [ -n "$NOSLURM" ]; then
		wait_for 20 all_booted || die "hosts do not start: see $LAB/log"
	else
		slurmctld -c || die "slurmctld does not start: see $LAB/log"
		wait_for 20 all_idle ||
			{ sinfo -N -l >&2; die "hosts are not idle: see $LAB/log"; }
	fi
	touch "$LAB/ready"
	[ $# -gt 0 ] || reap_forever
	"$@" <&3
	exit
}

# PID 1 of a host. Until mount_private, /proc is the head's.
node_main()
{
	local name=$1 i=${1#n}

	# The same address each time: others would look for the one of before for up to half a minute.
	ip link add eth0 address "$(printf '02:00:00:00:%02x:%02x' $((i / 256)) $((i % 256)))" \
		type veth peer name "v$i" netns /proc/1/ns/net || die "no veth"
	nsenter --net=/proc/1/ns/net ip link set "v$i" master br0 up
	mount_private "$name"
	. "$LAB/env"
	ip addr add "$NET.$i/24" dev eth0
	ip link set eth0 up
	if [ -z "${NOSSHD:-}" ]; then
		/usr/sbin/sshd -f "$LAB/ssh/sshd_config" -E "$LAB/log/sshd.$name.log" ||
			die "sshd does not start"
	fi
	[ -n "$NOSLURM" ] || slurmd || die "slurmd does not start: see $LAB/log"
	touch "$LAB/booted/$name"
	reap_forever
}

# --- Commands -------------------------------------------------------------------------------------

namespaces="--mount --pid --net --uts --ipc --fork --kill-child=KILL"

do_boot()
{
	if ! is_head; then
		exec "$SELF" exec head "$SELF" boot "$1"
	fi
	# shellcheck disable=SC2086 # options are words
	unshare $namespaces "$SELF" _node "$1" </dev/null >>"$LAB/log/boot.$1.log" 2>&1 &
}

do_exec()
{
	local host=$1 lab

	shift
	lab=$(cat "$LAB/pids/lab" 2>/dev/null) || die "not up"
	. "$LAB/env"
	if is_head; then
		[ "$host" != head ] || exec "$@"
		[ -e "$LAB/pids/$host" ] || die "there is no host $host"
		exec nsenter -t "$(cat "$LAB/pids/$host")" -a --wd="$PWD" -- "$@"
	fi
	[ "$host" = head ] || set -- "$SELF" exec "$host" "$@"
	exec nsenter -t "$lab" -a --wd="$PWD" -- "$@"
}

# Every byte comes to one host, or to the head, which is not counted: it only starts programs.
do_traffic()
{
	local i

	for i in $(seq "$N"); do
		"$SELF" exec "n$i" cat /proc/net/dev
	done | awk '/eth0:/ { sub(/.*:/, ""); n += $1 } END { printf "%d\n", n }'
}

do_up()
{
	local starter

	[ ! -s "$LAB/pids/lab" ] || is_dead "$(cat "$LAB/pids/lab")" || die "already up"
	prepare
	# shellcheck disable=SC2086 # options are words
	setsid unshare $namespaces "$SELF" _head </dev/null >"$LAB/log/head.log" 2>&1 &
	starter=$!
	wait_for 25 eval '[ -e "$LAB/ready" ] || is_dead $starter'
	[ -e "$LAB/ready" ] || { cat "$LAB/log/head.log" >&2; do_down; die "start failed"; }
}

# unshare --fork blocks TERM and INT, so this shell stays and turns them into KILL; if this shell is
# killed itself, pdeathsig kills unshare, and --kill-child kills PID 1 of the lab: so all of it.
do_run()
{
	local starter status

	prepare
	exec 3<&0	# a command in the background has no other way to our input
	# shellcheck disable=SC2086 # options are words
	setpriv --pdeathsig KILL unshare $namespaces "$SELF" _head "$@" &
	starter=$!
	trap 'kill -9 $starter; wait $starter; rm -f "$LAB/pids/lab"; exit 143' TERM INT HUP
	wait $starter
	status=$?
	rm -f "$LAB/pids/lab"
	exit $status
}

do_down()
{
	local pid

	pid=$(cat "$LAB/pids/lab" 2>/dev/null) || return 0
	is_dead "$pid" || kill -9 "$pid"
	wait_for 10 is_dead "$pid" || die "process $pid does not die"
	rm -f "$LAB/pids/lab" "$LAB/ready"
}

do_obstacle()
{
	local packages=$1 command missing=

	shift
	PATH=$PATH:/usr/sbin:/sbin
	if [ "$(id -u)" -ne 0 ]; then
		echo "must be root to make namespaces and network links"
		return
	fi
	for command in sshd ip ssh-keygen unshare nsenter setpriv "$@"; do
		command -v "$command" >/dev/null || missing="$missing $command"
	done
	if [ -n "$missing" ]; then
		echo "not installed:$missing; apt-get install $packages openssh-server iproute2 util-linux"
	elif ! unshare --mount --pid --net --uts --ipc --fork true 2>/dev/null; then
		echo "namespaces are not permitted here"
	elif ! unshare --net --mount sh -c 'ip link add v1 type veth peer name v2 &&
			ip link add br0 type bridge && mount -t tmpfs tmpfs /mnt' 2>/dev/null; then
		echo "veth, bridge or mounts are not permitted in a namespace here"
	fi
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
obstacle) do_obstacle "$@" ;;
run) do_run "$@" ;;
up) do_up ;;
down) do_down ;;
exec) do_exec "$@" ;;
boot) do_boot "$1" ;;
traffic) do_traffic ;;
cut) do_exec head ip link set "v${1#n}" down ;;
heal) do_exec head ip link set "v${1#n}" up ;;
crash) do_exec head bash -c "kill -9 $(cat "$LAB/pids/$1")" ;;
off) do_exec head bash -c "ip link del v${1#n}; kill -9 $(cat "$LAB/pids/$1")" ;;
_head)
	pid_outside >"$LAB/pids/lab"
	head_main "$@"
	;;
_node)
	rm -f "$LAB/booted/$1"
	pid_outside >"$LAB/pids/$1"
	node_main "$1"
	;;
*)
	sed -n '3,12s/^# \{0,1\}//p' "$SELF"
	exit 2
	;;
esac
