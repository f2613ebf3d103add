#include "base/system.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/xattr.h>

/* --- opening --- */

int qn_sys_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

int qn_sys_openat(int folder, const char *path, int flags, mode_t mode)
{
	return openat(folder, path, flags, mode);
}

int qn_sys_close(int fd)
{
	return close(fd);
}

FILE *qn_sys_fopen(const char *path, const char *mode)
{
	return fopen(path, mode);
}

/* --- what is there --- */

int qn_sys_stat(const char *path, struct stat *out)
{
	return stat(path, out);
}

int qn_sys_lstat(const char *path, struct stat *out)
{
	return lstat(path, out);
}

int qn_sys_fstat(int fd, struct stat *out)
{
	return fstat(fd, out);
}

int qn_sys_fstatfs(int fd, struct statfs *out)
{
	return fstatfs(fd, out);
}

int qn_sys_statvfs(const char *path, struct statvfs *out)
{
	return statvfs(path, out);
}

int qn_sys_access(const char *path, int mode)
{
	return access(path, mode);
}

int qn_sys_faccessat(int folder, const char *path, int mode, int flags)
{
	return faccessat(folder, path, mode, flags);
}

ssize_t qn_sys_getxattr(const char *path, const char *name, void *out, size_t nbytes)
{
	return getxattr(path, name, out, nbytes);
}

ssize_t qn_sys_readlink(const char *path, char *out, size_t nbytes)
{
	return readlink(path, out, nbytes);
}

char *qn_sys_realpath(const char *path, char *out)
{
	return realpath(path, out);
}

int qn_sys_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *out)
{
	return glob(pattern, flags, failed, out);
}

DIR *qn_sys_opendir(const char *path)
{
	return opendir(path);
}

struct dirent *qn_sys_readdir(DIR *d)
{
	return readdir(d);
}

int qn_sys_closedir(DIR *d)
{
	return closedir(d);
}

/* --- bytes --- */

ssize_t qn_sys_read(int fd, void *out, size_t nbytes)
{
	return read(fd, out, nbytes);
}

ssize_t qn_sys_pread(int fd, void *out, size_t nbytes, off_t offset)
{
	return pread(fd, out, nbytes, offset);
}

ssize_t qn_sys_write(int fd, const void *bytes, size_t nbytes)
{
	return write(fd, bytes, nbytes);
}

ssize_t qn_sys_pwrite(int fd, const void *bytes, size_t nbytes, off_t offset)
{
	return pwrite(fd, bytes, nbytes, offset);
}

ssize_t qn_sys_read_data(int fd, void *out, size_t nbytes, uint64_t offset)
{
	size_t done = 0;

	while (done < nbytes) {
		ssize_t n = pread(fd, (char *)out + done, nbytes - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

void *qn_sys_mmap(void *at, size_t nbytes, int protection, int flags, int fd, off_t offset)
{
	return mmap(at, nbytes, protection, flags, fd, offset);
}

int qn_sys_munmap(void *at, size_t nbytes)
{
	return munmap(at, nbytes);
}

int qn_sys_posix_fadvise(int fd, off_t offset, off_t nbytes, int advice)
{
	return posix_fadvise(fd, offset, nbytes, advice);
}

/* --- changes --- */

int qn_sys_fsync(int fd)
{
	return fsync(fd);
}

int qn_sys_ftruncate(int fd, off_t nbytes)
{
	return ftruncate(fd, nbytes);
}

int qn_sys_posix_fallocate(int fd, off_t offset, off_t nbytes)
{
	return posix_fallocate(fd, offset, nbytes);
}

int qn_sys_rename(const char *from, const char *to)
{
	return rename(from, to);
}

int qn_sys_rename_new(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int qn_sys_unlink(const char *path)
{
	return unlink(path);
}

int qn_sys_unlinkat(int folder, const char *path, int flags)
{
	return unlinkat(folder, path, flags);
}

int qn_sys_mkdir(const char *path, mode_t mode)
{
	return mkdir(path, mode);
}

int qn_sys_rmdir(const char *path)
{
	return rmdir(path);
}

int qn_sys_flock(int fd, int operation)
{
	return flock(fd, operation);
}

int qn_sys_fchmod(int fd, mode_t mode)
{
	return fchmod(fd, mode);
}

int qn_sys_fchown(int fd, uid_t user, gid_t group)
{
	return fchown(fd, user, group);
}

int qn_sys_futimens(int fd, const struct timespec times[2])
{
	return futimens(fd, times);
}
