"""With CI=true a skipped test fails: what isn't run there is run nowhere.

One skip is allowed, that of a TFLM library that nobody gave: counted and printed.
Hypothesis has no deadline: what it tests are values, and the cores may be busy.
"""

import os
from collections.abc import Generator

import hypothesis
import pytest

hypothesis.settings.register_profile("values", deadline=None)
hypothesis.settings.load_profile("values")

ALLOWED_SKIP = "no TFLM library is given"


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or not report.skipped:
        return
    # An expected failure is reported as skipped too, and has run.
    if hasattr(report, "wasxfail"):
        return
    where = report.longrepr
    reason = where[2] if isinstance(where, tuple) else where
    if str(reason).startswith(f"Skipped: {ALLOWED_SKIP}"):
        return
    report.outcome = "failed"
    report.longrepr = f"with CI=true a skipped test is a failure: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[
    None, pytest.CollectReport, pytest.CollectReport
]:
    report = yield
    _fail_if_skipped(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    allowed = [report for report in skipped if ALLOWED_SKIP in str(report.longrepr)]
    if allowed:
        terminalreporter.line(
            f"{len(allowed)} skipped because {ALLOWED_SKIP} (EI_BERT_TFLM_INCLUDE)"
        )
