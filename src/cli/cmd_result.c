/* coffer result open: a named output, for the one it was sealed to. */
