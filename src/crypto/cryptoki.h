/* The part of PKCS#11 v2.40 (OASIS, "Cryptographic Token Interface Base Specification", 3 and 5) that signing with a key in a
 * token takes: numbers, records and the first functions of the list in their order. Records as Unix lays them out, unpacked. */
#pragma once
#include <stdint.h>

typedef unsigned long ck_ulong; /* CK_ULONG, and every handle, flag and return value */

enum { /* CK_RV */
	CKR_OK = 0x000, CKR_PIN_INCORRECT = 0x0a0, CKR_PIN_INVALID = 0x0a1, CKR_PIN_LEN_RANGE = 0x0a2, CKR_PIN_EXPIRED = 0x0a3,
	CKR_PIN_LOCKED = 0x0a4, CKR_MECHANISM_INVALID = 0x070, CKR_USER_ALREADY_LOGGED_IN = 0x100, CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191,
};
enum { CKO_PUBLIC_KEY = 2, CKO_PRIVATE_KEY = 3, CKK_EC = 3, CKK_EC_EDWARDS = 0x40 };
enum { CKA_CLASS = 0x000, CKA_LABEL = 0x003, CKA_KEY_TYPE = 0x100, CKA_ID = 0x102, CKA_EC_PARAMS = 0x180, CKA_EC_POINT = 0x181 };
enum { CKM_ECDSA = 0x1041, CKM_EDDSA = 0x1057 };
enum { CKF_SERIAL_SESSION = 0x004, CKF_LOGIN_REQUIRED = 0x004, CKU_USER = 1 };

struct ck_version { uint8_t major, minor; };
struct ck_attribute { ck_ulong type; void *value; ck_ulong len; };
struct ck_mechanism { ck_ulong mechanism; void *parameter; ck_ulong len; };
struct ck_token_info { /* texts are padded with blanks and end with no NUL */
	uint8_t  label[32], manufacturer[32], model[16], serial[16];
	ck_ulong flags, max_sessions, sessions, max_rw_sessions, rw_sessions, max_pin, min_pin;
	ck_ulong total_public, free_public, total_private, free_private;
	struct ck_version hardware, firmware;
	uint8_t  utc[16];
};

typedef ck_ulong (*ck_other)(void); /* one that is never called here */
struct ck_functions { /* CK_FUNCTION_LIST, up to C_Sign */
	struct ck_version version;
	ck_ulong (*initialize)(void *args);
	ck_ulong (*finalize)(void *reserved);
	ck_other get_info, get_function_list;
	ck_ulong (*get_slot_list)(uint8_t present, ck_ulong *slots, ck_ulong *n);
	ck_other get_slot_info;
	ck_ulong (*get_token_info)(ck_ulong slot, struct ck_token_info *out);
	ck_other get_mechanism_list, get_mechanism_info, init_token, init_pin, set_pin;
	ck_ulong (*open_session)(ck_ulong slot, ck_ulong flags, void *app, void *notify, ck_ulong *session);
	ck_ulong (*close_session)(ck_ulong session);
	ck_other close_all_sessions, get_session_info, get_operation_state, set_operation_state;
	ck_ulong (*login)(ck_ulong session, ck_ulong user, uint8_t *pin, ck_ulong n);
	ck_other logout, create_object, copy_object, destroy_object, get_object_size;
	ck_ulong (*get_attribute_value)(ck_ulong session, ck_ulong object, struct ck_attribute *a, ck_ulong n);
	ck_other set_attribute_value;
	ck_ulong (*find_objects_init)(ck_ulong session, struct ck_attribute *a, ck_ulong n);
	ck_ulong (*find_objects)(ck_ulong session, ck_ulong *objects, ck_ulong max, ck_ulong *n);
	ck_ulong (*find_objects_final)(ck_ulong session);
	ck_other encrypt_init, encrypt, encrypt_update, encrypt_final, decrypt_init, decrypt, decrypt_update, decrypt_final;
	ck_other digest_init, digest, digest_update, digest_key, digest_final;
	ck_ulong (*sign_init)(ck_ulong session, struct ck_mechanism *m, ck_ulong key);
	ck_ulong (*sign)(ck_ulong session, uint8_t *data, ck_ulong n, uint8_t *sig, ck_ulong *sig_n);
};
typedef ck_ulong (*ck_get_function_list)(struct ck_functions **out);
