"""Detection in fields and maps of any size: windows, merging, parts that can be resumed."""
