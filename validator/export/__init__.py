"""Export: the schema of a model with its references, as a document in the dialect of a target.

The hand-written schemas are the only source: exports are derived from them on request.
"""

from .dialect import TARGETS, Target
from .document import Export, export
from .loss import Effect, Loss

__all__ = ["TARGETS", "Effect", "Export", "Loss", "Target", "export"]
