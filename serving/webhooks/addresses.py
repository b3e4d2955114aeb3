"""Where a webhook may go, as it is registered: public https addresses and declared networks."""

from collections.abc import Sequence

from pipelines.outbound.networks import IPNetwork
from pipelines.outbound.receivers import AddressRefusedError, parse_address, resolve_receiver
from serving.problems import InvalidError


def check_address(url: str, networks: Sequence[IPNetwork] = ()) -> None:
    """Refuse an address nobody would deliver to, when it is registered.

    A name that does not resolve now is accepted: it is checked at every delivery.

    Raises
    ------
    InvalidError
        if the address is malformed, plain http outside the declared networks, or leads into a network that was not
        declared.
    """
    try:
        receiver = parse_address(url)
        resolve_receiver(receiver, networks)
    except AddressRefusedError as problem:
        raise InvalidError(
            f"{problem}. A webhook needs an https address outside this network, without user or password; addresses "
            "inside it must be declared: LEADSCORE_SERVE_WEBHOOK_NETWORKS."
        ) from problem
    except OSError:
        if receiver.scheme != "https":
            raise InvalidError("this name does not resolve, and plain http is for declared networks only.") from None
