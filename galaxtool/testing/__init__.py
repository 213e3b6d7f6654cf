"""Checks that a plugin's author runs in own tests; each raises `AssertionError` with a sentence.

::

    from galaxtool import check_backbone

    def test_backbone():
        check_backbone("example-tiny@none")
"""
