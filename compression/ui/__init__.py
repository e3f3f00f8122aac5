"""The page: components, wiring and drawings. Nothing outside this package imports gradio."""

import os

# Gradio reads this when it is imported: a page about honesty does not phone home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
