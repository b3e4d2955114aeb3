"""What others on the machine could open."""

from pathlib import Path


def open_to_others(folder: Path) -> dict[str, str]:
    """Permissions of a folder and all in it that are not their user's alone, by path."""
    found = {path: path.lstat().st_mode & 0o777 for path in (folder, *folder.rglob("*")) if not path.is_symlink()}
    return {str(path.relative_to(folder)): oct(mode) for path, mode in found.items() if mode & 0o077}
