"""What was said of merged leads, said of the leads they became."""

from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from serving.logs import logger
from serving.state.loaded_state import LoadedState
from serving.store.engine import Store
from serving.store.merged_feedback import MergeFollower


class MergedLeads:
    """Has the store follow the merges of a state's data; one per application."""

    def __init__(self, store: Store) -> None:
        self._merges = MergeFollower(store)
        self._wait = False  # whether the store last took no writes of merged leads

    def follow(self, state: LoadedState) -> None:
        """Move what is not moved yet; a store that takes no writes is asked again by the watcher.

        Raises
        ------
        LeadScoreError, OSError : who became whom cannot be read
        """

        def read_merged() -> Mapping[str, str]:
            # imported where somebody said something of a merged lead: a start would feel what resolves people
            from pipelines.ingest.identity_files import read_merged_leads

            return read_merged_leads(state.model.context.paths)

        try:
            self._merges.follow(state.data.lead_ids, read_merged)  # the next look at the list scores them again
            self._wait = False
        except SQLAlchemyError as problem:
            if not self._wait:
                logger().warning("feedback of merged leads not moved", kind=type(problem).__name__)
            self._wait = True
