/*
 * system.h - the calls of the system on files: the one way from quern to them. qn_sys_NAME is NAME(2) or
 * NAME(3), with its arguments, its values and errno. Everything that touches the file system goes
 * through here, so that a build for tests can have any of it fail (tests/testing/plan.h);
 * tests/rules/layers.sh refuses the calls themselves elsewhere.
 *
 * Nothing here is collective, and nothing is added to what the system does: what is more than a call is
 * in file.h and publish.h.
 */
#ifndef QN_BASE_SYSTEM_H
#define QN_BASE_SYSTEM_H

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

/* --- opening --- */

/* mode: of a file that is made, otherwise 0. */
int qn_sys_open(const char *path, int flags, mode_t mode);
/* Of a file that is there. */
int qn_sys_openat(int folder, const char *path, int flags, mode_t mode);
int qn_sys_close(int fd);
FILE *qn_sys_fopen(const char *path, const char *mode);

/* --- what is there --- */

int qn_sys_stat(const char *path, struct stat *out);
int qn_sys_lstat(const char *path, struct stat *out);
int qn_sys_fstat(int fd, struct stat *out);
int qn_sys_fstatfs(int fd, struct statfs *out);
int qn_sys_statvfs(const char *path, struct statvfs *out);
int qn_sys_access(const char *path, int mode);
int qn_sys_faccessat(int folder, const char *path, int mode, int flags);
ssize_t qn_sys_getxattr(const char *path, const char *name, void *out, size_t nbytes);
ssize_t qn_sys_readlink(const char *path, char *out, size_t nbytes);
/* Returns it owned; out is NULL. */
char *qn_sys_realpath(const char *path, char *out);
int qn_sys_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *out);
DIR *qn_sys_opendir(const char *path);
struct dirent *qn_sys_readdir(DIR *d);
int qn_sys_closedir(DIR *d);

/* --- bytes --- */

ssize_t qn_sys_read(int fd, void *out, size_t nbytes);
ssize_t qn_sys_pread(int fd, void *out, size_t nbytes, off_t offset);
ssize_t qn_sys_write(int fd, const void *bytes, size_t nbytes);
ssize_t qn_sys_pwrite(int fd, const void *bytes, size_t nbytes, off_t offset);
/* Of data, and the only call here that goes on: reads nbytes at an offset. Returns how many it has read:
   fewer only at the end of the file, or -1 with errno. Tests slow it down. */
ssize_t qn_sys_read_data(int fd, void *out, size_t nbytes, uint64_t offset);
void *qn_sys_mmap(void *at, size_t nbytes, int protection, int flags, int fd, off_t offset);
int qn_sys_munmap(void *at, size_t nbytes);
/* Returns the error, not errno. */
int qn_sys_posix_fadvise(int fd, off_t offset, off_t nbytes, int advice);

/* --- changes --- */

int qn_sys_fsync(int fd);
int qn_sys_ftruncate(int fd, off_t nbytes);
/* Returns the error, not errno. */
int qn_sys_posix_fallocate(int fd, off_t offset, off_t nbytes);
int qn_sys_rename(const char *from, const char *to);
int qn_sys_rename_new(const char *from, const char *to); /* EEXIST: `to` is there */
int qn_sys_unlink(const char *path);
int qn_sys_unlinkat(int folder, const char *path, int flags);
int qn_sys_mkdir(const char *path, mode_t mode);
int qn_sys_rmdir(const char *path);
int qn_sys_flock(int fd, int operation);
int qn_sys_fchmod(int fd, mode_t mode);
int qn_sys_fchown(int fd, uid_t user, gid_t group);
int qn_sys_futimens(int fd, const struct timespec times[2]);

#endif
