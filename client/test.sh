#!/usr/bin/env bash
# The JavaScript client: its rules against a small server, a planted bug for each, the package from its tarball, and a minute of
# Chromium. `test.sh fetch` runs one file of test/, `test.sh browsers` Chromium, Firefox and WebKitGTK at length.
set -eu
cd "$(dirname "$0")"
../tools/need node=nodejs npm=npm
if ! cmp -s package-lock.json node_modules/.lock; then
    npm ci --silent --no-audit --no-fund --ignore-scripts
    cp package-lock.json node_modules/.lock
fi
case ${1:-} in
    '')
        ../tools/need chromium=chromium
        exec node --test --test-concurrency=1 --test-reporter=spec test/*.test.mjs
        ;;
    browsers)
        ../tools/need chromium=chromium firefox-esr=firefox-esr WebKitWebDriver=webkit2gtk-driver Xvfb=xvfb
        DOORWARD_BROWSERS=chromium,firefox,webkit exec node --test --test-reporter=spec test/browsers.test.mjs
        ;;
    *) exec node --test --test-reporter=spec "test/$1.test.mjs" ;;
esac
