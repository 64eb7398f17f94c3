/*
 * Pulls the plug on one program: a model of what a power cut leaves on the disk.
 *
 *   cc -O2 -shared -fPIC -o shim.so shim.c
 *   LD_PRELOAD=shim.so DBROOT=/directory/of/the/program SHADOW=/directory/of/the/model program …
 *
 * While the program works in DBROOT, SHADOW holds what the disk would hold if the power went now. Kill the program,
 * put a copy of SHADOW in the place of DBROOT, start it again: that is a power cut. (SHADOW.pending beside it holds
 * the synced content of files whose names are not durable yet; it is of no use to anybody else.)
 *
 * The model is as strict as POSIX allows:
 * - What was written survives only if an fsync or fdatasync of the file was begun afterwards. Only the ranges
 *   written since the last one are copied, so that a sync costs what it would cost a disk, not the whole file.
 * - sync_file_range makes nothing durable: it covers neither the metadata nor the drive's cache.
 * - A name that is made, moved or removed is durable only after an fsync of its directory; before, the disk has what
 *   stood there before. A file whose name is durable and whose content never was is empty.
 * It is lenient in this: directories themselves, and what is removed by unlinkat (whole trees), are durable at once;
 * memory maps are not seen.
 *
 * Files are told apart by their inodes. Everything happens under one lock, so that a sync that has nothing left to
 * copy does not return before another one that is still copying. The program itself is not made to wait for a disk:
 * as long as only the program is killed, the kernel's cache is enough.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define RANGES_MAX 256
#define BUCKETS 4096

struct range {
	off_t start, end;
};

/* A file in DBROOT that the program has opened. */
struct file {
	struct file *next;
	ino_t inode;
	char *name;   /* where the program sees it, from DBROOT on: "/db/conf" */
	char *stored; /* the whole path of its content in the model; NULL: none yet */
	int has_name; /* the name is durable: `stored` is where it belongs */
	int content;  /* `stored`, opened; -1: not yet */
	int count;
	struct range dirty[RANGES_MAX];
};

/* A name that is gone for the program and not yet for the disk. */
struct removal {
	struct removal *next;
	char *name;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files[BUCKETS];
static struct removal *removals;
static char root[PATH_MAX], shadow[PATH_MAX - 16];
static dev_t device;
static int is_on;

__attribute__((constructor)) static void begin(void)
{
	const char *from = getenv("DBROOT"), *to = getenv("SHADOW");
	struct stat status;
	is_on = from && to && realpath(from, root) && !stat(root, &status) && strlen(to) < sizeof shadow && to[0] == '/';
	device = status.st_dev;
	if (is_on)
		strcpy(shadow, to);
}

/* ---- The system, without ourselves in between. */

static int sys_open(const char *path, int flags, mode_t mode)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

static void sys_unlink(const char *path)
{
	syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static int sys_rename(const char *from, const char *to)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* Makes the directories above `path`. */
static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		syscall(SYS_mkdirat, AT_FDCWD, path, 0755);
		*slash = '/';
	}
}

/* A model that cannot be kept up proves nothing: stop, loudly. */
static void fail(const char *what, const char *path)
{
	dprintf(2, "power cut: %s %s: %s\n", what, path, strerror(errno));
	abort();
}

/* ---- Paths. */

/* What follows DBROOT in a path, or NULL. */
static const char *inside(const char *path)
{
	size_t len = strlen(root);
	return !strncmp(path, root, len) && path[len] == '/' ? path + len : NULL;
}

/* The path of an open file, if it is in DBROOT and not deleted. The part from DBROOT on. */
static const char *name_of_fd(int fd, char path[PATH_MAX])
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, PATH_MAX - 1);
	if (len <= 0)
		return NULL;
	path[len] = 0;
	const char *deleted = " (deleted)";
	size_t tail = strlen(deleted);
	if ((size_t)len > tail && !strcmp(path + len - tail, deleted))
		return NULL;
	if (!strcmp(path, root))
		return path + len;
	return inside(path);
}

