"""The table: ours beside raw, with the design's target."""


def duration(ns):
    if ns >= 1e6:
        return f"{ns / 1e6:.2f} ms"
    return f"{ns / 1e3:.2f} us" if ns >= 1e3 else f"{ns:.0f} ns"


class Table:
    HEAD = ["what", "by", "ours", "raw", "raw is", "ratio", "section 11", "reached"]

    def __init__(self):
        self.rows = []

    def add(self, what, by, ours, raw, raw_is, ratio, target="", reached=None):
        said = "" if reached is None else ("yes" if reached else "no")
        self.rows.append([what, by, ours, raw, raw_is, ratio, target, said])

    def times(self, what, by, ours, raw, raw_is, target="", at_most=None):
        """How much longer ours takes than raw; where there is a target, whether it is reached."""
        reached = None if at_most is None else ours <= raw * at_most
        self.add(what, by, duration(ours), duration(raw), raw_is, f"{ours / raw:.2f}x", target, reached)

    def rates(self, what, by, ours, raw, raw_is, target="", at_least=None):
        """The share of the raw rate that ours reaches."""
        reached = None if at_least is None else raw / ours >= at_least
        share = f"{raw / ours:.2f} of the raw rate"
        self.add(what, by, duration(ours), duration(raw), raw_is, share, target, reached)

    def show(self):
        widths = [max(len(row[i]) for row in [self.HEAD, *self.rows]) for i in range(len(self.HEAD))]
        line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
        print(line(self.HEAD))
        print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
        for row in self.rows:
            print(line(row))
