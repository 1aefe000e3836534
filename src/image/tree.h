/* Removing folders full of hostile names, without following anything. */
#pragma once
#include "base/err.h"

/* Removes `name` below dir_fd, whatever it is; absent is fine. Folders nest at most 256 deep (COFFER_E_LIMIT). */
enum coffer_rc tree_remove(int dir_fd, const char *name, struct err *e) NODISCARD;

/* Removes everything inside the folder and leaves the folder. */
enum coffer_rc tree_empty(int dir_fd, struct err *e) NODISCARD;