/* As above for a path that the program used: its directory is resolved, its last part is not. */
static const char *name_of_path(int at, const char *path, char whole[PATH_MAX])
{
	char copy[PATH_MAX], base[PATH_MAX];
	if (path[0] != '/' && at != AT_FDCWD) {
		const char *name = name_of_fd(at, base);
		if (!name || snprintf(copy, sizeof copy, "%s/%s", base, path) >= (int)sizeof copy)
			return NULL;
	} else if (snprintf(copy, sizeof copy, path[0] == '/' ? "%s" : "./%s", path) >= (int)sizeof copy) {
		return NULL;
	}
	char *slash = strrchr(copy, '/');
	*slash = 0;
	if (!realpath(slash == copy ? "/" : copy, base))
		return NULL;
	if (snprintf(whole, PATH_MAX, "%s/%s", base, slash + 1) >= PATH_MAX)
		return NULL;
	return inside(whole);
}

static void in_shadow(const char *name, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s%s", shadow, name) >= PATH_MAX)
		fail("too long", name);
}

static int is_in_directory(const char *name, const char *directory)
{
	size_t len = strlen(directory);
	return !strncmp(name, directory, len) && name[len] == '/' && !strchr(name + len + 1, '/');
}

/* ---- Files. */

static struct file **find(ino_t inode)
{
	struct file **place = &files[inode % BUCKETS];
	while (*place && (*place)->inode != inode)
		place = &(*place)->next;
	return place;
}

static void forget(struct file **place)
{
	struct file *file = *place;
	*place = file->next;
	if (file->content >= 0)
		syscall(SYS_close, file->content);
	if (file->stored && !file->has_name && strstr(file->stored, ".pending/"))
		sys_unlink(file->stored);
	free(file->name);
	free(file->stored);
	free(file);
}

static void dirty(struct file *file, off_t start, off_t end)
{
	if (start >= end)
		return;
	if (file->count) {
		struct range *last = &file->dirty[file->count - 1];
		if (start <= last->end && end >= last->start) {
			last->start = start < last->start ? start : last->start;
			last->end = end > last->end ? end : last->end;
			return;
		}
	}
	if (file->count == RANGES_MAX) {
		for (int i = 1; i < RANGES_MAX; i++) {
			if (file->dirty[i].start < file->dirty[0].start)
				file->dirty[0].start = file->dirty[i].start;
			if (file->dirty[i].end > file->dirty[0].end)
				file->dirty[0].end = file->dirty[i].end;
		}
		file->count = 1;
		dirty(file, start, end);
		return;
	}
	file->dirty[file->count++] = (struct range){start, end};
}

/* The file behind `fd`; NULL where it is none of ours. Called with the lock. */
static struct file *known(int fd, const struct stat *status)
{
	struct file **place = find(status->st_ino);
	if (*place)
		return *place;
	char path[PATH_MAX], stored[PATH_MAX];
	const char *name = name_of_fd(fd, path);
	if (!name)
		return NULL;
	struct file *file = calloc(1, sizeof *file);
	if (!file)
		abort();
	file->inode = status->st_ino;
	file->name = strdup(name);
	file->content = -1;
	/* What the model has under this name is this file, if nobody said otherwise; else all of it is new. */
	in_shadow(name, stored);
	struct removal *removal = removals;
	while (removal && strcmp(removal->name, name))
		removal = removal->next;
	if (!removal && !access(stored, F_OK)) {
		file->stored = strdup(stored);
		file->has_name = 1;
	} else {
		dirty(file, 0, status->st_size);
	}
	*place = file;
	return file;
}

