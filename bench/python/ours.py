"""Doorward as a Python program calls it, for bench/run: WHAT COUNT CALLERS on a line in, nanoseconds on a line out."""

import logging
import pathlib
import sys
import threading
import time

import doorward

EMAIL, PASSWORD = "ada@example.com", "a lantern over quiet water"
OWN_SESSIONS = 64


class Ours:
    def __init__(self, auth, folder):
        self.auth, self.done = auth, 0
        if folder == "-":
            # A memory store, which nobody else can fill.
            user = auth.create_user("email", EMAIL, {"password": PASSWORD}).require().user_id
            self.users = [user]
            self.tokens = [self.create(0).access_token for _ in range(OWN_SESSIONS)]
        else:
            self.users = pathlib.Path(folder, "users").read_text().split()
            self.tokens = pathlib.Path(folder, "tokens").read_text().split()

    def create(self, n):
        return self.auth.create_session_for_user(self.users[n % len(self.users)]).require()

    def timed(self, count, callers, work):
        """The time from the moment when all callers are ready to the last answer."""
        if callers <= 1:
            began_at = time.perf_counter_ns()
            for n in range(count):
                work(n)
            return time.perf_counter_ns() - began_at
        ready, failures = threading.Barrier(callers + 1), []

        def caller(first):
            try:
                ready.wait()
                for n in range(first, count, callers):
                    work(n)
            except Exception as failure:  # said by the main thread
                failures.append(failure)

        threads = [threading.Thread(target=caller, args=(first,)) for first in range(callers)]
        for thread in threads:
            thread.start()
        ready.wait()
        began_at = time.perf_counter_ns()
        for thread in threads:
            thread.join()
        spent = time.perf_counter_ns() - began_at
        if failures:
            raise failures[0]
        return spent

    def round(self, what, count, callers):
        began = self.done
        self.done += count
        return getattr(self, what)(began, count, callers)

    def round_validate(self, began, count, callers):
        validate, tokens = self.auth.validate_session, self.tokens
        turn = [tokens[(began + n) % len(tokens)] for n in range(count)]
        if callers <= 1:
            # Without a function of ours around it: that would cost as much as the call.
            began_at = time.perf_counter_ns()
            for token in turn:
                validate(token)
            spent = time.perf_counter_ns() - began_at
            validate(turn[-1]).require()
            return spent
        return self.timed(count, callers, lambda n: validate(turn[n]).require())

    def round_create(self, began, count, callers):
        return self.timed(count, callers, lambda n: self.create(began + n))

    def round_prepare(self, began, count, callers):
        """Makes the refresh tokens of the next round, each of which is exchanged once."""
        self.refresh = [None] * count

        def make(n):
            self.refresh[n] = self.create(began + n).refresh_token

        return self.timed(count, callers, make)

    def round_refresh(self, _began, count, callers):
        def refresh(n):
            # Without a new one it was the same session once more, which costs something else.
            if self.auth.refresh_session(self.refresh[n]).require().refresh_token is None:
                raise RuntimeError("no exchange")

        return self.timed(count, callers, refresh)

    def round_authenticate(self, _began, count, callers):
        return self.timed(
            count, callers, lambda _: self.auth.authenticate("email", EMAIL, {"password": PASSWORD}).require()
        )


def main(config, folder):
    # As an application that keeps its logs for what matters.
    logging.getLogger("doorward").setLevel(logging.ERROR)
    with doorward.Auth(toml=pathlib.Path(config).read_text()) as auth:
        ours = Ours(auth, folder)
        print("ready", flush=True)
        for line in sys.stdin:
            what, count, callers = line.split()
            print(ours.round("round_" + what, int(count), int(callers)), flush=True)


main(*sys.argv[1:])
