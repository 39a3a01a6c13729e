#!/bin/sh
# A push is killed, starved and cut off by a power failure: no blob's name is given to other bytes, and
# what was acknowledged is there.
exec "$(dirname "$0")/../crash/push"
