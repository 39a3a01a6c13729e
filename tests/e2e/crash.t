#!/bin/sh
# Killed before and after each change to the volume, and in the middle of writes:
# nothing reachable is missing, the next run finishes, undo still works.
exec "$(dirname "$0")/../crash/run" selftest kill
