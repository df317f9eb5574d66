"""Rules about points in time."""

from __future__ import annotations

from ..findings.code import Confidence, Example, Severity
from ..model.formats import moment
from .context import Context, Violations
from .rule import RESPONSES, rule


@rule(
    "time/updated-before-created",
    Severity.WARNING,
    summary="A session was updated before it was created.",
    message="updated ({updated}) is before created ({created})",
    why="A session can't change before it exists, so the response was edited or made up.",
    fix="Correct the fixture, or record the response again.",
    source="Descriptions of CustomerSessionV2.created and updated",
    confidence=Confidence.INFERRED,
    models=RESPONSES,
    bad=(
        Example(
            {"created": "2020-06-10T09:05:27.993483Z", "updated": "2020-02-08T14:15:22Z"},
            {"model": "CustomerSessionV2"},
        ),
    ),
    good=(
        Example(
            {"created": "2020-02-08T14:15:22Z", "updated": "2020-02-08T15:15:22+01:00"},
            {"model": "CustomerSessionV2"},
        ),
    ),
    reads=("created", "updated"),
)
def updated_before_created(context: Context) -> Violations:
    """Compare the two times, if both are present."""
    created, updated = (context.session.get(name) for name in ("created", "updated"))
    if created is None or updated is None:
        return
    began, changed = moment(created), moment(updated)
    if began is not None and changed is not None and changed < began:
        yield context.violation(
            "updated",
            values={"created": created, "updated": updated},
            related=(context.place("created"),),
        )
