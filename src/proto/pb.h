/* protobuf-c messages from hostile bytes: bounded memory, no unknown fields anywhere.
 * An unknown field is refused because whoever sent it expects something that would silently not happen. */
#pragma once
#include <protobuf-c/protobuf-c.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define PB_MEMORY_MAX (32u << 20) /* bytes one message may take unpacked */

/* COFFER_E_INPUT malformed or an unknown field, COFFER_E_LIMIT beyond the bound. Free *out with pb_free. */
enum coffer_rc pb_unpack(const ProtobufCMessageDescriptor *d, struct span in, ProtobufCMessage **out, struct err *e) NODISCARD;
void           pb_free(ProtobufCMessage *m); /* NULL is fine */
static inline void pb_freep(ProtobufCMessage **m) { pb_free(*m); *m = NULL; }

/* Appends the encoding. A message that does not fit makes the writer fail. */
void pb_pack(const ProtobufCMessage *m, struct wr *w);
