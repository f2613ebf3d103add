/*
 * readers - for tests of the processes in which quern has the HDF5 library read.
 *
 *	readers make FILE
 *		writes datasets that are read so: /texts, strings of variable length, and /bits, numbers
 *		of 20 bits
 *	readers strike SEED kill|stop COMMAND...
 *		runs the command in a process group of its own beside a sentinel, sends SIGKILL or SIGSTOP to
 *		one of the command's children at a random instant, and prints, when the command has ended:
 *		its exit status (128 and the signal, if one ended it), how many were struck, how many
 *		processes of its group are left, and whether the sentinel lives
 *
 * Nothing is ever sent to a group.
 */
#include <ctype.h>
#include <dirent.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NTEXTS	      60000
#define NBITS	      400000
#define MOST_SECONDS  60
#define MOST_FOUND    64
#define MOST_DELAY_US 60000

/* --- the file --- */

static hid_t create(hid_t file, const char *path, hid_t type, hsize_t n, hsize_t chunk)
{
	hid_t space = H5Screate_simple(1, &n, NULL), props = H5Pcreate(H5P_DATASET_CREATE), dset;

	H5Pset_chunk(props, 1, &chunk);
	dset = H5Dcreate2(file, path, type, space, H5P_DEFAULT, props, H5P_DEFAULT);
	H5Pclose(props);
	H5Sclose(space);
	return dset;
}

static int make_texts(hid_t file)
{
	hid_t type = H5Tcopy(H5T_C_S1), dset;
	static char text[NTEXTS][16];
	static char *pointers[NTEXTS];
	int failed;

	H5Tset_size(type, H5T_VARIABLE);
	for (int i = 0; i < NTEXTS; i++) {
		snprintf(text[i], sizeof(text[i]), "text %d", i);
		pointers[i] = text[i];
	}
	dset = create(file, "texts", type, NTEXTS, 100);
	failed = H5Dwrite(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers) < 0;
	H5Dclose(dset);
	H5Tclose(type);
	return failed;
}

static int make_bits(hid_t file)
{
	hid_t type = H5Tcopy(H5T_STD_I32LE), dset;
	static int value[NBITS];
	int failed;

	H5Tset_precision(type, 20);
	for (int i = 0; i < NBITS; i++)
		value[i] = i;
	dset = create(file, "bits", type, NBITS, 500);
	failed = H5Dwrite(dset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) < 0;
	H5Dclose(dset);
	H5Tclose(type);
	return failed;
}

static int make(const char *name)
{
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), file;
	int failed;

#if H5_VERSION_GE(1, 14, 4)
	H5Pset_relax_file_integrity_checks(fapl, H5F_RFIC_ALL);
#endif
	file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
	failed = make_texts(file) || make_bits(file);
	return H5Fclose(file) < 0 || failed;
}

/* --- processes --- */

/* The parent and the group of a process, from /proc; false: it is gone. */
static int look_at(pid_t pid, int *parent, int *group, char *state)
{
	char name[64], text[512] = "", *after;
	FILE *f;
	size_t n;

	snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	f = fopen(name, "r");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	after = strrchr(text, ')');
	return after && sscanf(after + 1, " %c %d %d", state, parent, group) == 3;
}

/* Processes with that parent, or else of that group; without those that have ended. */
static int find(int wanted_parent, int wanted_group, pid_t *found)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (dir && n < MOST_FOUND && (e = readdir(dir))) {
		int parent, group, pid = isdigit((unsigned char)e->d_name[0]) ? atoi(e->d_name) : 0;
		char state;

		if (pid > 0 && look_at(pid, &parent, &group, &state) && state != 'Z' &&
		    (wanted_parent ? parent == wanted_parent : group == wanted_group))
			found[n++] = pid;
	}
	if (dir)
		closedir(dir);
	return n;
}

static void nap(long us)
{
	nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 },
		  NULL);
}

static pid_t start(pid_t group, char **command)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, group);
		if (!command)
			for (;;)
				pause();
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0)
		exit(1);
	setpgid(pid, group ? group : pid);
	return pid;
}

static int has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	       info.si_pid == pid;
}

/* Waits for children of the command; returns how many, 0 when it has ended. */
static int await(pid_t command, pid_t *found)
{
	int n;

	while ((n = find(command, 0, found)) == 0 && !has_ended(command))
		nap(300);
	return n;
}

/* Strikes one child, at an instant after the first was seen; returns how many. */
static int strike(pid_t command, int sig)
{
	pid_t found[MOST_FOUND];
	int n = await(command, found);

	nap(rand() % MOST_DELAY_US);
	n = n ? await(command, found) : 0;
	return n > 0 && kill(found[rand() % n], sig) == 0;
}

static int run(int sig, char **command)
{
	pid_t sentinel = start(0, NULL), pid = start(sentinel, command), left[MOST_FOUND];
	int nstruck = strike(pid, sig), status = 0, alive, nleft, waited = 0;

	while (waitpid(pid, &status, WNOHANG) == 0)
		if (waited++ < MOST_SECONDS * 1000)
			nap(1000);
		else
			kill(pid, SIGKILL);
	nap(20000);
	alive = waitpid(sentinel, NULL, WNOHANG) == 0;
	nleft = find(0, sentinel, left) - alive;
	if (alive) {
		kill(sentinel, SIGKILL);
		waitpid(sentinel, NULL, 0);
	}
	printf("%d %d %d %s\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
	       nstruck, nleft, alive ? "alive" : "dead");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "make"))
		return make(argv[2]);
	if (argc < 5 || strcmp(argv[1], "strike")) {
		fprintf(stderr, "usage: readers make FILE | strike SEED kill|stop COMMAND...\n");
		return 2;
	}
	srand((unsigned)atoi(argv[2]));
	return run(strcmp(argv[3], "stop") ? SIGKILL : SIGSTOP, argv + 4);
}
