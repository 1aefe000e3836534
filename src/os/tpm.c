#include "os/tpm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

#define HEADER 10

enum coffer_rc tpm_device_open(int *fd, struct err *e)
{
	static const char *const devices[] = { "/dev/tpmrm0", "/dev/tpm0" };

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		int got = open(devices[i], O_RDWR | O_CLOEXEC);

		if (got >= 0) {
			*fd = got;
			return COFFER_OK;
		}
		if (errno != ENOENT && errno != ENODEV)
			return err_set(e, COFFER_E_SYSTEM, "%s: %s", devices[i], strerror(errno));
	}
	return err_set(e, COFFER_E_NOTFOUND, "this machine has no TPM (/dev/tpmrm0, /dev/tpm0)");
}

static int socket_open(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(at.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return -1;
	return MOVE_FD(fd);
}

enum coffer_rc tpm_path_open(const char *path, int *fd, struct err *e)
{
	struct stat st;
	int got = -1;

	if (stat(path, &st) != 0)
		return err_set(e, errno == ENOENT ? COFFER_E_NOTFOUND : COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	if (S_ISSOCK(st.st_mode))
		got = socket_open(path);
	else if (S_ISCHR(st.st_mode))
		got = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	else
		return err_set(e, COFFER_E_INPUT, "%s is neither a device nor a socket", path);
	if (got < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	*fd = got;
	return COFFER_OK;
}

/* A device takes a command in one write. */
static bool send_all(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = span_skip(s, (size_t)n);
	}
	return true;
}

/* How long an answer says it is; 0: not yet known. */
static size_t length(const struct wr *w)
{
	struct rd r = rd_open(span_skip(wr_span(w), 2));

	return w->n < HEADER ? 0 : rd_be32(&r);
}

/* The kernel's limits are short for a TPM that is a program of a busy host: 750 ms for an extension. */
enum coffer_rc tpm_device_transact(int fd, struct span command, size_t max, struct wr *response, struct err *e)
{
	uint8_t buf[4096];

	*response = wr_open(max);
	if (!send_all(fd, command))
		return errno == ETIME ? COFFER_OK : err_set(e, COFFER_E_UPSTREAM, "tpm: %s", strerror(errno));
	while (response->n < HEADER || response->n < length(response)) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ETIME && response->n == 0)
			return COFFER_OK;
		if (n <= 0)
			return err_set(e, COFFER_E_UPSTREAM, "tpm: %s", n < 0 ? strerror(errno) : "it hung up");
		wr_put(response, (struct span){ buf, (size_t)n });
		TRY(wr_done(response, "a TPM's answer", e));
		if (response->n >= HEADER && (length(response) < HEADER || length(response) > max))
			return err_set(e, COFFER_E_UPSTREAM, "tpm: an answer of %zu bytes", length(response));
	}
	explicit_bzero(buf, sizeof(buf));
	if (response->n != length(response))
		return err_set(e, COFFER_E_UPSTREAM, "tpm: bytes behind an answer");
	return COFFER_OK;
}
