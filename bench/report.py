# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
"""Tables and plots of what scripts/bench measured."""
import collections
import shutil
import statistics
import subprocess

ALGORITHMS = ["automatic", "one_shot", "two_shot", "ring", "tree", "recursive_doubling", "halving_doubling"]
OURS = "rondo threads"
LATENCY_TARGETS = {2: 0.3e-6, 4: 4e-6, 8: 10e-6}  # seconds for 8 bytes
BUSY = 10  # per cent of the processors with others, from which times say little
FLOOR_TARGET = 0.90  # of the floor, from 1 MiB on
MESSAGES_TARGET = 0.95  # of native's speed, at every size
WINDOW_TARGET, WINDOW_FROM = 1.5, 65536  # times native's speed, from so many bytes on


def speed_target(ranks, size):
    """How many times the fastest peer rondo's thread ranks aim at."""
    if ranks <= 2:
        return 2.0
    if size <= 32768:
        return 3.0
    return 4.0 if size > 524288 else 1.0


def name_of(size):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


def in_microseconds(seconds):
    if seconds is None:
        return "-"
    value = seconds * 1e6
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def between_quartiles(values):
    if len(values) < 2:
        return 0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low


class Results:
    """Medians over passes."""

    def __init__(self, figures):
        cells = collections.defaultdict(list)
        for one in figures:
            cells[self.key(one)].append(one["seconds"])
        self.passes = max(map(len, cells.values()), default=0)
        self.median = {key: statistics.median(each) for key, each in cells.items()}
        self.spread = {key: between_quartiles(each) / self.median[key] for key, each in cells.items()}
        self.ranks = sorted({one["ranks"] for one in figures})
        self.sizes = sorted({one["bytes"] for one in figures})
        self.collectives = sorted({(one["collective"], one["in_place"]) for one in figures
                                   if one["who"] != "limit"})
        self.libraries = list(dict.fromkeys(one["who"] for one in figures if one["who"] != "limit"))

    @staticmethod
    def key(one):
        return (one["who"], one["variant"], one["collective"], one["in_place"], one["ranks"], one["bytes"])

    def of(self, who, collective, in_place, ranks, size):
        variant = {"openmpi": "native", "mpich": "native", "openmpi coll/sm": "native", "Gloo": "ring",
                   "rondo on openmpi, messages": "messages", "rondo on mpich, messages": "messages"}
        return self.median.get((who, variant.get(who, "automatic"), collective, in_place, ranks, size))

    def limit(self, kernels, ranks, size):
        """The fastest of these loops over every rank's buffers of this size."""
        found = [self.median.get(("limit", k, k, False, ranks, size)) for k in kernels]
        found = [seconds for seconds in found if seconds]
        return min(found) if found else None

    def floor(self, collective, in_place, ranks, size):
        """The least time for the bytes that a collective reads and writes, each once, measured by
        plain loops over buffers of the same size on the same processors."""
        copy = self.limit(("memcpy", "copy", "stream_copy"), ranks, size)
        scale = self.limit(("scale",), ranks, size)
        read = self.limit(("read",), ranks, size)
        write = self.limit(("write", "stream_write"), ranks, size)
        if None in (copy, scale, read, write):
            return None
        return {"all_reduce": scale if in_place else copy,
                "all_to_all": copy,
                "all_gather": write + read / ranks,
                "broadcast": write * (ranks - 1) / ranks + read / ranks,
                "reduce_scatter": read + write / ranks,
                "reduce": read + write / ranks}.get(collective)

    def best_peer(self, collective, in_place, ranks, size):
        """(seconds, who) of the fastest library that is not ours."""
        found = [(self.of(who, collective, in_place, ranks, size), who) for who in self.libraries
                 if not who.startswith("rondo")]
        return min((pair for pair in found if pair[0]), default=(None, "-"))


def table(results, collective, in_place, ranks, busy):
    """Rows of one table: a header first. Targets are for an idle machine, a spread for several passes."""
    others = [who for who in results.libraries if who != OURS and not who.endswith(", messages")]
    rows = [["size", "rondo us", *(f"{who} us" for who in others), "x best peer", "target", "of floor",
             "spread", ""]]
    for size in results.sizes:
        ours = results.of(OURS, collective, in_place, ranks, size)
        if not ours:
            continue
        peer, _ = results.best_peer(collective, in_place, ranks, size)
        floor = results.floor(collective, in_place, ranks, size)
        wanted = speed_target(ranks, size) if collective == "all_reduce" else 1.0
        met = peer is not None and peer / ours >= wanted
        if collective == "all_reduce" and size == 8 and ranks in LATENCY_TARGETS:
            met = met and ours <= LATENCY_TARGETS[ranks]
        if size >= 1 << 20 and floor:
            met = met and floor / ours >= FLOOR_TARGET
        spread = results.spread.get((OURS, "automatic", collective, in_place, ranks, size), 0)
        rows.append([name_of(size), in_microseconds(ours),
                     *(in_microseconds(results.of(who, collective, in_place, ranks, size)) for who in others),
                     f"{peer / ours:.1f}" if peer else "-", f"{wanted:.0f}",
                     f"{floor / ours:.2f}" if floor else "-", f"{spread * 100:.0f} %",
                     ("met" if met else "not met") if peer else ""])  # beside nobody: neither
    left_out = {"x best peer", "target", "of floor", ""} if busy else set()
    left_out |= {"spread"} if results.passes == 1 else set()
    return without(left_out, rows)


