"""Whether this is ZeroGPU, where the real package says it."""

import os
from types import SimpleNamespace

Config = SimpleNamespace(zero_gpu=os.environ.get("SPACES_ZERO_GPU") == "true")
