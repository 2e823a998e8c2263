"""A headless Chromium with several tabs, driven through ChromeDriver."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

# A profile of its own, and nothing that talks to anybody but the demo.
FLAGS = """--headless=new --no-sandbox --disable-dev-shm-usage --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync --window-size=1200,900""".split()
# A tab looks every 1.5 s and hidden ones may be slowed to a look a second later: "a few seconds", with a busy machine.
FOLLOWS_WITHIN = 10.0
# What a tab leaves in its origin's storage when it follows, and whether anybody looked at it meanwhile: a tab looks as
# soon as it is shown, so a test that only opened it would never see that it does not follow by itself.
WATCH = """
    window.neverReloaded = true;
    window.name ||= arguments[0];
    window.watcher ??= new MutationObserver(() =>
        localStorage.setItem(window.name, `${document.visibilityState} ${document.documentElement.dataset.session}`));
    window.watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-session"] });
"""


class Browser:
    def __init__(self, driver: webdriver.Chrome, screenshots: Path) -> None:
        self.driver = driver
        self.screenshots = screenshots
        self.names: dict[str, str] = {}
        self.witnesses: dict[str, str] = {}

    def tab(self, server: str, path: str) -> str:
        """Opens another tab there, watched."""
        if server not in self.witnesses:
            self.witnesses[server] = self._open(server + "/static/icon.svg")
        tab = self._open(server + path)
        self.names[tab] = server
        self.watch()
        return tab

    def _open(self, address: str) -> str:
        self.driver.switch_to.new_window("tab")
        self.driver.get(address)
        return self.driver.current_window_handle

    def watch(self) -> None:
        """Begins to watch this tab: to be repeated after it was sent elsewhere."""
        self.driver.execute_script(WATCH, self.driver.current_window_handle)

    def session(self) -> str:
        """The session that this tab shows; empty when signed out."""
        return str(self.driver.execute_script("return document.documentElement.dataset.session"))

    def to(self, tab: str) -> "Browser":
        self.driver.switch_to.window(tab)
        return self

    def find(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def text(self, css: str = "body") -> str:
        """The text as seen; empty while the element is being replaced."""
        try:
            return self.find(css).text
        except (StaleElementReferenceException, WebDriverException):
            return ""

    def submit(self, fields: dict[str, str], button: str = "main form button") -> None:
        """Fills a form in and presses its button; returns when the next page is there."""
        for name, value in fields.items():
            place = self.find(f"main [name={name}]")
            place.clear()
            place.send_keys(value)
        self.press(button)

    def press(self, css: str) -> None:
        self.driver.execute_script("window.leaving = true")
        self.find(css).click()
        self.wait(lambda: self.driver.execute_script("return !window.leaving && document.readyState == 'complete'"))

    def wait(self, condition: Callable[[], bool], what: str = "") -> None:
        deadline = time.monotonic() + FOLLOWS_WITHIN
        while not condition():
            assert time.monotonic() < deadline, f"not within {FOLLOWS_WITHIN} s: {what}; the tab shows: {self.text()}"
            time.sleep(0.05)

    def follows(self, tab: str, session: str, text: str) -> None:
        """A hidden tab comes to this session and text by itself, in a few seconds and without being loaded anew."""
        self.to(self.witnesses[self.names[tab]])
        left = f"return localStorage.getItem('{tab}')"
        self.wait(lambda: self.driver.execute_script(left) == f"hidden {session}", f"a hidden tab with session {session!r}")
        self.to(tab).stays(text)

    def stays(self, text: str) -> None:
        """This tab shows a text in a few seconds, without having been loaded anew."""
        self.wait(lambda: text in self.text("#main"), text)
        assert self.driver.execute_script("return window.neverReloaded === true"), "the tab was reloaded"

    def look(self, name: str, *, phone: bool = False) -> None:
        """Takes screenshots in light and dark, and has axe find no fault in either (WCAG 2.2 A and AA)."""
        faults: list[str] = []
        if phone:
            self._cdp("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
        for scheme in ("light", "dark"):
            self._cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            self.driver.save_screenshot(str(self.screenshots / f"{name}-{scheme}.png"))
            for fault in Axe().run(self.driver)["violations"]:
                faults += [f"{scheme}: {fault['id']}: {fault['help']}: {node['html']}" for node in fault["nodes"]]
        width = self.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
        self._cdp("Emulation.setEmulatedMedia", features=[])
        if phone:
            self._cdp("Emulation.clearDeviceMetricsOverride")
        assert not faults, "\n".join(faults)
        assert width <= 0, f"the page is {width} px wider than the window"

    def offline(self, is_offline: bool) -> None:
        self._cdp("Network.enable")
        self._cdp(
            "Network.emulateNetworkConditions", offline=is_offline, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )

    def complaints(self) -> list[str]:
        """What the browser's console has to say, but for the statuses that refusals are meant to have."""
        expected = ("Failed to load resource: the server responded with a status of 4", "ERR_INTERNET_DISCONNECTED")
        lines = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [line for line in lines if not any(part in line for part in expected)]

    def _cdp(self, command: str, **arguments: object) -> None:
        self.driver.execute_cdp_cmd(command, arguments)


@contextlib.contextmanager
def chromium(screenshots: Path) -> Iterator[Browser]:
    shutil.rmtree(screenshots, ignore_errors=True)
    screenshots.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="doorward-demo-") as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or "chromium"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        driver = webdriver.Chrome(options=options, service=service)
        try:
            yield Browser(driver, screenshots)
        finally:
            driver.quit()
