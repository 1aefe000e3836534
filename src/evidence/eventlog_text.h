/* How bytes of event logs read as text: UTF-8, UTF-16, GUIDs, and nodes of UEFI's device paths, as upstream (Trustee) prints them.
 * Whatever the bytes are, what is appended is UTF-8 without U+0000: that, and what is no character, becomes U+FFFD.
 * Spec: UEFI 2.10 sections 10.3 and 10.6.1.6. */
#pragma once
#include "base/wr.h"

void text_utf8(struct span s, struct wr *w);
void text_utf8_joined(struct span s, struct wr *w); /* U+0000 is left out instead */
/* Without its control characters; U+0010 becomes a space, as upstream has it. */
void text_utf8_plain(struct span s, struct wr *w);
/* Little-endian; an odd byte at the end is U+FFFD. False: some of it was no character. */
bool text_utf16(struct span s, struct wr *w);
/* The fields of a GUID as numbers, in capitals; 16 bytes. */
void text_guid(struct span s, struct wr *w);
/* One node without its header, by type and subtype. What has no form here, or not that length: Path(type,subtype,hex). */
void text_device_node(uint8_t type, uint8_t sub, struct span data, struct wr *w);
