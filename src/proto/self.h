/* How the trust service attests itself: what its machine's evidence is bound to, and how that is asked for (docs/protocol/service.md,
 * The service's own evidence). Between a client and `net` it is JSON, between `net` and `attest` frames of os/ipc.h.
 *
 * Nobody chooses what is quoted: of a question only the nonce goes into it, hashed together with what the service is. */
#pragma once
#include "proto/rcar_tpm.h"
#include "trust/statement.h"

#define SELF_NONCE 32

/* What the service is: genesis, id, its four keys and its TLS key. Made by `keep`, which holds the keys, and by clients out of the
 * service statement that they verified. */
void self_binding(const uint8_t genesis[static 32], const struct service *s, uint8_t out[static 32]);
/* The report data of an answer to this nonce. */
void self_report_data(const uint8_t binding[static 32], const uint8_t nonce[static SELF_NONCE], uint8_t out[static 32]);

/* ---- between client and service ---- */

#define SELF_DESCRIPTION_MAX (32u << 10)
#define SELF_REPLY_MAX (256u << 10)

/* GET: {"tee":"tpm","tpm":{"ek_cert","ak_public"}}; tpm is absent where the machine has no certificate to show. */
struct self_description { enum tee_kind tee; struct rcar_tpm tpm; };
void self_description_clear(struct self_description *d); /* CLEANUP-ready */
void self_description_write(struct wr *w, const char *tee, const struct rcar_tpm *t);
enum coffer_rc self_description_read(struct span in, struct self_description *out, struct err *e) NODISCARD;

/* POST: {"nonce":b64 of 32 bytes}, and "extra-params" with a credential as in a challenge to a guest. */
struct self_question { uint8_t nonce[SELF_NONCE]; struct rcar_tpm_answer credential; }; /* its parts are empty where there is none */
void self_question_clear(struct self_question *q); /* CLEANUP-ready */
void self_question_write(struct wr *w, const uint8_t nonce[static SELF_NONCE], const struct rcar_credential *c); /* c NULL: none */
enum coffer_rc self_question_read(struct span in, struct self_question *out, struct err *e) NODISCARD;

/* Its answer: {"tee","evidence":{...}}; evidence is JSON text, opened here. Nothing of it is judged. */
struct self_answer { enum tee_kind tee; struct wr evidence; };
void self_answer_clear(struct self_answer *a); /* CLEANUP-ready */
void self_answer_write(struct wr *w, const char *tee, struct span evidence);
enum coffer_rc self_answer_read(struct span in, struct self_answer *out, struct err *e) NODISCARD;

/* ---- between net and attest ---- */

#define SELF_FD_NET 3
#define SELF_FD_PARENT 4 /* one byte 'R' once it is in its sandbox and the machine has answered */
#define SELF_FD_MACHINE 5 /* the open TPM, or the folder of a request for reports (os/tsm.h) */
enum self_type { SELF_DESCRIBE = 1, SELF_EVIDENCE = 2 };
#define SELF_FRAME_MAX 2048
/* SELF_EVIDENCE's body: nonce, u32 length and credential, u32 length and secret. The answer's tag is an enum coffer_rc, its body the JSON
 * for the client, or the sentence of what went wrong. */
void self_frame_write(struct wr *w, const struct self_question *q);
enum coffer_rc self_frame_read(struct span b, struct self_question *out, struct err *e) NODISCARD;
