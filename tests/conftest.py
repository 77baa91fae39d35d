"""What every test stands on: no screen, nobody's home written to, no deadlines for property tests."""

import gc
import math
import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

from engine.machines import whole

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Recent files, journals and settings of the person who runs the tests stay untouched. The cache does not move: kernels
# that were compiled once serve every run.
_home = tempfile.TemporaryDirectory(prefix="chainrule-tests-")
for _variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
    os.environ[_variable] = str(Path(_home.name) / _variable.lower())

# Kernels compile on first use, so the first example of a property may take a hundred times as long as the second.
settings.register_profile("chainrule", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("chainrule")

# Nobody's tape is compiled as a whole behind their back: those tests that are about it ask for it.
whole.WORTH_S = math.inf

# Looking for garbage after every few hundred objects, among all that thousands of tests have made, took an eighth of the time.
gc.set_threshold(50_000)
