"""Help in place: the glossary of the pages, and one page of help per role."""
