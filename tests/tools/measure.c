/*
 * measure - runs a command and says what it took, for shell tests.
 *
 *	measure FILE COMMAND ARG...
 *
 * Writes "STATUS SECONDS KILOBYTES" to FILE: the exit status, 128 and the number of a signal if one
 * ended it; time of the processor, of all of its processes; the largest resident memory of any of its processes. Its own status is 0.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + 1e-6 * (double)t->tv_usec;
}

int main(int argc, char **argv)
{
	struct rusage used;
	int status = 0;
	FILE *out;
	pid_t pid;

	if (argc < 3)
		return 2;
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || getrusage(RUSAGE_CHILDREN, &used) != 0)
		return 1;
	out = fopen(argv[1], "w");
	if (!out)
		return 1;
	fprintf(out, "%d %.2f %ld\n",
		WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
		seconds(&used.ru_utime) + seconds(&used.ru_stime), used.ru_maxrss);
	return fclose(out) == 0 ? 0 : 1;
}
