"""The page: components, wiring and drawings. Nothing outside this package imports gradio."""

import os

from compression.places import settle

# Gradio reads this when it is imported: a page about honesty does not phone home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")


def launch(host: str | None = None, port: int | None = None) -> None:
    """Serves the page until interrupted, wherever it may write; see `server.launch`.

    Gradio is imported only once the folders for runs and downloads are settled: its libraries read them then.
    """
    temporary = settle()
    from compression.ui import server
    from compression.ui.words import say

    if temporary is not None:
        print(say("kept-briefly", folder=temporary), flush=True)
    server.launch(host, port)
