"""docs/benchmarks.md, made from one run of the bench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from instep.bench.crowd import CONCURRENCY
from instep.bench.figures import bound, plain, verdict

Document = Mapping[str, Any]

MAKE = "instep bench sync --json > bench.json && instep bench report bench.json > docs/benchmarks.md"


def markdown(document: Document) -> str:
    """The page for a run: the figures, what each means and how it was measured."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    machine, figures = document["machine"], document["figures"]
    yield "# Benchmarks"
    yield ""
    yield "Made from one run, by"
    yield ""
    yield f"    {MAKE}"
    yield ""
    yield f"on {machine['cores']} cores ({machine['system']}) with Python {machine['python']}"
    yield f"and PostgreSQL {machine['postgres']}; load before the run {machine['load_before']:.2f};"
    yield f"{document['seconds']:.0f} s in all."
    if document["quick"]:
        yield ""
        yield "**A quick run: its times mean nothing, its calls do.**"
    yield ""
    yield from _in_short(figures)
    yield ""
    yield "| what | measured | must | aim | |"
    yield "|---|---:|---:|---:|---|"
    for figure in figures.values():
        cells = (figure["label"], f"{plain(figure['value'])} {figure['unit']}", bound(figure, "must"))
        yield f"| {' | '.join((*cells, bound(figure, 'aim'), verdict(figure)))} |"
    yield ""
    yield _explained(document)
    yield ""
    yield from _where_the_cpu_went(document["details"])


def _in_short(figures: Document) -> Iterator[str]:
    def of(name: str) -> str:
        return plain(figures[name]["value"])

    yield "**In short.** A thousand new bookings cost the CRM"
    yield f"{of('crm_calls_per_1000_new_bookings')} calls"
    yield f"instead of {of('usual_way_crm_calls_per_1000_new_bookings')}, and are there"
    yield f"{of('times_faster_than_the_usual_way')} times sooner than by four requests for each, one after the other,"
    yield f"or {of('times_faster_than_the_usual_way_with_8_threads')} times sooner than with eight threads."


def _explained(document: Document) -> str:
    details = document["details"]
    said = resources.files("instep.bench").joinpath("explained.md").read_text(encoding="utf-8").rstrip()
    return said.format(latency_ms=details["latency_ms"], concurrency=CONCURRENCY, **details["sizes"])


def _where_the_cpu_went(details: Document) -> Iterator[str]:
    yield "## Where the CPU went"
    yield ""
    yield "Seconds of CPU in each run. Where the workers' seconds come near the run's own, one core was the limit."
    yield ""
    yield "| run | workers | PostgreSQL | CRM |"
    yield "|---|---:|---:|---:|"
    crowd = details["crowd"]
    runs = {
        f"burst of {details['burst']['bookings']:,}": details["burst"],
        **{f"long lane, {name.replace('_', ' ')}": cost for name, cost in details["long_lane"].items()},
        f"many connections ({crowd['seconds']} s)": {
            **crowd,
            "org_cpu_seconds": crowd["answerer_cpu_seconds"],
        },
    }
    for name, cost in runs.items():
        used = (cost["worker_cpu_seconds"], cost["postgres_cpu_seconds"], cost["org_cpu_seconds"])
        yield f"| {name} | {' | '.join(f'{seconds:.1f}' for seconds in used)} |"
