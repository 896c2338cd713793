"""A page in a headless Chromium that posts what it found."""

import functools
import http.server
import json
import pathlib
import queue
import subprocess
import threading
from typing import Any, ClassVar

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu"]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and keeps what is posted."""

    extensions_map: ClassVar = {
        ".css": "text/css",
        ".html": "text/html",
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }
    posted: queue.Queue[bytes] = queue.Queue()

    def do_POST(self) -> None:
        self.posted.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_) -> None:
        pass


def posted_by(site: pathlib.Path, page: str, profile: pathlib.Path) -> tuple[str, Any]:
    """Where the folder was served, and the JSON that its page posted.

    Args:
        profile: a folder for what the browser keeps.
    """
    handler = functools.partial(Handler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_port}/"
        command = ["chromium", *FLAGS, f"--user-data-dir={profile}", origin + page]
        browser = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return origin, json.loads(Handler.posted.get(timeout=300))
        finally:
            browser.terminate()
            browser.wait(timeout=60)
            server.shutdown()
