"""Checks for the tests of a plugin; each raises `AssertionError` with a message of one sentence.

::

    from galaxtool import check_backbone

    def test_backbone():
        check_backbone("example-tiny@none")
"""
