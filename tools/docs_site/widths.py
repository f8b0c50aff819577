# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a page of the built site has to be scrolled sideways on a phone. Needs Chromium; nothing leaves this machine.

A page that is wide because of a table or a program does not count where that scrolls by itself.
"""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

WIDTHS = (390, 1280)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LIMIT = 300  # seconds
# Each page in turn, in frames as wide as the screens: a frame's own width is what its style looks at.
LOOK = """<!DOCTYPE html><title>looking</title><body><script>
const pages = %s, widths = %s, found = [];
async function look(page, width) {
  const frame = document.createElement("iframe");
  frame.style = `border: 0; width: ${width}px; height: 800px`;
  const loaded = new Promise(done => frame.onload = done);
  frame.src = page;
  document.body.append(frame);
  await loaded;
  const root = frame.contentDocument.documentElement;
  found.push({page, width, wide: root.scrollWidth, seen: root.clientWidth, text: root.innerText.length});
  frame.remove();
}
(async () => {
  for (const page of pages) for (const width of widths) await look(page, width);
  const told = document.createElement("pre");
  told.id = "found";
  told.textContent = JSON.stringify(found);
  document.body.append(told);
  document.title = "looked";
})();
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object, **kwargs: object) -> None:
        pass


def check(site: Path) -> None:
    browser = next((path for name in NAMES if (path := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(f"None of {', '.join(NAMES)} is installed, so that the widths were not looked at.")
    pages = [str(path.relative_to(site)) for path in sorted(site.rglob("*.html"))]
    look = site / "look-at-widths.html"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    look.write_text(LOOK % (json.dumps(pages), json.dumps(WIDTHS)), encoding="utf-8")
    try:
        with tempfile.TemporaryDirectory(prefix="docs-site-") as profile:
            command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
            command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
            command += [f"--user-data-dir={profile}", f"--virtual-time-budget={LIMIT * 1000}", "--dump-dom"]
            command += [f"http://127.0.0.1:{server.server_port}/{look.name}"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True)
    finally:
        server.shutdown()
        look.unlink()
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    found = json.loads(match[1]) if match else []
    if len(found) != len(pages) * len(WIDTHS) or not all(one["text"] for one in found):
        raise SystemExit(f"Chromium showed {len(found)} of {len(pages) * len(WIDTHS)} pages: {done.stderr[-500:]}")
    wide = [one for one in found if one["wide"] > one["seen"]]
    print(f"{len(found)} pages looked at, {' and '.join(map(str, WIDTHS))} pixels wide: {len(wide)} too wide")
    for one in wide:
        print(f"  {one['page']}: {one['wide']} pixels of {one['seen']}")
    if wide:
        raise SystemExit(1)
