/* Intel: the root of SGX and TDX provisioning certificates and of signed collateral. P-256; published with the provisioning
 * service's documentation. */
#include "evidence/pinned.h"

const struct pinned roots_intel[] = {
	{ "Intel SGX Root CA", VKEY_P256,
	  "0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5"
	  "67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394",
	  "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e" },
	{ NULL, VKEY_P256, NULL, NULL },
};
