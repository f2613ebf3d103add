#!/usr/bin/env bash
# quern info --launch: on machines that hwloc makes up, alone and in a Slurm job.

. "$SRCDIR/tests/cli/lib.sh"
for name in $(compgen -e SLURM_); do unset "$name"; done

quern info
grep -q 'Open MPI' out && is_open_mpi=yes || is_open_mpi=

# What MPICH's launcher takes in the place of Open MPI's options, on $hosts hosts.
as_here()
{
	[ -z "$is_open_mpi" ] || { cat; return; }
	sed -E -e 's/ --oversubscribe//' -e 's/--mpi=pmix/--mpi=pmi2/' \
		-e 's/--map-by ppr:([0-9]+):node --bind/\1 -bind/' |
		awk -v hosts="$hosts" '$1 == "mpirun" { $2 = "-n " hosts * $2 " -ppn " $2 } 1'
}

# launch NAME TOPOLOGY WANT: what it prints, but for the comment.
launch()
{
	HWLOC_SYNTHETIC=$2 quern info --launch
	is "$1" "0 $(as_here <<<"$3")" "$status $(grep -v '^#' out)"
}
hosts=1

launch "one node: no launcher" "numa:1 core:8 pu:1" "quern run
mpirun --map-by ppr:1:node --bind-to none quern run
srun --mpi=pmix --nodes=1 --ntasks-per-node=1 --cpus-per-task=8 --cpu-bind=none --wait=30 quern run"
launch "a rank a NUMA node; Slurm counts hardware threads" "pack:2 numa:2 core:6 pu:2" \
	"mpirun --map-by ppr:4:node --bind-to none quern run
srun --mpi=pmix --nodes=1 --ntasks-per-node=4 --cpus-per-task=12 --cpu-bind=none --wait=30 quern run"
prints "threads are cores" "^# 1 host, 4 NUMA nodes each: .* its 6 cores"

hosts=16
export SLURM_JOB_ID=77 SLURM_JOB_NUM_NODES=16 SLURM_CPUS_ON_NODE=12
launch "a Slurm job of nodes whose CPUs are cores" "pack:2 numa:1 core:6 pu:2" \
	"mpirun --map-by ppr:2:node --bind-to none --oversubscribe quern run
srun --mpi=pmix --nodes=16 --ntasks-per-node=2 --cpus-per-task=6 --cpu-bind=none --wait=30 quern run"
prints "it names the job" "^# 16 hosts of Slurm job 77, 2 NUMA nodes each"
answers "as JSON" info --launch --json
is "launch.hosts" 16 "$(field launch.hosts)"
is "launch.ranks_per_host" 1 "$(field launch.ranks_per_host)"
hosts=1
SLURM_JOB_NUM_NODES=x SLURM_CPUS_ON_NODE=-3 launch "numbers that are none" "numa:1 core:2 pu:1" \
	"quern run
mpirun --map-by ppr:1:node --bind-to none --oversubscribe quern run
srun --mpi=pmix --nodes=1 --ntasks-per-node=1 --cpus-per-task=2 --cpu-bind=none --wait=30 quern run"
finish