def without(names, rows):
    """The rows, but for the columns of these names."""
    kept = [i for i, name in enumerate(rows[0]) if name not in names]
    return [[row[i] for i in kept] for row in rows]


def as_markdown(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    return "\n".join(lines)


def beside_native(results, library, collective, in_place, ranks, busy):
    """MPI ranks: rondo through messages and through the window against the library's own."""
    rows = [["size", "native us", "messages us", "x native", "window us", "x native", "missed"]]
    for size in results.sizes:
        native, messages, window = (results.of(who, collective, in_place, ranks, size) for who in (
            library, f"rondo on {library}, messages", f"rondo on {library}"))
        if None in (native, messages, window):
            continue
        missed = [name for name, short in (
            ("messages", native / messages < MESSAGES_TARGET),
            ("window", size >= WINDOW_FROM and native / window < WINDOW_TARGET)) if short]
        rows.append([name_of(size), in_microseconds(native), in_microseconds(messages), f"{native / messages:.2f}",
                     in_microseconds(window), f"{native / window:.2f}", ", ".join(missed)])
    return without({"x native", "missed"} if busy else set(), rows)


def crossover(results, ranks, busy):
    """Every algorithm of ours, and how far `automatic` is from the best."""
    shown = [a for a in ALGORITHMS if any(key[:3] == (OURS, a, "all_reduce") and key[4] == ranks
                                          for key in results.median)]
    if len(shown) < 2:
        return None
    rows = [["size", *(f"{a} us" for a in shown), "best", "automatic / best"]]
    for size in results.sizes:
        each = {a: results.median.get((OURS, a, "all_reduce", False, ranks, size)) for a in shown}
        named = {a: t for a, t in each.items() if t and a != "automatic"}
        if not named or not each.get("automatic"):
            continue
        best = min(named, key=named.get)
        rows.append([name_of(size), *(in_microseconds(each[a]) for a in shown), best,
                     f"{each['automatic'] / named[best]:.2f}"])
    return without({"automatic / best"} if busy else set(), rows)


LIMITS = {"memcpy": 2, "copy": 2, "stream_copy": 2, "triad": 1.5, "scale": 2, "read": 1, "write": 1,
          "stream_write": 1}  # bytes read and written, for each byte of a buffer


def limits(results, ranks):
    """What plain loops over every rank's buffers reach: bytes that they read and write, a second."""
    shown = [k for k in LIMITS if any(key[:2] == ("limit", k) and key[4] == ranks for key in results.median)]
    rows = [["size", *shown]]
    for size in results.sizes:
        each = [results.median.get(("limit", k, k, False, ranks, size)) for k in shown]
        if size >= 32768 and any(each):  # below, the loops' first and last steps count
            rows.append([name_of(size), *(f"{LIMITS[k] * ranks * size / t / 1e9:.0f}" if t else "-"
                                          for k, t in zip(shown, each))])
    return rows if shown else None


FLOOR = "floor: copy loop"
# Told apart by colour-blind people, too (Okabe and Ito, 2008, https://jfly.uni-koeln.de/color/).
COLORS = {OURS: "#D55E00", "openmpi": "#0072B2", "openmpi coll/sm": "#56B4E9", "mpich": "#009E73", "Gloo": "#CC79A7",
          FLOOR: "#000000", "one_shot": "#E69F00", "two_shot": "#D55E00", "ring": "#0072B2", "tree": "#009E73",
          "recursive_doubling": "#56B4E9", "halving_doubling": "#CC79A7"}


def look(label):
    """A curve has the colour of its library, ours are thick; dashed are messages and the floor."""
    color = COLORS[label.removeprefix("rondo on ").removesuffix(", messages")]
    dashes = " dashtype (8,5)" if label == FLOOR or label.endswith(", messages") else ""
    width = 3 if label.startswith("rondo") else 1.5
    return f"linecolor rgb '{color}' linewidth {width}{dashes} pointtype 7 pointsize 0.4"


def from_top(curves):
    """The curves as their labels stand beside them: the slowest first, at the sizes all have."""
    shared = set.intersection(*({size for size, _ in points} for _, points in curves))
    return sorted(curves, reverse=True, key=lambda curve: statistics.geometric_mean(
        time for size, time in curve[1] if size in shared or not shared))


def draw(path, title, curves):
    """Plots (label, [(bytes, microseconds)]) to an SVG file; false if that does not work."""
    curves = from_top([curve for curve in curves if curve[1]])
    lines = ["set terminal svg size 760,460 font 'sans,13' background 'white'", f"set output '{path}'",
             f"set title '{title}'", "set grid", "set logscale x 2", "set logscale y",
             "set xlabel 'bytes per rank'", "set format x '%.0b %B'", "set xtics 8,32 rotate by -30",
             "set ylabel 'microseconds'", "set format y '10^{%L}'",
             "set rmargin at screen 0.69", "set key at screen 0.70,0.5 left center vertical Left reverse",
             "set key samplen 2 spacing 1.2 font ',11'"]
    for index, (_, points) in enumerate(curves):
        lines += [f"$data{index} << EOD", *(f"{x} {y}" for x, y in points), "EOD"]
    lines.append("plot " + ", ".join(
        f"$data{index} using 1:2 with linespoints {look(label)} title '{label}' noenhanced"
        for index, (label, _) in enumerate(curves)))
    done = subprocess.run(["gnuplot"], input="\n".join(lines), text=True, capture_output=True)
    if done.returncode != 0:
        print(f"gnuplot: {done.stderr.strip()[:200]}")
    return done.returncode == 0


def plot(results, output):
    """Writes the plots; returns their paths."""
    if not shutil.which("gnuplot"):
        print("skipped: plots, as gnuplot is not found")
        return []

    def course(time_of):
        return [(size, time * 1e6) for size in results.sizes if (time := time_of(size))]

    drawn = {}
    for ranks in results.ranks:
        curves = {who: course(lambda size: results.of(who, "all_reduce", False, ranks, size))
                  for who in results.libraries}
        curves[FLOOR] = course(lambda size: size >= 32768 and results.floor("all_reduce", False, ranks, size))
        title = f"all-reduce of floats, {ranks} ranks"
        drawn[f"all_reduce-{ranks}"] = (title, curves)
        drawn[f"libraries-{ranks}"] = (title, {who: curves[who] for who in (OURS, "openmpi", "mpich", "Gloo", FLOOR)
                                               if who in curves})
        algorithms = {a: course(lambda size: results.median.get((OURS, a, "all_reduce", False, ranks, size)))
                      for a in ALGORITHMS if a != "automatic"}
        if sum(map(bool, algorithms.values())) > 1:
            drawn[f"crossover-{ranks}"] = (f"rondo: algorithms of all-reduce, {ranks} thread ranks", algorithms)
    return [path for name, (title, curves) in drawn.items()
            if any(curves.values()) and draw(path := output / f"{name}.svg", title, curves.items())]


def write(results_file, output):
    """Prints the tables; writes them and the plots to `output`."""
    results = Results(results_file["figures"])
    facts = results_file["machine"]
    text = [", ".join(f"{name}: {value}" for name, value in facts.items()), ""]
    others = float(facts.get("others' share of the processors", "0 %").rstrip(" %"))
    busy = others > BUSY
    if busy:
        text += [f"The machine was busy: others had {others:.0f} % of the processors. Times say little, "
                 "so ratios and targets are left out; run again when it is idle.", ""]
    for collective, in_place in results.collectives:
        for ranks in results.ranks:
            rows = table(results, collective, in_place, ranks, busy)
            if len(rows) > 1:
                text += [f"### {collective}{', in place' if in_place else ''}, {ranks} ranks", "",
                         as_markdown(rows), ""]
    legend = ["- target: how many times the fastest peer rondo aims at",
              "- of floor: the least time for the bytes, by plain loops on the same processors, over "
              "rondo's time"] if not busy else []
    if results.passes > 1:
        legend += ["- spread: third quartile of the passes minus the first, over the median"]
    text += [*legend, ""] if legend else []
    beside = []
    for library in ("openmpi", "mpich"):
        for collective, in_place in results.collectives:
            for ranks in results.ranks:
                rows = beside_native(results, library, collective, in_place, ranks, busy)
                if len(rows) > 1:
                    beside += [f"### MPI ranks on {library}: {collective}{', in place' if in_place else ''}, {ranks} "
                               "ranks", "", as_markdown(rows), ""]
    if beside and not busy:
        beside += [f"- missed: below the target, {MESSAGES_TARGET} of native over messages, {WINDOW_TARGET} x native "
                   f"over windows from {name_of(WINDOW_FROM)}", ""]
    text += beside
    for ranks in results.ranks:
        rows = limits(results, ranks)
        if rows:
            text += [f"### limits of the machine, GB/s of all {ranks} ranks together", "", as_markdown(rows),
                     ""]
    for ranks in results.ranks:
        rows = crossover(results, ranks, busy)
        if rows:
            text += [f"### algorithms of all_reduce, {ranks} thread ranks", "", as_markdown(rows), ""]
    print("\n".join(text))
    (output / "tables.md").write_text("\n".join(text) + "\n")
    written = [output / "tables.md", output / "results.json", *plot(results, output)]
    print("written: " + " ".join(str(path) for path in written if path.exists()))