/* A regular file in DBROOT is behind `fd`: returns it with the lock held. */
static struct file *take(int fd, struct stat *status)
{
	int before = errno;
	struct file *file = NULL;
	if (is_on && !fstat(fd, status) && S_ISREG(status->st_mode) && status->st_dev == device) {
		pthread_mutex_lock(&lock);
		file = known(fd, status);
		if (!file)
			pthread_mutex_unlock(&lock);
	}
	errno = before;
	return file;
}

static void written(int fd, off_t start, ssize_t len)
{
	struct stat status;
	struct file *file = len > 0 ? take(fd, &status) : NULL;
	if (file) {
		dirty(file, start, start + len);
		pthread_mutex_unlock(&lock);
	}
}

/* Written at the file's own position, which has moved on behind it. */
static void written_here(int fd, ssize_t len)
{
	struct stat status;
	struct file *file = len > 0 ? take(fd, &status) : NULL;
	if (file) {
		off_t end = lseek(fd, 0, SEEK_CUR);
		dirty(file, end - len, end);
		pthread_mutex_unlock(&lock);
	}
}

/* ---- What a sync makes durable. */

/* Where content waits whose name is not durable. */
static void pending(const struct file *file, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s.pending/%ju", shadow, (uintmax_t)file->inode) >= PATH_MAX)
		fail("too long", shadow);
}

static void open_content(struct file *file)
{
	if (!file->stored) {
		char path[PATH_MAX];
		pending(file, path);
		make_parents(path);
		sys_unlink(path);
		file->stored = strdup(path);
	}
	if (file->content < 0)
		file->content = sys_open(file->stored, O_RDWR | O_CREAT, 0644);
	if (file->content < 0)
		fail("cannot open", file->stored);
}

static void copy(struct file *file, int from, struct range range)
{
	static char buffer[1 << 20];
	while (range.start < range.end) {
		size_t len = range.end - range.start;
		ssize_t got = syscall(SYS_pread64, from, buffer, len < sizeof buffer ? len : sizeof buffer, range.start);
		if (got < 0)
			fail("cannot read", file->name);
		if (!got)
			return;
		if (syscall(SYS_pwrite64, file->content, buffer, got, range.start) != got)
			fail("cannot write", file->stored);
		range.start += got;
	}
}

static void sync_file(int fd, struct file *file)
{
	struct stat status;
	open_content(file);
	if (file->count) {
		char link[64];
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		int from = sys_open(link, O_RDONLY, 0);
		if (from < 0)
			fail("cannot open", file->name);
		for (int i = 0; i < file->count; i++)
			copy(file, from, file->dirty[i]);
		file->count = 0;
		syscall(SYS_close, from);
	}
	if (fstat(fd, &status) || syscall(SYS_ftruncate, file->content, status.st_size))
		fail("cannot resize", file->stored);
}

static void move_content(struct file *file, char *path)
{
	make_parents(path);
	if (strcmp(file->stored, path) && sys_rename(file->stored, path))
		fail("cannot move", file->stored);
	free(file->stored);
	file->stored = strdup(path);
}

static int is_stored(const char *path)
{
	for (int bucket = 0; bucket < BUCKETS; bucket++)
		for (struct file *file = files[bucket]; file; file = file->next)
			if (file->stored && !strcmp(file->stored, path))
				return 1;
	return 0;
}

/* The names in a directory become what the program sees: first all that moves is taken up, then it is put down, so
 * that names may change places; what then still lies under a name that is gone is removed. */
static void sync_directory(const char *directory)
{
	char path[PATH_MAX];
	for (int puts_down = 0; puts_down < 2; puts_down++) {
		for (int bucket = 0; bucket < BUCKETS; bucket++) {
			for (struct file *file = files[bucket]; file; file = file->next) {
				if (file->has_name || !is_in_directory(file->name, directory))
					continue;
				open_content(file);
				if (puts_down)
					in_shadow(file->name, path);
				else
					pending(file, path);
				move_content(file, path);
				file->has_name = puts_down;
			}
		}
	}
	struct removal **place = &removals;
	while (*place) {
		struct removal *removal = *place;
		if (!is_in_directory(removal->name, directory)) {
			place = &removal->next;
			continue;
		}
		in_shadow(removal->name, path);
		if (!is_stored(path))
			sys_unlink(path);
		*place = removal->next;
		free(removal->name);
		free(removal);
	}
}

