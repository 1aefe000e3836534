/* Runs inside a container that is entitled to nothing: for every connection of another container to the local REST API it
 * connects from the same port of another loopback address, and asks for what that other container may ask for.
 * Prints "vsock" when it could open a socket towards the host, "stolen" when the API answers 200, else "held after N tries". */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define API_PORT 8006

static int ask_from(const char *address, unsigned port)
{
	static const char ask[] = "GET /cdh/resource/hospital/note/greeting HTTP/1.1\r\nHost: x\r\n\r\n";
	struct sockaddr_in me = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(API_PORT) };
	char reply[64] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	(void)inet_pton(AF_INET, address, &me.sin_addr);
	(void)inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof(me)) != 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		(void)close(fd);
		return -1;
	}
	if (write(fd, ask, sizeof(ask) - 1) > 0)
		(void)!read(fd, reply, sizeof(reply) - 1);
	(void)close(fd);
	return strncmp(reply, "HTTP/1.1 200", 12) == 0;
}

int main(void)
{
	time_t end = time(NULL) + 3;
	unsigned tries = 0;

	if (socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0)
		return (void)puts("vsock"), 0;
	while (time(NULL) < end) {
		FILE *f = fopen("/proc/net/tcp", "re");
		unsigned from_ip, from, to_ip, to;
		char line[512];

		while (f && fgets(line, sizeof(line), f)) {
			int got;

			if (sscanf(line, " %*d: %8x:%4x %8x:%4x", &from_ip, &from, &to_ip, &to) != 4 || to != API_PORT ||
			    from_ip != htonl(INADDR_LOOPBACK))
				continue;
			got = ask_from("127.0.0.2", from);
			if (got > 0)
				return (void)puts("stolen"), 0;
			tries += got == 0;
		}
		if (f)
			(void)fclose(f);
		(void)usleep(20000);
	}
	(void)printf("held after %u tries\n", tries);
	return 0;
}
