"""What the tests of exports share."""

from support.node import node_folder

__all__ = ["node_folder"]
