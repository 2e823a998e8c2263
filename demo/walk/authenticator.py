"""A virtual authenticator in Chromium: a device with passkeys, whose owner always agrees."""

from browser import Browser
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions


def plug_in(browser: Browser) -> None:
    """To the tab that is shown now."""
    options = VirtualAuthenticatorOptions(
        protocol="ctap2", transport="internal", has_resident_key=True, has_user_verification=True, is_user_verified=True
    )
    browser.driver.add_virtual_authenticator(options)


def unplug(browser: Browser) -> None:
    browser.driver.remove_virtual_authenticator()
