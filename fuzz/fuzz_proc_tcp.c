#include <stdlib.h>

#include "agent/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct proc_peer peer = { 0x7f000001, 0x7f000001, 50000, 8006 };

	for (int v6 = 0; v6 < 2; v6++) {
		uint64_t inode = 0;

		if (proc_tcp_inode((struct span){ p, n }, v6, &peer, &inode) ? inode == 0 : inode != 0)
			abort();
	}
	return 0;
}
