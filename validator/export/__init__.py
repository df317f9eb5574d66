"""Export: a model's schema with all it refers to, as one document, in the words of a target.

The hand-written schemas are the only source: an export is derived from them when it is asked for.
"""

from .dialect import TARGETS, Target
from .document import Export, export
from .loss import Effect, Loss

__all__ = ["TARGETS", "Effect", "Export", "Loss", "Target", "export"]
