"""
Our figures beside those of the peer, a plain handler written the usual way.

Each part of `__main__` measures one thing and returns a report. `cold` and `warm` let `contenders`
check restores in turns, `sweeps` measures sweeps of `open_jobs`, and `scale` of fleets that grow,
all in the real runtime. `detection` and `finding` run in `accelerated` time.
"""

import logging

# It warns about metrics of its own when a process ends, also one of those that measure.
logging.getLogger("samtranslator").setLevel(logging.ERROR)
