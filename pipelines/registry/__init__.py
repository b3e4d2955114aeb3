"""The champion pointer, the bundles kept, and the promotion gate over them."""
