"""Catalogues of galaxy-datasets, the package that loads data for Zoobot."""
