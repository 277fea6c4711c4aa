#!/usr/bin/env python3
"""Looks at report pages in headless Chromium and says what a reader could not use.

usage: check_report.py PAGE.html... [--pictures FOLDER]

For each page, at 1280 and at 390 px, in light and in dark: nothing in the console, nothing asked of the network,
every figure drawn, every text at least 11 px and within its figure, no two texts of a figure on each other, nothing
wider than the window, enough contrast. Prints to PDF once. Only the standard library: Chromium is spoken to through
its debugging pipe. Exit code 1 if anything is wrong, 3 if there is no Chromium.
"""

import base64
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SIZES = [(1280, 900), (390, 844)]

LOOK = r"""
(() => {
  const faults = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) faults.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  const inWide = (element) => element.closest('.wide') !== null;
  for (const element of document.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    if (box.width && !element.closest('.skip') && !inWide(element) && (box.right > width + 0.5 || box.left < -0.5))
      faults.push(`${element.tagName} reaches from ${box.left} to ${box.right}: ${element.textContent.slice(0, 40)}`);
  }
  const hex = (text) => text.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => colour.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = hex(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const contrast = (element, colour) => {
    const [a, b] = [luminance(hex(colour)), luminance(ground(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const svg = element.closest('svg');
    const scale = svg ? svg.getScreenCTM().a : 1;
    const size = parseFloat(style.fontSize) * scale;
    if (size < 10.99) faults.push(`text of ${size.toFixed(1)} px: ${walker.currentNode.data.slice(0, 40)}`);
    const ratio = contrast(element, svg ? style.fill : style.color);
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${walker.currentNode.data.slice(0, 40)}`);
  }
  const drawings = [...document.querySelectorAll('svg[role=img]')];
  for (const svg of drawings) {
    const name = svg.querySelector('title').textContent;
    const box = svg.getBoundingClientRect();
    const content = svg.getBBox();
    if (box.width < 100 || box.height < 60 || content.width < 50 || content.height < 40) faults.push(`${name}: not drawn`);
    if (!svg.querySelector('desc').textContent) faults.push(`${name}: no description`);
    const texts = [...svg.querySelectorAll('text')].filter((text) => text.textContent.trim());
    const boxes = texts.map((text) => text.getBoundingClientRect());
    texts.forEach((text, i) => {
      const b = boxes[i];
      if (b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 2 || b.bottom > box.bottom + 2)
        faults.push(`${name}: text leaves the drawing: ${text.textContent}`);
      for (let j = 0; j < i; j++) {
        const c = boxes[j];
        const across = Math.min(b.right, c.right) - Math.max(b.left, c.left);
        const down = Math.min(b.bottom, c.bottom) - Math.max(b.top, c.top);
        if (across > 1 && down > 4) faults.push(`${name}: texts on each other: ${texts[j].textContent} | ${text.textContent}`);
      }
    });
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => faults.push(`id ${id} stands twice`));
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.getAttribute('href').slice(1))) faults.push(`${link.href} leads nowhere`);
  for (const part of ['header', 'nav', 'main', 'footer', 'h1', '.skip'])
    if (document.querySelectorAll(part).length !== 1) faults.push(`not one ${part}`);
  if (document.querySelectorAll('script').length) faults.push('there is a script');
  for (const figure of document.querySelectorAll('figure'))
    if (!figure.querySelector('details table')) faults.push(`${figure.id}: no table`);
  document.querySelector('.skip').focus();
  const skip = document.querySelector('.skip').getBoundingClientRect();
  if (skip.left < 0 || skip.right > width) faults.push('the skip link is not seen when it has the focus');
  document.activeElement.blur();
  return JSON.stringify({ faults, drawings: drawings.length, ground: getComputedStyle(document.body).backgroundColor,
    height: document.documentElement.scrollHeight });
})()
"""


