"""The table: requests as they are on the wire, the rule for each, and what has to come of it.

Where a rule leaves a choice, the clause names what chose.
"""

from http1.cases import (
    chunks,
    codings,
    connections,
    expectations,
    fields,
    host,
    lengths,
    leniency,
    limits,
    pipelines,
    request_line,
    responses,
    smuggling,
    targets,
    trailers,
    versions,
)
from support.conformance import Group

GROUPS: list[Group] = [
    request_line.GROUP,
    versions.GROUP,
    targets.GROUP,
    host.GROUP,
    fields.GROUP,
    lengths.GROUP,
    codings.GROUP,
    chunks.GROUP,
    trailers.GROUP,
    connections.GROUP,
    expectations.GROUP,
    pipelines.GROUP,
    smuggling.GROUP,
    responses.GROUP,
    leniency.GROUP,
    limits.GROUP,
]
