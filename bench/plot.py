# SPDX-License-Identifier: Apache-2.0
"""Draws benchmark results as one SVG:

    python3 bench/plot.py FILE.jsonl… > docs/benchmarks.svg

The lines are those of `meetfence-bench --json` and of bench/pipeline. Only what is in the input is
drawn, and the same input always gives the same picture.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, MARGIN = 860, 28
LABELS = 250               # where bars begin
VALUES = 64                # room for a figure behind the longest bar
ROW, BAR, GROUP_GAP = 19, 13, 11
TITLE, AXIS, PANEL_GAP = 48, 26, 30
LINE_HEIGHT, INSET = 150, 28

TEXT, FAINT, GRID, PAPER = "#1f2328", "#59636e", "#d8dee4", "#ffffff"
# Okabe and Ito: told apart by everybody.
OURS, TRIE, GREEN, PINK, GREY, SKY = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#8c959f",
                                      "#56b4e9")

Result = dict[str, object]
Results = dict[str, Result]


@dataclass(frozen=True)
class Bar:
    label: str
    colour: str
    value: float | None
    note: str = ""  # instead of a bar


@dataclass(frozen=True)
class Group:
    name: str
    bars: list[Bar]


@dataclass(frozen=True)
class Scale:
    """From a figure to a distance from the left edge of the plot."""

    place: Callable[[float], float]
    ticks: list[float]
    zero: float


def read(paths: list[str]) -> Results:
    """The later of two lines with the same case counts."""
    results: Results = {}
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    result = json.loads(line)
                    results[result["case"]] = result
                except (ValueError, KeyError, TypeError) as error:
                    raise SystemExit(f"plot.py: {path}, line {number}: no result: {error}"
                                     ) from error
    return results


def text(x: float, y: float, words: str, size: int = 12, anchor: str = "start",
         colour: str = TEXT, weight: int = 400) -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}" font-weight="{weight}">{escape(words)}</text>')


def rule(x1: float, y1: float, x2: float, y2: float, colour: str = GRID) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" fill="none"/>'


def figure(value: float) -> str:
    """As many digits as were measured; a real minus sign."""
    shown = f"{value:.1f}" if abs(value) < 9.95 else f"{value:,.0f}"
    return shown.replace("-", "−")


def logarithmic(values: list[float], width: float) -> Scale:
    """From 1 ns: what is below cannot be told from nothing."""
    decades = max(1, math.ceil(math.log10(max(10.0, *values))))
    return Scale(lambda value: math.log10(max(1.0, value)) / decades * width,
                 [10.0**power for power in range(decades + 1)], 1.0)


def linear(values: list[float], width: float) -> Scale:
    low, high = min(0.0, *values), max(0.0, *values)
    span = max(high - low, 1.0)
    step = next(factor * 10.0**power for power in range(7) for factor in (1, 2, 5)
                if span / (factor * 10.0**power) <= 8)
    first, last = math.floor(low / step), math.ceil(high / step)
    return Scale(lambda value: (value / step - first) / (last - first) * width,
                 [number * step for number in range(first, last + 1)], 0.0)


def panel_title(y: float, title: str, subtitle: str) -> Iterator[str]:
    yield text(MARGIN, y + 16, title, size=16, weight=600)
    yield text(MARGIN, y + 35, subtitle, colour=FAINT)


def bars(groups: list[Group], scale_of: Callable[[list[float], float], Scale]
         ) -> tuple[float, Callable[[float], Iterator[str]]]:
    """The height of a bar chart, and the chart."""
    values = [bar.value for group in groups for bar in group.bars if bar.value is not None]
    width = WIDTH - MARGIN - VALUES - LABELS
    scale = scale_of(values or [0.0], width)
    height = sum(len(group.bars) * ROW + GROUP_GAP for group in groups)

    def draw(top: float) -> Iterator[str]:
        for tick in scale.ticks:
            x = LABELS + scale.place(tick)
            yield rule(x, top, x, top + height, FAINT if tick == scale.zero else GRID)
            unit = " ns" if tick == scale.ticks[-1] else ""
            yield text(x, top + height + 16, f"{tick:,.0f}{unit}".replace("-", "−"), size=11,
                       anchor="middle", colour=FAINT)
        y = top + GROUP_GAP / 2
        for group in groups:
            yield text(MARGIN, y + BAR - 1.5, group.name, weight=600)
            for bar in group.bars:
                yield from _bar(bar, y, scale)
                y += ROW
            y += GROUP_GAP

    return height + AXIS, draw


def _bar(bar: Bar, y: float, scale: Scale) -> Iterator[str]:
    baseline = y + BAR - 2
    yield text(LABELS - 8, baseline, bar.label, anchor="end")
    zero = LABELS + scale.place(scale.zero)
    if bar.value is None:
        yield text(zero + 6, baseline, bar.note, size=11, colour=FAINT)
        return
    end = LABELS + scale.place(bar.value)
    left, right = min(zero, end), max(zero, end)
    yield (f'<rect x="{left:.1f}" y="{y:.1f}" width="{max(right - left, 1):.1f}" height="{BAR}" '
           f'fill="{bar.colour}"/>')
    # Never over the bar: to the right of zero there is room for bars that go left.
    yield text(right + 6, baseline, figure(bar.value))


def lines(points: list[tuple[float, float]], axis: str
          ) -> tuple[float, Callable[[float], Iterator[str]]]:
    """Figures over a number that grows by powers; from zero, so that flat looks flat."""
    width = WIDTH - MARGIN - VALUES - LABELS
    across = [math.log10(x) for x, _ in points]
    # Room for the figure above the highest point.
    scale = linear([1.15 * y for _, y in points], LINE_HEIGHT)
    left, right = across[0], max(across[-1], across[0] + 1)

    def draw(top: float) -> Iterator[str]:
        bottom = top + LINE_HEIGHT
        for tick in scale.ticks:
            y = bottom - scale.place(tick)
            yield rule(LABELS, y, LABELS + width, y, FAINT if tick == 0 else GRID)
            yield text(LABELS - 8, y + 4, f"{tick:,.0f} ns".replace("-", "−"), size=11,
                       anchor="end", colour=FAINT)
        inner = width - 2 * INSET
        places = [(LABELS + INSET + (x - left) / (right - left) * inner, bottom - scale.place(y))
                  for x, (_, y) in zip(across, points)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path d="M{path}" stroke="{OURS}" stroke-width="2" fill="none"/>'
        for (x, y), (count, value) in zip(places, points):
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{OURS}"/>'
            yield text(x, y - 9, figure(value), anchor="middle")
            yield text(x, bottom + 16, f"{count:,.0f}", size=11, anchor="middle", colour=FAINT)
        yield text(MARGIN, bottom + 16, axis, size=11, colour=FAINT)

    return LINE_HEIGHT + AXIS, draw


def _number(results: Results, case: str, key: str) -> float | None:
    value = results.get(case, {}).get(key)
    return float(value) if isinstance(value, (int, float)) else None


def _groups(results: Results, key: str, plan: list[tuple[str, list[tuple[str, str, str]]]]
            ) -> list[Group]:
    """`plan`: groups of (case, label, colour); what was not measured is left out."""
    groups = []
    for name, rows in plan:
        found = []
        for case, label, colour in rows:
            value = _number(results, case, key)
            note = str(results.get(case, {}).get("note", ""))
            if value is not None or note:
                short = note if len(note) < 70 else note[:69] + "…"
                found.append(Bar(label, colour, value, short))
        if found:
            groups.append(Group(name, found))
    return groups


def lookup_groups(results: Results) -> list[Group]:
    return _groups(results, "ns_over_empty", [
        (f"{family}, {heat}", [
            (f"geo_{short}_{heat}", "meetfence", OURS),
            (f"lpm_geo_{short}_{heat}", "kernel LPM trie", TRIE)])
        for family, short in (("IPv4", "v4"), ("IPv6", "v6")) for heat in ("hot", "cold")])


def program_groups(results: Results) -> list[Group]:
    kinds = (("bystander", "Bystander, passes"),
             ("bystander_shared", "Bystander, shared"),
             ("target_drop", "Blocked, dropped"),
             ("target_shared", "Blocked, shared"),
             ("stun_bystander", "Bystander, STUN"),
             ("stun_first", "Bystander, first STUN"),
             ("egress_bystander", "Sent, bystander"),
             ("egress_bystander_shared", "Sent, shared"),
             ("egress_target_shared", "Sent, blocked, shared"))
    plan = [(name, [(f"{case}{ending}", ending.strip("_") or "any", GREY)
                    for ending in endings])
            for name, case, endings in (
                ("Other traffic", "other_traffic", ("", "_hot", "_cold")),
                ("Sent, other traffic", "egress_other_v4", ("_hot", "_cold")))]
    plan += [(name, [(f"{case}_{short}_{heat}", f"{family}, {heat}", colour)
                     for family, short in (("IPv4", "v4"), ("IPv6", "v6"))
                     for heat, colour in (("hot", SKY), ("cold", OURS))])
             for case, name in kinds]
    return _groups(results, "ns_over_empty", plan)


def pipeline_groups(results: Results) -> list[Group]:
    filters = [("nothing", "no filter", GREY), ("meetfence", "meetfence", OURS),
               ("lpm_xdp", "XDP, LPM trie", TRIE), ("nftables", "nftables set", GREEN),
               ("ipset", "ipset, iptables raw", PINK)]
    plan = []
    for who, name in (("bystander", "Bystanders"), ("target", "Blocked country")):
        # That it is cheap to drop everybody is of interest where everybody is to be dropped.
        rows = filters + [("drop_everything", "XDP, drops everything", GREY)] * (who == "target")
        for heat in ("hot", "cold"):
            plan.append((f"{name}, {heat}", [(f"pipeline_{filter_}_{who}_{heat}", label, colour)
                                             for filter_, label, colour in rows]))
    return _groups(results, "ns_over_accept", plan)


def growth(results: Results, prefix: str) -> list[tuple[float, float]]:
    found = []
    for case in results:
        count = case.removeprefix(prefix).removesuffix("_cold")
        value = _number(results, case, "ns_over_empty")
        if case.startswith(prefix) and count.isdigit() and int(count) and value is not None:
            found.append((float(count), value))
    return sorted(found)


def panels(results: Results) -> Iterator[tuple[str, str, float, Callable[[float], Iterator[str]]]]:
    bar_charts = (
        ("The country of an address", "nanoseconds above an empty XDP program, logarithmic: "
         "hot = 256 addresses, cold = 262,144 or more", lookup_groups(results), logarithmic),
        ("The whole program", "nanoseconds a packet above an empty program, XDP or tc, logarithmic",
         program_groups(results), logarithmic),
        ("The whole way of a packet", "nanoseconds a packet above an XDP program that accepts "
         "everything; left of 0: dropped before there is an skb",
         pipeline_groups(results), linear))
    for title, subtitle, groups, scale in bar_charts:
        if groups:
            yield (title, subtitle, *bars(groups, scale))
    for prefix, what in (("growth_countries_", "countries"), ("growth_meetings_", "meetings")):
        points = growth(results, prefix)
        if points:
            yield (f"Growth with {what}",
                   "nanoseconds a packet above an empty XDP program, 262,144 senders, by the number "
                   f"of {'blocked ' if what == 'countries' else ''}{what}", *lines(points, what))


def draw(results: Results) -> str:
    body: list[str] = []
    y = float(MARGIN)
    for title, subtitle, height, chart in panels(results):
        body += panel_title(y, title, subtitle)
        body += chart(y + TITLE)
        y += TITLE + height + PANEL_GAP
    if not body:
        raise SystemExit("plot.py: nothing in the input is known here")
    height = y - PANEL_GAP + MARGIN
    return "\n".join([
        "<!-- SPDX-License-Identifier: Apache-2.0; drawn by bench/plot.py -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="system-ui, \'DejaVu Sans\', '
        f'Helvetica, Arial, sans-serif">',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>', *body, "</svg>", ""])


def main() -> int:
    if len(sys.argv) < 2:
        print("usage: plot.py FILE.jsonl… > benchmarks.svg", file=sys.stderr)
        return 2
    sys.stdout.write(draw(read(sys.argv[1:])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