static int synced(int fd, long call)
{
	struct stat status;
	if (!is_on)
		return syscall(call, fd);
	struct file *file = take(fd, &status);
	if (file) {
		sync_file(fd, file);
		pthread_mutex_unlock(&lock);
	} else if (!fstat(fd, &status) && S_ISDIR(status.st_mode)) {
		char path[PATH_MAX];
		const char *name = name_of_fd(fd, path);
		if (name) {
			pthread_mutex_lock(&lock);
			sync_directory(name);
			pthread_mutex_unlock(&lock);
		}
	}
	return 0;
}

/* ---- Names that change. Called with the lock. */

static void removed(const char *name)
{
	struct removal *removal = malloc(sizeof *removal);
	if (!removal)
		abort();
	removal->name = strdup(name);
	removal->next = removals;
	removals = removal;
}

static void moved_file(ino_t inode, const char *from, const char *to)
{
	struct file *file = *find(inode);
	if (!file) {
		/* Never written to by this program: it moves at once. */
		char old[PATH_MAX], new[PATH_MAX];
		in_shadow(from, old);
		in_shadow(to, new);
		sys_rename(old, new);
		return;
	}
	free(file->name);
	file->name = strdup(to);
	if (file->has_name)
		removed(from);
	file->has_name = 0;
}

static void moved_directory(const char *from, const char *to)
{
	char old[PATH_MAX], new[PATH_MAX];
	size_t len = strlen(from);
	in_shadow(from, old);
	in_shadow(to, new);
	make_parents(new);
	sys_rename(old, new);
	for (int bucket = 0; bucket < BUCKETS; bucket++) {
		for (struct file *file = files[bucket]; file; file = file->next) {
			if (strncmp(file->name, from, len) || file->name[len] != '/')
				continue;
			char path[PATH_MAX];
			snprintf(path, sizeof path, "%s%s", to, file->name + len);
			free(file->name);
			file->name = strdup(path);
			if (file->has_name) {
				in_shadow(file->name, path);
				free(file->stored);
				file->stored = strdup(path);
			}
		}
	}
}

/* ---- What the program calls. */

#define ALIAS(name, target) __typeof__(target) name __attribute__((alias(#target)))

static int open_at(int at, const char *path, int flags, mode_t mode)
{
	struct stat before;
	int truncates = is_on && (flags & O_TRUNC) && !fstatat(at, path, &before, 0);
	int fd = syscall(SYS_openat, at, path, flags, mode);
	if (is_on && fd >= 0 && (flags & O_ACCMODE) != O_RDONLY) {
		struct stat status;
		struct file *file = take(fd, &status);
		if (file) {
			if (truncates)
				dirty(file, 0, before.st_size);
			pthread_mutex_unlock(&lock);
		}
	}
	return fd;
}

#define MODE(flags) ({ mode_t mode = 0; if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } mode; })

int open(const char *path, int flags, ...) { return open_at(AT_FDCWD, path, flags, MODE(flags)); }
int open64(const char *path, int flags, ...) { return open_at(AT_FDCWD, path, flags, MODE(flags)); }
int openat(int at, const char *path, int flags, ...) { return open_at(at, path, flags, MODE(flags)); }
int openat64(int at, const char *path, int flags, ...) { return open_at(at, path, flags, MODE(flags)); }

ssize_t write(int fd, const void *octets, size_t len)
{
	ssize_t done = syscall(SYS_write, fd, octets, len);
	written_here(fd, done);
	return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	ssize_t done = syscall(SYS_writev, fd, parts, count);
	written_here(fd, done);
	return done;
}

