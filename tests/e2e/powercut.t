#!/bin/sh
# Power is cut after each change and each sync, in simulation: only what was
# synced survives, and of the rest anything or nothing.
exec "$(dirname "$0")/../crash/run" selftest powercut
