"""What people report becomes an anomaly like any other: nothing but a named person's check can end it.

It counts at its own time, or where that has passed already at what its topic had come to: what somebody saw is worth
following even if their telephone was slow.
"""

from __future__ import annotations

from schemas import channels
from schemas.anomalies import Anomaly, Evidence
from schemas.catalogue import Reports
from schemas.envelope import gateway_urn
from schemas.ids import anomaly_id
from schemas.reports import Report
from schemas.times import format_time
from streams.sense.judging import Judging

SUBJECT = "reports"  # all of a unit's reports of one scenario are one subject: the same thing is often reported twice
DETECTOR = "report"
VERSION = 1


def reported(report: Report, time_ns: int, judging: Judging, weight: Reports) -> Anomaly:
    """Return the onset of what a report is about; an official source's word weighs what the scenario says."""
    record, mode = judging.record, judging.envelope.mode
    official = {gateway_urn(gateway): score for gateway, score in weight.official.items()}
    source = judging.envelope.source or ""
    evidence = Evidence(
        topic=channels.REPORTS,
        partition=record.partition,
        offset=record.offset,
        name=report.report_id,
        time=report.time,
    )
    return Anomaly(
        id=anomaly_id(f"{mode}/{report.unit_id}/{report.category}/{report.report_id}", DETECTOR, time_ns),
        phase="onset",
        unit_id=report.unit_id,
        subject=SUBJECT,
        kind="report",
        scenario=report.category,
        onset=format_time(time_ns),
        time=format_time(max(time_ns, judging.watermark)),
        score=official.get(source, weight.score),
        quality=1.0 if source in official else weight.quality,
        detector=DETECTOR,
        detector_version=VERSION,
        mode=mode,
        evidence=(evidence,),
    )
