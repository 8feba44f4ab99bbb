"""A brief beside the client's own summary, where the transcript holds it before the brief is given."""

from db import briefs
from db.briefs import Brief
from db.pool import Conn
from dcm import transcript_ends
from dcm.domain import briefs as brief_rules
from dcm.domain.briefs.fitting import leaves_out, size
from dcm.domain.transcripts import summary_since


def beside_summary(conn: Conn, session_id: str, brief: Brief, transcript_path: str) -> str:
    """The text of a brief; where room was short, what the summary of the same compaction says makes room.

    An older summary counts for nothing: what it says has been compacted since.
    """
    if not leaves_out(brief.content):
        return brief.content
    summary = summary_since(transcript_ends.tail(transcript_path), brief.made_for)
    snapshot = briefs.snapshot(conn, session_id, brief.made_for) if summary else None
    if snapshot is None:
        return brief.content
    text = brief_rules.brief(snapshot, size(brief.content), summary)
    briefs.rewrite(conn, session_id, brief.made_for, text)
    return text
