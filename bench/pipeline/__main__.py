# SPDX-License-Identifier: Apache-2.0
"""One JSON object a line on stdout, as root:

    PYTHONPATH=tests:bench /usr/bin/python3 -m pipeline [--rounds N] [--packets N] [--country CC]

MEETFENCE_BUILD and MEETFENCE_DATABASE say where the daemon and the country database are.
"""

import argparse
import json
import os
import platform
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from lab import paths
from lab.lab import Lab
from lab.namespaces import Namespace
from lab.signals import end_on_signals, held
from pipeline import filters
from pipeline.country_database import Database, Prefix, sources
from pipeline.libbpf import compile_bpf
from pipeline.measurement import Bench, Core, Figures, Mix, run_rounds
from pipeline.receiver import Receiver
from pipeline.sender import Sender

HERE = Path(__file__).parent
HOT, COLD = 256, 262_144
SEED = 1


def say(text: str) -> None:
    print(f"» {text}", file=sys.stderr, flush=True)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pipeline", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (%(default)s)")
    parser.add_argument("--packets", type=int, default=2 * COLD,
                        help="of a filter, a mix and a round (%(default)s)")
    parser.add_argument("--country", default="CN", help="the blocked country (%(default)s)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)),
                        help="that sends and receives (%(default)s)")
    chosen = parser.parse_args()
    if chosen.rounds < 2 or chosen.packets < 1:
        parser.error("a spread needs two rounds, and a figure a packet")
    return chosen


def make_mixes(stack: ExitStack, sender_object: Path, prefixes: list[Prefix],
               country: str) -> list[Mix]:
    mixes = []
    for who in ("bystander", "target"):
        chosen = [prefix for prefix in prefixes if (prefix.country == country) == (who == "target")]
        for name, count in (("hot", HOT), ("cold", COLD)):
            sender = Sender(sender_object, sources(chosen, count, SEED))
            stack.callback(sender.close)
            mixes.append(Mix(who, name, sender))
    return mixes


def install_all(stack: ExitStack, setting: filters.Setting, tag: str,
                sending: Namespace) -> tuple[dict[filters.Filter, Receiver], dict[str, str]]:
    """The filters that are there, each behind a veth pair of its own; why the others are not."""
    pairs: dict[filters.Filter, Receiver] = {}
    missing: dict[str, str] = {}
    for number, filter_ in enumerate(filters.ALL):
        with held():
            receiver = Receiver(f"{tag}-{number}", f"to{number}", sending)
            stack.callback(receiver.remove)
        try:
            filter_.install(setting, receiver)
            pairs[filter_] = receiver
        except filters.NotAvailable as reason:
            missing[filter_.name] = f"not available on this machine: {reason}"
    return pairs, missing


def line(case: str, mine: Figures, accept: Figures) -> dict[str, object]:
    """`spread_ns`: the middle half of the rounds of `ns_over_accept`."""
    over = mine.over(accept)
    low, _, high = quantiles(over, n=4)
    return {"case": case, "pps": round(1e9 / mine.median), "ns_per_packet": round(mine.median, 1),
            "ns_over_accept": round(median(over), 1), "spread_ns": round(high - low, 1)}


def measure(chosen: argparse.Namespace, lab: Lab, stack: ExitStack) -> None:
    say(f"reading {paths.DATABASE.name}")
    database = Database(paths.DATABASE)
    prefixes = database.prefixes()
    if not any(prefix.country == chosen.country for prefix in prefixes):
        raise SystemExit(f"{paths.DATABASE} has no prefix of {chosen.country}")
    moved = lab.folder / "moved.mmdb"
    database.write_moved(moved)
    folder = lab.new_folder("objects")
    setting = filters.Setting(lab, compile_bpf(HERE / "filters.bpf.c", folder), moved, prefixes,
                              chosen.country)
    say(f"{len(prefixes)} prefixes, {len(setting.blocked)} of them {chosen.country}; "
        f"kernel {platform.release()}, core {chosen.core}, {chosen.packets} packets in each of "
        f"{chosen.rounds} rounds")

    tag = f"meetfence-{os.getpid()}-bench"
    with held():
        sending = Namespace(f"{tag}-tx")
        stack.callback(sending.remove)
    mixes = make_mixes(stack, compile_bpf(HERE / "sender.bpf.c", folder), prefixes, chosen.country)
    pairs, missing = install_all(stack, setting, tag, sending)
    figures = run_rounds(Bench(Core(chosen.core), sending, chosen.packets), pairs, mixes,
                         chosen.rounds, lambda number: say(f"round {number}"))

    accept = filters.ALL[0]
    for filter_ in filters.ALL:
        for mix in mixes:
            case = f"pipeline_{filter_.name}_{mix.who}_{mix.sources}"
            result = (line(case, figures[filter_, mix], figures[accept, mix])
                      if filter_ in pairs else {"case": case, "note": missing[filter_.name]})
            print(json.dumps(result), flush=True)


def main() -> int:
    chosen = options()
    missing = paths.missing()
    if missing:
        for text in missing:
            say(text)
        return 1
    end_on_signals()
    with Lab() as lab, ExitStack() as stack:
        measure(chosen, lab, stack)
    return 0


if __name__ == "__main__":
    sys.exit(main())
