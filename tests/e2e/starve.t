#!/bin/sh
# Each system call fails in turn, and the disk is full: what cannot be read is
# doubt, and what could not be done is said.
exec "$(dirname "$0")/../crash/run" selftest starve fulldisk