class Chromium:
    """A browser on its debugging pipe: JSON messages that end with a zero byte."""

    def __init__(self, program, profile):
        to_read, self.to = os.pipe()
        self.answers, to_write = os.pipe()
        # The browser finds its ends at descriptors 3 and 4; these are first moved out of the way.
        ends = [os.dup(to_read), os.dup(to_write)]
        high = [os.dup2(end, 60 + i) for i, end in enumerate(ends)]
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 "--no-first-run", f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        command = f'exec 3<&{high[0]} 4>&{high[1]}; exec "$@"'
        self.process = subprocess.Popen(["bash", "-c", command, "bash", program, *flags], pass_fds=high,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in [to_read, to_write, *ends, *high]:
            os.close(end)
        self.numbers = itertools.count(1)
        self.rest = b""
        self.events = []
        self.session = None

    def _message(self):
        while b"\0" not in self.rest:
            part = os.read(self.answers, 1 << 20)
            if not part:
                sys.exit("check_report: Chromium went away")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == number:
                if "error" in answer:
                    sys.exit(f"check_report: {method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._message())

    def open_tab(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(20)


def complaints(events, page):
    """What the page said to the console and asked of the network."""
    for event in events:
        method, params = event.get("method"), event.get("params", {})
        if method == "Log.entryAdded":
            yield f"console: {params['entry']['text']}"
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            yield f"console: {json.dumps(params)[:200]}"
        elif method == "Network.requestWillBeSent" and params["request"]["url"] != page:
            yield f"network: {params['request']['url'][:100]}"


def check(browser, path, pictures):
    page = pathlib.Path(path).resolve().as_uri()
    faults = []
    grounds = set()
    for (width, height), scheme in itertools.product(SIZES, ["light", "dark"]):
        browser.events.clear()
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                     mobile=width < 500)
        browser.call("Emulation.setEmulatedMedia", media="screen",
                     features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.call("Page.navigate", url=page)
        browser.wait_for("Page.loadEventFired")
        for opened in [False, True]:
            value = "true" if opened else "false"
            browser.call("Runtime.evaluate",
                         expression=f"document.querySelectorAll('details').forEach((d) => (d.open = {value}))")
            found = browser.call("Runtime.evaluate", expression=LOOK, returnByValue=True)
            if "exceptionDetails" in found:
                sys.exit(f"check_report: {found['exceptionDetails']}")
            seen = json.loads(found["result"]["value"])
            where = f"{width} px, {scheme}{', tables open' if opened else ''}"
            faults += [f"{where}: {fault}" for fault in seen["faults"]]
            if not opened:
                grounds.add((scheme, seen["ground"]))
                if pictures:
                    picture(browser, pictures / f"{stem(path)}-{width}-{scheme}.png", width, seen["height"])
        if seen["drawings"] == 0:
            faults.append(f"{width} px: no figures")
        faults += [f"{width} px, {scheme}: {text}" for text in complaints(browser.events, page)]
    if len({ground for _, ground in grounds}) != 2:
        faults.append("dark looks like light")
    browser.call("Emulation.setEmulatedMedia", media="")
    pdf = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])
    if not pdf.startswith(b"%PDF") or len(pdf) < 10_000:
        faults.append(f"printing gives {len(pdf)} bytes")
    if pictures:
        (pictures / f"{stem(path)}.pdf").write_bytes(pdf)
    return faults, seen["drawings"]


def stem(path):
    path = pathlib.Path(path).resolve()
    return f"{path.parent.name}-{path.stem}"


def picture(browser, path, width, height):
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
    path.write_bytes(base64.b64decode(shot["data"]))


def main(arguments):
    pictures = None
    if "--pictures" in arguments:
        at = arguments.index("--pictures")
        pictures = pathlib.Path(arguments[at + 1])
        pictures.mkdir(parents=True, exist_ok=True)
        del arguments[at:at + 2]
    if not arguments:
        sys.exit(__doc__)
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome", "chrome"]
    program = next((found for found in map(shutil.which, filter(None, names)) if found), None)
    if program is None:
        print("check_report: no Chromium here", file=sys.stderr)
        return 3
    wrong = False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Chromium(program, profile)
        browser.open_tab()
        for path in arguments:
            faults, drawings = check(browser, path, pictures)
            wrong |= bool(faults)
            for fault in faults:
                print(f"{path}: {fault}")
            print(f"{path}: {drawings} drawings, {'as they should be' if not faults else f'{len(faults)} faults'}")
        browser.close()
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
