/* One error idiom for the whole tree.
 *
 * A function that can fail in more than one way returns enum coffer_rc and takes a
 * `struct err *` as its LAST parameter. The code decides control flow; the
 * struct carries the sentence for the operator. No heap, no thread-local, safe
 * to send over a pipe. Functions with exactly one way to fail return bool.
 */
#pragma once
#include <stddef.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Closed set: a code is a decision. cofferd maps it to an HTTP status, coffer to
 * an exit code; add here, map in both places. */
enum coffer_rc {
	COFFER_OK = 0,
	COFFER_E_INPUT,     /* malformed bytes                      -> exit 3 */
	COFFER_E_DENIED,    /* well formed; policy or proof said no -> exit 1 */
	COFFER_E_NOTFOUND,  /* what was named is not there          -> exit 4 */
	COFFER_E_LIMIT,     /* a documented bound was exceeded      -> exit 3 */
	COFFER_E_UPSTREAM,  /* registry or trust service failed     -> exit 4 */
	COFFER_E_SYSTEM,    /* errno-style failure on our side      -> exit 5 */
	COFFER_E_BUG,       /* broken invariant; fail closed        -> exit 5 */
};

/* Room for a refusal that advises a whole command, with what led to it, whichever way it came. What does not fit ends with ERR_CUT: half a
 * command could be another one. */
#define ERR_MSG_MAX 2048
#define ERR_CUT "... (cut)"

struct err {
	enum coffer_rc rc;
	char       check[24]; /* with COFFER_E_DENIED: which check refused ("R9", "digest"); else empty */
	char       msg[ERR_MSG_MAX];  /* what, why, who can mend it; never secret */
};

/* Records rc and the message, returns rc:  return err_set(e, COFFER_E_INPUT, "..."); */
enum coffer_rc err_set(struct err *e, enum coffer_rc rc, const char *fmt, ...) PRINTF(3, 4);

/* As err_set with COFFER_E_DENIED, naming the check that refused. */
enum coffer_rc err_deny(struct err *e, const char *check, const char *fmt, ...) PRINTF(3, 4);

/* Prefixes context to an existing message, unless that begins with it, and returns its code unchanged. */
enum coffer_rc err_wrap(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* What was cut to room bytes with its NUL, n bytes long before, says so. */
void err_cut(char *text, size_t room, size_t n);

#ifdef __clang_analyzer__ /* it sees one file at a time: tell it that what is recorded is what is returned, and is no COFFER_OK */
#define err_set(e, rc, ...) ((void)(err_set)(e, rc, __VA_ARGS__), (rc))
#define err_deny(e, check, ...) ((void)(err_deny)(e, check, __VA_ARGS__), COFFER_E_DENIED)
#endif

/* The only macro in the tree that hides a return. Legal because every local
 * that owns something carries CLEANUP(), so leaving early leaks nothing. */
#define TRY(call)                                  \
	do {                                       \
		enum coffer_rc try_rc_ = (call);       \
		if (try_rc_ != COFFER_OK)              \
			return try_rc_;            \
	} while (0)