ssize_t pwrite(int fd, const void *octets, size_t len, off_t offset)
{
	ssize_t done = syscall(SYS_pwrite64, fd, octets, len, offset);
	written(fd, offset, done);
	return done;
}
ALIAS(pwrite64, pwrite);

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	ssize_t done = syscall(SYS_pwritev, fd, parts, count, (long)offset, 0L);
	written(fd, offset, done);
	return done;
}
ALIAS(pwritev64, pwritev);

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t len, unsigned flags)
{
	off64_t start = to ? *to : 0;
	ssize_t done = syscall(SYS_copy_file_range, in, from, out, to, len, flags);
	if (to)
		written(out, start, done);
	else
		written_here(out, done);
	return done;
}

/* Not known where: let the program take the long way. */
ssize_t sendfile64(int out, int in, off64_t *offset, size_t len)
{
	struct stat status;
	if (is_on && !fstat(out, &status) && S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	return syscall(SYS_sendfile, out, in, offset, len);
}

int ftruncate(int fd, off_t len)
{
	struct stat before;
	int is_known = is_on && !fstat(fd, &before);
	int done = syscall(SYS_ftruncate, fd, len);
	if (!done && is_known)
		written(fd, len, before.st_size - len);
	return done;
}
ALIAS(ftruncate64, ftruncate);

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int sync_file_range(int fd, off64_t offset, off64_t len, unsigned flags)
{
	(void)fd, (void)offset, (void)len, (void)flags;
	return 0;
}

int renameat2(int at, const char *from, int to_at, const char *to, unsigned flags)
{
	char old[PATH_MAX], new[PATH_MAX];
	struct stat status, replaced;
	const char *old_name = is_on ? name_of_path(at, from, old) : NULL;
	const char *new_name = is_on ? name_of_path(to_at, to, new) : NULL;
	if (!old_name || !new_name || flags)
		return syscall(SYS_renameat2, at, from, to_at, to, flags);

	pthread_mutex_lock(&lock);
	int is_known = !lstat(old, &status), replaces = !lstat(new, &replaced);
	int done = syscall(SYS_renameat2, at, from, to_at, to, flags);
	if (!done && is_known && S_ISDIR(status.st_mode)) {
		moved_directory(old_name, new_name);
	} else if (!done && is_known) {
		if (replaces && *find(replaced.st_ino))
			forget(find(replaced.st_ino));
		moved_file(status.st_ino, old_name, new_name);
	}
	pthread_mutex_unlock(&lock);
	return done;
}

int renameat(int at, const char *from, int to_at, const char *to) { return renameat2(at, from, to_at, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int at, const char *path, int flags)
{
	char whole[PATH_MAX], stored[PATH_MAX];
	struct stat status;
	const char *name = is_on ? name_of_path(at, path, whole) : NULL;
	if (!name)
		return syscall(SYS_unlinkat, at, path, flags);

	pthread_mutex_lock(&lock);
	int is_known = !lstat(whole, &status);
	int done = syscall(SYS_unlinkat, at, path, flags);
	if (!done && is_known && status.st_nlink <= 1 && *find(status.st_ino))
		forget(find(status.st_ino));
	if (!done) {
		in_shadow(name, stored);
		syscall(SYS_unlinkat, AT_FDCWD, stored, flags);
	}
	pthread_mutex_unlock(&lock);
	return done;
}

int unlink(const char *path)
{
	char whole[PATH_MAX];
	struct stat status;
	const char *name = is_on ? name_of_path(AT_FDCWD, path, whole) : NULL;
	if (!name)
		return syscall(SYS_unlinkat, AT_FDCWD, path, 0);

	pthread_mutex_lock(&lock);
	int is_known = !lstat(whole, &status);
	int done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	if (!done && is_known && status.st_nlink <= 1 && *find(status.st_ino))
		forget(find(status.st_ino));
	if (!done)
		removed(name);
	pthread_mutex_unlock(&lock);
	return done;
}
