"""Runs a command from a process as small as can be, since a process inherits its starter's peak.

usage: python measure.py COMMAND…, which prints its seconds and peak megabytes
"""

import os
import sys
import time

began = time.perf_counter()
child = os.posix_spawn(
    sys.argv[1],
    sys.argv[1:],
    os.environ,
    file_actions=[(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)],
)
_, status, used = os.wait4(child, 0)
unit = 1024 if sys.platform == "linux" else 1024 * 1024
print(time.perf_counter() - began, used.ru_maxrss / unit)
sys.exit(os.waitstatus_to_exitcode(status))
