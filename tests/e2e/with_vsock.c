/* Preloaded into a launcher: a host that has vsock, as far as somebody who starts no guest can tell. What is taken of it is said. */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void real(const char *name, void *out)
{
	void *sym = dlsym(RTLD_NEXT, name);

	if (!sym)
		abort();
	memcpy(out, &sym, sizeof(sym));
}

int open64(const char *path, int flags, ...);
int open64(const char *path, int flags, ...)
{
	int (*f)(const char *, int, ...);
	va_list ap;
	unsigned mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0;
	va_end(ap);
	real("open64", &f);
	return f(strcmp(path, "/dev/vhost-vsock") == 0 ? "/dev/null" : path, flags, mode);
}

int ioctl(int fd, unsigned long what, ...)
{
	int (*f)(int, unsigned long, ...);
	va_list ap;
	void *arg;

	va_start(ap, what);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (what == VHOST_VSOCK_SET_GUEST_CID)
		return dprintf(2, "taken: number\n") < 0;
	if (what == VHOST_GET_FEATURES)
		return 0;
	real("ioctl", &f);
	return f(fd, what, arg);
}

int socket(int domain, int type, int protocol)
{
	int (*f)(int, int, int);

	real("socket", &f);
	return f(domain == AF_VSOCK ? AF_UNIX : domain, type, protocol);
}

int bind(int fd, __CONST_SOCKADDR_ARG at, socklen_t n)
{
	int (*f)(int, const struct sockaddr *, socklen_t);

	if (at.__sockaddr__->sa_family == AF_VSOCK)
		return 0;
	real("bind", &f);
	return f(fd, at.__sockaddr__, n);
}
