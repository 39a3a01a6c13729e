#!/bin/sh
# The daemon is killed in the midst of pushes, moves and deletions: what it acknowledged is there, and
# all goes on.
exec "$(dirname "$0")/../crash/daemon"
