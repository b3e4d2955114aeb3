"""From files of any form to the canonical tables; what breaks the contract goes to quarantine."""
