/*
 * pty - runs a command on a terminal of so many columns, and copies what it writes there.
 *
 *	pty COLUMNS COMMAND [ARG...]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void become(const char *terminal, unsigned short columns, char **command)
{
	int fd = open(terminal, O_RDWR);
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	struct termios t;

	if (fd < 0 || ioctl(fd, TIOCSWINSZ, &size) || tcgetattr(fd, &t))
		_exit(126);
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	execvp(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), status = -1;
	char bytes[4096];
	ssize_t n;
	pid_t child;

	if (argc < 3 || master < 0 || grantpt(master) || unlockpt(master)) {
		fputs("usage: pty COLUMNS COMMAND [ARG...]\n", stderr);
		return 125;
	}
	child = fork();
	if (child == 0)
		become(ptsname(master), (unsigned short)atoi(argv[1]), argv + 2);
	/* It ends with an error when nobody has the terminal any more. */
	while ((n = read(master, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)n, stdout);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 125;
	return WEXITSTATUS(status);
}
