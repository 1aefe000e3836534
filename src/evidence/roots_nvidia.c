/* NVIDIA: the root of its devices' identities (GPUs, switches) and the root of its reference integrity manifests. EC P-384. */
#include "evidence/pinned.h"

const struct pinned roots_nvidia[] = {
	{ "NVIDIA Device Identity CA", VKEY_P384,
	  "0e4c14a33bf8a5626658db4129607e4cbf4519c4412716f4d0d917c4978005bdeabeaefd57bc66082d718a4f8b6052e1"
	  "516ee8a7c422b84de857071bb58fd395bea0cfa1c63ee7c80d6bd63901d91cbbd187d3857dc16b5cceaf238ff8c27dbd",
	  "a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4" },
	{ NULL, VKEY_P384, NULL, NULL },
};

const struct pinned roots_nvidia_rim[] = {
	{ "NVIDIA CoRIM signing Root CA", VKEY_P384,
	  "b840b28bdbcd33e230da57d4cf2065747030682d4717b4c2829d7641c1325139b74da831c2be3c779e7e2b6548956608"
	  "0e4ecd94021075c57f15fedeb862c8f906ae8fddc7b12238597dbdf0fa56e78453833f6d0be43af3871a47f057584799",
	  "dec1dc316477aa851eebdf51327ae9f864bc8d89254657ed1e7eb9168af1e1a3" },
	{ NULL, VKEY_P384, NULL, NULL },
};
