/*
 * calls.c - the calls of the system that a child may make: those that reading files and
 * managing its own memory take. The others fail with ENOSYS, as on a kernel that does not have them,
 * which libraries know how to live with; files do not open for writing (EACCES). To open one for reading
 * is a signal, whose handler does it and notes what is refused (files.h).
 *
 * The filter is a program for the kernel's BPF machine: seccomp(2). Numbers of calls differ between
 * processors, and a process may be able to use two sets; for those not named here there is no filter.
 */
#include "io/sandbox/child.h"
#include "io/sandbox/files.h"

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#if defined(ARCH) && defined(SECCOMP_RET_ERRNO)

/* The old names of calls are missing on new processors, the new names in old headers. */
/* clang-format off */
static const int allowed[] = {
	/* files, which are open or open for reading */
	SYS_read, SYS_readv, SYS_pread64, SYS_preadv, SYS_write, SYS_writev, SYS_close, SYS_lseek,
	SYS_fstat, SYS_fcntl, SYS_flock, SYS_fadvise64, SYS_getcwd, SYS_getdents64, SYS_statfs,
	SYS_fstatfs, SYS_newfstatat, SYS_faccessat, SYS_readlinkat, SYS_ppoll,
#ifdef SYS_statx
	SYS_statx,
#endif
#ifdef SYS_faccessat2
	SYS_faccessat2,
#endif
#ifdef SYS_stat
	SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_poll,
#endif
	/* memory; programs, for plugins of filters */
	SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise,
	/* threads, of plugins; pthread_create is content without clone3, which cannot be filtered */
	SYS_futex, SYS_set_robust_list, SYS_sched_yield, SYS_sched_getaffinity, SYS_exit,
#ifdef SYS_rseq
	SYS_rseq,
#endif
	/* time, and what the process is */
	SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
	SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
	SYS_uname, SYS_sysinfo, SYS_getrusage, SYS_getrlimit, SYS_setrlimit,
#ifdef SYS_time
	SYS_time,
#endif
#ifdef SYS_getrandom
	SYS_getrandom,
#endif
	/* signals, its end */
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack,
	SYS_restart_syscall, SYS_exit_group,
};
/* clang-format on */

#define NALLOWED (sizeof(allowed) / sizeof(allowed[0]))
#define NRULES	 (NALLOWED * 2 + 64)

struct program {
	size_t n;
	struct sock_filter code[NRULES];
};

static void add(struct program *p, struct sock_filter f)
{
	p->code[p->n++] = f;
}

/* Loads the low half of argument i: both processors are little-endian. */
static void load_argument(struct program *p, size_t i)
{
	add(p, (struct sock_filter)BPF_STMT(
		       BPF_LD | BPF_W | BPF_ABS,
		       (uint32_t)(offsetof(struct seccomp_data, args) + i * sizeof(uint64_t))));
}

static void answer(struct program *p, uint32_t verdict)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

static void skip_unless_call(struct program *p, int call, uint8_t nskipped)
{
	add(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, nskipped));
}

/* Allowed if the argument has none of the bits, or all, with `want`. */
static void add_flags_rule(struct program *p, int call, size_t argument, uint32_t bits, bool want,
			   uint32_t otherwise)
{
	skip_unless_call(p, call, 4);
	load_argument(p, argument);
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, want ? 0 : 1,
					    want ? 1 : 0));
	answer(p, SECCOMP_RET_ALLOW);
	answer(p, otherwise);
}

/* Allowed if the argument is this number. */
static void add_number_rule(struct program *p, int call, size_t argument, uint32_t number)
{
	skip_unless_call(p, call, 4);
	load_argument(p, argument);
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
	answer(p, SECCOMP_RET_ALLOW);
	answer(p, SECCOMP_RET_ERRNO | ENOSYS);
}

/* Opening for reading, with the cookie: what the handler of the signal calls, which all others get. */
static void add_open_rule(struct program *p, int call, size_t argument, uint32_t writing)
{
	skip_unless_call(p, call, 7);
	load_argument(p, argument);
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, writing, 0, 1));
	answer(p, SECCOMP_RET_ERRNO | EACCES);
	load_argument(p, 5);
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, QN_OPEN_COOKIE, 0, 1));
	answer(p, SECCOMP_RET_ALLOW);
	answer(p, SECCOMP_RET_TRAP);
}

static void write_program(struct program *p)
{
	const uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;

	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					    offsetof(struct seccomp_data, arch)));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	answer(p, SECCOMP_RET_ERRNO | ENOSYS);
	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					    offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < NALLOWED; i++) {
		skip_unless_call(p, allowed[i], 1);
		answer(p, SECCOMP_RET_ALLOW);
	}
	add_open_rule(p, SYS_openat, 2, writing);
#ifdef SYS_open
	add_open_rule(p, SYS_open, 1, writing);
#endif
	add_flags_rule(p, SYS_clone, 0, CLONE_THREAD, true, SECCOMP_RET_ERRNO | EPERM);
	/* Of itself only: abort, and its limits. */
	add_number_rule(p, SYS_tgkill, 0, (uint32_t)getpid());
	add_number_rule(p, SYS_prlimit64, 0, 0);
	answer(p, SECCOMP_RET_ERRNO | ENOSYS);
}

void qn_child_filter_calls(void)
{
	struct program p = { .n = 0 };
	struct sock_fprog filter;

	write_program(&p);
	filter.len = (unsigned short)p.n;
	filter.filter = p.code;
	/* Without the first an ordinary user may not do the second. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

#else

void qn_child_filter_calls(void) {}

#endif
