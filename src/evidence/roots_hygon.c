/* Hygon: the root key of CSV (SM2), x || y. Its name is the identifier that it signs with. Published at cert.hygon.cn/hrk; the
 * key, not the certificate, is what counts. */
#include "evidence/pinned.h"

const struct pinned roots_hygon[] = {
	{ "HYGON-SSD-HRK", VKEY_SM2,
	  "be62e14d62a4f14cf3d702db09563a75c80935e785cd1f502af5f21d92c2f62d"
	  "3bab123a57bb7015584f8b97164e95384a640c10b9be884738744d68b41eb946",
	  "cd0f130d93433c4854b7f2d883c23e281de453f4fde0621c3a07866c52c45b80" },
	{ 0 },
};
