/* Parts of net.cidr_* that have files of their own; net.c has the table. */
#pragma once
#include "policy/builtin/text.h"

struct val bi_net_cidr_merge(struct call *c); /* net_merge.c */
