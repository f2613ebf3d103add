#include "base/crash.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define STACK_NBYTES 32768

static const struct {
	int number;
	const char *words;
} signals[] = {
	{ SIGSEGV, "SIGSEGV: it used memory that is not its own, or too much of the stack" },
	{ SIGBUS, "SIGBUS: it used memory that is not there" },
	{ SIGFPE, "SIGFPE: it divided an integer by zero, or unmasked a floating-point exception" },
	{ SIGILL, "SIGILL: it has an instruction that this processor does not" },
};
#define NSIGNALS (sizeof(signals) / sizeof(*signals))

/* Handlers are the process's, and so is what they were before. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int nusers;
static struct sigaction before[NSIGNALS];

/* Where a thread goes on. */
static _Thread_local sigjmp_buf *volatile target;
/* A thread whose stack is full has no room for a handler there. */
static _Thread_local bool has_stack;
static _Thread_local unsigned char stack[STACK_NBYTES];

static size_t index_of(int number)
{
	size_t i = 0;

	while (i < NSIGNALS - 1 && signals[i].number != number)
		i++;
	return i;
}

/* Not ours: the instruction is repeated under the handler that there was. One that returns meant it to be. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	const struct sigaction *old = &before[index_of(number)];

	if (old->sa_flags & SA_SIGINFO)
		old->sa_sigaction(number, info, context);
	else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
		old->sa_handler(number);
	else {
		signal(number, SIG_DFL);
		if (info->si_code <= 0)
			raise(number);
	}
}

/* Only what the thread itself has done: what another process sends is no crash. */
static void handle(int number, siginfo_t *info, void *context)
{
	if (target && info->si_code > 0)
		siglongjmp(*target, number);
	pass_on(number, info, context);
}

void qn_crash_begin(void)
{
	struct sigaction ours = { .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK };

	ours.sa_sigaction = handle;
	pthread_mutex_lock(&lock);
	if (nusers++ == 0)
		for (size_t i = 0; i < NSIGNALS; i++)
			sigaction(signals[i].number, &ours, &before[i]);
	pthread_mutex_unlock(&lock);
}

void qn_crash_end(void)
{
	pthread_mutex_lock(&lock);
	if (--nusers == 0)
		for (size_t i = 0; i < NSIGNALS; i++)
			sigaction(signals[i].number, &before[i], NULL);
	pthread_mutex_unlock(&lock);
}

/* Unless the thread has another already. */
static void have_stack(void)
{
	const stack_t ours = { .ss_sp = stack, .ss_size = sizeof(stack) };
	stack_t old;

	has_stack = true;
	if (!sigaltstack(NULL, &old) && (old.ss_flags & SS_DISABLE))
		sigaltstack(&ours, NULL);
}

int qn_crash_call(qn_risky *f, void *ctx)
{
	sigjmp_buf here, *volatile outer = target;
	int number;

	if (!has_stack)
		have_stack();
	number = sigsetjmp(here, 0);
	if (!number) {
		target = &here;
		f(ctx);
	}
	target = outer;
	return number;
}

const char *qn_crash_words(int number)
{
	return signals[index_of(number)].words;
}
