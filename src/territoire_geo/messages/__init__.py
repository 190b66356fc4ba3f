"""What a diagnostic says in a few sentences: by need how many, where and who could answer, each with its caution."""

from territoire_geo.messages._headlines import headlines
from territoire_geo.messages._needs import key_messages
from territoire_geo.messages._record import Message

__all__ = ["Message", "headlines", "key_messages"]
