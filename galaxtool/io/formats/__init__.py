"""One module for each format of a table: ``read(path) -> Table`` and ``write(table, path, meta)``.

`galaxtool.io.tables` chooses among them by suffix, gives them plain columns, and turns what they raise into errors
for a person.
"""
