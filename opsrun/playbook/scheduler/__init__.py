"""What is done next on which host: a play's strategy, blocks, handlers, thresholds. Pure."""

from opsrun.playbook.scheduler.batches import batches, ordered
from opsrun.playbook.scheduler.errors import Complaint, StaleMessage
from opsrun.playbook.scheduler.play import PlayScheduler
from opsrun.playbook.scheduler.settings import PlaySettings

__all__ = ["Complaint", "PlayScheduler", "PlaySettings", "StaleMessage", "batches", "ordered"]
