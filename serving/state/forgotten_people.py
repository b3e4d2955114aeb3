"""Who is forgotten, as the register says at this moment: asked inside each write, so that none brings anybody back."""

import threading
from pathlib import Path

from pipelines.workspace.people.register import FORGOTTEN, PeopleRegister, read_register, register_stamp
from serving.problems import UnknownLeadError


class ForgottenPeople:
    """The register of a source, read again whenever it changes; a look costs one system call."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stamp = (0, 0)
        self._register = PeopleRegister()
        self._lock = threading.Lock()

    @property
    def register(self) -> PeopleRegister:
        """As it stands now."""
        stamp = register_stamp(self._root)
        if stamp != self._stamp:
            with self._lock:
                self._register, self._stamp = read_register(self._root), stamp
        return self._register

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes whenever the register does."""
        return register_stamp(self._root)

    def refuse_forgotten(self, lead_id: str | None) -> None:
        """UnknownLeadError for somebody who is forgotten, as for anybody who is not in the data."""
        if lead_id is not None and FORGOTTEN in self.register.asks_of(lead_id):
            raise UnknownLeadError("this lead is not in the data (or not yours); check the id on the worklist.")
