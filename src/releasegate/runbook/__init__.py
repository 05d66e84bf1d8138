"""The procedures: what is done, in which order, behind which fence."""
