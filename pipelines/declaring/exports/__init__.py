"""From the tables of an export, in whatever files, to one declaration: what each is, how they refer to each other."""
